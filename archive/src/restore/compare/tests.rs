use proptest::prelude::*;
use serde_json::json;

use super::*;

fn paths(changes: Vec<Change>) -> Vec<String> {
    changes.into_iter().map(|change| change.path).collect()
}

fn deployment(containers: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {"containers": containers}}}})
}

#[test]
fn what_the_cluster_filled_in_is_no_change() {
    let snapshot = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "finalizers": ["a"]},
        "spec": {"template": {
            "metadata": {"creationTimestamp": null},
            "spec": {"containers": [{"name": "web", "image": "web:1", "ports": [{"containerPort": 80}]}]}},
            "ratio": 1}});
    let live = json!({
        "apiVersion": "apps/v1beta1", "kind": "Deployment",
        "metadata": {"name": "web", "uid": "u", "finalizers": ["b", "a"]},
        "spec": {"replicas": 1, "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"dnsPolicy": "ClusterFirst", "containers": [
                {"name": "proxy"},
                {"name": "web", "image": "web:1", "ports": [{"containerPort": 80, "protocol": "TCP"}]}]}},
            "ratio": 1.0},
        "status": {"replicas": 1}});
    assert_eq!(changes(&snapshot, &live), []);
}

#[test]
fn what_differs_is_told_by_its_path() {
    let container = |image: &str, args: Value| json!([{"name": "web", "image": image, "args": args}]);
    let meta = |annotations: Value| json!({"kind": "ConfigMap", "metadata": {"annotations": annotations}});
    for (snapshot, live, path, was, wanted) in [
        (
            deployment(&container("web:2", json!([]))),
            deployment(&container("web:1", json!([]))),
            "spec.template.spec.containers[web].image",
            Some(json!("web:1")),
            Some(json!("web:2")),
        ),
        (
            deployment(&container("web:1", json!(["a", "b"]))),
            deployment(&container("web:1", json!(["a"]))),
            "spec.template.spec.containers[web].args",
            Some(json!(["a"])),
            Some(json!(["a", "b"])),
        ),
        (
            deployment(&json!([{"name": "gone"}])),
            deployment(&json!([])),
            "spec.template.spec.containers[gone]",
            None,
            Some(json!({"name": "gone"})),
        ),
        (
            meta(json!({"example.org/a": "1"})),
            meta(json!({"other": "1"})),
            "metadata.annotations[\"example.org/a\"]",
            None,
            Some(json!("1")),
        ),
    ] {
        let change = Change { path: path.to_owned(), live: was, snapshot: wanted };
        assert_eq!(changes(&snapshot, &live), [change]);
    }
}

#[test]
fn items_of_lists_are_told_by_what_they_are_told_apart_by() {
    for (snapshot, live, path, was, wanted) in [
        (
            json!({"kind": "Role", "rules": [{"verbs": ["get"]}]}),
            json!({"kind": "Role", "rules": [{"verbs": ["get"]}, {"verbs": ["*"]}]}),
            "rules",
            Some(json!([{"verbs": ["get"]}, {"verbs": ["*"]}])),
            Some(json!([{"verbs": ["get"]}])),
        ),
        (
            json!({"kind": "RoleBinding", "subjects": [{"name": "a", "kind": "User"}]}),
            json!({"kind": "RoleBinding", "subjects": [{"name": "a", "kind": "Group"}]}),
            "subjects[a].kind",
            Some(json!("Group")),
            Some(json!("User")),
        ),
        (
            json!({"kind": "Service", "spec": {"ports": [{"port": 80, "targetPort": 1}, {"port": 81}]}}),
            json!({"kind": "Service", "spec": {"ports": [{"port": 81}, {"port": 80, "targetPort": 2}]}}),
            "spec.ports[80].targetPort",
            Some(json!(2)),
            Some(json!(1)),
        ),
        (
            json!({"kind": "ConfigMap", "metadata": {"finalizers": ["a"]}}),
            json!({"kind": "ConfigMap", "metadata": {"finalizers": ["b"]}}),
            "metadata.finalizers",
            Some(json!(["b"])),
            Some(json!(["a"])),
        ),
    ] {
        let change = Change { path: path.to_owned(), live: was, snapshot: wanted };
        assert_eq!(changes(&snapshot, &live), [change]);
    }
}

#[test]
fn large_numbers_are_compared_digit_by_digit() {
    let object = |number: u64| json!({"kind": "Widget", "spec": {"n": number}});
    let (even, odd) = (9_007_199_254_740_992, 9_007_199_254_740_993);
    assert_eq!(changes(&object(odd), &object(odd)), []);
    assert_eq!(paths(changes(&object(odd), &object(even))), ["spec.n"]);
}

