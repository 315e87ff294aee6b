//! Which claim is bound to which volume.

use serde_json::{Map, Value};

use super::{Surroundings, remove_entries};
use crate::restore::fields;

/// What the scheduler and the provisioner noted on a claim. With them the claim waits for a node or a volume that may not
/// exist.
const CLAIM_ANNOTATIONS: [&str; 3] = [
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
];

/// A claim is bound anew, unless its volume is brought back with it.
pub fn prepare_claim(object: &mut Map<String, Value>, surroundings: &Surroundings) {
    fields::each_mut(object, "metadata", &mut |metadata| {
        metadata
            .as_object_mut()
            .into_iter()
            .for_each(|metadata| remove_entries(metadata, "annotations", &CLAIM_ANNOTATIONS));
    });
    let volume = object.get("spec").and_then(|spec| spec.get("volumeName")).and_then(Value::as_str);
    if !volume.is_some_and(|volume| surroundings.volumes.contains(volume)) {
        fields::remove(object, "spec/volumeName");
    }
}

/// A volume waits for the claim of that name; with the uid of the old one it would be `Released`, and the claim `Lost`.
pub fn prepare_volume(object: &mut Map<String, Value>) {
    fields::remove(object, "spec/claimRef/uid");
    fields::remove(object, "spec/claimRef/resourceVersion");
}

/// The same for what a VolumeSnapshot is bound to.
pub fn prepare_snapshot_content(object: &mut Map<String, Value>) {
    fields::remove(object, "spec/volumeSnapshotRef/uid");
    fields::remove(object, "spec/volumeSnapshotRef/resourceVersion");
}
