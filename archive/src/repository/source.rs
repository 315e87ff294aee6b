//! The stream of entries as the tree that the repository engine walks.

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use rustic_core::repofile::{Metadata, Node, NodeType};
use rustic_core::{ReadSource, ReadSourceEntry, RusticResult};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;
use tokio_util::sync::CancellationToken;

use super::digest::Digest;
use crate::entry::{Batch, Entry};
use crate::progress::Progress;

/// Go's `os.ModeDir`, which restic keeps in the mode of a directory.
const MODE_DIRECTORY: u32 = 1 << 31;

/// What the source handed out, and why it stopped if it stopped early.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Files, bytes and a digest over all of them.
    pub digest: Digest,
    /// The file that could not be handed out, and why.
    pub violation: Option<(String, &'static str)>,
}

/// When to stop before the end of the stream.
#[derive(Clone)]
pub struct Stop {
    /// Cancelled from outside; cancelled here when an entry cannot be stored, which stops the backup before a snapshot
    /// is written.
    pub cancel: CancellationToken,
    /// Whether a write has failed: the engine would take all the rest before it says so.
    pub failed: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// A stream of entries below a virtual root directory.
pub struct Source {
    receiver: Mutex<Option<mpsc::Receiver<Batch>>>,
    root: String,
    ledger: Arc<Mutex<Ledger>>,
    progress: Arc<Progress>,
    runtime: Handle,
    stop: Stop,
}

impl Source {
    /// Entries come from `receiver` and appear below `root`, an absolute path.
    pub fn new(
        receiver: mpsc::Receiver<Batch>,
        root: &str,
        progress: Arc<Progress>,
        runtime: Handle,
        stop: Stop,
    ) -> Self {
        Self {
            receiver: Mutex::new(Some(receiver)),
            root: root.trim_matches('/').to_owned(),
            ledger: Arc::default(),
            progress,
            runtime,
            stop,
        }
    }

    /// What was handed out; final once the backup is over.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadSource for Source {
    type Open = Cursor<Bytes>;
    type Iter = Entries;

    fn size(&self) -> RusticResult<Option<u64>> {
        Ok(None)
    }

    fn entries(&self) -> Entries {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut entries = Entries {
            receiver,
            batch: Batch::new().into_iter(),
            root: self.root.clone(),
            previous: None,
            ready: Vec::new(),
            ledger: Arc::clone(&self.ledger),
            progress: Arc::clone(&self.progress),
            runtime: self.runtime.clone(),
            stop: self.stop.clone(),
        };
        entries.push_directories("", "", &self.root);
        entries
    }
}

/// The tree, depth first: each directory once, before what is in it.
pub struct Entries {
    receiver: Option<mpsc::Receiver<Batch>>,
    /// What came and is not handed out yet.
    batch: std::vec::IntoIter<Arc<Entry>>,
    root: String,
    previous: Option<Arc<Entry>>,
    /// What is to be handed out next, the next one last.
    ready: Vec<ReadSourceEntry<Cursor<Bytes>>>,
    ledger: Arc<Mutex<Ledger>>,
    progress: Arc<Progress>,
    runtime: Handle,
    stop: Stop,
}

impl Iterator for Entries {
    type Item = RusticResult<ReadSourceEntry<Cursor<Bytes>>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() {
            self.fetch();
        }
        self.ready.pop().map(Ok)
    }
}

impl Entries {
    /// Waits for the next entry and makes it ready, with the directories that begin before it.
    fn fetch(&mut self) {
        let entry = self.next_entry().filter(|_| !self.stop.cancel.is_cancelled() && !(self.stop.failed)());
        let Some(entry) = entry else {
            self.receiver = None;
            return;
        };
        let previous = self.previous.as_ref().map(|previous| previous.path.as_str());
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(reason) = check(previous, &entry.path) {
            ledger.violation = Some((entry.path.clone(), reason));
            drop(ledger);
            self.stop.cancel.cancel();
            self.receiver = None;
            return;
        }
        ledger.digest.add_content(&entry.path, &entry.content);
        drop(ledger);
        self.progress.add(entry.content.len() as u64);
        self.make_ready(&entry);
        self.previous = Some(entry);
    }

    /// The next entry, once there is one; none after the last.
    fn next_entry(&mut self) -> Option<Arc<Entry>> {
        loop {
            if let Some(entry) = self.batch.next() {
                return Some(entry);
            }
            let (receiver, cancel) = (self.receiver.as_mut()?, &self.stop.cancel);
            // Waiting has its price; most of the time the next batch is there.
            let batch = match receiver.try_recv() {
                Ok(batch) => Some(batch),
                Err(TryRecvError::Disconnected) => None,
                Err(TryRecvError::Empty) => self.runtime.block_on(async {
                    tokio::select! {
                        biased;
                        () = cancel.cancelled() => None,
                        batch = receiver.recv() => batch,
                    }
                }),
            };
            self.batch = batch?.into_iter();
        }
    }

