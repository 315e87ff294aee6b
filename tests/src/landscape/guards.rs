//! What refuses objects that exist already: made last, as it was in the clusters that it is taken from.

use serde_json::{Value, json};

/// A namespace that holds more than its quota allows, and a Pod smaller than its limits do.
pub const NAMESPACE: &str = "landscape-limits";

/// Too small, and too many.
pub fn limited() -> Vec<Value> {
    let mut pod =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "small", "namespace": NAMESPACE}});
    pod["spec"] = super::applications::pod_template("small")["spec"].take();
    pod["spec"]["containers"][0]["env"] = json!([]);
    vec![pod]
}

pub fn objects() -> Vec<Value> {
    vec![
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight", "namespace": NAMESPACE}, "spec": {
            "hard": {"configmaps": "1", "count/secrets": "1", "pods": "0", "services": "0", "count/deployments.apps": "0", "persistentvolumeclaims": "0"},
        }}),
        json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "large", "namespace": NAMESPACE}, "spec": {
            "limits": [{"type": "Container", "min": {"memory": "1Gi"}, "defaultRequest": {"memory": "1Gi"}, "default": {"memory": "2Gi"}}],
        }}),
        webhooks("ValidatingWebhookConfiguration"),
        webhooks("MutatingWebhookConfiguration"),
        policy("landscape-mesh", &[("mesh.example.com", "*"), ("rules.example.com", "*")], "false"),
        binding("landscape-mesh"),
        policy(
            "landscape-definitions",
            &[("apiextensions.k8s.io", "customresourcedefinitions")],
            "!object.metadata.name.endsWith('mesh.example.com')",
        ),
        binding("landscape-definitions"),
    ]
}

/// Of an operator that is not running: all it guards is refused.
fn webhooks(kind: &str) -> Value {
    let mut webhook = json!({
        "name": "certificates.landscape.example.com",
        "clientConfig": {"service": {"namespace": "landscape-certificates", "name": "webhook", "path": "/check", "port": 443}},
        "rules": [{"apiGroups": ["certificates.example.com", "acme.certificates.example.com"], "apiVersions": ["*"], "resources": ["*"], "operations": ["CREATE", "UPDATE"], "scope": "*"}],
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "sideEffects": "None",
        "timeoutSeconds": 1,
        "admissionReviewVersions": ["v1"],
    });
    if kind == "MutatingWebhookConfiguration" {
        webhook["reinvocationPolicy"] = "IfNeeded".into();
    }
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": "landscape-certificates"},
        "webhooks": [webhook],
    })
}

fn policy(name: &str, guarded: &[(&str, &str)], expression: &str) -> Value {
    let rules: Vec<Value> = guarded
        .iter()
        .map(|(group, resource)| json!({"apiGroups": [group], "apiVersions": ["*"], "resources": [resource], "operations": ["CREATE", "UPDATE"]}))
        .collect();
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": rules},
            "validations": [{"expression": expression, "message": "nobody may"}],
        },
    })
}

fn binding(policy: &str) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": policy},
        "spec": {"policyName": policy, "validationActions": ["Deny"]},
    })
}
