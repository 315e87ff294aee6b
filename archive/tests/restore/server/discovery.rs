//! What the server says of its types.

use serde_json::{Value, json};

use super::cluster::Type;

/// The answer of `/api` or `/apis`.
pub fn groups(path: &str, types: &[Type]) -> Value {
    let mut groups: Vec<&str> = types
        .iter()
        .map(|of| of.group.as_str())
        .filter(|group| group.is_empty() == (path == "/api"))
        .collect();
    groups.sort_unstable();
    groups.dedup();
    let items: Vec<Value> = groups.into_iter().map(|name| group(name, types)).collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items})
}

fn group(name: &str, types: &[Type]) -> Value {
    let of: Vec<&Type> = types.iter().filter(|of| of.group == name).collect();
    let mut versions: Vec<&str> = Vec::new();
    for version in of.iter().flat_map(|of| &of.versions) {
        if !versions.contains(&version.as_str()) {
            versions.push(version);
        }
    }
    let versions: Vec<Value> = versions
        .into_iter()
        .map(|version| {
            let served = of.iter().filter(|of| of.versions.iter().any(|served| served == version));
            let resources: Vec<Value> = served.map(|of| resource(of, version)).collect();
            json!({"version": version, "freshness": "Current", "resources": resources})
        })
        .collect();
    json!({"metadata": {"name": name}, "versions": versions})
}

fn resource(of: &Type, version: &str) -> Value {
    let subresources = if of.status { json!([{"subresource": "status"}]) } else { json!([]) };
    json!({
        "resource": of.plural, "singularResource": of.plural,
        "responseKind": {"group": of.group, "version": version, "kind": of.kind},
        "scope": if of.namespaced { "Namespaced" } else { "Cluster" },
        "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
        "subresources": subresources})
}
