use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::restore::options::{Patch, PatchTarget};

fn key(group_resource: &str, namespace: Option<&str>, name: &str) -> Key {
    Key {
        group_resource: group_resource.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect()
}

fn transformed(key: &Key, object: &Value, how: &Transform) -> Result<Value, Problem> {
    let mut object = object.as_object().unwrap().clone();
    transform(&mut object, key, how)?;
    Ok(Value::Object(object))
}

#[test]
fn a_key_goes_where_its_namespace_goes() {
    let how = Transform { namespaces: pairs(&[("shop", "shop-2"), ("a", "shop")]), ..Transform::default() };
    for (before, after) in [
        (key("pods", Some("shop"), "shop"), key("pods", Some("shop-2"), "shop")),
        (key("pods", Some("a"), "x"), key("pods", Some("shop"), "x")),
        (key("pods", Some("other"), "x"), key("pods", Some("other"), "x")),
        (key("namespaces", None, "shop"), key("namespaces", None, "shop-2")),
        (key("clusterroles.x", None, "shop"), key("clusterroles.x", None, "shop")),
    ] {
        assert_eq!(target(&before, &how), after);
        assert_eq!(origin(&after, &how), Some(before));
    }
    // What was in `a` is in `shop` now, and nothing becomes `a`.
    assert_eq!(origin(&key("pods", Some("a"), "x"), &how), None);
    assert_eq!(origin(&key("namespaces", None, "a"), &how), None);
}

#[test]
fn patches_see_what_the_maps_have_made() {
    let target = PatchTarget { resource: "deployments".to_owned(), ..PatchTarget::default() };
    let test = json!([
        {"op": "test", "path": "/metadata/namespace", "value": "shop-2"},
        {"op": "test", "path": "/spec/template/spec/containers/0/image", "value": "mirror/web"},
        {"op": "replace", "path": "/metadata/labels/team", "value": "patched"}]);
    let how = Transform {
        namespaces: pairs(&[("shop", "shop-2")]),
        image_registries: pairs(&[("quay.io", "mirror")]),
        labels: pairs(&[("team", "added")]),
        patches: vec![Patch { target, patch: test }],
        ..Transform::default()
    };
    let object = json!({
        "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": {"spec": {"containers": [{"name": "web", "image": "quay.io/web"}]}}}});
    let after = transformed(&key("deployments.apps", Some("shop"), "web"), &object, &how).unwrap();
    assert_eq!(after["metadata"]["labels"]["team"], "patched");
}

#[test]
fn a_secret_is_compared_as_it_is_kept() {
    let target = PatchTarget { resource: "secrets".to_owned(), ..PatchTarget::default() };
    let patch = json!({"stringData": {"password": "new"}});
    let how = Transform { patches: vec![Patch { target, patch }], ..Transform::default() };
    let object = json!({"kind": "Secret", "metadata": {"name": "a"}, "data": {"password": "b2xk"}});
    let after = transformed(&key("secrets", Some("shop"), "a"), &object, &how).unwrap();
    assert_eq!(after, json!({"kind": "Secret", "metadata": {"name": "a"}, "data": {"password": "bmV3"}}));
}

proptest! {
    #[test]
    fn nothing_asked_changes_nothing(spec in prop::collection::btree_map("[a-z]{1,8}", 0..9_i32, 0..6)) {
        let object = json!({"metadata": {"name": "a", "namespace": "shop"}, "spec": spec});
        let after = transformed(&key("deployments.apps", Some("shop"), "a"), &object, &Transform::default());
        prop_assert_eq!(after, Ok(object));
    }

    #[test]
    fn done_twice_is_done_once(
        old in prop::collection::btree_set("[a-c]", 0..3),
        namespace in "[a-d]",
        image in "(quay.io/|docker.io/|mirror/)?[a-c](/[a-c])?(:1)?",
        class in "[a-d]",
    ) {
        // New names that are no old names: else the second time would go on.
        let map = |to: &str| old.iter().map(|old| (old.clone(), format!("{to}-{old}"))).collect::<BTreeMap<_, _>>();
        let how = Transform {
            namespaces: map("n"),
            storage_classes: map("s"),
            image_registries: pairs(&[("quay.io", "mirror.local/q"), ("docker.io", "mirror.local/d")]),
            labels: pairs(&[("team", "x")]),
            patches: vec![],
        };
        let object = json!({
            "metadata": {"name": "a", "namespace": namespace},
            "spec": {
                "containers": [{"name": "a", "image": image}],
                "volumes": [{"ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": class}}}}]}});
        let place = key("pods", Some(&namespace), "a");
        let once = transformed(&place, &object, &how).unwrap();
        let twice = transformed(&place, &once, &how).unwrap();
        prop_assert_eq!(&once, &twice);
        let new = target(&place, &how);
        prop_assert_eq!(once["metadata"]["namespace"].as_str(), new.namespace.as_deref());
        prop_assert_eq!(origin(&new, &how), Some(place));
    }
}
