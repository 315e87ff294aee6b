//! Namespaces under other names: of the object itself, and wherever it names one.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::manifest::path::Key;
use crate::restore::{fields, kinds};

/// Which types name namespaces, and where.
const NAMED: &[(&str, &str)] = &[
    ("apiservices.apiregistration.k8s.io", "spec/service/namespace"),
    ("clusterrolebindings.rbac.authorization.k8s.io", "subjects/*/namespace"),
    (
        "customresourcedefinitions.apiextensions.k8s.io",
        "spec/conversion/webhook/clientConfig/service/namespace",
    ),
    ("ingressclasses.networking.k8s.io", "spec/parameters/namespace"),
    ("mutatingadmissionpolicybindings.admissionregistration.k8s.io", "spec/paramRef/namespace"),
    (
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        "webhooks/*/clientConfig/service/namespace",
    ),
    ("persistentvolumeclaims", "spec/dataSourceRef/namespace"),
    ("persistentvolumes", "spec/claimRef/namespace"),
    ("persistentvolumes", "spec/csi/controllerExpandSecretRef/namespace"),
    ("persistentvolumes", "spec/csi/controllerPublishSecretRef/namespace"),
    ("persistentvolumes", "spec/csi/nodeExpandSecretRef/namespace"),
    ("persistentvolumes", "spec/csi/nodePublishSecretRef/namespace"),
    ("persistentvolumes", "spec/csi/nodeStageSecretRef/namespace"),
    ("rolebindings.rbac.authorization.k8s.io", "subjects/*/namespace"),
    ("validatingadmissionpolicybindings.admissionregistration.k8s.io", "spec/paramRef/namespace"),
    (
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "webhooks/*/clientConfig/service/namespace",
    ),
    ("volumesnapshotcontents.snapshot.storage.k8s.io", "spec/volumeSnapshotRef/namespace"),
];

/// The label that every Namespace has, with its name.
const NAME: &str = "kubernetes.io/metadata.name";

/// Renames the namespaces in `object`, which lies at `key` in the snapshot.
pub fn map(object: &mut Map<String, Value>, key: &Key, names: &BTreeMap<String, String>) {
    let mut rename = |value: &mut Value| {
        if let Some(new) = value.as_str().and_then(|old| names.get(old)) {
            *value = Value::String(new.clone());
        }
    };
    fields::each_mut(object, "metadata/namespace", &mut rename);
    for (resource, path) in NAMED {
        if *resource == key.group_resource {
            fields::each_mut(object, path, &mut rename);
        }
    }
    if kinds::is_namespace(key) && names.contains_key(&key.name) {
        fields::each_mut(object, "metadata/name", &mut rename);
        // The API server sets it anew.
        fields::each_mut(object, "metadata/labels", &mut |labels| {
            _ = labels.as_object_mut().and_then(|labels| labels.remove(NAME));
        });
    }
    if kinds::gives_rights(&key.group_resource) {
        fields::each_mut(object, "subjects/*/name", &mut |name| rename_subject(name, names));
    }
    object.values_mut().for_each(|value| selectors(value, names));
}

/// The users and groups that ServiceAccounts are: `system:serviceaccount:NAMESPACE:NAME`, `system:serviceaccounts:NAMESPACE`.
fn rename_subject(name: &mut Value, names: &BTreeMap<String, String>) {
    let Some(text) = name.as_str() else { return };
    let parts: Vec<&str> = text.split(':').collect();
    let new = match parts[..] {
        ["system", "serviceaccount", namespace, account] => {
            names.get(namespace).map(|new| format!("system:serviceaccount:{new}:{account}"))
        }
        ["system", "serviceaccounts", namespace] => {
            names.get(namespace).map(|new| format!("system:serviceaccounts:{new}"))
        }
        _ => None,
    };
    if let Some(new) = new {
        *name = Value::String(new);
    }
}

/// Selectors of namespaces by name, and the lists of them in the affinity of Pods, wherever they are.
fn selectors(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| selectors(item, names)),
        Value::Object(fields) => {
            let is_affinity = fields.contains_key("topologyKey");
            for (name, below) in fields.iter_mut() {
                match name.as_str() {
                    "namespaceSelector" => rename_selector(below, names),
                    "namespaces" if is_affinity => rename_all(below, names),
                    _ => selectors(below, names),
                }
            }
        }
        _ => {}
    }
}

fn rename_selector(selector: &mut Value, names: &BTreeMap<String, String>) {
    let Some(selector) = selector.as_object_mut() else { return };
    if let Some(name) = selector.get_mut("matchLabels").and_then(|labels| labels.get_mut(NAME)) {
        rename_one(name, names);
    }
    fields::each_mut(selector, "matchExpressions/*", &mut |expression| {
        if expression.get("key").and_then(Value::as_str) == Some(NAME) {
            expression.get_mut("values").into_iter().for_each(|values| rename_all(values, names));
        }
    });
}

