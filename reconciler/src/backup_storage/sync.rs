//! Repositories and Snapshots that are in the bucket but not in the cluster (contract §4.6): another cluster wrote
//! them, or this one before the storage was deleted.
//!
//! It happens when a storage is initialised, and again for what failed then. Later a Repository that is missing was
//! deleted on purpose, and stays away.

use archive::bucket;
use archive::store::ObjectStore;
use crds::name;
use crds::name::sync::{ANNOTATION as SYNC, DONE, PENDING};
use crds::reference::ObjectReference;
use crds::storage::backup_storage::RepositoryInfo;
use crds::storage::{BackupStorage, Repository, Snapshot};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};
use serde_json::json;
use snafu::{OptionExt, ResultExt, Snafu};

use crate::cluster::{self, Cluster};

/// Why a repository could not be brought into the cluster.
#[derive(Debug, Snafu)]
pub enum Error {
    /// Objects keep their namespace.
    #[snafu(display("namespace \"{namespace}\" does not exist; create it to see this repository"))]
    NoNamespace {
        /// The one it had.
        namespace: String,
    },
    /// The name is taken.
    #[snafu(display("Repository \"{name}\" exists already and is kept elsewhere"))]
    Taken {
        /// `namespace/name`.
        name: String,
    },
    /// `repository.yaml` is gone.
    #[snafu(display("\"{path}\" has no repository.yaml"))]
    NoFile {
        /// Directory of the repository.
        path: String,
    },
    /// The bucket.
    #[snafu(display("{source}"))]
    Bucket {
        /// What happened.
        source: bucket::Error,
    },
    /// The cluster.
    #[snafu(display("{source}"))]
    Cluster {
        /// What happened.
        source: cluster::Error,
    },
}

/// A repository that is in the cluster now.
#[derive(Debug)]
pub struct Synced {
    /// Its object.
    pub repository: Repository,
    /// What to say about Snapshots that could not be read, if there are any; the others are here.
    pub unreadable: Option<String>,
}

/// Brings a repository and its Snapshots into the cluster. What exists is left as it is.
pub async fn sync(
    cluster: &Cluster,
    store: &dyn ObjectStore,
    storage: &BackupStorage,
    info: &RepositoryInfo,
) -> Result<Synced, Error> {
    let namespace = cluster.find::<Namespace>("", &info.namespace).await.context(ClusterSnafu)?;
    namespace.context(NoNamespaceSnafu { namespace: &info.namespace })?;
    let file = bucket::read_repository(store, &info.path).await.context(BucketSnafu)?;
    let file = file.context(NoFileSnafu { path: &info.path })?;
    let wanted = adopted(file, storage, info);
    let repository = match cluster.create(&wanted).await.context(ClusterSnafu)? {
        Some(created) => created,
        None => cluster
            .find::<Repository>(&info.namespace, &info.name)
            .await
            .context(ClusterSnafu)?
            .filter(|existing| existing.spec.storage_ref == wanted.spec.storage_ref)
            .with_context(|| TakenSnafu { name: format!("{}/{}", info.namespace, info.name) })?,
    };
    if !is_pending(&repository) {
        return Ok(Synced { repository, unreadable: None });
    }
    let unreadable = snapshots(cluster, store, &repository).await?;
    let done = json!({"metadata": {"annotations": {SYNC: DONE}}});
    let repository = cluster.merge(&repository, done).await.context(ClusterSnafu)?;
    Ok(Synced { repository, unreadable })
}

/// Whether the Repository came from a bucket.
#[must_use]
pub fn is_synced(repository: &Repository) -> bool {
    repository.annotations().contains_key(SYNC)
}

/// Whether Snapshots of a Repository, or the status of a Snapshot, may be missing.
#[must_use]
pub fn is_pending<K: Resource>(object: &K) -> bool {
    object.annotations().get(SYNC).is_some_and(|state| state == PENDING)
}

async fn snapshots(
    cluster: &Cluster,
    store: &dyn ObjectStore,
    repository: &Repository,
) -> Result<Option<String>, Error> {
    let mut unreadable = Vec::new();
    for file in bucket::read_snapshots(store, &repository.spec.path).await.context(BucketSnafu)? {
        match file {
            Ok(file) => snapshot(cluster, file, repository).await.context(ClusterSnafu)?,
            Err(error) => unreadable.push(error.to_string()),
        }
    }
    let count = unreadable.len();
    let first = unreadable.into_iter().next();
    Ok(first.map(|first| format!("{count} snapshots could not be read, the first because: {first}")))
}

