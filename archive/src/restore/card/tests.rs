use serde_json::json;

use super::*;
use crate::select::{Filters, LabelGates};

fn key(group_resource: &str, namespace: Option<&str>, name: &str) -> Key {
    Key {
        group_resource: group_resource.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}

fn read(key: &Key, object: &Value, options: &Options) -> Result<Card, Problem> {
    Card::read(key, object.as_object().unwrap(), options)
}

#[test]
fn what_matters_is_read() {
    let gates = LabelGates { all: vec!["app=web".to_owned()], any: vec![] };
    let options = Options {
        filters: Filters { labels: gates, ..Filters::default() },
        with_references: true,
        ..Options::default()
    };
    let object = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": "web-1", "namespace": "shop", "labels": {"app": "web"},
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "u",
                    "controller": true, "blockOwnerDeletion": true},
                {"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "u"},
                {"kind": "Broken"}]},
        "spec": {"template": {"spec": {"serviceAccountName": "runner", "containers": [{"name": "a"}]}}}});
    let card = read(&key("replicasets.apps", Some("shop"), "web-1"), &object, &options).unwrap();
    let owner = |api_version: &str, kind: &str, name: &str, controller: bool, blocks_deletion| Owner {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        controller,
        blocks_deletion,
    };
    assert_eq!(
        card.owners,
        [
            owner("apps/v1", "Deployment", "web", true, Some(true)),
            owner("v1", "ConfigMap", "other", false, None)
        ]
    );
    assert_eq!(card.controller(), Some(&card.owners[0]));
    assert_eq!((card.owners[0].group(), card.owners[1].group(), card.group()), ("apps", "", "apps"));
    assert!(card.labelled);
    assert_eq!(card.references, [key("serviceaccounts", Some("shop"), "runner")]);
    let plain = Options { with_references: false, ..options };
    let card = read(&key("replicasets.apps", Some("shop"), "web-1"), &object, &plain).unwrap();
    assert_eq!(card.references, []);
}

#[test]
fn an_object_is_what_its_path_says() {
    let good = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "shop"}});
    let path = key("secrets", Some("shop"), "a");
    assert!(read(&path, &good, &Options::default()).is_ok());
    let with = |pointer: &str, value: Value| {
        let mut object = good.clone();
        *object.pointer_mut(pointer).unwrap() = value;
        object
    };
    for object in [
        json!({}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": "a"}),
        with("/apiVersion", json!("rbac.authorization.k8s.io/v1")),
        with("/apiVersion", json!("")),
        with("/kind", json!("")),
        with("/kind", json!(7)),
        with("/metadata/name", json!("b")),
        with("/metadata/name", json!(null)),
        with("/metadata/namespace", json!("kube-system")),
        with("/metadata/namespace", json!("")),
        with("/kind", json!("K".repeat(1000))),
        with("/metadata", json!({"name": "a", "namespace": "shop", "ownerReferences": vec![json!({}); 101]})),
    ] {
        let problem = read(&path, &object, &Options::default()).unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Malformed, "{object}");
    }
}

#[test]
fn an_object_of_the_cluster_has_no_namespace() {
    let object = |namespace: Value| {
        let metadata = json!({"name": "a", "namespace": namespace});
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    };
    let path = key("namespaces", None, "a");
    assert!(read(&path, &object(json!("")), &Options::default()).is_ok());
    assert!(read(&path, &object(json!("b")), &Options::default()).is_err());
}

#[test]
fn names_that_are_no_part_of_a_request_are_refused() {
    for (group_resource, namespace, name) in [
        ("secrets", Some("shop"), "a%2fb"),
        ("secrets", Some("shop%"), "a"),
        ("secrets", Some("shop"), "a\nb"),
        ("secrets?dryRun=All", Some("shop"), "a"),
        ("Secrets", Some("shop"), "a"),
        ("secrets...", None, "a"),
    ] {
        let path = key(group_resource, namespace, name);
        let group = kinds::group(group_resource);
        let api_version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
        let object = json!({"apiVersion": api_version, "kind": "K", "metadata": {"name": name, "namespace": namespace}});
        assert!(read(&path, &object, &Options::default()).is_err(), "{path:?}");
    }
    // RBAC takes almost anything.
    let path = key("roles.rbac.authorization.k8s.io", Some("shop"), "system:a *?|\"b");
    let object = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": path.name, "namespace": "shop"}});
    assert!(read(&path, &object, &Options::default()).is_ok());
}
