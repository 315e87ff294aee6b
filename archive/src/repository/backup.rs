//! Writing a backup, and reading it back.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustic_core::repofile::{Node, SnapshotFile};
use rustic_core::{BackupOptions, IndexedFullStatus, LsOptions, Repository as Engine, SnapshotOptions};
use sha2::Digest as _;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::digest::Digest;
use super::error::{DiffersSnafu, Error, Result};
use super::source::{Source, Stop};
use super::{CLEAN_UP, Inner, full, zoned};
use crate::entry::Batch;
use crate::progress::{Progress, Stage};

/// What is to be backed up, and under which name.
#[derive(Debug)]
pub struct BackupRequest {
    /// The files, in the order of the tree. The end of the stream is the end of the backup: who cannot give all of it
    /// has to say so by other means, see [`super::Repository::mark_incomplete`].
    pub entries: mpsc::Receiver<Batch>,
    /// The host that the snapshot names; KubeStash's is the name of the component.
    pub host: String,
    /// The directory below which the files appear, absolute. It exists in the snapshot only.
    pub root: String,
    /// Tags of the snapshot.
    pub tags: Vec<String>,
    /// The time of the snapshot.
    pub time: Timestamp,
    /// Files and bytes are counted here as they are handed over.
    pub progress: Arc<Progress>,
}

/// A backup that was written and verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The id of the restic snapshot.
    pub id: String,
    /// Files in the snapshot.
    pub files: u64,
    /// Bytes in the files.
    pub bytes: u64,
    /// Bytes that this backup added to the repository, compressed and encrypted.
    pub added: u64,
    /// From the first file to the last byte.
    pub duration: Duration,
    /// Reading back and comparing.
    pub verification: Duration,
}

/// Runs a backup. Blocks; see [`super::Repository::backup`].
pub fn run(inner: &Inner, request: BackupRequest, cancel: &CancellationToken) -> Result<Stored> {
    let started = Instant::now();
    let BackupRequest { entries, host, root, tags, time, progress } = request;
    progress.enter(Stage::Copying);
    let backend = Arc::clone(&inner.backend);
    let stop = Stop { cancel: cancel.clone(), failed: Arc::new(move || backend.failure().is_some()) };
    let source = Source::new(entries, &root, Arc::clone(&progress), Handle::current(), stop);
    let snapshot = new_snapshot(&host, tags, time).map_err(inner.engine_error("write"))?;
    let written = archive(inner, &source, snapshot, &root);
    if let Some((path, reason)) = source.ledger().violation.take() {
        return Err(Error::Entry { path, reason });
    }
    let snapshot = written?;
    let duration = started.elapsed();

    progress.enter(Stage::Verifying);
    let verified = verify(inner, &snapshot, &root, &source.ledger().digest);
    if let Err(error) = verified {
        remove(inner, &snapshot);
        return Err(error);
    }
    let ledger = source.ledger();
    let summary = snapshot.summary.unwrap_or_default();
    Ok(Stored {
        id: full(&snapshot.id),
        files: ledger.digest.files(),
        bytes: ledger.digest.bytes(),
        added: summary.data_added_packed,
        duration,
        verification: started.elapsed().saturating_sub(duration),
    })
}

fn new_snapshot(host: &str, tags: Vec<String>, time: Timestamp) -> rustic_core::RusticResult<SnapshotFile> {
    let mut options = SnapshotOptions::default();
    options.host = Some(host.to_owned());
    options.time = Some(zoned(time));
    // The engine would put the command line of the process into the repository.
    options.command = Some(String::new());
    let mut snapshot = options.to_snapshot()?;
    snapshot.program_version = String::from(concat!("kubestash ", env!("CARGO_PKG_VERSION")));
    for tag in tags {
        snapshot.tags.add(tag);
    }
    Ok(snapshot)
}

/// Lets the engine write the tree. The index that it needs is dropped at the end.
fn archive(inner: &Inner, source: &Source, snapshot: SnapshotFile, root: &str) -> Result<SnapshotFile> {
    let mut options = BackupOptions::default();
    // An object of equal size and time would otherwise keep its old content.
    options.parent_opts.force = true;
    options.no_scan = true;
    let engine = inner.again()?.to_indexed_ids().map_err(inner.engine_error("read the index of"))?;
    engine.archive(&options, source, snapshot, &[root.into()]).map_err(inner.engine_error("write"))
}

/// Reads the tree back and compares it with what went in.
fn verify(inner: &Inner, snapshot: &SnapshotFile, root: &str, expected: &Digest) -> Result<()> {
    let engine = inner.again()?.to_indexed().map_err(inner.engine_error("read the index of"))?;
    let root = engine
        .node_from_snapshot_and_path(snapshot, root)
        .map_err(inner.engine_error("read the snapshot back from"))?;
    let nodes =
        engine.ls(&root, &LsOptions::default()).map_err(inner.engine_error("read the snapshot back from"))?;
    let mut back = Digest::default();
    for item in nodes {
        let (path, node) = item.map_err(inner.engine_error("read the snapshot back from"))?;
        if !node.is_dir() {
            add(inner, &engine, &mut back, (&path, &node))?;
        }
    }
    match expected.difference(&back) {
        None => Ok(()),
        Some(reason) => DiffersSnafu { reason }.fail(),
    }
}

/// Adds a file of the snapshot. The id of a blob is the SHA-256 of its content; only a file of several is read.
fn add(
    inner: &Inner,
    engine: &Engine<IndexedFullStatus>,
    back: &mut Digest,
    (path, node): (&Path, &Node),
) -> Result<()> {
    let blobs = node.content.as_deref().unwrap_or_default();
    let content: [u8; 32] = match blobs {
        [] => sha2::Sha256::digest(b"").into(),
        [blob] => {
            engine.get_index_entry(blob).map_err(inner.engine_error("find a blob in"))?;
            let mut content = [0; 32];
            // An id that is no SHA-256 stays zero, which no content has.
            let _ = hex::decode_to_slice(blob.to_hex().as_str(), &mut content);
            content
        }
        _ => {
            let mut whole = Vec::new();
            engine.dump(node, &mut whole).map_err(inner.engine_error("read the snapshot back from"))?;
            sha2::Sha256::digest(&whole).into()
        }
    };
    let path = path.to_string_lossy();
    back.add(&path, node.meta.size, &content);
    Ok(())
}

/// Removes a snapshot that is not what it should be, even in a run that was told to stop.
fn remove(inner: &Inner, snapshot: &SnapshotFile) {
    let enough = CancellationToken::new();
    let timer = enough.clone();
    Handle::current().spawn(async move {
        tokio::time::sleep(CLEAN_UP).await;
        timer.cancel();
    });
    inner.backend.begin(enough, None);
    if let Err(error) = inner.engine.delete_snapshots(&[snapshot.id]) {
        tracing::warn!(error = %error.display_log(), snapshot = %snapshot.id, "failed to remove a broken snapshot");
    }
}
