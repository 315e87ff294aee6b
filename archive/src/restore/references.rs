//! What an object names in its namespace and cannot do without.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{fields, pods};
use crate::manifest::path::Key;

/// More claims than this one StatefulSet is not asked for: `replicas` may say anything.
const MOST_CLAIMS: i64 = 1000;

/// Where the description of a Pod names something, as a path of [`fields`], and of which type it is.
const IN_POD: &[(&str, &str)] = &[
    ("serviceAccountName", "serviceaccounts"),
    ("imagePullSecrets/*/name", "secrets"),
    ("volumes/*/configMap/name", "configmaps"),
    ("volumes/*/secret/secretName", "secrets"),
    ("volumes/*/persistentVolumeClaim/claimName", "persistentvolumeclaims"),
    ("volumes/*/projected/sources/*/configMap/name", "configmaps"),
    ("volumes/*/projected/sources/*/secret/name", "secrets"),
    ("volumes/*/csi/nodePublishSecretRef/name", "secrets"),
    ("volumes/*/azureFile/secretName", "secrets"),
    ("volumes/*/cephfs/secretRef/name", "secrets"),
    ("volumes/*/flexVolume/secretRef/name", "secrets"),
    ("volumes/*/iscsi/secretRef/name", "secrets"),
    ("volumes/*/rbd/secretRef/name", "secrets"),
    ("volumes/*/scaleIO/secretRef/name", "secrets"),
    ("volumes/*/storageos/secretRef/name", "secrets"),
];

/// The same for each container.
const IN_CONTAINER: &[(&str, &str)] = &[
    ("env/*/valueFrom/configMapKeyRef/name", "configmaps"),
    ("env/*/valueFrom/secretKeyRef/name", "secrets"),
    ("envFrom/*/configMapRef/name", "configmaps"),
    ("envFrom/*/secretRef/name", "secrets"),
];

/// The same for whole objects, by their type.
const IN_OBJECT: &[(&str, &str, &str)] = &[
    ("ingresses.networking.k8s.io", "spec/tls/*/secretName", "secrets"),
    ("ingresses.extensions", "spec/tls/*/secretName", "secrets"),
    ("serviceaccounts", "imagePullSecrets/*/name", "secrets"),
    ("serviceaccounts", "secrets/*/name", "secrets"),
];

/// The ConfigMaps, Secrets, ServiceAccounts and claims that an object names: in the descriptions of its Pods, in the TLS of
/// an Ingress, in the lists of a ServiceAccount. Sorted, each once. An object of the cluster names none.
#[must_use]
pub fn of(key: &Key, object: &Map<String, Value>) -> Vec<Key> {
    let Some(namespace) = &key.namespace else { return Vec::new() };
    let mut named = BTreeSet::new();
    for (resource, path, what) in IN_OBJECT {
        if *resource == key.group_resource {
            fields::each(object, path, &mut |name| _ = named.insert((*what, name.to_owned())));
        }
    }
    for below in object.values() {
        pods::each(below, &mut |pod| {
            for (path, what) in IN_POD {
                fields::each(pod, path, &mut |name| _ = named.insert((*what, name.to_owned())));
            }
            for container in containers(pod) {
                for (path, what) in IN_CONTAINER {
                    fields::each(container, path, &mut |name| _ = named.insert((*what, name.to_owned())));
                }
            }
        });
    }
    named.extend(claims(key, object).into_iter().map(|name| ("persistentvolumeclaims", name)));
    // Every namespace has it by itself.
    named.remove(&("configmaps", "kube-root-ca.crt".to_owned()));
    let key = |(what, name): (&str, String)| Key {
        group_resource: what.to_owned(),
        namespace: Some(namespace.clone()),
        name,
    };
    named.into_iter().map(key).collect()
}

fn containers(pod: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let lists = pods::CONTAINERS.iter().filter_map(|list| pod.get(*list)?.as_array());
    lists.flatten().filter_map(Value::as_object)
}

