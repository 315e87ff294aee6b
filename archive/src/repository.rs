//! A repository in restic's format: made, written, verified, read, checked and pruned.
//!
//! This module and its folder are the only place that names the engine, rustic_core, and close the gaps that were
//! measured at its edges: the engine neither locks, nor guards the making of a repository, nor counts what its source
//! failed to give. Its work blocks threads; all of it leaves the asynchronous world in one place.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustic_core::{Credentials, Id, OpenStatus, Repository as Engine};
use snafu::ResultExt;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use crate::access::Password;
use crate::lock::{self, Lock, Locks, Mode};
use crate::progress::Progress;
use crate::sealed::Key;
use crate::store::{ObjectStore, Place};
use crate::worker::{Peers, Worker};

mod backend;
mod backup;
mod digest;
mod error;
mod keys;
pub mod look;
mod maintain;
mod open;
mod packs;
mod read;
mod source;

use backend::Backend;
pub use backup::{BackupRequest, Stored};
use error::{EngineSnafu, LockSnafu};
pub use error::{Error, Result};
pub use keys::KeyInfo;
pub use read::{File, Snapshot};

/// How long an operation waits for locks of others.
const LOCK_PATIENCE: Duration = Duration::from_mins(10);

/// How long cleaning up after an end may take: a process that was told to stop has about thirty seconds.
const CLEAN_UP: Duration = Duration::from_secs(10);

/// An open repository.
///
/// Its operations take the locks that they need, and run one at a time. When the token that it was opened with is
/// cancelled, what runs stops with [`Error::Cancelled`] and releases its lock.
pub struct Repository {
    inner: Arc<Inner>,
    /// Held while an operation runs, since they share a backend; in it the lock of [`Repository::hold`].
    running: Mutex<Option<Lock>>,
    cancel: CancellationToken,
    lock_patience: Duration,
    peers: Option<Arc<dyn Peers>>,
    waits: Option<watch::Sender<Option<String>>>,
}

/// What the blocking part needs.
struct Inner {
    engine: Engine<OpenStatus>,
    backend: Arc<Backend>,
    locks: Locks,
    store: Arc<dyn ObjectStore>,
    directory: String,
}

/// Where a repository is, and who works on it.
#[derive(Clone, Debug)]
pub struct Site {
    /// The storage.
    pub store: Arc<dyn ObjectStore>,
    /// The directory below the prefix of the storage: the path of the Repository and that of the component.
    pub directory: String,
    /// Who works on it.
    pub worker: Worker,
    /// Stops everything that is done with the repository.
    pub cancel: CancellationToken,
}

impl Site {
    /// A place that nothing but the end of the process stops.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, directory: String, worker: Worker) -> Self {
        Self { store, directory, worker, cancel: CancellationToken::new() }
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Repository({:?} in {})", self.inner.directory, self.inner.place())
    }
}

impl Repository {
    /// Opens a repository; [`Error::Missing`] if there is none.
    ///
    /// Costs one scrypt (about 0.3 s and 128 MiB for a moment) for each key that the repository has.
    pub async fn open(site: Site, password: &Password) -> Result<Self> {
        open::open(site, password).await
    }

    /// Opens a repository, and makes it where there is nothing yet.
    ///
    /// Of several that do so at the same time exactly one makes it. Anything but an empty place, a refused or failed
    /// listing or a wrong password included, is never taken for an empty one.
    pub async fn open_or_initialise(site: Site, password: &Password) -> Result<Self> {
        open::open_or_initialise(site, password).await
    }

    /// Sets how long operations wait for locks of others; ten minutes if this is not called.
    #[must_use]
    pub fn waiting_for_locks(mut self, patience: Duration) -> Self {
        self.lock_patience = patience;
        self
    }

    /// Asks `peers` about the owners of locks that are in the way.
    #[must_use]
    pub fn asking(mut self, peers: Arc<dyn Peers>) -> Self {
        self.peers = Some(peers);
        self
    }

    /// Tells whose lock an operation waits for, and `None` once that is over.
    #[must_use]
    pub fn telling_waits(mut self, waits: watch::Sender<Option<String>>) -> Self {
        self.waits = Some(waits);
        self
    }

    /// Takes a shared lock and keeps it for the operations that follow, until [`Repository::release`] or the end of
    /// this value: taking one costs a moment of settling each time. An exclusive operation gives it back first.
    pub async fn hold(&self) -> Result<()> {
        let mut held = self.running.lock().await;
        if held.is_none() {
            *held = Some(self.lock(Mode::Shared).await?);
        }
        Ok(())
    }

