//! What a BackupStorage has to do with, as it is now.

use crds::config::BackendMeta;
use crds::storage::{BackupStorage, Repository};
use kube::ResourceExt;

use crate::cluster;
use crate::context::Context;
use crate::stores::{self, Error};

/// Everything that decides about a BackupStorage.
#[derive(Debug)]
pub struct Observed {
    /// Every BackupStorage of the cluster.
    pub storages: Vec<BackupStorage>,
    /// The Repositories that are kept in this one.
    pub repositories: Vec<Repository>,
}

/// Reads what is in the cluster.
pub async fn observe(context: &Context, storage: &BackupStorage) -> Result<Observed, cluster::Error> {
    let storages = context.cluster.list(None, "").await?;
    let mut repositories: Vec<Repository> = context.cluster.list(None, "").await?;
    repositories.retain(|repository| is_kept_in(repository, storage));
    Ok(Observed { storages, repositories })
}

/// Whether the Repository names this storage.
#[must_use]
pub fn is_kept_in(repository: &Repository, storage: &BackupStorage) -> bool {
    let home = repository.namespace().unwrap_or_default();
    repository.spec.storage_ref.as_ref().is_some_and(|reference| {
        reference.name == storage.name_any()
            && Some(reference.namespace_or(&home)) == storage.metadata.namespace.as_deref()
    })
}

/// What is in the bucket: the mark of the storage, which is made if there is none.
pub async fn initialise(context: &Context, storage: &BackupStorage) -> Result<BackendMeta, Error> {
    let store = context.stores.open(&context.cluster, storage).await?;
    let meta = archive::bucket::initialise(&*store, context.settings.version, context.now()).await;
    meta.map_err(|source| stores::Error::Bucket { source })
}
