//! Looking into snapshots: the index is read once, directories once each, and of the data only what is asked for.
//!
//! No lock is taken. Nothing is written, so that a key that may only read is enough and nothing is left behind by whoever
//! walks away from a pager; what is read never changes, and a prune leaves what it removes for a day. Data that another
//! program destroyed meanwhile is an error that names it, never a short answer.

mod blobs;
mod trees;
mod unpack;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustic_core::repofile::SnapshotId;
use rustic_core::{DataId, IndexedFullStatus, Repository as Engine, TreeId};

use super::error::{EngineSnafu, Error, NotFoundSnafu, Result};
use super::{Inner, Repository, full};
use trees::Trees;

/// What a snapshot names that is no longer there, or was made by somebody who means harm, is an error of this action.
const ACTION: &str = "look into a snapshot of";
/// How many requests are on their way, and how many threads read answers.
const PARALLEL: usize = 8;

/// A repository with its index in memory.
pub struct Reader {
    looking: Arc<Looking>,
    /// Keeps the token alive that stops what runs.
    _repository: Repository,
}

/// What the blocking part needs.
struct Looking {
    inner: Arc<Inner>,
    engine: Engine<IndexedFullStatus>,
    trees: Trees,
    /// The root trees of snapshots that were asked for, by id in full.
    roots: Mutex<HashMap<String, TreeId>>,
}

/// A file of a snapshot, with what its content is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Relative to the root that was asked for; every component is a plain name.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// When the object in it was created.
    pub modified: Option<Timestamp>,
    /// What is in it.
    pub content: Content,
}

/// The content of a file: the ids of its parts. Two that are equal hold the same bytes, in whatever snapshot of one
/// repository.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Content(Arc<[DataId]>);

impl Content {
    /// The ids in hexadecimal, joined by commas.
    #[must_use]
    pub fn ids(&self) -> String {
        self.0.iter().map(|id| full(id)).collect::<Vec<_>>().join(",")
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Content({})", self.ids())
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Reader({:?} in {})", self.looking.inner.directory, self.looking.inner.place())
    }
}

impl Reader {
    /// Reads the index of an open repository.
    pub async fn of(repository: Repository) -> Result<Self> {
        let inner = Arc::clone(&repository.inner);
        inner.backend.begin_looking(repository.cancel.child_token());
        let looking = inner
            .blocking(move |inner| {
                inner.again()?.to_indexed().map_err(inner.engine_error("read the index of"))
            })
            .await
            .map(|engine| Looking { inner, engine, trees: Trees::default(), roots: Mutex::default() })?;
        Ok(Self { looking: Arc::new(looking), _repository: repository })
    }

    /// The files of several snapshots below `root`, for each snapshot in the order of their paths.
    ///
    /// `enter` is asked with the path of every directory and file below the root, relative to it: what it declines is not
    /// read. A root that a snapshot lacks is [`super::Error::NotFound`].
    pub async fn files(
        &self,
        snapshots: &[String],
        root: &str,
        enter: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<Vec<Vec<Leaf>>> {
        let (looking, snapshots, root) = (Arc::clone(&self.looking), snapshots.to_vec(), root.to_owned());
        self.blocking(move || {
            let roots = looking.roots(&snapshots)?;
            trees::files(&looking, &roots, &root, &enter)
        })
        .await
    }

    /// The names of the directories directly below `root` of several snapshots, each name once, sorted.
    pub async fn directories(&self, snapshots: &[String], root: &str) -> Result<Vec<String>> {
        let (looking, snapshots, root) = (Arc::clone(&self.looking), snapshots.to_vec(), root.to_owned());
        self.blocking(move || {
            let roots = looking.roots(&snapshots)?;
            trees::directories(&looking, &roots, &root)
        })
        .await
    }

    /// Reads contents and makes something of each, in their order; `make` gets the place in `contents` and the bytes, and
    /// is called from several threads. Neighbours in a pack come with one request.
    pub async fn read<T: Send + 'static>(
        &self,
        contents: Vec<Content>,
        make: impl Fn(usize, &[u8]) -> T + Send + Sync + 'static,
    ) -> Result<Vec<T>> {
        let looking = Arc::clone(&self.looking);
        self.blocking(move || blobs::read(&looking, &contents, &make)).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.looking.inner.blocking(move |_| work()).await
    }
}

impl Looking {
    /// The root trees of snapshots, whose ids are given in full. Each snapshot is read once.
    fn roots(&self, ids: &[String]) -> Result<Vec<TreeId>> {
        // A panic elsewhere leaves the map whole, since every change of it is one insertion.
        let mut roots = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        let unread: Vec<&str> =
            ids.iter().map(String::as_str).filter(|id| !roots.contains_key(*id)).collect();
        if !unread.is_empty() {
            roots.extend(self.read_roots(&unread)?);
        }
        ids.iter().map(|id| roots.get(id).copied().ok_or_else(|| self.missing(id))).collect()
    }

    fn read_roots(&self, ids: &[&str]) -> Result<Vec<(String, TreeId)>> {
        let inner = &self.inner;
        let known: Vec<SnapshotId> =
            inner.engine.list().map_err(inner.engine_error("list the snapshots of"))?.collect();
        for id in ids {
            if !id.parse().is_ok_and(|id: SnapshotId| known.contains(&id)) {
                return Err(self.missing(id));
            }
        }
        let found = inner.engine.get_snapshots(ids).map_err(inner.engine_error("read a snapshot of"))?;
        Ok(found.into_iter().map(|snapshot| (full(&snapshot.id), snapshot.tree)).collect())
    }

    fn missing(&self, id: &str) -> Error {
        let (directory, what) = (self.inner.directory.clone(), format!("snapshot {id:?}"));
        NotFoundSnafu { directory, what }.build()
    }

    /// That something in the repository is not as a repository has it.
    fn damaged<T>(&self, reason: impl Into<String>) -> Result<T> {
        EngineSnafu { action: ACTION, directory: self.inner.directory.clone(), reason }.fail()
    }
}

/// Does `work` for each of `items` on a few threads; the first error ends it.
fn in_parallel<I: Sync, T: Send>(items: &[I], work: impl Fn(&I) -> Result<T> + Sync) -> Result<Vec<T>> {
    use std::sync::atomic::{AtomicUsize, Ordering};

    if let [only] = items {
        return work(only).map(|made| vec![made]);
    }
    let next = AtomicUsize::new(0);
    let run = || {
        let mut made = Vec::new();
        while let Some((index, item)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            items.get(index).map(|item| (index, item))
        } {
            match work(item) {
                Ok(value) => made.push((index, value)),
                Err(error) => {
                    next.store(items.len(), Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(made)
    };
    let mut all = Vec::with_capacity(items.len());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..PARALLEL.min(items.len())).map(|_| scope.spawn(run)).collect();
        for worker in workers {
            match worker.join() {
                Ok(made) => all.extend(made?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(())
    })?;
    all.sort_by_key(|(index, _)| *index);
    Ok(all.into_iter().map(|(_, value)| value).collect())
}
