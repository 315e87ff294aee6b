//! restic's locks: written, refreshed, honoured and released.
//!
//! rustic knows no locks, restic relies on them (measured: a `restic prune` between two writes of an unlocked backup
//! destroys the backup). So every access to a repository happens under a lock of restic's format.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use snafu::{OptionExt, ResultExt, Snafu};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::Permanence;
use crate::sealed::Key;
use crate::store::{self, Condition, ObjectStore, content_type};
use crate::worker::{Peers, Worker};

mod file;
mod found;
pub mod rules;

pub use found::Found;
pub use rules::{Content, Mode};
use rules::{GIVE_UP, REFRESH, SETTLE};

/// How many lock files are read at the same time.
const READS_IN_FLIGHT: usize = 8;
/// Between two tries to refresh a lock.
const RETRY: Duration = Duration::from_secs(30);
/// Between two looks at a lock of somebody else.
const POLL: Duration = Duration::from_secs(2);

/// Why there is no lock.
#[derive(Debug, Snafu)]
pub enum Error {
    /// Somebody else has it.
    #[snafu(display("repository {directory:?} in {place} is locked: {owner}"))]
    Locked {
        /// The storage.
        place: Arc<store::Place>,
        /// The repository.
        directory: String,
        /// Kind, owner and age of the lock.
        owner: String,
    },
    /// A lock file cannot be read. It is not removed: it may protect somebody.
    #[snafu(display("lock file {file:?} of repository {directory:?} in {place} cannot be read: {reason}"))]
    Corrupt {
        /// The storage.
        place: Arc<store::Place>,
        /// The repository.
        directory: String,
        /// The name of the file.
        file: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The lock could not be encrypted.
    #[snafu(display("failed to encrypt a lock of repository {directory:?}"))]
    Seal {
        /// The repository.
        directory: String,
    },
    /// The run was cancelled while it waited.
    #[snafu(display("cancelled while waiting for the lock of repository {directory:?}"))]
    Cancelled {
        /// The repository.
        directory: String,
    },
    /// The object store failed.
    #[snafu(display("failed to {action} a lock of repository {directory:?}: {source}"))]
    Store {
        /// `read`, `write` or `remove`.
        action: &'static str,
        /// The repository.
        directory: String,
        /// What happened.
        source: store::Error,
    },
}

impl Error {
    /// Whether trying again can help.
    #[must_use]
    pub const fn permanence(&self) -> Permanence {
        match self {
            Self::Locked { .. } | Self::Cancelled { .. } => Permanence::Temporary,
            Self::Corrupt { .. } | Self::Seal { .. } => Permanence::Permanent,
            Self::Store { source, .. } => source.permanence(),
        }
    }
}

type Result<T, E = Error> = std::result::Result<T, E>;

/// The locks of one repository.
#[derive(Clone, Debug)]
pub struct Locks {
    store: Arc<dyn ObjectStore>,
    directory: String,
    key: Key,
    worker: Worker,
    peers: Option<Arc<dyn Peers>>,
    waits: Option<watch::Sender<Option<String>>>,
}

/// A lock that is held, and refreshed while it is.
///
/// [`Lock::release`] removes it. Dropping it without does so in the background if a runtime is there, which the end of
/// a process does not wait for; then it goes stale.
#[derive(Debug)]
pub struct Lock {
    locks: Locks,
    file: Arc<Mutex<Option<String>>>,
    refresh: JoinHandle<()>,
    lost: CancellationToken,
}

impl Locks {
    /// The locks of the repository in `directory`.
    #[must_use]
    pub const fn new(store: Arc<dyn ObjectStore>, directory: String, key: Key, worker: Worker) -> Self {
        Self { store, directory, key, worker, peers: None, waits: None }
    }

    /// Asks `peers` about the owners of locks that are in the way.
    #[must_use]
    pub fn asking(mut self, peers: Arc<dyn Peers>) -> Self {
        self.peers = Some(peers);
        self
    }

    /// Tells whose lock is waited for, and `None` once that is over.
    #[must_use]
    pub fn telling(mut self, waits: watch::Sender<Option<String>>) -> Self {
        self.waits = Some(waits);
        self
    }