    fn make_ready(&mut self, entry: &Arc<Entry>) {
        let (directory, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
        let previous = self.previous.clone();
        let left = previous.as_ref().and_then(|previous| previous.path.rsplit_once('/'));
        let left = left.map_or("", |(directory, _)| directory);
        let root = self.root.clone();
        let metadata = Metadata { size: entry.content.len() as u64, ..metadata(0o644, entry.modified) };
        self.ready.push(ReadSourceEntry {
            path: absolute(&self.root, &entry.path),
            node: Node::new_node(name.as_ref(), NodeType::File, metadata),
            open: Some(Cursor::new(entry.content.clone())),
        });
        self.push_directories(&root, left, directory);
    }

    /// Makes ready the directories in which `to` lies and `from` does not, outermost first; both are below `base`.
    fn push_directories(&mut self, base: &str, from: &str, to: &str) {
        let common = shared_components(from, to);
        let components: Vec<&str> = to.split('/').filter(|component| !component.is_empty()).collect();
        for depth in (common..components.len()).rev() {
            let path = absolute(base, &components[..=depth].join("/"));
            let metadata = metadata(MODE_DIRECTORY | 0o755, Timestamp::UNIX_EPOCH);
            let node = Node::new_node(components[depth].as_ref(), NodeType::Dir, metadata);
            self.ready.push(ReadSourceEntry { path, node, open: None });
        }
    }
}

fn absolute(root: &str, path: &str) -> PathBuf {
    if root.is_empty() { format!("/{path}").into() } else { format!("/{root}/{path}").into() }
}

/// How many leading components two paths share.
fn shared_components(a: &str, b: &str) -> usize {
    let pairs = a.split('/').zip(b.split('/'));
    pairs.take_while(|(a, b)| a == b && !a.is_empty()).count()
}

/// Everything that does not come from the object is fixed, so that an unchanged object makes an unchanged tree.
fn metadata(mode: u32, modified: Timestamp) -> Metadata {
    Metadata {
        mode: Some(mode),
        mtime: Some(modified),
        atime: Some(modified),
        ctime: Some(modified),
        uid: Some(0),
        gid: Some(0),
        ..Metadata::default()
    }
}

/// Whether `path` may follow `previous`: it is a plain relative path, it sorts after, and no file is a directory too.
fn check(previous: Option<&str>, path: &str) -> Result<(), &'static str> {
    if path.contains('\0') {
        return Err("its path holds a NUL");
    }
    if path.split('/').any(|component| matches!(component, "" | "." | "..")) {
        return Err("its path has an empty component, \".\" or \"..\"");
    }
    let Some(previous) = previous else { return Ok(()) };
    match previous.split('/').cmp(path.split('/')) {
        std::cmp::Ordering::Less => {}
        std::cmp::Ordering::Equal => return Err("it came twice"),
        std::cmp::Ordering::Greater => return Err("it came after one that sorts behind it"),
    }
    match path.strip_prefix(previous) {
        Some(rest) if rest.starts_with('/') => Err("its directory is a file"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_in_the_order_of_the_tree_pass() {
        for (previous, path, passes) in [
            (None, "a.yaml", true),
            (None, "", false),
            (None, "/a", false),
            (None, "a/../b", false),
            (None, "./a", false),
            (None, "a\0b", false),
            (Some("a.yaml"), "a.yaml", false),
            (Some("a/b.yaml"), "a/c.yaml", true),
            (Some("a/b/c.yaml"), "a/b-c/d.yaml", true),
            (Some("a/b-c/d.yaml"), "a/b/c.yaml", false),
            (Some("a/a-b.yaml"), "a/a.yaml", true),
            (Some("a/a.yaml"), "a/a-b.yaml", false),
            (Some("a/b"), "a/b/c", false),
        ] {
            assert_eq!(check(previous, path).is_ok(), passes, "{previous:?} {path:?}");
        }
    }

    async fn walk(paths: &'static [&'static str]) -> Vec<String> {
        let (sender, receiver) = mpsc::channel(100);
        for path in paths {
            let content = Bytes::from_static(b"x");
            let entry = Entry { path: (*path).to_owned(), modified: Timestamp::UNIX_EPOCH, content };
            sender.send(vec![Arc::new(entry)]).await.unwrap();
        }
        drop(sender);
        let stop = Stop { cancel: CancellationToken::new(), failed: Arc::new(|| false) };
        let source = Source::new(receiver, "/tmp/manifest", Arc::default(), Handle::current(), stop);
        let walk = move || {
            let entries = source.entries().map(|entry| {
                let entry = entry.unwrap();
                let mark = if entry.node.is_dir() { "/" } else { "" };
                format!("{}{mark}", entry.path.display())
            });
            entries.collect()
        };
        tokio::task::spawn_blocking(walk).await.unwrap()
    }

    #[tokio::test]
    async fn each_directory_comes_once_before_what_is_in_it() {
        let walked = walk(&["a/b/x", "a/b/y", "a/b-c/x", "a/z", "b/b/x"]).await;
        assert_eq!(
            walked,
            [
                "/tmp/",
                "/tmp/manifest/",
                "/tmp/manifest/a/",
                "/tmp/manifest/a/b/",
                "/tmp/manifest/a/b/x",
                "/tmp/manifest/a/b/y",
                "/tmp/manifest/a/b-c/",
                "/tmp/manifest/a/b-c/x",
                "/tmp/manifest/a/z",
                "/tmp/manifest/b/",
                "/tmp/manifest/b/b/",
                "/tmp/manifest/b/b/x",
            ]
        );
    }

    #[tokio::test]
    async fn an_empty_stream_is_the_root_alone() {
        assert_eq!(walk(&[]).await, ["/tmp/", "/tmp/manifest/"]);
    }

    #[tokio::test]
    async fn a_directory_named_like_the_root_is_another_directory() {
        let walked = walk(&["tmp/manifest/x"]).await;
        assert_eq!(
            walked,
            [
                "/tmp/",
                "/tmp/manifest/",
                "/tmp/manifest/tmp/",
                "/tmp/manifest/tmp/manifest/",
                "/tmp/manifest/tmp/manifest/x"
            ]
        );
    }
}