/// The claims that a StatefulSet makes from its templates, by the names that it gives them.
fn claims(key: &Key, object: &Map<String, Value>) -> Vec<String> {
    let spec = object.get("spec").filter(|_| key.group_resource == "statefulsets.apps");
    let templates = spec.and_then(|spec| spec.get("volumeClaimTemplates")).and_then(Value::as_array);
    let number = |pointer: &str| spec.and_then(|spec| spec.pointer(pointer)).and_then(Value::as_i64);
    let first = number("/ordinals/start").unwrap_or(0).max(0);
    let replicas = number("/replicas").unwrap_or(1).clamp(0, MOST_CLAIMS);
    let names =
        templates.into_iter().flatten().filter_map(|template| template.pointer("/metadata/name")?.as_str());
    let of = |name: &str| {
        let ordinals = (0..replicas).map(|ordinal| first.saturating_add(ordinal));
        ordinals.map(|ordinal| format!("{name}-{}-{ordinal}", key.name)).collect::<Vec<_>>()
    };
    names.flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(group_resource: &str, object: &Value) -> Vec<String> {
        let key = Key {
            group_resource: group_resource.to_owned(),
            namespace: Some("shop".to_owned()),
            name: "web".to_owned(),
        };
        let named = of(&key, object.as_object().unwrap());
        assert!(named.iter().all(|key| key.namespace.as_deref() == Some("shop")));
        named.into_iter().map(|key| format!("{}/{}", key.group_resource, key.name)).collect()
    }

    #[test]
    fn a_pod_names_what_it_mounts_and_reads() {
        let pod = json!({
            "serviceAccountName": "runner",
            "imagePullSecrets": [{"name": "pull"}],
            "initContainers": [{"name": "i", "envFrom": [{"secretRef": {"name": "early"}}]}],
            "containers": [{
                "name": "c",
                "env": [
                    {"name": "A", "value": "x"},
                    {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "b"}}},
                    {"name": "C", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "c"}}},
                    {"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                "envFrom": [{"configMapRef": {"name": "settings"}}]}],
            "volumes": [
                {"name": "1", "configMap": {"name": "files"}},
                {"name": "2", "secret": {"secretName": "cert"}},
                {"name": "3", "persistentVolumeClaim": {"claimName": "data"}},
                {"name": "4", "projected": {"sources": [
                    {"serviceAccountToken": {"path": "token"}},
                    {"configMap": {"name": "kube-root-ca.crt"}},
                    {"configMap": {"name": "more"}},
                    {"secret": {"name": "mixed"}}]}},
                {"name": "5", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "publish"}}},
                {"name": "6", "emptyDir": {}}]});
        let all = [
            "configmaps/files",
            "configmaps/more",
            "configmaps/settings",
            "persistentvolumeclaims/data",
            "secrets/cert",
            "secrets/early",
            "secrets/keys",
            "secrets/mixed",
            "secrets/publish",
            "secrets/pull",
            "serviceaccounts/runner",
        ];
        for (resource, object) in [
            ("pods", json!({ "spec": pod })),
            ("deployments.apps", json!({"spec": {"template": {"spec": pod}}})),
            ("cronjobs.batch", json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}})),
            ("widgets.example.org", json!({"spec": {"pool": [{"pod": pod}]}})),
        ] {
            assert_eq!(named(resource, &object), all, "{resource}");
        }
    }

    #[test]
    fn others_name_secrets() {
        for (resource, object, all) in [
            (
                "ingresses.networking.k8s.io",
                json!({"spec": {"tls": [{"secretName": "a"}, {"hosts": ["x"]}]}}),
                vec!["secrets/a"],
            ),
            (
                "serviceaccounts",
                json!({"imagePullSecrets": [{"name": "p"}], "secrets": [{"name": "t"}]}),
                vec!["secrets/p", "secrets/t"],
            ),
            ("configmaps", json!({"imagePullSecrets": [{"name": "p"}]}), vec![]),
            ("secrets", json!({"data": {"containers": "x"}}), vec![]),
        ] {
            assert_eq!(named(resource, &object), all, "{resource}");
        }
    }

    #[test]
    fn a_stateful_set_has_its_claims_by_name() {
        let object = |replicas: Value| {
            json!({"spec": {
                "replicas": replicas, "ordinals": {"start": 1},
                "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}})
        };
        let claims = ["persistentvolumeclaims/data-web-1", "persistentvolumeclaims/data-web-2"];
        assert_eq!(named("statefulsets.apps", &object(json!(2))), claims);
        assert_eq!(named("statefulsets.apps", &object(json!(0))), Vec::<String>::new());
        assert_eq!(named("statefulsets.apps", &object(json!(i64::MAX))).len(), 1000);
    }

    #[test]
    fn an_object_of_the_cluster_names_nothing() {
        let key = Key { group_resource: "things.x".to_owned(), namespace: None, name: "a".to_owned() };
        let object = json!({"spec": {"containers": [{"name": "a"}], "serviceAccountName": "x"}});
        assert_eq!(of(&key, object.as_object().unwrap()), []);
    }
}
