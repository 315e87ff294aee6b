//! What a Repository has to do with, as it is now.

use std::collections::BTreeSet;

use crds::label;
use crds::storage::{BackupStorage, Repository, Snapshot};
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;

use crate::cluster::{self, Cluster};
use crate::dependents::Key;

/// The namespace whose UID names a cluster, there being nothing else that every cluster has and no two share.
const CLUSTER_NAMESPACE: &str = "kube-system";

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
pub async fn observe(cluster: &Cluster, repository: &Repository) -> Result<Observed, cluster::Error> {
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
    let namespace = cluster.find::<Namespace>("", CLUSTER_NAMESPACE).await?;
    Ok(Observed { storage, snapshots, cluster: namespace.and_then(|namespace| namespace.uid()), read })
}