/// Creates the Snapshot and gives it the status that it had. One that was here before is left alone.
///
/// It is paused until its status is complete: without one it would look like a backup that somebody gave up. What the
/// backup Job wrote is written in the Job's name, since what the operator itself applied it would take away again.
async fn snapshot(
    cluster: &Cluster,
    mut file: Snapshot,
    repository: &Repository,
) -> Result<(), cluster::Error> {
    let mut status = file.status.take().unwrap_or_default();
    let paused = file.spec.paused;
    let home = repository.namespace().unwrap_or_default();
    file.metadata = bare(&file.metadata, &home);
    file.metadata.owner_references = repository.controller_owner_ref(&()).map(|owner| vec![owner]);
    file.metadata.annotations.get_or_insert_default().insert(SYNC.to_owned(), PENDING.to_owned());
    file.spec.repository = repository.name_any();
    file.spec.paused = true;
    let created = if let Some(created) = cluster.create(&file).await? {
        created
    } else {
        let existing = cluster.find::<Snapshot>(&home, &file.name_any()).await?;
        let Some(existing) = existing.filter(is_pending) else { return Ok(()) };
        existing
    };
    let components = json!({"components": std::mem::take(&mut status.components)});
    let job = cluster.on_behalf_of(name::manager::JOB);
    let created = job.apply_status(&created, &components).await?.into_object();
    let created = cluster.apply_status(&created, &status).await?.into_object();
    let done = json!({"metadata": {"annotations": {SYNC: DONE}}, "spec": {"paused": paused.then_some(true)}});
    cluster.merge(&created, done).await.map(drop)
}

/// The Repository of a file, as an object of this cluster.
fn adopted(file: Repository, storage: &BackupStorage, info: &RepositoryInfo) -> Repository {
    let mut repository = Repository::new(&info.name, file.spec);
    repository.metadata = bare(&file.metadata, &info.namespace);
    repository.metadata.name = Some(info.name.clone());
    repository.metadata.annotations.get_or_insert_default().insert(SYNC.to_owned(), PENDING.to_owned());
    let storage = ObjectReference::new(&storage.namespace().unwrap_or_default(), &storage.name_any());
    repository.spec.storage_ref = Some(storage);
    repository.spec.path.clone_from(&info.path);
    repository
}

/// Metadata without what belongs to the cluster it came from.
fn bare(metadata: &ObjectMeta, namespace: &str) -> ObjectMeta {
    let mut annotations = metadata.annotations.clone().unwrap_or_default();
    annotations.retain(|key, _| key != "kubectl.kubernetes.io/last-applied-configuration");
    ObjectMeta {
        name: metadata.name.clone(),
        namespace: Some(namespace.to_owned()),
        labels: metadata.labels.clone(),
        annotations: Some(annotations).filter(|annotations| !annotations.is_empty()),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_the_other_cluster_is_left_behind() {
        let file: Repository = serde_json::from_value(json!({
            "metadata": {
                "name": "repo", "namespace": "demo", "uid": "u", "resourceVersion": "7", "finalizers": ["x/y"],
                "creationTimestamp": "2026-11-22T10:00:00Z", "labels": {"team": "a"},
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
                "ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "x", "uid": "x"}],
            },
            "spec": {"path": "/shop", "storageRef": {"name": "old", "namespace": "there"},
                     "encryptionSecret": {"name": "enc", "namespace": "demo"}},
            "status": {"phase": "Ready"},
        }))
        .unwrap();
        let storage: BackupStorage =
            serde_json::from_value(json!({"metadata": {"name": "new", "namespace": "infra"}})).unwrap();
        let info = RepositoryInfo {
            name: "repo".into(),
            namespace: "demo".into(),
            path: "/shop".into(),
            ..Default::default()
        };
        let adopted = serde_json::to_value(adopted(file, &storage, &info)).unwrap();
        assert_eq!(
            adopted["metadata"],
            json!({"name": "repo", "namespace": "demo", "labels": {"team": "a"}, "annotations": {SYNC: PENDING}})
        );
        assert_eq!(
            adopted["spec"],
            json!({"path": "/shop", "storageRef": {"name": "new", "namespace": "infra"},
                   "encryptionSecret": {"name": "enc", "namespace": "demo"}})
        );
        assert_eq!(adopted.get("status"), None);
    }
}
