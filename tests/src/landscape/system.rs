//! Built-in objects that belong to no namespace.

use serde_json::{Value, json};

/// Ready volumes of class `landscape`.
pub const VOLUMES: usize = 8;

/// Everything that the objects in namespaces may name.
pub fn objects(namespaces: &[&str]) -> Vec<Value> {
    let mut objects = classes();
    objects.extend(namespaces.iter().enumerate().map(|(number, name)| namespace(name, number)));
    objects.extend((0..VOLUMES).map(volume));
    objects.extend(rights());
    objects.extend(flow_control());
    objects
}

fn namespace(name: &str, number: usize) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {"team": format!("team-{number}"), "pod-security.kubernetes.io/warn": "baseline"},
            "annotations": {"example.com/contact": "on", "example.com/since": "2001-01-01"},
        },
    })
}

fn classes() -> Vec<Value> {
    let storage = |name: &str, binding: &str| {
        json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": name},
            "provisioner": "kubernetes.io/no-provisioner",
            "reclaimPolicy": "Retain",
            "volumeBindingMode": binding,
        })
    };
    let priority = |name: &str, value: i64, preemption: &str| {
        json!({
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name},
            "value": value,
            "preemptionPolicy": preemption,
            "description": "no",
        })
    };
    vec![
        storage("landscape", "Immediate"),
        storage("landscape-later", "WaitForFirstConsumer"),
        priority("landscape-high", 1000, "PreemptLowerPriority"),
        priority("landscape-low", -10, "Never"),
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": "landscape"},
            "spec": {"controller": "example.com/ingress", "parameters": {"apiGroup": "mesh.example.com", "kind": "Gateway", "name": "gateway-0", "namespace": "landscape-mesh", "scope": "Namespace"}},
        }),
        json!({
            "apiVersion": "node.k8s.io/v1",
            "kind": "RuntimeClass",
            "metadata": {"name": "landscape"},
            "handler": "sandboxed",
            "overhead": {"podFixed": {"memory": "64Mi"}},
        }),
        json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "CSIDriver",
            "metadata": {"name": "csi.landscape.example.com"},
            "spec": {"attachRequired": false, "podInfoOnMount": true, "volumeLifecycleModes": ["Ephemeral"]},
        }),
        json!({
            "apiVersion": "resource.k8s.io/v1",
            "kind": "DeviceClass",
            "metadata": {"name": "landscape"},
            "spec": {"selectors": [{"cel": {"expression": "device.driver == 'gpu.landscape.example.com'"}}]},
        }),
    ]
}

/// The volume that a claim names. It is the largest: any other claim gets the smallest that is free.
pub const NAMED_VOLUME: usize = 7;

/// A folder that every machine has, for pods that write nothing.
fn volume(number: usize) -> Value {
    let size = if number == NAMED_VOLUME { "2Gi" } else { "1Gi" };
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": format!("landscape-{number}")},
        "spec": {
            "storageClassName": "landscape",
            "capacity": {"storage": size},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": "/tmp", "type": "Directory"},
        },
    })
}

fn rights() -> Vec<Value> {
    let role = |name: &str, number: usize| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name, "labels": {"example.com/aggregate": if number == 0 { "yes" } else { "no" }}},
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [format!("map-{number}")], "verbs": ["get"]}],
        })
    };
    let binding = |name: &str, role: &str| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [
                {"kind": "ServiceAccount", "name": "web", "namespace": "landscape-mesh"},
                {"kind": "User", "name": "somebody@example.com", "apiGroup": "rbac.authorization.k8s.io"},
            ],
        })
    };
    let mut objects = Vec::new();
    for (number, name) in ODD_NAMES.iter().enumerate() {
        objects.push(role(&format!("landscape {name}"), number));
        objects.push(binding(&format!("landscape {name}"), &format!("landscape {name}")));
    }
    // What a controller fills in: its rules.
    objects.push(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "landscape-aggregated"},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"example.com/aggregate": "yes"}}]},
        "rules": [],
    }));
    objects
}

/// Names that only RBAC allows: they are path segments, and nothing more.
pub const ODD_NAMES: [&str; 6] =
    ["a role:with blanks", "star*", "who?", "pipe|and\"quote", "Capitals.and..dots", "ünïcode 🚀"];

fn flow_control() -> Vec<Value> {
    vec![
        json!({
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
            "kind": "PriorityLevelConfiguration",
            "metadata": {"name": "landscape"},
            "spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 1, "limitResponse": {"type": "Reject"}}},
        }),
        json!({
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
            "kind": "FlowSchema",
            "metadata": {"name": "landscape"},
            "spec": {
                "priorityLevelConfiguration": {"name": "landscape"},
                "matchingPrecedence": 9000,
                "distinguisherMethod": {"type": "ByUser"},
                "rules": [{
                    "subjects": [{"kind": "User", "user": {"name": "nobody@example.com"}}],
                    "resourceRules": [{"apiGroups": ["rules.example.com"], "resources": ["*"], "verbs": ["list"], "namespaces": ["*"]}],
                }],
            },
        }),
        // Of no aggregated API server: the API server itself is said to serve it.
        json!({
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1alpha1.local.landscape.example.com"},
            "spec": {"group": "local.landscape.example.com", "version": "v1alpha1", "groupPriorityMinimum": 100, "versionPriority": 1},
        }),
    ]
}