#[test]
fn lists_without_keys_are_compared_in_their_order() {
    let ports = |ports: Value| json!({"kind": "Service", "spec": {"ports": ports}});
    // The same port twice: told apart by the protocol, and by the order only.
    let both = ports(json!([{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]));
    assert_eq!(changes(&both, &both), []);
    let swapped = ports(json!([{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]));
    assert_eq!(paths(changes(&both, &swapped)), ["spec.ports[0].protocol", "spec.ports[1].protocol"]);
}

#[test]
fn lists_of_custom_resources_are_one_value() {
    let object = |api_version: &str, names: &[&str]| {
        let ports: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        json!({"apiVersion": api_version, "kind": "Widget", "spec": {"volumes": ports}})
    };
    for (api_version, paths_of_changes, paths_of_leftovers) in
        [("apps/v1", vec![], vec!["spec.volumes[b]"]), ("example.org/v1", vec!["spec.volumes"], vec![])]
    {
        let (snapshot, live) = (object(api_version, &["a"]), object(api_version, &["a", "b"]));
        assert_eq!(paths(changes(&snapshot, &live)), paths_of_changes);
        assert_eq!(paths(leftovers(&snapshot, &live)), paths_of_leftovers);
    }
}

#[test]
fn nothing_of_a_secret_is_told_but_where() {
    let secret = |value: &str| {
        json!({"kind": "Secret", "type": "Opaque", "data": {"password": value},
            "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": value}}})
    };
    let told = changes(&secret("b2xk"), &secret("bmV3"));
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|change| change.live.is_none() && change.snapshot.is_none()), "{told:?}");
    let only_live = leftovers(&json!({"kind": "Secret", "type": "Opaque"}), &secret("bmV3"));
    assert_eq!(only_live, [Change { path: "data.password".to_owned(), live: None, snapshot: None }]);
}

#[test]
fn differences_are_few_and_short() {
    let data = |value: &str| {
        let entries: serde_json::Map<String, Value> =
            (0..50).map(|index| (format!("k{index}"), json!(value.repeat(1000)))).collect();
        json!({"kind": "ConfigMap", "data": entries})
    };
    for told in [changes(&data("a"), &data("b")), leftovers(&json!({"kind": "ConfigMap"}), &data("b"))] {
        assert_eq!(told.len(), 20);
        assert!(
            told.iter().all(|change| change.live.as_ref().unwrap().as_str().unwrap().chars().count() == 201)
        );
    }
    let large = json!({"kind": "X", "spec": {"a": vec![0; 200], "b": {"c": "x".repeat(300)}}});
    let told = changes(&large, &json!({"kind": "X", "spec": {}}));
    let values: Vec<Value> = told.into_iter().filter_map(|change| change.snapshot).collect();
    assert_eq!(values, [json!("(200 items)"), json!("(1 fields)")]);
}

#[test]
fn what_was_added_is_left_over() {
    let snapshot = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"labels": {"app": "web"}},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {"spec": {
            "tolerations": [{"key": "a"}],
            "containers": [{"name": "web", "args": ["a"], "env": [{"name": "A", "value": "1"}]}]}}}});
    let live = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "labels": {"app": "web", "extra": "x", "empty": ""},
            "annotations": {"deployment.kubernetes.io/revision": "3", "mine": "x"},
            "ownerReferences": [{"uid": "u"}], "finalizers": ["example.org/x"]},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "minReadySeconds": 0, "strategy": {}, "paused": true,
            "template": {"spec": {
                "nodeSelector": {"disk": "fast"}, "tolerations": [{"key": "a", "effect": "NoSchedule"}],
                "containers": [
                    {"name": "web", "args": ["a", "b"], "env": [{"name": "A", "value": "1"}, {"name": "B"}],
                        "volumeMounts": [],
                        "resources": {"limits": {"cpu": "1"}}},
                    {"name": "sidecar"}]}}},
        "status": {"conditions": [{"type": "Ready"}], "labels": {"a": "b"}}});
    assert_eq!(
        paths(leftovers(&snapshot, &live)),
        [
            "metadata.annotations.mine",
            "metadata.labels.empty",
            "metadata.labels.extra",
            "spec.paused",
            "spec.template.spec.containers[web].env[B]",
            "spec.template.spec.containers[web].resources",
            "spec.template.spec.containers[sidecar]",
            "spec.template.spec.nodeSelector",
            "spec.template.spec.tolerations[0].effect",
        ]
    );
}

