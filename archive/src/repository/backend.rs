//! restic's repository layout on an object store, as the repository engine wants it.
//!
//! The engine is synchronous and calls from its own threads; the store is asynchronous. Every call here blocks its
//! thread on the runtime, so it must never be made from an asynchronous task. An error is always an error, the first of
//! a listing included, and the first one is remembered: the engine wraps some errors beyond recognition and drops
//! others.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use rustic_core::repofile::FileType;
use rustic_core::{BytesList, ErrorKind, Id, ReadBackend, RusticError, RusticResult, WriteBackend};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::packs::{Ahead, Packs};
use crate::progress::Progress;
use crate::sealed::Key;
use crate::store::{self, Condition, Listed, ObjectStore, content_type};

/// A repository in a store.
pub struct Backend {
    store: Arc<dyn ObjectStore>,
    directory: String,
    runtime: Handle,
    trees: Packs,
    ahead: Ahead,
    key: OnceLock<Key>,
    state: Mutex<State>,
}

struct State {
    cancel: CancellationToken,
    progress: Option<Arc<Progress>>,
    failure: Option<store::Error>,
    written_snapshot: Option<String>,
    initialising: Option<Initialising>,
    made: Option<(String, Bytes)>,
    known: Option<Known>,
}

/// What is known of a repository that was just looked at, so that opening it does not ask again.
#[derive(Debug, Default)]
struct Known {
    /// Its `config` and its keys.
    listed: Vec<Listed>,
    /// What is in `config`, once it was read.
    config: Option<Bytes>,
}

/// What is held back while a repository is made.
#[derive(Debug)]
pub struct Initialising {
    /// On which condition `config` is written: only one initialiser can win.
    pub config: Condition,
    /// The key, kept until then: a key without its `config` would make the repository unreadable for its owner.
    key: Option<(String, Bytes)>,
}

impl Initialising {
    /// Writes `config` on `condition`.
    pub const fn on(condition: Condition) -> Self {
        Self { config: condition, key: None }
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Backend({:?} in {})", self.directory, self.store.place())
    }
}

impl Backend {
    /// The repository in `directory` of `store`.
    pub fn new(store: Arc<dyn ObjectStore>, directory: String, runtime: Handle) -> Self {
        let state = State {
            cancel: CancellationToken::new(),
            progress: None,
            failure: None,
            written_snapshot: None,
            initialising: None,
            made: None,
            known: None,
        };
        Self {
            store,
            directory,
            runtime,
            trees: Packs::default(),
            ahead: Ahead::default(),
            key: OnceLock::new(),
            state: Mutex::new(state),
        }
    }

    /// From now on files that the engine unpacks whole are looked at first.
    pub fn open_with(&self, key: Key) {
        // Of one repository there is one master key: who comes second says the same.
        let _ = self.key.set(key);
    }

    /// The master key, once the repository is open.
    pub fn key(&self) -> Option<&Key> {
        self.key.get()
    }

    /// A part of a pack, as it is stored.
    pub fn part(&self, pack: &Id, trees: bool, offset: u32, length: u32) -> RusticResult<Bytes> {
        self.read_partial(FileType::Pack, pack, trees, offset, length)
    }

    /// Begins an operation: forgets what the last one met, and stops at `cancel` from now on.
    pub fn begin(&self, cancel: CancellationToken, progress: Option<Arc<Progress>>) {
        self.trees.clear();
        let mut state = self.state();
        *state = State {
            cancel,
            progress,
            failure: None,
            written_snapshot: None,
            initialising: None,
            made: None,
            known: None,
        };
    }

    /// Begins an operation that only looks into the repository, right after it was opened: what was learnt then still
    /// holds. Not for one that writes, which must meet a repository that is gone meanwhile.
    pub fn begin_looking(&self, cancel: CancellationToken) {
        let known = self.state().known.take();
        self.begin(cancel, None);
        self.state().known = known;
    }

    /// This is `config` and the keys of the repository, until the next operation begins.
    pub fn know(&self, listed: Vec<Listed>) {
        self.state().known = Some(Known { listed, config: None });
    }

    /// The next writes make a new repository.
    pub fn initialise(&self, initialising: Initialising) {
        self.state().initialising = Some(initialising);
    }

    /// The first error of the store in this operation.
    pub fn failure(&self) -> Option<store::Error> {
        self.state().failure.clone()
    }

