//! Strategic merge patches: lists are merged by the key that the API gives their items, or replaced. Directives as in the
//! "strategic merge patch" notes of Kubernetes.

use serde_json::{Map, Value};

use crate::restore::lists::{Strategy, strategy};

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const DELETE: &str = "$deleteFromPrimitiveList/";

/// Merges `patch` into `target`, an object of a built-in kind.
pub fn merge(target: &mut Value, patch: &Map<String, Value>, kind: &str) -> Result<(), String> {
    merge_map(target, patch, &Place { kind, path: String::new() })
}

/// Where in an object a merge is.
struct Place<'a> {
    kind: &'a str,
    path: String,
}

impl Place<'_> {
    fn below(&self, field: &str) -> Self {
        let path = if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) };
        Self { path, ..*self }
    }
}

fn merge_map(target: &mut Value, patch: &Map<String, Value>, place: &Place<'_>) -> Result<(), String> {
    let directive = patch.get(DIRECTIVE).and_then(Value::as_str);
    if !target.is_object() || matches!(directive, Some("replace" | "delete")) {
        *target = Value::Object(Map::new());
    }
    let Some(fields) = target.as_object_mut().filter(|_| directive != Some("delete")) else { return Ok(()) };
    if let Some(kept) = patch.get(RETAIN).and_then(Value::as_array) {
        fields.retain(|name, _| kept.iter().any(|kept| kept == name.as_str()));
    }
    for (name, value) in patch {
        if let Some(list) = name.strip_prefix(DELETE) {
            remove_items(fields.get_mut(list), value);
        } else if !name.starts_with('$') {
            merge_field(fields, name, value, place)?;
        }
    }
    Ok(())
}

fn remove_items(list: Option<&mut Value>, removed: &Value) {
    if let (Some(list), Some(removed)) = (list.and_then(Value::as_array_mut), removed.as_array()) {
        list.retain(|item| !removed.contains(item));
    }
}

fn merge_field(
    fields: &mut Map<String, Value>,
    name: &str,
    value: &Value,
    place: &Place<'_>,
) -> Result<(), String> {
    match value {
        Value::Null => _ = fields.remove(name),
        Value::Object(patch) if patch.get(DIRECTIVE).and_then(Value::as_str) == Some("delete") => {
            fields.remove(name);
        }
        Value::Object(patch) => {
            merge_map(fields.entry(name).or_insert(Value::Null), patch, &place.below(name))?;
        }
        Value::Array(items) => {
            let strategy = strategy(place.kind, name);
            let list = fields.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            merge_list(list, items, strategy, &place.below(name))?;
        }
        scalar => _ = fields.insert(name.to_owned(), scalar.clone()),
    }
    Ok(())
}

fn merge_list(
    target: &mut Value,
    patch: &[Value],
    strategy: Strategy,
    place: &Place<'_>,
) -> Result<(), String> {
    let is_replace = |item: &Value| item.get(DIRECTIVE).and_then(Value::as_str) == Some("replace");
    if strategy == Strategy::Whole || patch.iter().any(is_replace) || !target.is_array() {
        *target = Value::Array(Vec::new());
    }
    let Some(items) = target.as_array_mut() else { return Ok(()) };
    for item in patch.iter().filter(|item| !is_replace(item)) {
        match strategy {
            Strategy::Set if items.contains(item) => {}
            Strategy::Set | Strategy::Whole => items.push(item.clone()),
            Strategy::Keyed(key) => merge_item(items, item, key, place)?,
        }
    }
    Ok(())
}