    /// Takes a lock, waiting up to `patience` for those of others.
    ///
    /// Stale locks of others are removed on the way, as `restic unlock` does.
    pub async fn acquire(&self, mode: Mode, patience: Duration, cancel: &CancellationToken) -> Result<Lock> {
        let acquired = self.queue(mode, patience, cancel).await;
        self.tell(None);
        acquired
    }

    /// Wakes who listens only when it is news.
    fn tell(&self, holder: Option<String>) {
        if let Some(waits) = &self.waits {
            let is_news = *waits.borrow() != holder;
            if is_news {
                waits.send_replace(holder);
            }
        }
    }

    async fn queue(&self, mode: Mode, patience: Duration, cancel: &CancellationToken) -> Result<Lock> {
        let give_up = Instant::now() + patience;
        loop {
            let blocked = match self.blocking(mode, None).await? {
                Some(owner) => owner,
                None => match self.attempt(mode).await? {
                    Attempt::Held(lock) => return Ok(lock),
                    Attempt::Met(owner) => owner,
                },
            };
            if Instant::now() >= give_up {
                let (place, directory) = (Arc::clone(self.store.place()), self.directory.clone());
                let owner = blocked.describe((self.worker.clock)()).to_string();
                return LockedSnafu { place, directory, owner }.fail();
            }
            self.tell(Some(blocked.holder()));
            // Two that meet must not come back at the same moment for ever.
            let wait = POLL.mul_f64(0.5 + rand::random::<f64>());
            let left = give_up.saturating_duration_since(Instant::now());
            tokio::select! {
                () = cancel.cancelled() => return CancelledSnafu { directory: self.directory.clone() }.fail(),
                () = tokio::time::sleep(wait.min(left)) => {}
            }
        }
    }

    /// Writes a lock and looks again: one who wrote at the same moment is seen now, by both.
    async fn attempt(&self, mode: Mode) -> Result<Attempt> {
        let file = self.write(mode).await?;
        let lock = Lock::keep(self.clone(), mode, file.clone());
        tokio::time::sleep(SETTLE).await;
        match self.blocking(mode, Some(&file)).await {
            Ok(None) => Ok(Attempt::Held(lock)),
            Ok(Some(owner)) => lock.release().await.map(|()| Attempt::Met(owner)),
            Err(error) => {
                // The first error is the one to tell; what stays behind goes stale.
                let _ = lock.release().await;
                Err(error)
            }
        }
    }

    /// The first lock of somebody else that excludes `mode`; removes stale ones.
    async fn blocking(&self, mode: Mode, own: Option<&str>) -> Result<Option<Content>> {
        let now = (self.worker.clock)();
        let mut blocked = None;
        for (file, content) in self.read().await? {
            if own == Some(file.as_str()) {
                continue;
            }
            if content.is_stale(now) || (content.excludes(mode) && self.is_abandoned(&content).await) {
                tracing::warn!(lock = %content.describe(now), "removing a stale lock");
                self.remove(&file).await?;
            } else if content.excludes(mode) && blocked.is_none() {
                blocked = Some(content);
            }
        }
        Ok(blocked)
    }

    /// Whether the owner of a lock is one of ours, and has ended.
    async fn is_abandoned(&self, content: &Content) -> bool {
        let Some(peers) = &self.peers else { return false };
        let is_peer = content.username == self.worker.username && content.hostname != self.worker.hostname;
        is_peer && peers.has_ended(&content.hostname).await
    }

    /// All lock files with their content. One that vanishes between listing and reading was released.
    async fn read(&self) -> Result<Vec<(String, Content)>> {
        let prefix = self.path("");
        let listed = self.store.list(&prefix).await.context(self.store_error("read"))?;
        let locks: Vec<Option<(String, Content)>> = futures::stream::iter(listed)
            .map(|object| async move { self.read_one(&object.key).await })
            .buffered(READS_IN_FLIGHT)
            .try_collect()
            .await?;
        Ok(locks.into_iter().flatten().collect())
    }

