//! Resource types as a person types them: plural, singular, kind or short name, with or without the group.

use kube::core::discovery::v2::APIGroupDiscoveryList;

use crate::object::Kind;

/// A resource type that a cluster serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    pub kind: Kind,
    pub namespaced: bool,
    pub listable: bool,
    pub singular: String,
    pub short_names: Vec<String>,
}

/// All resource types of an aggregated discovery answer, in the preferred version of their group. The answer of the core
/// group names no group.
#[must_use]
pub fn served(list: &APIGroupDiscoveryList) -> Vec<Served> {
    let mut all: Vec<Served> = Vec::new();
    for group in &list.items {
        let name = group.metadata.as_ref().and_then(|metadata| metadata.name.clone()).unwrap_or_default();
        for version in &group.versions {
            for resource in &version.resources {
                let plural = resource.resource.clone().unwrap_or_default();
                // Versions are listed with the preferred one first.
                if all.iter().any(|known| known.kind.group == name && known.kind.plural == plural) {
                    continue;
                }
                all.push(Served {
                    kind: Kind {
                        group: name.clone(),
                        version: version.version.clone().unwrap_or_default(),
                        kind: resource
                            .response_kind
                            .as_ref()
                            .and_then(|kind| kind.kind.clone())
                            .unwrap_or_default(),
                        plural,
                    },
                    namespaced: resource.scope.as_deref() == Some("Namespaced"),
                    listable: resource.verbs.iter().any(|verb| verb == "list"),
                    singular: resource.singular_resource.clone().unwrap_or_default(),
                    short_names: resource.short_names.clone(),
                });
            }
        }
    }
    all
}

/// The type that was meant. A name that several groups use means the first, as in kubectl; `name.group` is exact.
#[must_use]
pub fn resolve<'a>(typed: &str, served: &'a [Served]) -> Option<&'a Served> {
    let typed = typed.to_ascii_lowercase();
    let is_named = |resource: &&Served, name: &str| {
        resource.kind.plural == name
            || resource.singular == name
            || resource.kind.kind.to_ascii_lowercase() == name
            || resource.short_names.iter().any(|short| short == name)
    };
    if let Some(found) = served.iter().find(|resource| is_named(resource, &typed)) {
        return Some(found);
    }
    let (name, group) = typed.split_once('.')?;
    served.iter().filter(|resource| resource.kind.group == group).find(|resource| is_named(resource, name))
}

/// The types that every cluster serves and that applications are made of: enough to write YAML without a cluster.
#[must_use]
pub fn built_in() -> Vec<Served> {
    const TYPES: [(&str, &str, &str, &[&str]); 15] = [
        ("apps", "Deployment", "deployments", &["deploy"]),
        ("apps", "StatefulSet", "statefulsets", &["sts"]),
        ("apps", "DaemonSet", "daemonsets", &["ds"]),
        ("apps", "ReplicaSet", "replicasets", &["rs"]),
        ("batch", "CronJob", "cronjobs", &["cj"]),
        ("batch", "Job", "jobs", &[]),
        ("", "ConfigMap", "configmaps", &["cm"]),
        ("", "PersistentVolumeClaim", "persistentvolumeclaims", &["pvc"]),
        ("", "Pod", "pods", &["po"]),
        ("", "ReplicationController", "replicationcontrollers", &["rc"]),
        ("", "Secret", "secrets", &[]),
        ("", "Service", "services", &["svc"]),
        ("", "ServiceAccount", "serviceaccounts", &["sa"]),
        ("networking.k8s.io", "Ingress", "ingresses", &["ing"]),
        ("networking.k8s.io", "NetworkPolicy", "networkpolicies", &["netpol"]),
    ];
    TYPES
        .into_iter()
        .map(|(group, kind, plural, short_names)| Served {
            kind: Kind {
                group: group.into(),
                version: "v1".into(),
                kind: kind.into(),
                plural: plural.into(),
            },
            namespaced: true,
            listable: true,
            singular: kind.to_ascii_lowercase(),
            short_names: short_names.iter().map(|name| (*name).to_owned()).collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_type_is_found_by_any_of_its_names() {
        let served = built_in();
        for typed in ["deploy", "deployment", "deployments", "Deployment", "deployments.apps", "deploy.apps"]
        {
            assert_eq!(
                resolve(typed, &served).map(|found| &*found.kind.plural),
                Some("deployments"),
                "{typed}"
            );
        }
        assert_eq!(resolve("deployments.batch", &served), None);
        assert_eq!(resolve("gizmos", &served), None);
    }

    #[test]
    fn the_preferred_version_of_a_group_counts() {
        let resource = json!({"resource": "gizmos", "responseKind": {"kind": "Gizmo"}, "scope": "Cluster",
            "singularResource": "gizmo", "shortNames": ["gz"], "verbs": []});
        let list = json!({"items": [{"metadata": {"name": "example.com"}, "versions": [
            {"version": "v2", "resources": [resource]}, {"version": "v1", "resources": [resource]}]}]});
        let served = served(&serde_json::from_value(list).unwrap());
        assert_eq!(served.len(), 1);
        assert_eq!((&*served[0].kind.version, served[0].namespaced), ("v2", false));
        assert!(resolve("gz", &served).is_some());
    }
}
