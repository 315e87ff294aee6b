//! Looking into a repository.

use std::path::{Component, Path};

use jiff::Timestamp;
use rustic_core::LsOptions;
use rustic_core::repofile::SnapshotFile;

use super::error::{EngineSnafu, NotFoundSnafu, Result};
use super::maintain::find;
use super::{Inner, full};

/// A snapshot of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub id: String,
    /// When it was taken.
    pub time: Timestamp,
    /// The host that it names.
    pub host: String,
    /// The paths that it holds.
    pub paths: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
}

/// A file of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Relative to the directory that was asked for; every component is a plain name.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// When the object in it was created.
    pub modified: Option<Timestamp>,
}

impl From<SnapshotFile> for Snapshot {
    fn from(snapshot: SnapshotFile) -> Self {
        Self {
            id: full(&snapshot.id),
            time: snapshot.time.timestamp(),
            host: snapshot.hostname,
            paths: snapshot.paths.iter().cloned().collect(),
            tags: snapshot.tags.iter().cloned().collect(),
        }
    }
}

/// See [`super::Repository::snapshots`].
pub fn snapshots(inner: &Inner) -> Result<Vec<Snapshot>> {
    let files = inner.engine.get_all_snapshots().map_err(inner.engine_error("list the snapshots of"))?;
    let mut snapshots: Vec<Snapshot> = files.into_iter().map(Snapshot::from).collect();
    snapshots.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
    Ok(snapshots)
}

/// See [`super::Repository::files`].
pub fn files(inner: &Inner, id: &str, root: &str) -> Result<Vec<File>> {
    let snapshot = find(inner, id)?;
    let engine = inner.again()?.to_indexed_ids().map_err(inner.engine_error("read the index of"))?;
    let root = engine
        .node_from_snapshot_and_path(&snapshot, root)
        .map_err(|error| not_there(inner, root, &error))?;
    let nodes = engine.ls(&root, &LsOptions::default()).map_err(inner.engine_error("read a tree of"))?;
    let mut files = Vec::new();
    for item in nodes {
        let (path, node) = item.map_err(inner.engine_error("read a tree of"))?;
        if node.is_file() {
            let path = plain(inner, &path)?;
            files.push(File { path, size: node.meta.size, modified: node.meta.mtime });
        }
    }
    Ok(files)
}

/// See [`super::Repository::read`].
pub fn read(inner: &Inner, id: &str, path: &str) -> Result<Vec<u8>> {
    let snapshot = find(inner, id)?;
    let engine = inner.again()?.to_indexed().map_err(inner.engine_error("read the index of"))?;
    let node = engine
        .node_from_snapshot_and_path(&snapshot, path)
        .map_err(|error| not_there(inner, path, &error))?;
    let mut content = Vec::new();
    engine.dump(&node, &mut content).map_err(inner.engine_error("read a file of"))?;
    Ok(content)
}

/// The engine has no type for "there is no such path": unless the store failed, that is what it means here.
fn not_there(inner: &Inner, path: &str, error: &rustic_core::RusticError) -> super::Error {
    match inner.backend.failure() {
        Some(source) => super::Error::Store { source },
        None if inner.backend.is_cancelled() => super::Error::Cancelled,
        None => {
            tracing::debug!(error = %error.display_log(), "path not found");
            let (directory, what) = (inner.directory.clone(), format!("{path:?}"));
            NotFoundSnafu { directory, what }.build()
        }
    }
}

/// A path as text, if it cannot lead anywhere else: a repository may be written by anybody who has its password.
fn plain(inner: &Inner, path: &Path) -> Result<String> {
    let components = path.components().all(|component| matches!(component, Component::Normal(_)));
    match path.to_str() {
        Some(text) if components && !text.split('/').any(|name| matches!(name, "" | "." | "..")) => {
            Ok(text.to_owned())
        }
        _ => {
            let (directory, reason) =
                (inner.directory.clone(), format!("\"{}\" is no plain path", path.display()));
            EngineSnafu { action: "list a snapshot of", directory, reason }.fail()
        }
    }
}
