//! An object as it is sent to be made, from what a backup keeps of it.
//!
//! Contract §7.7 says what goes, with three differences. Fields of a Pod that its author wrote stay (`dnsPolicy`,
//! `terminationGracePeriodSeconds`, …). The rules of a type are for that type and not for every type of the same plural.
//! What a real API server refuses or misreads goes besides. It is all applied at the restore, whatever the backup has left out
//! already.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::kinds;
use crate::manifest::path::Key;
use crate::manifest::sanitize;

mod pod;
mod service_account;
mod storage;
mod workload;

/// What preparing an object depends on, besides the object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Leave out what would hurt in another cluster (contract A20).
    pub safe: bool,
    /// The names of the PersistentVolumes that are brought back: claims stay bound to them.
    pub volumes: BTreeSet<String>,
}

/// Fields of `metadata` that say something of the object's life before.
const LIFE: [&str; 5] =
    ["deletionGracePeriodSeconds", "deletionTimestamp", "generateName", "ownerReferences", "clusterName"];

/// Annotations that controllers write (contract §7.7), and who led when the backup was made.
const ANNOTATIONS: [&str; 8] = [
    "control-plane.alpha.kubernetes.io/leader",
    "controller-uid",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deployment.kubernetes.io/revision",
    "pod-template-hash",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
];

/// Finalizers that say how an object is being deleted.
const DELETING: [&str; 2] = ["foregroundDeletion", "orphan"];

/// Removes what cannot or must not be made again. `key` is the object in the snapshot; owner references go too, the
/// caller sets the new ones. With `status_subresource` the server drops what a write says in `status`; else it is data and
/// stays (contract A19).
pub fn prepare(
    object: &mut Map<String, Value>,
    key: &Key,
    status_subresource: bool,
    surroundings: &Surroundings,
) {
    metadata(object);
    if status_subresource || kinds::is_built_in(kinds::group(&key.group_resource)) {
        object.remove("status");
    }
    by_type(object, key, surroundings);
}

fn metadata(object: &mut Map<String, Value>) {
    sanitize::strip(object);
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    for field in LIFE {
        metadata.remove(field);
    }
    remove_entries(metadata, "annotations", &ANNOTATIONS);
    if let Some(finalizers) = metadata.get_mut("finalizers").and_then(Value::as_array_mut) {
        finalizers.retain(|finalizer| !DELETING.iter().any(|deleting| finalizer == deleting));
        if finalizers.is_empty() {
            metadata.remove("finalizers");
        }
    }
}

/// Removes entries from a map below `object`, and the map when it becomes empty by that.
fn remove_entries(object: &mut Map<String, Value>, map: &str, names: &[&str]) {
    let Some(entries) = object.get_mut(map).and_then(Value::as_object_mut) else { return };
    let before = entries.len();
    entries.retain(|name, _| !names.contains(&name.as_str()));
    if entries.is_empty() && before > 0 {
        object.remove(map);
    }
}

fn by_type(object: &mut Map<String, Value>, key: &Key, surroundings: &Surroundings) {
    match key.group_resource.as_str() {
        "pods" => pod::prepare(object),
        "jobs.batch" => workload::prepare_job(object),
        "persistentvolumeclaims" => storage::prepare_claim(object, surroundings),
        "persistentvolumes" => storage::prepare_volume(object),
        "volumesnapshotcontents.snapshot.storage.k8s.io" => storage::prepare_snapshot_content(object),
        "services" if surroundings.safe => workload::prepare_service(object),
        "serviceaccounts" if surroundings.safe => service_account::prepare(object, &key.name),
        "secrets" if surroundings.safe => service_account::prepare_token(object),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
