//! Packs of trees, read whole.
//!
//! A tree is a directory, and a backup of manifests has hundreds: read one by one, as the engine asks for them, each is
//! a request. Packs hold trees and nothing else or data and nothing else, and trees are small, so that one request
//! brings most of what will be asked for.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::store::{self, ObjectStore};

/// A larger pack is read in parts after all.
const LARGEST: u64 = 8 * 1024 * 1024;
/// What is kept, the packs that came last.
const KEPT: usize = 32 * 1024 * 1024;

/// Packs of one repository, kept while one operation runs.
#[derive(Debug, Default)]
pub struct Packs(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    packs: HashMap<String, Arc<Pack>>,
    /// Names of the packs in `packs` that are there, oldest first, and how large they are.
    order: VecDeque<(String, usize)>,
    bytes: usize,
}

/// Stretches of packs that were read before the engine asks for what is in them.
#[derive(Debug, Default)]
pub struct Ahead(Mutex<Stretches>);

/// By the names of packs: from where to where, and what is there.
type Stretches = HashMap<String, Vec<(Range<u64>, Bytes)>>;

impl Ahead {
    /// Keeps a stretch.
    pub fn keep(&self, name: String, range: Range<u64>, content: Bytes) {
        self.kept().entry(name).or_default().push((range, content));
    }

    /// A part of the pack `name`, if a stretch that is kept holds it.
    pub fn part(&self, name: &str, wanted: &Range<u64>) -> Option<Bytes> {
        let kept = self.kept();
        let (range, content) = kept
            .get(name)?
            .iter()
            .find(|(range, _)| range.start <= wanted.start && wanted.end <= range.end)?;
        let place = |offset: u64| usize::try_from(offset - range.start).ok();
        let (start, end) = (place(wanted.start)?, place(wanted.end)?);
        (end <= content.len()).then(|| content.slice(start..end))
    }

    /// Drops a stretch.
    pub fn forget(&self, name: &str, gone: &Range<u64>) {
        let mut kept = self.kept();
        if let Some(stretches) = kept.get_mut(name) {
            stretches.retain(|(range, _)| range != gone);
            if stretches.is_empty() {
                kept.remove(name);
            }
        }
    }

    /// No step under this mutex can leave it half changed.
    fn kept(&self) -> MutexGuard<'_, Stretches> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The whole pack, or nothing for one that is too large. Read by whoever asks first; the others wait.
type Pack = OnceCell<Option<Bytes>>;

impl Packs {
    /// Forgets all packs.
    pub fn clear(&self) {
        *self.kept() = Kept::default();
    }

    /// A part of the pack `name`, which is at `path`.
    pub async fn read(
        &self,
        store: &dyn ObjectStore,
        name: &str,
        path: &str,
        range: Range<u64>,
    ) -> store::Result<Bytes> {
        let pack = Arc::clone(self.kept().packs.entry(name.to_owned()).or_default());
        let whole = pack
            .get_or_try_init(|| async {
                if store.head(path).await?.size > LARGEST {
                    return Ok(None);
                }
                let content = store.get(path).await?.content;
                self.keep(name, content.len());
                Ok(Some(content))
            })
            .await?;
        let within = |content: &Bytes| {
            let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
            (end <= content.len()).then(|| content.slice(start..end))
        };
        match whole.as_ref().and_then(within) {
            Some(part) => Ok(part),
            // Too large, or shorter than the index says: the store says which.
            None => store.get_range(path, range).await,
        }
    }

    /// Notes that a pack has come, and drops older ones that are too many.
    fn keep(&self, name: &str, size: usize) {
        let mut kept = self.kept();
        kept.order.push_back((name.to_owned(), size));
        kept.bytes += size;
        while kept.bytes > KEPT {
            let Some((oldest, size)) = kept.order.pop_front() else { break };
            kept.packs.remove(&oldest);
            kept.bytes -= size;
        }
    }

    /// No step under this mutex can leave it half changed.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
