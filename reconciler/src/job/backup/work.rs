//! What a backup Job has to do, read from the objects of its session.

use crds::core::BackupSession;
use crds::core::backup_session::SnapshotReference;
use crds::storage::Snapshot;
use crds::storage::snapshot::SnapshotPhase;
use futures::future::join_all;
use jiff::Timestamp;
use snafu::{OptionExt, ResultExt};

use crate::cluster::Cluster;
use crate::job::target::{self, ClusterSnafu, Error, MissingSnafu, Target};

/// Everything that a session wants from its Job.
#[derive(Debug)]
pub struct Work {
    /// The session.
    pub session: BackupSession,
    /// When the backup must be over.
    pub deadline: Option<Timestamp>,
    /// One per Snapshot that is not complete.
    pub destinations: Vec<Destination>,
}

/// A Snapshot to be filled.
#[derive(Debug)]
pub struct Destination {
    /// The Snapshot.
    pub snapshot: Snapshot,
    /// Where its data goes, or why that is not known.
    pub target: Result<Target, Error>,
}

/// Reads the session and everything that its Snapshots name. Only what concerns all of it is an error here.
pub async fn read(cluster: &Cluster, namespace: &str, session: &str) -> Result<Work, Error> {
    let found = cluster.find::<BackupSession>(namespace, session).await.context(ClusterSnafu)?;
    let session = found.context(MissingSnafu { kind: "BackupSession", name: session })?;
    let status = session.status.clone().unwrap_or_default();
    let is_open = |one: &&SnapshotReference| !one.phase.is_some_and(SnapshotPhase::is_completed);
    let open: Vec<_> = status.snapshots.iter().filter(is_open).collect();
    let found = join_all(open.iter().map(|one| cluster.find::<Snapshot>(namespace, &one.name))).await;
    let mut snapshots = Vec::new();
    for (one, found) in open.iter().zip(found) {
        snapshots
            .push(found.context(ClusterSnafu)?.context(MissingSnafu { kind: "Snapshot", name: &one.name })?);
    }
    let targets = join_all(snapshots.iter().map(|snapshot| target::find(cluster, snapshot))).await;
    let destinations = snapshots
        .into_iter()
        .zip(targets)
        .map(|(snapshot, target)| Destination { snapshot, target })
        .collect();
    let deadline = status.backup_deadline.as_ref().map(|deadline| deadline.0);
    Ok(Work { session, deadline, destinations })
}