    async fn read_one(&self, path: &str) -> Result<Option<(String, Content)>> {
        let file = path.rsplit('/').next().unwrap_or(path).to_owned();
        if file.is_empty() {
            // A directory marker that some tool left.
            return Ok(None);
        }
        let object = match self.store.get(path).await {
            Err(error) if error.is_not_found() => return Ok(None),
            object => object.context(self.store_error("read"))?,
        };
        match file::open(&self.key, &object.content) {
            Ok(content) => Ok(Some((file, content))),
            Err(reason) => {
                let (place, directory) = (Arc::clone(self.store.place()), self.directory.clone());
                CorruptSnafu { place, directory, file, reason }.fail()
            }
        }
    }

    async fn write(&self, mode: Mode) -> Result<String> {
        let content = self.content(mode);
        let (name, file) = file::seal(&self.key, &content, rand::random())
            .context(SealSnafu { directory: self.directory.clone() })?;
        self.store
            .put(&self.path(&name), file, content_type::BINARY, Condition::Always)
            .await
            .context(self.store_error("write"))?;
        Ok(name)
    }

    async fn remove(&self, file: &str) -> Result<()> {
        self.store.delete(&self.path(file)).await.context(self.store_error("remove"))
    }

    fn content(&self, mode: Mode) -> Content {
        Content {
            time: (self.worker.clock)(),
            exclusive: mode == Mode::Exclusive,
            hostname: self.worker.hostname.clone(),
            username: self.worker.username.clone(),
            pid: i64::from(self.worker.process),
        }
    }

    fn path(&self, file: &str) -> String {
        format!("{}/locks/{file}", self.directory)
    }

    fn store_error(&self, action: &'static str) -> StoreSnafu<&'static str, String> {
        StoreSnafu { action, directory: self.directory.clone() }
    }
}

enum Attempt {
    Held(Lock),
    Met(Content),
}

impl Lock {
    fn keep(locks: Locks, mode: Mode, file: String) -> Self {
        let file = Arc::new(Mutex::new(Some(file)));
        let lost = CancellationToken::new();
        let refresh = tokio::spawn(refresh(locks.clone(), mode, Arc::clone(&file), lost.clone()));
        Self { locks, file, refresh, lost }
    }

    /// Cancelled when the lock could not be refreshed for so long that others may take it for stale: work under it
    /// must stop.
    #[must_use]
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Removes the lock.
    pub async fn release(self) -> Result<()> {
        // The refresh holds this mutex while it replaces the file, so there is exactly one file to remove.
        let file = self.file.lock().await.take();
        match file {
            Some(file) => self.locks.remove(&file).await,
            None => Ok(()),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let (file, locks) = (Arc::clone(&self.file), self.locks.clone());
        let refresh = self.refresh.abort_handle();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            refresh.abort();
            return;
        };
        runtime.spawn(async move {
            let file = file.lock().await.take();
            refresh.abort();
            if let Some(file) = file
                && let Err(error) = locks.remove(&file).await
            {
                tracing::warn!(%error, "failed to remove a dropped lock");
            }
        });
    }
}

/// Replaces the lock file every few minutes: first the new one, then away with the old one.
async fn refresh(locks: Locks, mode: Mode, file: Arc<Mutex<Option<String>>>, lost: CancellationToken) {
    let mut refreshed: Timestamp = (locks.worker.clock)();
    let mut wait = REFRESH;
    loop {
        tokio::time::sleep(wait).await;
        let mut current = file.lock().await;
        let Some(old) = current.clone() else { return };
        match locks.write(mode).await {
            Ok(new) => {
                refreshed = (locks.worker.clock)();
                wait = REFRESH;
                *current = Some(new);
                if let Err(error) = locks.remove(&old).await {
                    tracing::warn!(%error, "failed to remove a refreshed lock");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "failed to refresh a lock");
                wait = RETRY;
                if (locks.worker.clock)().duration_since(refreshed) > GIVE_UP {
                    lost.cancel();
                    return;
                }
            }
        }
    }
}
