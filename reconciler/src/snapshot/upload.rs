//! Puts the YAML of a Snapshot into the bucket, where another cluster finds it (contract §4.3).

use archive::bucket;
use crds::storage::{BackupStorage, Repository, Snapshot};
use kube::ResourceExt;
use snafu::{OptionExt, ResultExt, Snafu};

use crate::cluster;
use crate::context::Context;
use crate::stores;

/// Why the YAML is not in the bucket.
#[derive(Debug, Snafu)]
pub enum Error {
    /// Without its Repository nobody knows where the bucket is.
    #[snafu(display("Repository \"{name}\" does not exist"))]
    NoRepository {
        /// Its name.
        name: String,
    },
    /// The Repository names no storage.
    #[snafu(display("Repository \"{name}\" names no BackupStorage"))]
    NoReference {
        /// Its name.
        name: String,
    },
    /// The storage cannot be used.
    #[snafu(display("{source}"))]
    Storage {
        /// Why.
        source: stores::Error,
    },
    /// The file was not written.
    #[snafu(display("failed to upload the Snapshot: {source}"))]
    Write {
        /// Why.
        source: bucket::Error,
    },
}

/// Writes `snapshot`, as it is, into the bucket of `repository`.
pub async fn upload(
    context: &Context,
    snapshot: &Snapshot,
    repository: Option<&Repository>,
) -> Result<(), Error> {
    let repository = repository.context(NoRepositorySnafu { name: &snapshot.spec.repository })?;
    let name = repository.name_any();
    let reference = repository.spec.storage_ref.as_ref().context(NoReferenceSnafu { name })?;
    let namespace = repository.namespace().unwrap_or_default();
    let reference = reference.resolved(&namespace);
    let storage: Result<Option<BackupStorage>, cluster::Error> =
        context.cluster.find(reference.namespace_or(&namespace), &reference.name).await;
    let storage = storage.map_err(|source| stores::Error::Cluster { source }).context(StorageSnafu)?;
    let storage = storage
        .ok_or_else(|| stores::Error::NoStorage { name: reference.to_string() })
        .context(StorageSnafu)?;
    let store = context.stores.open(&context.cluster, &storage).await.context(StorageSnafu)?;
    bucket::write_snapshot(&*store, &repository.spec.path, &snapshot.name_any(), snapshot)
        .await
        .context(WriteSnafu)
}
