//! An object without what is made anew for each of its lives.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::live::Live;

/// Annotations that controllers write, or that a backup leaves out (contract §7.7).
const ANNOTATIONS: [&str; 13] = [
    "controller-uid",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deployment.kubernetes.io/revision",
    "endpoints.kubernetes.io/last-change-trigger-time",
    "kubernetes.io/service-account.uid",
    "pod-template-hash",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "pv.kubernetes.io/provisioned-by",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
];

/// Labels that the Job controller gives by the Job's uid.
const JOB_LABELS: [&str; 4] =
    ["controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"];

/// The object as it must be in every life. `uids` tells who has which uid in the cluster that it is from.
pub fn normal(path: &str, live: &Live, uids: &BTreeMap<&str, &str>) -> Value {
    let mut object = live.object.clone();
    if live.observed
        && let Some(fields) = object.as_object_mut()
    {
        fields.remove("status");
    }
    metadata(&mut object["metadata"], uids);
    match path.split('/').next().unwrap_or_default() {
        "services" => service(&mut object["spec"]),
        "pods" => pod(&mut object["spec"]),
        "persistentvolumes" => forget(&mut object["spec"]["claimRef"], &["uid", "resourceVersion"]),
        "jobs.batch" => job(&mut object),
        "secrets" if object["type"] == "kubernetes.io/service-account-token" => token(&mut object),
        "serviceaccounts" => forget(&mut object, &["secrets"]),
        _ => {}
    }
    object
}

fn metadata(metadata: &mut Value, uids: &BTreeMap<&str, &str>) {
    forget(&mut metadata["annotations"], &ANNOTATIONS);
    for owner in metadata["ownerReferences"].as_array_mut().into_iter().flatten() {
        // By whom it is owned, if by anybody who lives.
        let who = owner["uid"].as_str().and_then(|uid| uids.get(uid)).copied();
        owner["uid"] = who.unwrap_or("nobody").into();
    }
    if let Some(fields) = metadata.as_object_mut() {
        let is_empty = |value: &Value| {
            value.is_null()
                || value.as_object().is_some_and(Map::is_empty)
                || value.as_array().is_some_and(Vec::is_empty)
        };
        fields.retain(|_, value| !is_empty(value));
    }
}

/// Addresses are given anew, "none" is a wish.
fn service(spec: &mut Value) {
    if spec["clusterIP"] != "None" {
        forget(spec, &["clusterIP", "clusterIPs"]);
    }
    forget(spec, &["healthCheckNodePort"]);
}

/// Where it runs, and the volume of its token, whose name is made up for each pod.
fn pod(spec: &mut Value) {
    forget(spec, &["nodeName"]);
    let rename = |list: &mut Value| {
        for entry in list.as_array_mut().into_iter().flatten() {
            if entry["name"].as_str().is_some_and(|name| name.starts_with("kube-api-access-")) {
                entry["name"] = "kube-api-access".into();
            }
        }
    };
    if spec.get("volumes").is_some() {
        rename(&mut spec["volumes"]);
    }
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        if container.get("volumeMounts").is_some() {
            rename(&mut container["volumeMounts"]);
        }
    }
}

fn job(job: &mut Value) {
    if job["spec"]["manualSelector"] != true {
        forget(&mut job["spec"], &["selector"]);
        forget(&mut job["metadata"]["labels"], &JOB_LABELS);
        forget(&mut job["spec"]["template"]["metadata"]["labels"], &JOB_LABELS);
    }
}

/// Another life has another token; what it holds is known by its keys.
fn token(secret: &mut Value) {
    for value in secret["data"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        *value = Value::Null;
    }
}

fn forget(value: &mut Value, fields: &[&str]) {
    if let Some(object) = value.as_object_mut() {
        for field in fields {
            object.remove(*field);
        }
    }
}