fn merge_item(items: &mut Vec<Value>, item: &Value, key: &str, place: &Place<'_>) -> Result<(), String> {
    let named = item.as_object().and_then(|fields| Some((fields, fields.get(key)?)));
    let Some((fields, value)) = named else { return Err(format!("an item of {} has no {key}", place.path)) };
    let found = items.iter().position(|item| item.get(key) == Some(value));
    if fields.get(DIRECTIVE).and_then(Value::as_str) == Some("delete") {
        found.map(|index| items.remove(index));
        return Ok(());
    }
    if let Some(index) = found {
        return merge_map(&mut items[index], fields, place);
    }
    let mut new = Value::Null;
    merge_map(&mut new, fields, place)?;
    items.push(new);
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(kind: &str, mut target: Value, patch: &Value) -> Result<Value, String> {
        merge(&mut target, patch.as_object().unwrap(), kind)?;
        Ok(target)
    }

    #[test]
    fn fields_are_merged_and_null_removes() {
        let before = json!({"a": {"b": 1, "c": 2}, "d": 3});
        for (patch, after) in [
            (json!({}), before.clone()),
            (json!({"a": {"b": 4}}), json!({"a": {"b": 4, "c": 2}, "d": 3})),
            (json!({"a": {"b": null}}), json!({"a": {"c": 2}, "d": 3})),
            (json!({"a": null, "e": {"f": null, "g": 1}}), json!({"d": 3, "e": {"g": 1}})),
            (json!({"a": {"$patch": "replace", "z": 1}}), json!({"a": {"z": 1}, "d": 3})),
            (json!({"a": {"$patch": "delete"}}), json!({"d": 3})),
            (json!({"a": {"$retainKeys": ["c", "z"], "z": 1}}), json!({"a": {"c": 2, "z": 1}, "d": 3})),
            (json!({"d": {"x": 1}}), json!({"a": {"b": 1, "c": 2}, "d": {"x": 1}})),
        ] {
            assert_eq!(merged("Deployment", before.clone(), &patch), Ok(after), "{patch}");
        }
    }

    #[test]
    fn lists_are_merged_by_the_key_of_their_items() {
        for (kind, before, patch, after) in [
            (
                "Pod",
                json!({"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}]}, {"name": "b"}]}),
                json!({"containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}]}, {"name": "c"}]}),
                json!({"containers": [
                    {"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]},
                    {"name": "b"}, {"name": "c"}]}),
            ),
            (
                "Pod",
                json!({"containers": [{"name": "a"}, {"name": "b"}]}),
                json!({"containers": [{"name": "a", "$patch": "delete"}, {"name": "z", "$patch": "delete"}]}),
                json!({"containers": [{"name": "b"}]}),
            ),
            (
                "Pod",
                json!({"containers": [{"name": "a"}, {"name": "b"}]}),
                json!({"containers": [{"$patch": "replace"}, {"name": "c"}]}),
                json!({"containers": [{"name": "c"}]}),
            ),
            (
                "Pod",
                json!({"ports": [{"containerPort": 80, "name": "a"}]}),
                json!({"ports": [{"containerPort": 80, "name": "b"}]}),
                json!({"ports": [{"containerPort": 80, "name": "b"}]}),
            ),
            (
                "Service",
                json!({"ports": [{"port": 80, "nodePort": 30000}, {"port": 81}]}),
                json!({"ports": [{"port": 80, "nodePort": null}]}),
                json!({"ports": [{"port": 80}, {"port": 81}]}),
            ),
            (
                "NetworkPolicy",
                json!({"ports": [{"port": 80}]}),
                json!({"ports": [{"port": 81}]}),
                json!({"ports": [{"port": 81}]}),
            ),
            (
                "Pod",
                json!({"args": ["a"], "finalizers": ["x"]}),
                json!({"args": ["b"], "finalizers": ["x", "y"]}),
                json!({"args": ["b"], "finalizers": ["x", "y"]}),
            ),
            (
                "Pod",
                json!({"finalizers": ["x", "y"]}),
                json!({"$deleteFromPrimitiveList/finalizers": ["x"], "$setElementOrder/finalizers": ["y"]}),
                json!({"finalizers": ["y"]}),
            ),
            ("Pod", json!({}), json!({"volumes": [{"name": "v"}]}), json!({"volumes": [{"name": "v"}]})),
        ] {
            assert_eq!(merged(kind, before, &patch), Ok(after), "{kind} {patch}");
        }
    }

    #[test]
    fn an_item_without_its_key_is_an_error() {
        let error = merged("Pod", json!({}), &json!({"spec": {"volumes": ["a"]}}));
        assert_eq!(error, Err("an item of spec.volumes has no name".to_owned()));
    }
}