    /// Whether the operation was told to stop.
    pub fn is_cancelled(&self) -> bool {
        self.state().cancel.is_cancelled()
    }

    /// The path of the key and the content of `config` of a repository that was made in this operation.
    pub fn made(&self) -> Option<(String, Bytes)> {
        self.state().made.clone()
    }

    /// The id of the last snapshot file written in this operation.
    pub fn written_snapshot(&self) -> Option<String> {
        self.state().written_snapshot.clone()
    }

    /// No step under this mutex can leave it half changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, tpe: FileType, id: &Id) -> String {
        let id = id.to_hex();
        let (directory, name) = (&self.directory, id.as_str());
        match tpe {
            FileType::Config => format!("{directory}/config"),
            FileType::Pack => format!("{directory}/data/{}/{name}", &name[..2]),
            FileType::Index | FileType::Key | FileType::Snapshot => {
                format!("{directory}/{}/{name}", tpe.dirname())
            }
        }
    }

    /// Reads a stretch of a pack and keeps it, until [`Backend::forget_ahead`], for the engine to ask for what is in it.
    pub fn read_ahead(&self, pack: &Id, range: Range<u64>) -> RusticResult<()> {
        let path = self.path(FileType::Pack, pack);
        let content = self.run(self.store.get_range(&path, range.clone()))?;
        self.ahead.keep(super::full(pack), range, content);
        Ok(())
    }

    /// Drops what [`Backend::read_ahead`] kept.
    pub fn forget_ahead(&self, pack: &Id, range: &Range<u64>) {
        self.ahead.forget(&super::full(pack), range);
    }

    /// Runs one call to the store to its end, or to that of the operation.
    fn run<T>(&self, call: impl Future<Output = store::Result<T>>) -> RusticResult<T> {
        let cancel = self.state().cancel.clone();
        let answer = self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = cancel.cancelled() => None,
                answer = call => Some(answer),
            }
        });
        match answer {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => {
                let told = RusticError::new(ErrorKind::Backend, error.to_string());
                self.state().failure.get_or_insert(error);
                Err(told)
            }
            None => Err(RusticError::new(ErrorKind::Backend, "cancelled")),
        }
    }

    fn list_files(&self, tpe: FileType) -> RusticResult<Vec<(Id, u32)>> {
        if tpe == FileType::Config && self.state().initialising.is_some() {
            // Whether the place is free was found out before, and the condition of the write decides.
            return Ok(Vec::new());
        }
        let prefix = match tpe {
            FileType::Config => format!("{}/config", self.directory),
            _ => format!("{}/{}/", self.directory, tpe.dirname()),
        };
        let listed = match self.known(tpe) {
            Some(listed) => listed.into_iter().filter(|object| object.key.starts_with(&prefix)).collect(),
            None => self.run(self.store.list(&prefix))?,
        };
        let mut files = Vec::with_capacity(listed.len());
        for object in listed {
            let name = object.key.rsplit('/').next().unwrap_or_default();
            let id = match tpe {
                FileType::Config if object.key == prefix => Some(Id::default()),
                FileType::Config => None,
                // Directory markers and files that other tools left are not of the repository.
                _ => name.parse().ok().filter(|_| name.len() == ID_LENGTH),
            };
            let Some(id) = id else { continue };
            let size = u32::try_from(object.size).map_err(|_| {
                RusticError::new(ErrorKind::Backend, format!("{:?} is too large", object.key))
            })?;
            files.push((id, size));
        }
        Ok(files)
    }

    /// The files of this type, where they need not be asked for.
    fn known(&self, tpe: FileType) -> Option<Vec<Listed>> {
        let state = self.state();
        let known = state.known.as_ref().filter(|_| matches!(tpe, FileType::Config | FileType::Key));
        known.map(|known| known.listed.clone())
    }

    async fn put(&self, path: &str, content: Bytes, condition: Condition) -> store::Result<()> {
        self.store.put(path, content, content_type::BINARY, condition).await
    }

    /// Writes a pack and asks the server how much of it arrived.
    async fn put_pack(&self, path: &str, content: Bytes) -> store::Result<()> {
        let length = content.len() as u64;
        self.put(path, content, Condition::Always).await?;
        let stored = self.store.head(path).await?.size;
        if stored == length {
            return Ok(());
        }
        Err(store::Error::Other {
            place: Arc::clone(self.store.place()),
            action: "write",
            key: self.store.place().full(path),
            reason: format!("{stored} of {length} bytes arrived"),
        })
    }

    /// `config` first and on its condition, then the key: whoever loses leaves nothing behind.
    fn write_config(&self, path: &str, content: Bytes) -> RusticResult<()> {
        let Some(initialising) = self.state().initialising.take() else {
            return self.run(self.put(path, content, Condition::Always));
        };
        self.run(self.put(path, content.clone(), initialising.config))?;
        if let Some((path, key)) = initialising.key {
            self.run(self.put(&path, key, Condition::Absent))?;
            self.state().made = Some((path, content));
        }
        Ok(())
    }
}

