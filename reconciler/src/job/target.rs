//! Where the data of a Snapshot is, and what opens it: read from the objects that it names, by every Job.

use std::sync::Arc;

use archive::access::{self, Password};
use archive::error::Permanence;
use archive::store::ObjectStore;
use crds::reference::ObjectReference;
use crds::storage::snapshot::COMPONENT_MANIFEST;
use crds::storage::{BackupStorage, Repository, Snapshot};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use snafu::{OptionExt, ResultExt, Snafu};

use crate::cluster::{self, Cluster};
use crate::job::peers::Jobs;
use crate::{job, stores};

/// Why a repository cannot be reached.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(super)))]
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

/// The restic repository of a component.
#[derive(Debug)]
pub struct Target {
    /// The storage.
    pub store: Arc<dyn ObjectStore>,
    /// The directory of the component below the prefix of the storage.
    pub directory: String,
    /// What the repository is encrypted with.
    pub password: Password,
    /// The Jobs that work on it.
    pub jobs: Jobs,
    /// The Secrets that open storage and repository.
    pub secrets: Vec<ObjectReference>,
}

/// The restic repository of `snapshot`, whose Repository is not known yet.
pub async fn find(cluster: &Cluster, snapshot: &Snapshot) -> Result<Target, Error> {
    let namespace = snapshot.namespace().unwrap_or_default();
    let name = &snapshot.spec.repository;
    let repository = cluster.find::<Repository>(&namespace, name).await.context(ClusterSnafu)?;
    of(cluster, snapshot, &repository.context(MissingSnafu { kind: "Repository", name })?).await
}

/// The restic repository of `snapshot` in `repository`.
pub async fn of(cluster: &Cluster, snapshot: &Snapshot, repository: &Repository) -> Result<Target, Error> {
    let namespace = repository.namespace().unwrap_or_default();
    let ((store, of_storage), (password, of_repository)) = futures::try_join!(
        store(cluster, &namespace, repository),
        password(cluster, &namespace, repository)
    )?;
    let secrets = of_storage.into_iter().chain([of_repository]).collect();
    let component = snapshot.component_path(COMPONENT_MANIFEST);
    let directory = archive::location::repository_directory(&repository.spec.path, &component);
    Ok(Target { store, directory, password, jobs: Jobs::of(cluster, repository), secrets })
}

async fn store(
    cluster: &Cluster,
    namespace: &str,
    repository: &Repository,
) -> Result<(Arc<dyn ObjectStore>, Option<ObjectReference>), Error> {
    let reference = repository.spec.storage_ref.as_ref();
    let reference = reference
        .context(NoReferenceSnafu { repository: repository.name_any(), what: "BackupStorage" })?
        .resolved(namespace);
    let storage = cluster.find::<BackupStorage>(reference.namespace_or(namespace), &reference.name).await;
    let storage = storage
        .context(ClusterSnafu)?
        .context(MissingSnafu { kind: "BackupStorage", name: reference.to_string() })?;
    let secret = storage.spec.storage.as_ref().and_then(|backend| backend.secret_name());
    let secret = secret.map(|name| ObjectReference::new(reference.namespace_or(namespace), name));
    Ok((stores::open_patiently(cluster, &storage).await.context(StorageSnafu)?, secret))
}

async fn password(
    cluster: &Cluster,
    namespace: &str,
    repository: &Repository,
) -> Result<(Password, ObjectReference), Error> {
    let reference = repository.spec.encryption_secret.as_ref();
    let reference = reference
        .context(NoReferenceSnafu { repository: repository.name_any(), what: "encryption Secret" })?
        .resolved(namespace);
    let secret = cluster.find::<Secret>(reference.namespace_or(namespace), &reference.name).await;
    let secret = secret
        .context(ClusterSnafu)?
        .context(MissingSnafu { kind: "Secret", name: reference.to_string() })?;
    let data = secret.data.unwrap_or_default();
    let password = Password::from_secret(&reference.to_string(), &data).context(PasswordSnafu)?;
    Ok((password, reference))
}
