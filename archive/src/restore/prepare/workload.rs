//! What the server gives a Job and a Service when they are made.

use serde_json::{Map, Value};

use super::remove_entries;
use crate::restore::fields;

/// By which the server ties the Pods of a Job to it; since 1.27 with a prefix.
const JOB_LABELS: [&str; 4] =
    ["batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"];

/// The selector and the labels of a Job are made from its uid, unless its author chose them (`manualSelector`): with
/// those of another uid it is refused.
pub fn prepare_job(object: &mut Map<String, Value>) {
    let manual = object.get("spec").and_then(|spec| spec.get("manualSelector")).and_then(Value::as_bool);
    if manual == Some(true) {
        return;
    }
    fields::remove(object, "spec/selector");
    fields::each_mut(object, "metadata", &mut remove_job_labels);
    fields::each_mut(object, "spec/template/metadata", &mut remove_job_labels);
}

fn remove_job_labels(metadata: &mut Value) {
    if let Some(metadata) = metadata.as_object_mut() {
        remove_entries(metadata, "labels", &JOB_LABELS);
        remove_entries(metadata, "annotations", &["batch.kubernetes.io/job-tracking"]);
    }
}

/// Addresses belong to the cluster that gave them out (contract A20); that there is none is the author's choice.
pub fn prepare_service(object: &mut Map<String, Value>) {
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    if spec.get("clusterIP").and_then(Value::as_str) != Some("None") {
        spec.remove("clusterIP");
        spec.remove("clusterIPs");
    }
    spec.remove("healthCheckNodePort");
}