fn rename_all(list: &mut Value, names: &BTreeMap<String, String>) {
    list.as_array_mut().into_iter().flatten().for_each(|name| rename_one(name, names));
}

fn rename_one(name: &mut Value, names: &BTreeMap<String, String>) {
    if let Some(new) = name.as_str().and_then(|old| names.get(old)) {
        *name = Value::String(new.clone());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mapped(group_resource: &str, namespace: Option<&str>, name: &str, object: Value) -> Value {
        let key = Key {
            group_resource: group_resource.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        let names = BTreeMap::from([("shop".to_owned(), "shop-2".to_owned())]);
        let Value::Object(mut object) = object else { panic!("an object") };
        map(&mut object, &key, &names);
        Value::Object(object)
    }

    #[test]
    fn an_object_goes_where_its_namespace_goes() {
        let before =
            json!({"metadata": {"name": "shop", "namespace": "shop"}, "data": {"namespace": "shop"}});
        let after =
            json!({"metadata": {"name": "shop", "namespace": "shop-2"}, "data": {"namespace": "shop"}});
        assert_eq!(mapped("configmaps", Some("shop"), "shop", before), after);
        let other = json!({"metadata": {"name": "shop", "namespace": "other"}});
        assert_eq!(mapped("configmaps", Some("other"), "shop", other.clone()), other);
    }

    #[test]
    fn the_namespace_itself_is_renamed() {
        let before = json!({"metadata": {"name": "shop", "labels": {NAME: "shop", "team": "shop"}}});
        let after = json!({"metadata": {"name": "shop-2", "labels": {"team": "shop"}}});
        assert_eq!(mapped("namespaces", None, "shop", before), after);
    }

    #[test]
    fn what_names_a_namespace_follows() {
        let service =
            |namespace: &str| json!({"clientConfig": {"service": {"name": "x", "namespace": namespace}}});
        for (resource, before, after) in [
            (
                "rolebindings.rbac.authorization.k8s.io",
                json!({"subjects": [
                    {"kind": "ServiceAccount", "name": "shop", "namespace": "shop"},
                    {"kind": "ServiceAccount", "name": "a", "namespace": "other"},
                    {"kind": "User", "name": "system:serviceaccount:shop:a"},
                    {"kind": "Group", "name": "system:serviceaccounts:shop"}]}),
                json!({"subjects": [
                    {"kind": "ServiceAccount", "name": "shop", "namespace": "shop-2"},
                    {"kind": "ServiceAccount", "name": "a", "namespace": "other"},
                    {"kind": "User", "name": "system:serviceaccount:shop-2:a"},
                    {"kind": "Group", "name": "system:serviceaccounts:shop-2"}]}),
            ),
            (
                "validatingwebhookconfigurations.admissionregistration.k8s.io",
                json!({"webhooks": [service("shop"), service("other")]}),
                json!({"webhooks": [service("shop-2"), service("other")]}),
            ),
            (
                "customresourcedefinitions.apiextensions.k8s.io",
                json!({"spec": {"conversion": {"webhook": service("shop")}}}),
                json!({"spec": {"conversion": {"webhook": service("shop-2")}}}),
            ),
            (
                "persistentvolumes",
                json!({"spec": {"claimRef": {"namespace": "shop", "name": "a"}}}),
                json!({"spec": {"claimRef": {"namespace": "shop-2", "name": "a"}}}),
            ),
            (
                "networkpolicies.networking.k8s.io",
                json!({"spec": {"ingress": [{"from": [
                    {"namespaceSelector": {"matchLabels": {NAME: "shop", "team": "shop"}}},
                    {"namespaceSelector": {"matchExpressions": [
                        {"key": NAME, "operator": "In", "values": ["shop", "other"]},
                        {"key": "team", "operator": "In", "values": ["shop"]}]}}]}]}}),
                json!({"spec": {"ingress": [{"from": [
                    {"namespaceSelector": {"matchLabels": {NAME: "shop-2", "team": "shop"}}},
                    {"namespaceSelector": {"matchExpressions": [
                        {"key": NAME, "operator": "In", "values": ["shop-2", "other"]},
                        {"key": "team", "operator": "In", "values": ["shop"]}]}}]}]}}),
            ),
            (
                "deployments.apps",
                json!({"spec": {"term": {"topologyKey": "zone", "namespaces": ["shop", "b"]}, "namespaces": ["shop"]}}),
                json!({"spec": {"term": {"topologyKey": "zone", "namespaces": ["shop-2", "b"]}, "namespaces": ["shop"]}}),
            ),
        ] {
            assert_eq!(mapped(resource, None, "x", before), after, "{resource}");
        }
    }
}
