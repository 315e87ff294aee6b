//! What speaks against making an object again, as far as the object itself says so.

use serde_json::{Map, Value};

use crate::manifest::path::Key;

/// What speaks against making an object again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    #[default]
    Usual,
    /// It was being deleted.
    BeingDeleted,
    /// A Pod or Job that had ended.
    Completed,
    /// The cluster makes it by itself.
    SystemMade,
    /// A Secret with the token of a ServiceAccount: made by itself if the ServiceAccount lists it.
    Token,
}

/// Labels and annotations by which the system marks what it makes by itself, for all types or one. A value of none means
/// any.
const MARKS: &[(&str, &str, &str, Option<&str>)] = &[
    ("pods", "annotations", "kubernetes.io/config.mirror", None),
    ("endpoints", "annotations", "control-plane.alpha.kubernetes.io/leader", None),
    ("endpoints", "labels", "endpoints.kubernetes.io/managed-by", Some("endpoint-controller")),
    (
        "endpointslices.discovery.k8s.io",
        "labels",
        "endpointslice.kubernetes.io/managed-by",
        Some("endpointslice-controller.k8s.io"),
    ),
    (
        "endpointslices.discovery.k8s.io",
        "labels",
        "endpointslice.kubernetes.io/managed-by",
        Some("endpointslicemirroring-controller.k8s.io"),
    ),
    (
        "ipaddresses.networking.k8s.io",
        "labels",
        "ipaddress.kubernetes.io/managed-by",
        Some("ipallocator.k8s.io"),
    ),
    ("apiservices.apiregistration.k8s.io", "labels", "kube-aggregator.kubernetes.io/automanaged", None),
    ("clusterroles.rbac.authorization.k8s.io", "labels", BOOTSTRAPPING, Some("rbac-defaults")),
    ("clusterrolebindings.rbac.authorization.k8s.io", "labels", BOOTSTRAPPING, Some("rbac-defaults")),
    ("roles.rbac.authorization.k8s.io", "labels", BOOTSTRAPPING, Some("rbac-defaults")),
    ("rolebindings.rbac.authorization.k8s.io", "labels", BOOTSTRAPPING, Some("rbac-defaults")),
    ("flowschemas.flowcontrol.apiserver.k8s.io", "annotations", AUTOUPDATE, Some("true")),
    ("prioritylevelconfigurations.flowcontrol.apiserver.k8s.io", "annotations", AUTOUPDATE, Some("true")),
];

const BOOTSTRAPPING: &str = "kubernetes.io/bootstrapping";
const AUTOUPDATE: &str = "apf.kubernetes.io/autoupdate-spec";

/// Objects that the API server or a controller makes under fixed names: type, namespace (none for any), name.
const NAMED: &[(&str, Option<&str>, &str)] = &[
    ("configmaps", None, "kube-root-ca.crt"),
    ("configmaps", Some("kube-system"), "extension-apiserver-authentication"),
    ("configmaps", Some("kube-system"), "kube-apiserver-legacy-service-account-token-tracking"),
    ("services", Some("default"), "kubernetes"),
    ("endpoints", Some("default"), "kubernetes"),
    ("endpointslices.discovery.k8s.io", Some("default"), "kubernetes"),
    ("servicecidrs.networking.k8s.io", None, "kubernetes"),
    ("priorityclasses.scheduling.k8s.io", None, "system-cluster-critical"),
    ("priorityclasses.scheduling.k8s.io", None, "system-node-critical"),
];

/// Types of which every object is made by the system: who holds a lock now, what a driver has room for now.
const TYPES: [&str; 4] = [
    "csistoragecapacities.storage.k8s.io",
    "leasecandidates.coordination.k8s.io",
    "leases.coordination.k8s.io",
    "resourceslices.resource.k8s.io",
];

/// The annotation of a Secret that holds the token of a ServiceAccount: whose.
const TOKEN_OF: &str = "kubernetes.io/service-account.name";

pub(super) fn judge(key: &Key, object: &Map<String, Value>, metadata: &Map<String, Value>) -> Standing {
    if metadata.get("deletionTimestamp").is_some_and(Value::is_string) {
        return Standing::BeingDeleted;
    }
    if has_ended(key, object) {
        return Standing::Completed;
    }
    if is_system_made(key, metadata) {
        return Standing::SystemMade;
    }
    if account(key, metadata).is_some() {
        return Standing::Token;
    }
    Standing::Usual
}

/// The ServiceAccount whose token a Secret holds.
pub(super) fn account<'a>(key: &Key, metadata: &'a Map<String, Value>) -> Option<&'a str> {
    mark(metadata, "annotations", TOKEN_OF).filter(|_| key.group_resource == "secrets")
}

