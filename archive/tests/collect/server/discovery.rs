//! What the server says of its types.

use http::Response;
use kube::client::Body;
use serde_json::{Value, json};

use super::{Type, reply};

/// The answer of `/api` or `/apis`; a server that is not modern knows no aggregated discovery.
pub fn groups(modern: bool, path: &str, types: &[Type]) -> Value {
    let mut groups: Vec<&str> =
        types.iter().map(|of| of.group).filter(|group| group.is_empty() == (path == "/api")).collect();
    groups.dedup();
    if modern {
        let items: Vec<Value> = groups.into_iter().map(|group| aggregated_group(group, types)).collect();
        return json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items});
    }
    if path == "/api" {
        return json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []});
    }
    let groups: Vec<Value> = groups
        .into_iter()
        .map(|group| {
            let version =
                |version: &&str| json!({"groupVersion": format!("{group}/{version}"), "version": version});
            let versions: Vec<Value> = versions(group, types).iter().map(version).collect();
            // In the order of their age: what is preferred is said besides.
            let reversed: Vec<&Value> = versions.iter().rev().collect();
            json!({"name": group, "versions": reversed, "preferredVersion": versions[0]})
        })
        .collect();
    json!({"kind": "APIGroupList", "groups": groups})
}

fn versions(group: &str, types: &[Type]) -> Vec<&'static str> {
    let mut versions = Vec::new();
    for version in types.iter().filter(|of| of.group == group).flat_map(|of| &of.versions) {
        if !versions.contains(version) {
            versions.push(*version);
        }
    }
    versions
}

fn aggregated_group(group: &str, types: &[Type]) -> Value {
    let versions: Vec<Value> = versions(group, types)
        .into_iter()
        .map(|version| {
            let served = |of: &&Type| of.group == group && of.versions.contains(&version);
            let stale = types.iter().filter(served).any(|of| of.stale);
            let resources: Vec<Value> = types
                .iter()
                .filter(served)
                .filter(|of| !of.stale)
                .map(|of| {
                    json!({"resource": of.plural, "verbs": of.verbs, "singularResource": of.plural,
                        "responseKind": {"group": "", "version": version, "kind": of.kind},
                        "scope": if of.namespaced { "Namespaced" } else { "Cluster" },
                        "subresources": [{"subresource": "status", "verbs": ["get"]}]})
                })
                .collect();
            json!({"version": version, "resources": resources, "freshness": if stale { "Stale" } else { "Current" }})
        })
        .collect();
    json!({"metadata": {"name": group, "creationTimestamp": null}, "versions": versions})
}

/// The resources of one group and version, by the old way.
pub fn resources(path: &str, types: &[Type]) -> Response<Body> {
    let path = format!("{path}/");
    let served: Vec<&Type> =
        types.iter().filter(|of| of.versions.iter().any(|version| of.root(version) == path)).collect();
    if served.is_empty() {
        return reply(404, &json!({"kind": "Status", "reason": "NotFound", "message": "no such path"}));
    }
    if served.iter().any(|of| of.stale) {
        return reply(500, &json!({"kind": "Status", "message": "its server is down"}));
    }
    let resource = |name: String, of: &Type| json!({"name": name, "kind": of.kind, "namespaced": of.namespaced, "singularName": "", "verbs": of.verbs});
    let resources: Vec<Value> = served
        .iter()
        .flat_map(|of| [resource(of.plural.to_owned(), of), resource(format!("{}/status", of.plural), of)])
        .collect();
    reply(200, &json!({"kind": "APIResourceList", "groupVersion": path, "resources": resources}))
}

/// The APIServices.
pub fn services(types: &[Type]) -> Value {
    let items: Vec<Value> = types
        .iter()
        .flat_map(|of| of.versions.iter().map(move |version| (of, version)))
        .map(|(of, version)| {
            let service = if of.aggregated { json!({"name": "other"}) } else { Value::Null };
            json!({"spec": {"group": of.group, "version": version, "service": service}})
        })
        .collect();
    json!({"kind": "APIServiceList", "items": items})
}