#[test]
fn what_the_cluster_writes_is_not_left_over() {
    for (kind, live) in [
        (
            "Pod",
            json!({"spec": {"nodeName": "n", "priority": 1, "volumes": [{"name": "kube-api-access-abcde"}]}}),
        ),
        (
            "Service",
            json!({"spec": {
            "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "healthCheckNodePort": 31000}}),
        ),
        ("PersistentVolumeClaim", json!({"spec": {"volumeName": "pv"}})),
        ("PersistentVolume", json!({"spec": {"claimRef": {"uid": "u", "resourceVersion": "1"}}})),
        (
            "Job",
            json!({"spec": {
            "selector": {"matchLabels": {"controller-uid": "u"}}, "completionMode": "NonIndexed",
            "template": {"metadata": {"labels": {"controller-uid": "u", "job-name": "a"}}}}}),
        ),
        (
            "StatefulSet",
            json!({"spec": {
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"}}}),
        ),
        ("ServiceAccount", json!({"secrets": [{"name": "a-token-abc12"}]})),
        (
            "ValidatingWebhookConfiguration",
            json!({"webhooks": [{"name": "a", "clientConfig": {"caBundle": "eA=="}}]}),
        ),
        ("Namespace", json!({"metadata": {"labels": {"kubernetes.io/metadata.name": "a"}}})),
    ] {
        let snapshot = json!({
            "kind": kind, "metadata": {}, "webhooks": [{"name": "a", "clientConfig": {}}],
            "spec": {"volumes": [], "claimRef": {}, "template": {"metadata": {}}}});
        assert_eq!(leftovers(&snapshot, &live), [], "{kind}");
    }
}

#[test]
fn a_key_of_a_config_map_is_left_over() {
    let map = |data: Value| json!({"kind": "ConfigMap", "data": data});
    assert_eq!(
        paths(leftovers(&map(json!({"a": "1"})), &map(json!({"a": "2", "b.c": "3"})))),
        ["data[\"b.c\"]"]
    );
    assert_eq!(paths(leftovers(&json!({"kind": "ConfigMap"}), &map(json!({"a": "1"})))), ["data.a"]);
}

#[test]
fn a_token_is_no_leftover() {
    let token = "kubernetes.io/service-account-token";
    let live = json!({"kind": "Secret", "type": token, "data": {"token": "eA=="},
        "metadata": {"annotations": {"kubernetes.io/service-account.uid": "u"}}});
    assert_eq!(leftovers(&json!({"kind": "Secret", "type": token}), &live), []);
}

#[test]
fn a_digest_is_of_what_an_object_says() {
    let object = |uid: &str, value: &str, leader: &str| {
        json!({"kind": "ConfigMap", "data": {"a": value}, "status": {"x": uid}, "metadata": {
            "name": "a", "uid": uid, "resourceVersion": uid, "generation": 1,
            "annotations": {"control-plane.alpha.kubernetes.io/leader": leader}}})
    };
    let one = digest(&object("1", "x", "l"));
    assert_eq!(one.len(), 16);
    assert_eq!(digest(&object("2", "x", "m")), one);
    assert_ne!(digest(&object("1", "y", "l")), one);
    // Of a Secret nothing can be guessed.
    let secret = |version: &str, value: &str| {
        let metadata = json!({"uid": "u", "resourceVersion": version});
        json!({"kind": "Secret", "metadata": metadata, "data": {"a": value}})
    };
    assert_eq!(digest(&secret("1", "x")), digest(&secret("1", "y")));
    assert_ne!(digest(&secret("1", "x")), digest(&secret("2", "x")));
}

/// Objects of a few fields and lists, so that two of them have something in common.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Null), (0..2).prop_map(Value::from), "[ab]".prop_map(Value::from)];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let names = prop::sample::select(vec!["data", "labels", "containers", "name", "finalizers", "x"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..4).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_differs_from_itself(value in values()) {
        prop_assert_eq!(changes(&value, &value), vec![]);
        prop_assert_eq!(leftovers(&value, &value), vec![]);
    }

    #[test]
    fn two_objects_of_which_nothing_differs_say_the_same_where_the_first_says_something(
        left in prop::collection::btree_map("[abc]", "[xy]", 0..4),
        right in prop::collection::btree_map("[abc]", "[xy]", 0..4),
    ) {
        let map = |data: &std::collections::BTreeMap<String, String>| json!({"kind": "ConfigMap", "data": data});
        let changed = changes(&map(&left), &map(&right));
        let differ = left.iter().filter(|(key, value)| right.get(*key) != Some(value)).count();
        prop_assert_eq!(changed.len(), differ);
        let left_over = leftovers(&map(&left), &map(&right));
        prop_assert_eq!(left_over.len(), right.keys().filter(|key| !left.contains_key(*key)).count());
    }
}