    /// Gives back what [`Repository::hold`] took.
    pub async fn release(&self) {
        release(self.running.lock().await.take()).await;
    }

    /// Takes a lock, for work that another program does in the repository. The operations here take their own.
    pub async fn lock(&self, mode: Mode) -> Result<Lock> {
        let mut locks = self.inner.locks.clone();
        if let Some(peers) = &self.peers {
            locks = locks.asking(Arc::clone(peers));
        }
        if let Some(waits) = &self.waits {
            locks = locks.telling(waits.clone());
        }
        match locks.acquire(mode, self.lock_patience, &self.cancel).await {
            Err(crate::lock::Error::Cancelled { .. }) => Err(Error::Cancelled),
            acquired => acquired.context(LockSnafu),
        }
    }

    /// Every lock of the repository, oldest first, whoever holds it. No lock is taken for it.
    pub async fn locks(&self) -> Result<Vec<lock::Found>> {
        self.inner.locks.found().await.context(LockSnafu)
    }

    /// Removes a lock of anybody: for a person who knows that its owner is gone.
    pub async fn discard_lock(&self, file: &str) -> Result<()> {
        self.inner.locks.discard(file).await.context(LockSnafu)
    }

    /// The keys that open the repository, oldest first. No lock is taken for it.
    pub async fn keys(&self) -> Result<Vec<KeyInfo>> {
        self.unlocked(keys::list).await
    }

    /// Adds a key with `password`, and returns its id. Who knows it can open the repository from then on. Under a shared
    /// lock. `user` and `host` are what the key says about its maker.
    pub async fn add_key(&self, password: &Password, user: &str, host: &str) -> Result<String> {
        let (password, user, host) = (password.clone(), user.to_owned(), host.to_owned());
        self.locked(Mode::Shared, None, move |inner, _| keys::add(inner, &password, user, host)).await
    }

    /// Removes the key with this id, which must be given in full, under an exclusive lock. Never the one that the
    /// repository was opened with, and so never the last one: [`Error::KeyInUse`].
    pub async fn remove_key(&self, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.locked(Mode::Exclusive, None, move |inner, _| keys::remove(inner, &id)).await
    }

    /// Writes a backup, reads it back and compares; see [`BackupRequest`]. Under a shared lock.
    pub async fn backup(&self, request: BackupRequest) -> Result<Stored> {
        let progress = Some(Arc::clone(&request.progress));
        self.locked(Mode::Shared, progress, move |inner, cancel| backup::run(inner, request, cancel)).await
    }

    /// Adds the tag `incomplete` to a snapshot that lacks a part of its scope. The snapshot gets a new id, which is
    /// returned; everything else in it stays.
    pub async fn mark_incomplete(&self, id: &str) -> Result<String> {
        let id = id.to_owned();
        self.locked(Mode::Shared, None, move |inner, _| maintain::mark_incomplete(inner, &id)).await
    }

    /// Checks index, packs and trees, without reading the data, as `restic check` does. Returns the problems found.
    pub async fn check(&self) -> Result<Vec<String>> {
        self.locked(Mode::Shared, None, |inner, _| maintain::check(inner)).await
    }

    /// The bytes of all blobs as they are stored, each once (contract section 13, A45).
    pub async fn size(&self) -> Result<u64> {
        self.locked(Mode::Shared, None, |inner, _| maintain::size(inner)).await
    }

    /// All snapshots, oldest first.
    pub async fn snapshots(&self) -> Result<Vec<Snapshot>> {
        self.locked(Mode::Shared, None, |inner, _| read::snapshots(inner)).await
    }

    /// The files of a snapshot below `root`, in the order of the tree, with paths relative to it.
    pub async fn files(&self, id: &str, root: &str) -> Result<Vec<File>> {
        let (id, root) = (id.to_owned(), root.to_owned());
        self.locked(Mode::Shared, None, move |inner, _| read::files(inner, &id, &root)).await
    }

    /// The content of one file; `path` is absolute in the snapshot.
    pub async fn read(&self, id: &str, path: &str) -> Result<Vec<u8>> {
        let (id, path) = (id.to_owned(), path.to_owned());
        self.locked(Mode::Shared, None, move |inner, _| read::read(inner, &id, &path)).await
    }

    /// Removes snapshots and then what no snapshot needs, under an exclusive lock.
    ///
    /// `witness` are the ids that independent records name, those to be removed among them or not: if the listing of
    /// the repository lacks one, nothing is removed, since a listing that is short would make live data look unused.
    /// Data goes at the earliest a day after it fell out of use.
    pub async fn forget_and_prune(&self, forget: BTreeSet<String>, witness: BTreeSet<String>) -> Result<()> {
        self.locked(Mode::Exclusive, None, move |inner, _| {
            maintain::forget_and_prune(inner, &forget, &witness)
        })
        .await
    }

