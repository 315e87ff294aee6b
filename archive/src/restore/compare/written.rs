//! What servers and controllers write into objects of others: no difference, and nothing that a replacement may take away.

use serde_json::{Map, Value};

use super::found::LEADER;

/// Beginnings of annotations that servers and controllers write.
const ANNOTATIONS: [&str; 11] = [
    LEADER,
    "autoscaling.alpha.kubernetes.io/",
    "batch.kubernetes.io/",
    "deployment.kubernetes.io/",
    "deprecated.daemonset.template.generation",
    "endpoints.kubernetes.io/",
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubernetes.io/service-account.uid",
    "pv.kubernetes.io/",
    "volume.beta.kubernetes.io/",
    "volume.kubernetes.io/",
];

/// Labels that they write.
const LABELS: [&str; 5] = [
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "controller-uid",
    "job-name",
    "kubernetes.io/metadata.name",
];

/// Fields that they write, by kind.
const FIELDS: &[(&str, &str)] = &[
    ("Job", "selector"),
    ("PersistentVolume", "resourceVersion"),
    ("PersistentVolume", "uid"),
    ("PersistentVolumeClaim", "volumeName"),
    ("Pod", "ephemeralContainers"),
    ("Pod", "nodeName"),
    ("Pod", "preemptionPolicy"),
    ("Pod", "priority"),
    ("Service", "clusterIP"),
    ("Service", "clusterIPs"),
    ("Service", "healthCheckNodePort"),
    ("Service", "ipFamilies"),
    ("ServiceAccount", "secrets"),
];

/// Whether a field of an object of `kind` is written by a server or controller. Certificates are put into webhooks by
/// whoever issues them.
pub fn is_field(name: &str, live: &Value, kind: &str) -> bool {
    name == "caBundle" && live.is_string() || FIELDS.contains(&(kind, name))
}

/// Whether an entry of the map `map` is.
pub fn is_entry(map: &str, key: &str) -> bool {
    match map {
        "annotations" => ANNOTATIONS.iter().any(|beginning| key.starts_with(beginning)),
        "labels" => LABELS.contains(&key),
        _ => false,
    }
}

/// Gives `object`, which is to replace `live`, what they have written there and it lacks: also finalizers, without which
/// what they guard would leak, and owners.
pub fn keep(object: &mut Value, live: &Value) {
    let kind = super::kind_of(live).to_owned();
    let (Some(object), Some(live)) = (object.as_object_mut(), live.as_object()) else { return };
    if let (Some(Value::Object(metadata)), Some(Value::Object(live))) =
        (object.get_mut("metadata"), live.get("metadata"))
    {
        keep_items(metadata, live, "finalizers", |item| Some(item));
        keep_items(metadata, live, "ownerReferences", |item| item.get("uid"));
        for map in ["annotations", "labels"] {
            keep_entries(metadata, live, map);
        }
    }
    for (name, value) in live.iter().filter(|(name, _)| *name != "metadata" && *name != "status") {
        keep_field(object, name, value, &kind);
    }
}

/// Adds the items of a list that are not there, told apart by `key`.
fn keep_items(
    metadata: &mut Map<String, Value>,
    live: &Map<String, Value>,
    list: &str,
    key: impl Fn(&Value) -> Option<&Value>,
) {
    let Some(Value::Array(live)) = live.get(list) else { return };
    let items = metadata.entry(list).or_insert_with(|| Value::Array(Vec::new()));
    let Some(items) = items.as_array_mut() else { return };
    for item in live {
        if !items.iter().any(|other| key(other) == key(item)) {
            items.push(item.clone());
        }
    }
}

fn keep_entries(metadata: &mut Map<String, Value>, live: &Map<String, Value>, map: &str) {
    let entries = live.get(map).and_then(Value::as_object).into_iter().flatten();
    let written: Vec<_> = entries.filter(|(key, _)| is_entry(map, key)).collect();
    if written.is_empty() {
        return;
    }
    let there = metadata.entry(map).or_insert_with(|| Value::Object(Map::new()));
    for (key, value) in written {
        if let Some(there) = there.as_object_mut() {
            there.entry(key).or_insert_with(|| value.clone());
        }
    }
}

fn keep_field(object: &mut Map<String, Value>, name: &str, live: &Value, kind: &str) {
    match object.get_mut(name) {
        None if is_field(name, live, kind) => {
            object.insert(name.to_owned(), live.clone());
        }
        None => {}
        Some(value) => keep_below(value, live, kind),
    }
}

fn keep_below(value: &mut Value, live: &Value, kind: &str) {
    match (value, live) {
        (Value::Object(fields), Value::Object(live)) => {
            for (name, live) in live {
                keep_field(fields, name, live, kind);
            }
        }
        (Value::Array(items), Value::Array(live)) if items.len() == live.len() => {
            for (item, live) in items.iter_mut().zip(live) {
                keep_below(item, live, kind);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_replacement_keeps_what_others_have_written() {
        for (mut object, live, kept) in [
            (
                json!({"kind": "Widget", "metadata": {"name": "a", "finalizers": ["x"], "labels": {"app": "a"}}}),
                json!({"kind": "Widget", "metadata": {
                    "name": "a", "uid": "u", "finalizers": ["x", "y"], "labels": {"app": "b", "job-name": "a", "mine": "1"},
                    "annotations": {"mine": "1", "pv.kubernetes.io/bind-completed": "yes"},
                    "ownerReferences": [{"uid": "o"}]}}),
                json!({"kind": "Widget", "metadata": {
                    "name": "a", "finalizers": ["x", "y"], "labels": {"app": "a", "job-name": "a"},
                    "annotations": {"pv.kubernetes.io/bind-completed": "yes"}, "ownerReferences": [{"uid": "o"}]}}),
            ),
            (
                json!({"kind": "ValidatingWebhookConfiguration", "webhooks": [{"name": "a", "clientConfig": {}}]}),
                json!({"kind": "ValidatingWebhookConfiguration", "webhooks": [
                    {"name": "a", "clientConfig": {"caBundle": "eA==", "url": "x"}}]}),
                json!({"kind": "ValidatingWebhookConfiguration", "webhooks": [
                    {"name": "a", "clientConfig": {"caBundle": "eA=="}}]}),
            ),
            (
                json!({"kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [], "clusterIP": "None"}}),
                json!({"kind": "Service", "metadata": {"name": "a"}, "spec": {
                    "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "externalName": "x"}, "status": {"a": 1}}),
                json!({"kind": "Service", "metadata": {"name": "a"}, "spec": {
                    "ports": [], "clusterIP": "None", "clusterIPs": ["10.0.0.1"]}}),
            ),
            (
                json!({"kind": "ConfigMap", "metadata": {"name": "a"}}),
                json!({"kind": "ConfigMap", "metadata": {"name": "a", "annotations": {"mine": "x"}}, "data": {"a": "b"}}),
                json!({"kind": "ConfigMap", "metadata": {"name": "a"}}),
            ),
        ] {
            keep(&mut object, &live);
            assert_eq!(object, kept);
            let once = object.clone();
            keep(&mut object, &live);
            assert_eq!(object, once);
        }
    }
}
