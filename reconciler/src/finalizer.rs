//! The finalizer of our kinds: deletion waits until what is outside Kubernetes is in order (contract §3.3).

use std::sync::Arc;

use crds::name::FINALIZER;
use kube::{Resource, ResourceExt};

use crate::cluster::{self, Cluster, Kind};

/// Whether the object is being deleted.
#[must_use]
pub fn is_leaving<K: Resource>(object: &K) -> bool {
    object.meta().deletion_timestamp.is_some()
}

/// Whether deletion waits for us.
#[must_use]
pub fn is_held<K: Resource>(object: &K) -> bool {
    object.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}

/// Gives the object our finalizer, and gives the object as it is then. One that is being deleted cannot get one.
pub async fn hold<K: Kind>(cluster: &Cluster, object: Arc<K>) -> Result<Arc<K>, cluster::Error> {
    if is_held(&*object) || is_leaving(&*object) {
        return Ok(object);
    }
    let mut finalizers = object.finalizers().to_vec();
    finalizers.push(FINALIZER.to_owned());
    cluster.set_finalizers(&*object, &finalizers).await.map(Arc::new)
}

/// Takes our finalizer away; the others stay. An object that is gone is released.
pub async fn release<K: Kind>(cluster: &Cluster, object: &K) -> Result<(), cluster::Error> {
    if !is_held(object) {
        return Ok(());
    }
    let finalizers: Vec<_> = object.finalizers().iter().filter(|name| *name != FINALIZER).cloned().collect();
    match cluster.set_finalizers(object, &finalizers).await {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}