    /// Runs `work`, which only reads what never changes, on a blocking thread and without a lock.
    async fn unlocked<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _running = self.running.lock().await;
        self.inner.backend.begin(self.cancel.child_token(), None);
        self.inner.blocking(work).await
    }

    /// Runs `work` on a blocking thread under a lock, and releases the lock whatever happens.
    async fn locked<T: Send + 'static>(
        &self,
        mode: Mode,
        progress: Option<Arc<Progress>>,
        work: impl FnOnce(&Inner, &CancellationToken) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut held = self.running.lock().await;
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        if mode == Mode::Exclusive {
            release(held.take()).await;
        }
        let own = if held.is_none() { Some(self.lock(mode).await?) } else { None };
        let run = self.cancel.child_token();
        self.inner.backend.begin(run.clone(), progress);
        let result = match own.as_ref().or(held.as_ref()) {
            Some(lock) => self.watched(lock, run, work).await,
            None => Err(Error::Cancelled),
        };
        release(own).await;
        result
    }

    /// Runs `work`, and stops it when the lock is lost.
    async fn watched<T: Send + 'static>(
        &self,
        lock: &Lock,
        run: CancellationToken,
        work: impl FnOnce(&Inner, &CancellationToken) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let token = run.clone();
        let mut work = std::pin::pin!(self.inner.blocking(move |inner| work(inner, &token)));
        let result = tokio::select! {
            result = &mut work => return result,
            () = lock.lost().cancelled() => {
                run.cancel();
                work.await
            }
        };
        let directory = self.inner.directory.clone();
        result.map_err(|_| Error::LostLock { directory })
    }
}

impl Inner {
    fn place(&self) -> &Arc<Place> {
        self.store.place()
    }

    /// The one place where the engine's blocking work leaves the asynchronous world.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(self);
        blocking(&self.directory, move || work(&inner)).await
    }

    /// The engine once more, without another scrypt: what loads an index consumes it.
    fn again(&self) -> Result<Engine<OpenStatus>> {
        let credentials = Credentials::Masterkey(self.engine.key());
        let engine = open::engine(&self.backend).and_then(|engine| engine.open(&credentials));
        engine.map_err(self.engine_error("open"))
    }

    /// Translates an error of the engine: the store's own, if it had one, says more.
    fn engine_error(&self, action: &'static str) -> impl Fn(Box<rustic_core::RusticError>) -> Error + '_ {
        move |error| match self.backend.failure() {
            Some(source) => Error::Store { source },
            None if self.backend.is_cancelled() => Error::Cancelled,
            None => EngineSnafu { action, directory: self.directory.clone(), reason: told(&error) }.build(),
        }
    }
}

/// What the engine says, without the word "Error" in front.
fn told(error: &rustic_core::RusticError) -> String {
    let told = error.display_log();
    told.strip_prefix("Error: ").map_or_else(|| told.clone(), str::to_owned)
}

/// Releases a lock. The work under it is done or has failed; a lock that stays goes stale by itself.
async fn release(lock: Option<Lock>) {
    let Some(lock) = lock else { return };
    match tokio::time::timeout(CLEAN_UP, lock.release()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "failed to release a lock"),
        Err(_) => tracing::warn!("failed to release a lock: no answer in time"),
    }
}

/// Runs `work` on a thread that may block. A panic of the engine becomes an error.
async fn blocking<T: Send + 'static>(
    directory: &str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => {
            let reason =
                if error.is_panic() { "the engine panicked" } else { "the runtime is shutting down" };
            EngineSnafu { action: "work on", directory, reason }.fail()
        }
    }
}

/// The master key, for what the engine does not do.
fn master_key(engine: &Engine<OpenStatus>, directory: &str) -> Result<Key> {
    let key = engine.key();
    Key::new(&key.encrypt, &key.mac.k, &key.mac.r).ok_or_else(|| {
        EngineSnafu { action: "open", directory, reason: "its master key has an unknown form" }.build()
    })
}

/// A time as the engine keeps it.
fn zoned(time: Timestamp) -> jiff::Zoned {
    time.to_zoned(jiff::tz::TimeZone::UTC)
}

/// An id in full; the engine prints the first eight digits.
fn full(id: &Id) -> String {
    id.to_hex().as_str().to_owned()
}
