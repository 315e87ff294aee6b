//! Whether a server-side apply would change nothing, so that it need not be sent.

use serde_json::{Map, Value};

/// Whether applying `desired` as `manager` would leave `live` as it is: everything wished for is there, and nothing
/// that `manager` asked for earlier is missing from the wish (it would have to be removed).
///
/// `live` is the object as the API server gave it, managed fields included. A value that the server stores in
/// another spelling (`0.1` for `100m`) counts as a change; the apply that follows then changes nothing.
#[must_use]
pub fn is_unchanged(desired: &Value, live: &Value, manager: &str, subresource: Option<&str>) -> bool {
    let Some(owned) = owned_fields(live, manager, subresource) else { return false };
    owned_within(owned, desired) && within(desired, live)
}

/// The `fieldsV1` of what `manager` applied.
fn owned_fields<'a>(live: &'a Value, manager: &str, subresource: Option<&str>) -> Option<&'a Value> {
    let entries = live.pointer("/metadata/managedFields")?.as_array()?;
    let is_ours = |entry: &&Value| {
        entry["manager"] == manager
            && entry["operation"] == "Apply"
            && entry.get("subresource").and_then(Value::as_str).filter(|name| !name.is_empty()) == subresource
    };
    entries.iter().find(is_ours)?.get("fieldsV1")
}

/// Whether every field of `owned` (a FieldsV1 set, KEP-555) is in `desired`.
fn owned_within(owned: &Value, desired: &Value) -> bool {
    let Some(owned) = owned.as_object() else { return true };
    owned.iter().all(|(path, below)| match path.split_once(':') {
        Some(("f", name)) => desired.get(name).is_some_and(|value| owned_within(below, value)),
        Some(("k", keys)) => keyed_element(keys, desired).is_some_and(|value| owned_within(below, value)),
        Some(("v", value)) => {
            let value: Option<Value> = serde_json::from_str(value).ok();
            desired.as_array().is_some_and(|list| list.iter().any(|element| Some(element) == value.as_ref()))
        }
        // "." is the container itself, which the recursion has found; an index never occurs in an applied set.
        _ => true,
    })
}

/// The element of a list map that has these keys; a key that it leaves out has its default.
fn keyed_element<'a>(keys: &str, list: &'a Value) -> Option<&'a Value> {
    let keys: Map<String, Value> = serde_json::from_str(keys).ok()?;
    let has_keys = |element: &&Value| {
        keys.iter().all(|(key, value)| element.get(key).is_none_or(|given| given == value))
    };
    list.as_array()?.iter().find(has_keys)
}

/// Whether `live` has everything that `desired` has; the server may have added defaults.
fn within(desired: &Value, live: &Value) -> bool {
    match (desired, live) {
        (Value::Object(desired), Value::Object(live)) => {
            desired.iter().all(|(key, value)| match live.get(key) {
                Some(live) => within(value, live),
                None => is_nothing(value),
            })
        }
        (Value::Array(desired), Value::Array(live)) => {
            desired.len() == live.len()
                && desired.iter().zip(live).all(|(desired, live)| within(desired, live))
        }
        (desired, live) => desired == live,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn live() -> Value {
        json!({
            "metadata": {"name": "a", "managedFields": [
                {"manager": "me", "operation": "Update", "fieldsV1": {"f:spec": {"f:foreign": {}}}},
                {"manager": "me", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": {"f:phase": {}}}},
                {"manager": "me", "operation": "Apply", "fieldsV1": {
                    "f:metadata": {"f:finalizers": {"v:\"x/y\"": {}}},
                    "f:spec": {"f:schedule": {}, "f:containers": {"k:{\"name\":\"one\"}": {".": {}, "f:image": {}}}}}},
            ], "finalizers": ["x/y"]},
            "spec": {"schedule": "* * * * *", "suspend": false, "containers": [{"name": "one", "image": "a", "tty": false}]},
            "status": {"phase": "Ready"},
        })
    }

    fn wish(spec: &Value) -> Value {
        json!({"metadata": {"name": "a", "finalizers": ["x/y"]}, "spec": spec})
    }

    #[test]
    fn what_is_there_already_is_not_sent_again() {
        let one = json!([{"name": "one", "image": "a"}]);
        for (case, spec, unchanged) in [
            ("the same", json!({"schedule": "* * * * *", "containers": one}), true),
            ("an empty map more", json!({"schedule": "* * * * *", "containers": one, "labels": {}}), true),
            ("another value", json!({"schedule": "@daily", "containers": one}), false),
            ("a field more", json!({"schedule": "* * * * *", "containers": one, "paused": true}), false),
            ("a field less", json!({"containers": one}), false),
            ("an element less", json!({"schedule": "* * * * *", "containers": []}), false),
            (
                "another element",
                json!({"schedule": "* * * * *", "containers": [{"name": "two", "image": "a"}]}),
                false,
            ),
            (
                "a field of an element less",
                json!({"schedule": "* * * * *", "containers": [{"name": "one"}]}),
                false,
            ),
        ] {
            assert_eq!(is_unchanged(&wish(&spec), &live(), "me", None), unchanged, "{case}");
        }
    }

    #[test]
    fn what_somebody_else_wrote_is_not_ours() {
        let spec = json!({"schedule": "* * * * *", "containers": [{"name": "one", "image": "a"}]});
        assert!(!is_unchanged(&wish(&spec), &live(), "you", None));
    }

    #[test]
    fn the_status_is_compared_with_what_was_applied_to_the_status() {
        assert!(is_unchanged(&json!({"status": {"phase": "Ready"}}), &live(), "me", Some("status")));
        assert!(!is_unchanged(&json!({"status": {}}), &live(), "me", Some("status")));
    }

    #[test]
    fn an_element_of_a_set_that_is_not_wished_for_any_more_is_a_change() {
        let spec = json!({"schedule": "* * * * *", "containers": [{"name": "one", "image": "a"}]});
        assert!(!is_unchanged(&json!({"metadata": {"name": "a"}, "spec": spec}), &live(), "me", None));
    }
}
