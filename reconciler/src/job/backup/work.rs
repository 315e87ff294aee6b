//! What a backup Job has to do, read from the objects of its session.

use std::sync::Arc;

use archive::access::{self, Password};
use archive::error::Permanence;
use archive::store::ObjectStore;
use crds::core::BackupSession;
use crds::core::backup_session::SnapshotReference;
use crds::storage::snapshot::{COMPONENT_MANIFEST, SnapshotPhase};
use crds::storage::{BackupStorage, Repository, Snapshot};
use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use snafu::{OptionExt, ResultExt, Snafu};

use crate::cluster::{self, Cluster};
use crate::{job, stores};

/// Why a repository cannot be written to.
#[derive(Debug, Snafu)]
pub enum Error {
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
        /// Its name, with its namespace where that may be another one.
        name: String,
    },
    /// A reference is missing.
    #[snafu(display("Repository \"{repository}\" names no {what}"))]
    NoReference {
        /// Name of the Repository.
        repository: String,
        /// What.
        what: &'static str,
    },
    /// The storage cannot be used.
    #[snafu(display("{source}"))]
    Storage {
        /// Why.
        source: stores::Error,
    },
    /// The Secret has no password.
    #[snafu(display("{source}"))]
    Password {
        /// Why.
        source: access::Error,
    },
}

impl Error {
    /// Whether trying again can help.
    pub const fn permanence(&self) -> Permanence {
        match self {
            Self::Cluster { source } => job::permanence(source),
            Self::Storage { source } => source.permanence(),
            Self::Missing { .. } | Self::NoReference { .. } | Self::Password { .. } => Permanence::Permanent,
        }
    }
}

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

/// A repository to be written to.
#[derive(Debug)]
pub struct Target {
    /// The storage.
    pub store: Arc<dyn ObjectStore>,
    /// The directory of the component below the prefix of the storage.
    pub directory: String,
    /// What the repository is encrypted with.
    pub password: Password,
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
    let targets = join_all(snapshots.iter().map(|snapshot| target(cluster, snapshot))).await;
    let destinations = snapshots
        .into_iter()
        .zip(targets)
        .map(|(snapshot, target)| Destination { snapshot, target })
        .collect();
    let deadline = status.backup_deadline.as_ref().map(|deadline| deadline.0);
    Ok(Work { session, deadline, destinations })
}

async fn target(cluster: &Cluster, snapshot: &Snapshot) -> Result<Target, Error> {
    let namespace = snapshot.namespace().unwrap_or_default();
    let name = &snapshot.spec.repository;
    let repository = cluster.find::<Repository>(&namespace, name).await.context(ClusterSnafu)?;
    let repository = repository.context(MissingSnafu { kind: "Repository", name })?;
    let (store, password) = futures::try_join!(
        store(cluster, &namespace, &repository),
        password(cluster, &namespace, &repository)
    )?;
    let component = snapshot.component_path(COMPONENT_MANIFEST);
    let directory = archive::location::repository_directory(&repository.spec.path, &component);
    Ok(Target { store, directory, password })
}

async fn store(
    cluster: &Cluster,
    namespace: &str,
    repository: &Repository,
) -> Result<Arc<dyn ObjectStore>, Error> {
    let reference = repository.spec.storage_ref.as_ref();
    let reference = reference
        .context(NoReferenceSnafu { repository: repository.name_any(), what: "BackupStorage" })?
        .resolved(namespace);
    let storage = cluster.find::<BackupStorage>(reference.namespace_or(namespace), &reference.name).await;
    let storage = storage
        .context(ClusterSnafu)?
        .context(MissingSnafu { kind: "BackupStorage", name: reference.to_string() })?;
    stores::open_patiently(cluster, &storage).await.context(StorageSnafu)
}

async fn password(cluster: &Cluster, namespace: &str, repository: &Repository) -> Result<Password, Error> {
    let reference = repository.spec.encryption_secret.as_ref();
    let reference = reference
        .context(NoReferenceSnafu { repository: repository.name_any(), what: "encryption Secret" })?
        .resolved(namespace);
    let secret = cluster.find::<Secret>(reference.namespace_or(namespace), &reference.name).await;
    let secret = secret
        .context(ClusterSnafu)?
        .context(MissingSnafu { kind: "Secret", name: reference.to_string() })?;
    Password::from_secret(&reference.to_string(), &secret.data.unwrap_or_default()).context(PasswordSnafu)
}
