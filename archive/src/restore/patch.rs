//! Patches that the user gives: JSON patches (RFC 6902), and merge patches, which for built-in kinds are strategic as with
//! `kubectl patch` and for all others plain (RFC 7396).

use serde_json::{Map, Value};

use super::kinds;
use super::options::{Patch, PatchTarget};
use super::verdict::{Problem, ProblemKind};
use crate::manifest::path::Key;

mod strategic;

/// What a patch must leave alone: changed, it would be another object than the one that was planned.
const IDENTITY: [&str; 4] = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"];

/// Applies those of `patches` that are for the object which lies at `key` in the snapshot, in their order.
pub fn apply(object: &mut Map<String, Value>, key: &Key, patches: &[Patch]) -> Result<(), Problem> {
    for (index, patch) in patches.iter().enumerate().filter(|(_, patch)| is_for(&patch.target, key)) {
        let before = Value::Object(std::mem::take(object));
        let failed = |why: String| {
            let message = format!("patch {} ({}) fails: {why}", index + 1, patch.target.resource);
            Problem { kind: ProblemKind::Malformed, message }
        };
        *object = patched(&before, key, &patch.patch).map_err(failed)?;
    }
    Ok(())
}

fn is_for(target: &PatchTarget, key: &Key) -> bool {
    let resource = target.resource.as_str();
    (resource == key.group_resource || resource == kinds::plural(&key.group_resource))
        && target.name.as_ref().is_none_or(|name| *name == key.name)
        && target.namespace.as_ref().is_none_or(|namespace| key.namespace.as_ref() == Some(namespace))
}

fn patched(before: &Value, key: &Key, patch: &Value) -> Result<Map<String, Value>, String> {
    let mut after = before.clone();
    match patch {
        Value::Array(_) => {
            let operations: json_patch::Patch =
                serde_json::from_value(patch.clone()).map_err(|error| error.to_string())?;
            json_patch::patch(&mut after, &operations).map_err(|error| {
                format!("operation {} at {}: {}", error.operation + 1, error.path, error.kind)
            })?;
        }
        Value::Object(fields) if kinds::is_built_in(kinds::group(&key.group_resource)) => {
            let kind = before.get("kind").and_then(Value::as_str).unwrap_or_default();
            strategic::merge(&mut after, fields, kind)?;
        }
        _ => json_patch::merge(&mut after, patch),
    }
    if let Some(changed) = IDENTITY.iter().find(|field| before.pointer(field) != after.pointer(field)) {
        return Err(format!("it changes {changed}"));
    }
    match after {
        Value::Object(object) => Ok(object),
        _ => Err("it leaves no object".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn key(group_resource: &str) -> Key {
        Key {
            group_resource: group_resource.to_owned(),
            namespace: Some("shop".to_owned()),
            name: "web".to_owned(),
        }
    }

    fn patch(target: Value, patch: Value) -> Patch {
        Patch { target: serde_json::from_value(target).unwrap(), patch }
    }

    fn applied(group_resource: &str, object: &Value, patches: &[Patch]) -> Result<Value, String> {
        let mut object = object.as_object().unwrap().clone();
        apply(&mut object, &key(group_resource), patches).map_err(|problem| problem.message)?;
        Ok(Value::Object(object))
    }

    #[test]
    fn a_patch_is_for_what_its_target_says() {
        for (target, is_for_it) in [
            (json!({"resource": "deployments"}), true),
            (json!({"resource": "deployments.apps"}), true),
            (json!({"resource": "deployments.extensions"}), false),
            (json!({"resource": "deployments", "name": "web"}), true),
            (json!({"resource": "deployments", "name": "other"}), false),
            (json!({"resource": "deployments", "namespace": "shop"}), true),
            (json!({"resource": "deployments", "name": "web", "namespace": "other"}), false),
        ] {
            let target: PatchTarget = serde_json::from_value(target).unwrap();
            assert_eq!(is_for(&target, &key("deployments.apps")), is_for_it, "{target:?}");
        }
    }

    #[test]
    fn patches_are_applied_one_after_the_other() {
        let object = json!({"metadata": {"name": "web"}, "spec": {"replicas": 3, "paused": true}});
        let all = json!({"resource": "deployments"});
        let patches = [
            patch(all.clone(), json!([{"op": "replace", "path": "/spec/replicas", "value": 1}])),
            patch(json!({"resource": "pods"}), json!([{"op": "remove", "path": "/spec/none"}])),
            patch(all, json!({"spec": {"replicas": 2, "paused": null}})),
        ];
        let after = applied("deployments.apps", &object, &patches);
        assert_eq!(after, Ok(json!({"metadata": {"name": "web"}, "spec": {"replicas": 2}})));
    }

    #[test]
    fn lists_are_merged_by_name_where_the_kind_is_built_in() {
        let object = json!({"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b"}]}});
        let change = [patch(
            json!({"resource": "pods"}),
            json!({"spec": {"containers": [{"name": "a", "tty": true}]}}),
        )];
        assert_eq!(
            applied("pods", &object, &change),
            Ok(json!({"spec": {"containers": [{"name": "a", "image": "x", "tty": true}, {"name": "b"}]}}))
        );
        assert_eq!(
            applied("pods.example.org", &object, &change),
            Ok(json!({"spec": {"containers": [{"name": "a", "tty": true}]}}))
        );
    }

    #[test]
    fn what_fails_is_named() {
        let object = json!({"kind": "Pod", "metadata": {"name": "web"}, "spec": {}});
        for (change, why) in [
            (
                json!([{"op": "test", "path": "/kind", "value": "Pod"}, {"op": "remove", "path": "/spec/x"}]),
                "patch 1 (pods) fails: operation 2 at /spec/x: path is invalid",
            ),
            (json!([{"op": "put"}]), "patch 1 (pods) fails: unknown variant"),
            (json!({"metadata": {"name": "other"}}), "patch 1 (pods) fails: it changes /metadata/name"),
            (
                json!({"metadata": {"namespace": "other"}}),
                "patch 1 (pods) fails: it changes /metadata/namespace",
            ),
            (json!([{"op": "replace", "path": "", "value": 7}]), "patch 1 (pods) fails: it changes /kind"),
            (
                json!({"spec": {"containers": [{"image": "x"}]}}),
                "patch 1 (pods) fails: an item of spec.containers has no name",
            ),
        ] {
            let error = applied("pods", &object, &[patch(json!({"resource": "pods"}), change)]).unwrap_err();
            assert!(error.starts_with(why), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_merge_patch_applied_twice_is_applied_once(
            fields in proptest::collection::btree_map("[ab]", proptest::option::of(0..3_i32), 0..3),
            before in proptest::collection::btree_map("[abc]", 0..3_i32, 0..3),
            built_in in any::<bool>(),
        ) {
            let resource = if built_in { "pods" } else { "pods.example.org" };
            let change = [patch(json!({ "resource": "pods" }), json!({ "spec": fields }))];
            let once = applied(resource, &json!({ "spec": before }), &change).unwrap();
            let twice = applied(resource, &once, &change).unwrap();
            prop_assert_eq!(once, twice);
        }
    }
}