/// To how many bytes a file may unpack that the engine unpacks whole. restic and rustic begin a new index file long before
/// this; a snapshot is a list of paths and tags.
const fn largest(tpe: FileType) -> Option<u64> {
    match tpe {
        FileType::Index => Some(128 * 1024 * 1024),
        FileType::Snapshot => Some(4 * 1024 * 1024),
        FileType::Config | FileType::Key | FileType::Pack => None,
    }
}

/// An id in hexadecimal.
const ID_LENGTH: usize = 64;

impl ReadBackend for Backend {
    fn location(&self) -> String {
        format!("{:?} in {}", self.directory, self.store.place())
    }

    fn list_with_size(&self, tpe: FileType) -> RusticResult<Vec<(Id, u32)>> {
        self.list_files(tpe)
    }

    fn read_full(&self, tpe: FileType, id: &Id) -> RusticResult<Bytes> {
        let path = self.path(tpe, id);
        if tpe == FileType::Config
            && let Some(config) = self.state().known.as_ref().and_then(|known| known.config.clone())
        {
            return Ok(config);
        }
        let content = self.run(self.store.get(&path))?.content;
        if tpe == FileType::Config
            && let Some(known) = &mut self.state().known
        {
            known.config = Some(content.clone());
        }
        if let (Some(most), Some(key)) = (largest(tpe), self.key.get()) {
            key.open_json(&content, most)
                .map_err(|reason| RusticError::new(ErrorKind::Backend, format!("{path:?}: {reason}")))?;
        }
        Ok(content)
    }

    fn read_partial(
        &self,
        tpe: FileType,
        id: &Id,
        cacheable: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        let path = self.path(tpe, id);
        let range = u64::from(offset)..u64::from(offset) + u64::from(length);
        // What the engine calls cacheable is metadata: trees.
        if cacheable && tpe == FileType::Pack {
            let name = super::full(id);
            return self.run(self.trees.read(&*self.store, &name, &path, range));
        }
        if let Some(part) = self.ahead.part(&super::full(id), &range) {
            return Ok(part);
        }
        self.run(self.store.get_range(&path, range))
    }

    fn warmup_path(&self, tpe: FileType, id: &Id) -> String {
        self.path(tpe, id)
    }
}

impl WriteBackend for Backend {
    fn write_bytes(&self, tpe: FileType, id: &Id, _cacheable: bool, content: BytesList) -> RusticResult<()> {
        let path = self.path(tpe, id);
        let content = contiguous(content);
        let length = content.len() as u64;
        match tpe {
            FileType::Key => {
                let mut state = self.state();
                if let Some(initialising) = &mut state.initialising {
                    initialising.key = Some((path, content));
                    return Ok(());
                }
                drop(state);
                self.run(self.put(&path, content, Condition::Absent))?;
            }
            FileType::Config => self.write_config(&path, content)?,
            FileType::Pack => self.run(self.put_pack(&path, content))?,
            FileType::Index => self.run(self.put(&path, content, Condition::Always))?,
            FileType::Snapshot => {
                self.run(self.put(&path, content, Condition::Always))?;
                self.state().written_snapshot = Some(super::full(id));
            }
        }
        if let Some(progress) = &self.state().progress {
            progress.add_uploaded(length);
        }
        Ok(())
    }

    fn remove(&self, tpe: FileType, id: &Id, _cacheable: bool) -> RusticResult<()> {
        let path = self.path(tpe, id);
        self.run(self.store.delete(&path))
    }
}

/// The parts of a file as one piece.
fn contiguous(list: BytesList) -> Bytes {
    let mut whole = Vec::with_capacity(list.size());
    let mut parts = list.into_vec();
    if parts.len() == 1 {
        return parts.swap_remove(0);
    }
    // Each part is freed as it is copied, so that a pack is not in memory twice.
    for part in parts {
        whole.extend_from_slice(&part);
    }
    whole.into()
}
