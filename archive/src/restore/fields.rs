//! The values at a path in an object: names of fields with `/` between them, and `*` for any item of a list.

use serde_json::{Map, Value};

/// Calls `found` with every string at `path` that is not empty.
pub fn each(object: &Map<String, Value>, path: &str, found: &mut impl FnMut(&str)) {
    let (first, rest) = split(path);
    if let Some(value) = object.get(first) {
        below(value, rest, found);
    }
}

/// Calls `found` with every value at `path`, to change it.
pub fn each_mut(object: &mut Map<String, Value>, path: &str, found: &mut impl FnMut(&mut Value)) {
    let (first, rest) = split(path);
    if let Some(value) = object.get_mut(first) {
        below_mut(value, rest, found);
    }
}

/// Removes the field at the end of `path`, wherever it is.
pub fn remove(object: &mut Map<String, Value>, path: &str) {
    match path.rsplit_once('/') {
        None => _ = object.remove(path),
        Some((parent, field)) => each_mut(object, parent, &mut |value| {
            if let Some(fields) = value.as_object_mut() {
                fields.remove(field);
            }
        }),
    }
}

fn split(path: &str) -> (&str, &str) {
    path.split_once('/').unwrap_or((path, ""))
}

fn below(value: &Value, path: &str, found: &mut impl FnMut(&str)) {
    if path.is_empty() {
        if let Some(text) = value.as_str().filter(|text| !text.is_empty()) {
            found(text);
        }
        return;
    }
    let (first, rest) = split(path);
    match value {
        Value::Array(items) if first == "*" => items.iter().for_each(|item| below(item, rest, found)),
        Value::Object(fields) => fields.get(first).into_iter().for_each(|value| below(value, rest, found)),
        _ => {}
    }
}

fn below_mut(value: &mut Value, path: &str, found: &mut impl FnMut(&mut Value)) {
    if path.is_empty() {
        found(value);
        return;
    }
    let (first, rest) = split(path);
    match value {
        Value::Array(items) if first == "*" => items.iter_mut().for_each(|item| below_mut(item, rest, found)),
        Value::Object(fields) => {
            fields.get_mut(first).into_iter().for_each(|value| below_mut(value, rest, found));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_goes_through_objects_and_lists() {
        let object =
            json!({"a": [{"b": "x"}, {"b": ""}, {"c": 1}, {"b": ["no"]}], "d": {"e": "y"}, "f": "z"});
        let object = object.as_object().unwrap();
        for (path, all) in [
            ("a/*/b", vec!["x"]),
            ("d/e", vec!["y"]),
            ("f", vec!["z"]),
            ("a/b", vec![]),
            ("d/*/e", vec![]),
            ("g/h", vec![]),
        ] {
            let mut found = Vec::new();
            each(object, path, &mut |text| found.push(text.to_owned()));
            assert_eq!(found, all, "{path}");
        }
    }

    #[test]
    fn what_is_at_a_path_is_changed_or_removed() {
        let mut object = json!({"a": [{"b": 1, "c": 2}, {"b": 3}], "d": 4}).as_object().unwrap().clone();
        each_mut(&mut object, "a/*/b", &mut |value| *value = json!("new"));
        remove(&mut object, "a/*/c");
        remove(&mut object, "d");
        remove(&mut object, "e/f");
        assert_eq!(Value::Object(object), json!({"a": [{"b": "new"}, {"b": "new"}]}));
    }
}
