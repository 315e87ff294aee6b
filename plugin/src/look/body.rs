//! An object of a snapshot, as it was stored and as people see it.

use archive::manifest::codec;
use serde_json::Value;

use crate::diff;

/// What Secrets have in the place of values.
pub const HIDDEN: &str = "<hidden>";

/// What changes by itself, in objects that nobody touched: each with the kinds it is of, `*` for all.
const NOISE: &[(&str, &[&str])] = &[
    ("*", &["metadata", "annotations", "deployment.kubernetes.io/revision"]),
    ("*", &["metadata", "annotations", "control-plane.alpha.kubernetes.io/leader"]),
    ("*", &["metadata", "annotations", "endpoints.kubernetes.io/last-change-trigger-time"]),
    ("*", &["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"]),
    ("Lease", &["spec", "renewTime"]),
    ("Lease", &["spec", "acquireTime"]),
    ("Lease", &["spec", "leaseTransitions"]),
];

/// What a Service is given anew in each of its lives, unless it wishes for no address.
const GIVEN: &[&[&str]] =
    &[&["spec", "clusterIP"], &["spec", "clusterIPs"], &["spec", "healthCheckNodePort"]];

/// An object from its file; what cannot be read as one is told instead.
pub fn parse(bytes: &[u8]) -> Result<Value, String> {
    codec::decode::<Value>(bytes).map_err(|error| error.to_string())
}

/// An object without what the server writes, and without what changes by itself.
#[must_use]
pub fn meant(body: &Value) -> Value {
    let mut body = diff::content(body);
    let kind = body.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    for (of, path) in NOISE {
        if *of == "*" || *of == kind {
            remove(&mut body, path);
        }
    }
    if kind == "Service" && body.pointer("/spec/clusterIP").is_some_and(|address| address != "None") {
        for path in GIVEN {
            remove(&mut body, path);
        }
    }
    body
}

/// Removes a field, and what would be left empty above it.
fn remove(value: &mut Value, path: &[&str]) {
    let (Some(fields), [first, rest @ ..]) = (value.as_object_mut(), path) else { return };
    if rest.is_empty() {
        fields.remove(*first);
        return;
    }
    let Some(below) = fields.get_mut(*first) else { return };
    remove(below, rest);
    if below.as_object().is_some_and(serde_json::Map::is_empty) {
        fields.remove(*first);
    }
}

/// What is made while a cluster runs, and carries no owner.
const MADE: &[&str] = &[
    "backupsessions.core.kubestash.com",
    "endpoints",
    "endpointslices.discovery.k8s.io",
    "events",
    "events.events.k8s.io",
    "leases.coordination.k8s.io",
    "snapshots.storage.kubestash.com",
];

/// Whether controllers make the objects of a resource.
#[must_use]
pub fn is_made(resource: &str) -> bool {
    MADE.contains(&resource)
}

/// Whether the objects of a resource only tell what happened.
#[must_use]
pub fn is_event(resource: &str) -> bool {
    matches!(resource, "events" | "events.events.k8s.io")
}

/// Whether a controller made it and would make it again.
#[must_use]
pub fn is_owned(body: &Value) -> bool {
    let owners = body.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| owner.get("controller") == Some(&Value::Bool(true)))
}

/// The images of its containers.
#[must_use]
pub fn images(body: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    collect_images(body, &mut found);
    found
}

fn collect_images<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "image" => found.push(text),
                    below => collect_images(below, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_images(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_address_of_a_service_is_given_and_none_is_a_wish() {
        let service = |address: &str| {
            json!({"kind": "Service", "metadata": {"name": "a"},
                "spec": {"clusterIP": address, "clusterIPs": [address], "ports": [{"nodePort": 30000}]}})
        };
        assert_eq!(meant(&service("10.0.0.1")), meant(&service("10.0.0.2")));
        assert_ne!(meant(&service("10.0.0.1")), meant(&service("None")));
        assert_eq!(meant(&service("10.0.0.1"))["spec"], json!({"ports": [{"nodePort": 30000}]}));
    }

    #[test]
    fn what_changes_by_itself_is_left_out() {
        let body = json!({
            "kind": "Lease",
            "metadata": {"name": "a", "uid": "u", "annotations": {"deployment.kubernetes.io/revision": "3"}},
            "spec": {"renewTime": "now", "holderIdentity": "me"}, "status": {"x": 1},
        });
        let meant = meant(&body);
        assert_eq!(
            meant,
            json!({"kind": "Lease", "metadata": {"name": "a"}, "spec": {"holderIdentity": "me"}})
        );
        let other = json!({"kind": "Certificate", "spec": {"renewTime": "30d"}});
        assert_eq!(super::meant(&other), other);
    }

    #[test]
    fn images_and_owners_are_found() {
        let body = json!({
            "metadata": {"ownerReferences": [{"kind": "ReplicaSet", "controller": true}]},
            "spec": {"initContainers": [{"image": "a:1"}], "containers": [{"image": "b:2", "name": "image"}]},
        });
        assert_eq!(images(&body), ["b:2", "a:1"]);
        assert!(is_owned(&body));
        assert!(is_made("events") && !is_made("pods"));
        assert!(is_event("events.events.k8s.io") && !is_event("leases.coordination.k8s.io"));
        assert!(!is_owned(&json!({"metadata": {"ownerReferences": [{"kind": "X"}]}})));
    }
}
