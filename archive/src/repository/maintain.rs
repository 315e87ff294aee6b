//! Checking, measuring and pruning a repository.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use rustic_core::repofile::{IndexFile, SnapshotFile, SnapshotId};
use rustic_core::{CheckOptions, PruneOptions};

use super::error::{EngineSnafu, NotFoundSnafu, Result, WitnessSnafu};
use super::{Inner, full};

/// The tag of a snapshot that lacks a part of its scope.
const INCOMPLETE: &str = "incomplete";
/// How long data stays after it fell out of use, and how young data is never touched: longer than any backup runs.
const GRACE_HOURS: i64 = 24;

/// See [`super::Repository::mark_incomplete`].
pub fn mark_incomplete(inner: &Inner, id: &str) -> Result<String> {
    let mut snapshot = find(inner, id)?;
    let old = snapshot.id;
    snapshot.tags.add(INCOMPLETE.to_owned());
    snapshot.original.get_or_insert(old);
    inner.engine.save_snapshots(vec![snapshot]).map_err(inner.engine_error("write a snapshot to"))?;
    let new = inner.backend.written_snapshot();
    // First the new one, then away with the old: between the two there is one too many, never one too few.
    inner.engine.delete_snapshots(&[old]).map_err(inner.engine_error("remove a snapshot from"))?;
    new.ok_or_else(|| {
        let (directory, reason) = (inner.directory.clone(), "no snapshot file was written");
        EngineSnafu { action: "write a snapshot to", directory, reason }.build()
    })
}

/// The snapshot with exactly this id.
pub fn find(inner: &Inner, id: &str) -> Result<SnapshotFile> {
    let missing = || {
        let (directory, what) = (inner.directory.clone(), format!("snapshot {id:?}"));
        NotFoundSnafu { directory, what }.build()
    };
    let id: SnapshotId = id.parse().map_err(|_| missing())?;
    let ids: Vec<SnapshotId> =
        inner.engine.list().map_err(inner.engine_error("list the snapshots of"))?.collect();
    if !ids.contains(&id) {
        return Err(missing());
    }
    let mut found =
        inner.engine.get_snapshots(&[full(&id)]).map_err(inner.engine_error("read a snapshot of"))?;
    found.pop().ok_or_else(missing)
}

/// See [`super::Repository::check`].
pub fn check(inner: &Inner) -> Result<Vec<String>> {
    let results = inner.engine.check(CheckOptions::default()).map_err(inner.engine_error("check"))?;
    // The engine does not export the type of the level. A warning is no damage: a pack without index entry is what a
    // backup that was stopped leaves behind.
    let errors = results.0.into_iter().filter(|(level, _)| format!("{level:?}") == "Error");
    Ok(errors.map(|(_, error)| error.to_string()).collect())
}

/// See [`super::Repository::size`].
pub fn size(inner: &Inner) -> Result<u64> {
    let index = inner.engine.stream_files::<IndexFile>().map_err(inner.engine_error("read the index of"))?;
    let mut seen = HashSet::new();
    let mut size = 0;
    for file in index {
        let (_, file) = file.map_err(inner.engine_error("read the index of"))?;
        for blob in file.packs.into_iter().flat_map(|pack| pack.blobs) {
            if seen.insert((blob.tpe, blob.id)) {
                size += u64::from(blob.location.length);
            }
        }
    }
    Ok(size)
}

/// See [`super::Repository::forget_and_prune`].
pub fn forget_and_prune(inner: &Inner, forget: &BTreeSet<String>, witness: &BTreeSet<String>) -> Result<()> {
    let ids = || -> Result<BTreeSet<String>> {
        let ids = inner.engine.list::<SnapshotId>().map_err(inner.engine_error("list the snapshots of"))?;
        Ok(ids.map(|id| full(&id)).collect())
    };
    let listed = ids()?;
    // A server that forgets part of a listing (it has happened) seldom does so twice in the same way.
    let expected: BTreeSet<String> = witness.union(&ids()?).cloned().collect();
    let missing: Vec<&String> = expected.difference(&listed).collect();
    if let Some(first) = missing.first() {
        let (place, directory) = (Arc::clone(inner.place()), inner.directory.clone());
        return WitnessSnafu { place, directory, missing: missing.len(), first: *first }.fail();
    }
    let remove: Vec<SnapshotId> = forget.intersection(&listed).filter_map(|id| id.parse().ok()).collect();
    inner.engine.delete_snapshots(&remove).map_err(inner.engine_error("remove snapshots from"))?;
    prune(inner)
}

fn prune(inner: &Inner) -> Result<()> {
    let grace = jiff::Span::new().hours(GRACE_HOURS);
    let mut options = PruneOptions::default();
    options.keep_pack = grace;
    options.keep_delete = grace;
    options.instant_delete = false;
    options.early_delete_index = false;
    let plan = inner.engine.prune_plan(&options).map_err(inner.engine_error("plan the pruning of"))?;
    inner.engine.prune(&options, plan).map_err(inner.engine_error("prune"))
}
