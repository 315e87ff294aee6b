//! What a Repository has to do with, as it is now.

use std::collections::BTreeSet;

use crds::label;
use crds::storage::{BackupStorage, Repository, Snapshot};
use kube::ResourceExt;

use crate::cluster;
use crate::context::Context;
use crate::dependents::Key;

/// Everything that decides about a Repository.
#[derive(Debug)]
pub struct Observed {
    /// Its storage.
    pub storage: Option<BackupStorage>,
    /// Its Snapshots.
    pub snapshots: Vec<Snapshot>,
    /// Which cluster this is.
    pub cluster: Option<String>,
    /// What was read.
    pub read: BTreeSet<Key>,
}

/// Reads what is in the cluster.
pub async fn observe(context: &Context, repository: &Repository) -> Result<Observed, cluster::Error> {
    let cluster = &context.cluster;
    let home = repository.namespace().unwrap_or_default();
    let mut read = BTreeSet::new();
    let storage = match &repository.spec.storage_ref {
        Some(reference) => {
            read.insert(Key::of::<BackupStorage>(reference.namespace_or(&home), &reference.name));
            cluster.find::<BackupStorage>(reference.namespace_or(&home), &reference.name).await?
        }
        None => None,
    };
    let labels = format!("{}={}", label::REPOSITORY_NAME, repository.name_any());
    let mut snapshots: Vec<Snapshot> = cluster.list(Some(&home), &labels).await?;
    snapshots.retain(|snapshot| snapshot.spec.repository == repository.name_any());
    Ok(Observed { storage, snapshots, cluster: context.identity.of(cluster).await?, read })
}
