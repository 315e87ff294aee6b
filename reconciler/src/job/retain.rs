//! `kubestash retain`: applies the retention policies of a BackupSession (contract §6.6).
//!
//! Each repository is reported by itself in `BackupSession.status.retentionPolicy`. The list is written as a whole each
//! time: whoever reads it knows that all is done when nothing in it is Pending.

use std::collections::BTreeMap;
use std::sync::Arc;

use archive::error::Permanence;
use crds::core::backup_session::{RetentionPolicyApplication, RetentionPolicyPhase};
use crds::core::{BackupConfiguration, BackupSession, BackupSessionStatus};
use crds::storage::{DeletionPolicy, Repository, RetentionPolicy, Snapshot};
use kube::ResourceExt;
use serde_json::json;
use snafu::{OptionExt, ResultExt, Snafu};
use tokio_util::sync::CancellationToken;

use super::wipe::{self, Ground};
use super::{Failure, permanence};
use crate::args::Retain;
use crate::backup_session::retention::{self, Wanted};
use crate::cluster::{self, Cluster};
use crate::{context, finalizer, shutdown, snapshot};

/// Why a policy was not applied.
#[derive(Debug, Snafu)]
pub enum Error {
    /// No cluster.
    #[snafu(display("failed to find the API server: {source}"))]
    Connect {
        /// Why.
        source: kube::Error,
    },
    /// No handler for SIGTERM.
    #[snafu(display("failed to handle signals: {source}"))]
    Signals {
        /// Why.
        source: std::io::Error,
    },
    /// The API server said no, or nothing.
    #[snafu(display("{source}"))]
    Cluster {
        /// Why.
        source: cluster::Error,
    },
    /// Something that is named does not exist.
    #[snafu(display("{kind} \"{name}\" does not exist"))]
    Missing {
        /// What.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// At least one policy was not applied.
    #[snafu(display("{failed} of {total} retention policies were not applied: {first}"))]
    Incomplete {
        /// How many.
        failed: usize,
        /// Of how many.
        total: usize,
        /// What the first of them says.
        first: String,
    },
}

impl Failure for Error {
    fn permanence(&self) -> Permanence {
        match self {
            Self::Connect { .. } | Self::Signals { .. } => Permanence::Temporary,
            Self::Cluster { source } => permanence(source),
            Self::Missing { .. } | Self::Incomplete { .. } => Permanence::Permanent,
        }
    }
}

/// What the policies are applied to.
struct Work {
    session: BackupSession,
    snapshots: Vec<Snapshot>,
    wanted: Vec<Wanted>,
}

/// Applies the policies of the session.
pub async fn run(arguments: Retain) -> Result<(), Error> {
    let cluster = super::connect(arguments.pod.clone()).await.context(ConnectSnafu)?;
    let cancel = cancelled_on_signal()?;
    let Work { session, snapshots, wanted } =
        read(&cluster, &arguments.namespace, &arguments.backupsession).await?;
    let mut applications: Vec<_> = wanted.iter().map(begun).collect();
    report(&cluster, &session, &applications).await?;
    for (position, one) in wanted.iter().enumerate() {
        if applications[position].phase != Some(RetentionPolicyPhase::Pending) {
            continue;
        }
        let removed = remove(&cluster, one, &snapshots, &arguments, &cancel).await;
        applications[position] = match removed {
            Ok(()) => one.clone().application(RetentionPolicyPhase::Applied),
            Err(error) => RetentionPolicyApplication {
                error: Some(error),
                ..one.clone().application(RetentionPolicyPhase::FailedToApply)
            },
        };
        report(&cluster, &session, &applications).await?;
    }
    let failed: Vec<_> = applications.iter().filter_map(|one| one.error.clone()).collect();
    match failed.first() {
        None => Ok(()),
        Some(first) => {
            IncompleteSnafu { failed: failed.len(), total: applications.len(), first: first.clone() }.fail()
        }
    }
}

/// What runs stops on SIGTERM, and releases its lock.
pub(super) fn cancelled_on_signal() -> Result<CancellationToken, Error> {
    let (_, shutdown) = shutdown::on_signal().context(SignalsSnafu)?;
    let cancel = CancellationToken::new();
    let pulled = cancel.clone();
    tokio::spawn(async move {
        shutdown.requested().await;
        pulled.cancel();
    });
    Ok(cancel)
}

fn begun(one: &Wanted) -> RetentionPolicyApplication {
    if one.remove.is_empty() {
        one.clone().without_removal()
    } else {
        one.clone().application(RetentionPolicyPhase::Pending)
    }
}

async fn read(cluster: &Cluster, namespace: &str, name: &str) -> Result<Work, Error> {
    let session = cluster.find::<BackupSession>(namespace, name).await.context(ClusterSnafu)?;
    let session = session.context(MissingSnafu { kind: "BackupSession", name })?;
    let name = session.spec.invoker.as_ref().map_or("", |invoker| &invoker.name);
    let configuration = cluster.find::<BackupConfiguration>(namespace, name).await.context(ClusterSnafu)?;
    let configuration = configuration.context(MissingSnafu { kind: "BackupConfiguration", name })?;
    let mut policies = BTreeMap::new();
    for (_, policy) in retention::references(&session, &configuration) {
        let found = cluster.find::<RetentionPolicy>(policy.namespace_or(namespace), &policy.name).await;
        if let Some(found) = found.context(ClusterSnafu)? {
            policies.insert(policy.to_string(), found);
        }
    }
    let snapshots = cluster.list::<Snapshot>(Some(namespace), "").await.context(ClusterSnafu)?;
    let wanted = retention::wanted(&session, &configuration, &snapshots, &policies, context::now());
    Ok(Work { session, snapshots, wanted })
}

/// Removes what one policy removes from its repository.
async fn remove(
    cluster: &Cluster,
    wanted: &Wanted,
    snapshots: &[Snapshot],
    arguments: &Retain,
    cancel: &CancellationToken,
) -> Result<(), String> {
    for snapshot in snapshots.iter().filter(|snapshot| wanted.remove.contains(&snapshot.name_any())) {
        doom(cluster, snapshot, &arguments.job).await.map_err(|error| error.to_string())?;
    }
    let repository = cluster.find::<Repository>(&arguments.namespace, &wanted.repository).await;
    let repository = repository.map_err(|error| error.to_string())?;
    let repository =
        repository.ok_or_else(|| format!("Repository {:?} does not exist", wanted.repository))?;
    let session = snapshots.iter().find(|snapshot| wanted.remove.contains(&snapshot.name_any()));
    let session = session.map(|snapshot| snapshot.spec.session.as_str()).unwrap_or_default();
    let ground = Ground { repository: &repository, session };
    let removed = wipe::wipe(cluster, ground, arguments.pod.as_deref(), cancel).await;
    removed.map(drop).map_err(|error| error.to_string())
}

/// Deletes the Snapshot with its data. Its finalizer keeps it until the data is gone; the annotation tells the operator
/// that this Job sees to that.
async fn doom(cluster: &Cluster, snapshot: &Snapshot, job: &str) -> Result<(), cluster::Error> {
    let patch = json!({
        "metadata": {"annotations": {snapshot::REMOVED_BY: job}},
        "spec": {"deletionPolicy": DeletionPolicy::WipeOut},
    });
    let doomed = match cluster.merge(snapshot, patch).await {
        Err(error) if error.is_not_found() => return Ok(()),
        doomed => doomed?,
    };
    // One of an older version, or from another cluster, may have none.
    finalizer::hold(cluster, Arc::new(doomed.clone())).await?;
    cluster.delete(&doomed).await
}

async fn report(
    cluster: &Cluster,
    session: &BackupSession,
    applications: &[RetentionPolicyApplication],
) -> Result<(), Error> {
    let status =
        BackupSessionStatus { retention_policy: applications.to_vec(), ..BackupSessionStatus::default() };
    cluster.apply_status(session, &status).await.map(drop).context(ClusterSnafu)
}