/// Contract §7.6: a Pod that succeeded or failed, a Job that is complete or failed.
fn has_ended(key: &Key, object: &Map<String, Value>) -> bool {
    let status = object.get("status");
    match key.group_resource.as_str() {
        "pods" => {
            let phase = status.and_then(|status| status.get("phase")).and_then(Value::as_str);
            matches!(phase, Some("Succeeded" | "Failed"))
        }
        "jobs.batch" => {
            let conditions = status.and_then(|status| status.get("conditions")).and_then(Value::as_array);
            let text = |condition: &Value, field: &str| {
                condition.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let ends = |condition: &Value| {
                matches!(text(condition, "type").as_str(), "Complete" | "Failed")
                    && text(condition, "status") == "True"
            };
            conditions.is_some_and(|conditions| conditions.iter().any(ends))
        }
        _ => false,
    }
}

fn is_system_made(key: &Key, metadata: &Map<String, Value>) -> bool {
    let of = |resource: &str| resource == key.group_resource;
    let named = NAMED.iter().any(|(resource, namespace, name)| {
        of(resource) && *name == key.name && namespace.is_none_or(|of| key.namespace.as_deref() == Some(of))
    });
    let marked = MARKS.iter().any(|(resource, field, name, value)| {
        of(resource)
            && mark(metadata, field, name).is_some_and(|found| value.is_none_or(|value| value == found))
    });
    named || marked || TYPES.iter().any(|resource| of(resource))
}

fn mark<'a>(metadata: &'a Map<String, Value>, field: &str, name: &str) -> Option<&'a str> {
    metadata.get(field)?.get(name)?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(group_resource: &str, namespace: Option<&str>, name: &str, object: &Value) -> Standing {
        let key = Key {
            group_resource: group_resource.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        let object = object.as_object().unwrap();
        let metadata = object.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
        judge(&key, object, &metadata)
    }

    #[test]
    fn what_has_ended_or_was_being_deleted_is_known() {
        let job =
            |kind: &str, status: &str| json!({"status": {"conditions": [{"type": kind, "status": status}]}});
        for (resource, object, standing) in [
            ("pods", json!({"status": {"phase": "Succeeded"}}), Standing::Completed),
            ("pods", json!({"status": {"phase": "Failed"}}), Standing::Completed),
            ("pods", json!({"status": {"phase": "Running"}}), Standing::Usual),
            ("pods", json!({}), Standing::Usual),
            ("pods.metrics.k8s.io", json!({"status": {"phase": "Failed"}}), Standing::Usual),
            ("jobs.batch", job("Complete", "True"), Standing::Completed),
            ("jobs.batch", job("Failed", "True"), Standing::Completed),
            ("jobs.batch", job("Complete", "False"), Standing::Usual),
            ("jobs.batch", job("Suspended", "True"), Standing::Usual),
            (
                "pods",
                json!({"metadata": {"deletionTimestamp": "2026-11-22T10:11:12Z"}, "status": {"phase": "Failed"}}),
                Standing::BeingDeleted,
            ),
        ] {
            assert_eq!(judged(resource, Some("shop"), "x", &object), standing, "{resource} {object}");
        }
    }

    #[test]
    fn what_the_cluster_makes_is_known_by_name() {
        for (resource, namespace, name, made) in [
            ("configmaps", Some("shop"), "kube-root-ca.crt", true),
            ("configmaps", Some("shop"), "extension-apiserver-authentication", false),
            ("configmaps", Some("kube-system"), "extension-apiserver-authentication", true),
            ("secrets", Some("shop"), "kube-root-ca.crt", false),
            ("leases.coordination.k8s.io", Some("shop"), "any", true),
            ("services", Some("default"), "kubernetes", true),
            ("services", Some("shop"), "kubernetes", false),
            ("priorityclasses.scheduling.k8s.io", None, "system-node-critical", true),
            ("priorityclasses.scheduling.k8s.io", None, "mine", false),
        ] {
            let expected = if made { Standing::SystemMade } else { Standing::Usual };
            assert_eq!(judged(resource, namespace, name, &json!({})), expected, "{resource} {name}");
        }
    }

    #[test]
    fn what_the_cluster_makes_is_known_by_its_marks() {
        for (resource, metadata, standing) in [
            ("pods", json!({"annotations": {"kubernetes.io/config.mirror": "h"}}), Standing::SystemMade),
            (
                "endpointslices.discovery.k8s.io",
                json!({"labels": {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}}),
                Standing::SystemMade,
            ),
            (
                "endpointslices.discovery.k8s.io",
                json!({"labels": {"endpointslice.kubernetes.io/managed-by": "me"}}),
                Standing::Usual,
            ),
            (
                "apiservices.apiregistration.k8s.io",
                json!({"labels": {"kube-aggregator.kubernetes.io/automanaged": "onstart"}}),
                Standing::SystemMade,
            ),
            (
                "flowschemas.flowcontrol.apiserver.k8s.io",
                json!({"annotations": {"apf.kubernetes.io/autoupdate-spec": "false"}}),
                Standing::Usual,
            ),
            ("secrets", json!({"annotations": {"kubernetes.io/service-account.name": "a"}}), Standing::Token),
            ("secrets", json!({"annotations": {"other": "a"}}), Standing::Usual),
        ] {
            let object = json!({ "metadata": metadata });
            assert_eq!(judged(resource, Some("shop"), "x", &object), standing, "{resource} {object}");
        }
    }
}
