//! Labels on every object.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Sets them; what is there already under the same key is replaced. The templates and selectors in an object stay as they
/// are: a selector cannot be changed, and must go on selecting.
pub fn add(object: &mut Map<String, Value>, labels: &BTreeMap<String, String>) {
    if labels.is_empty() {
        return;
    }
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let there = metadata.entry("labels").or_insert(Value::Null);
    if !there.is_object() {
        *there = Value::Object(Map::new());
    }
    if let Some(there) = there.as_object_mut() {
        there.extend(labels.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_are_added_or_replaced() {
        let labels = BTreeMap::from([("a".to_owned(), "new".to_owned())]);
        for (before, after) in [
            (json!({"metadata": {}}), json!({"metadata": {"labels": {"a": "new"}}})),
            (json!({"metadata": {"labels": null}}), json!({"metadata": {"labels": {"a": "new"}}})),
            (
                json!({"metadata": {"labels": {"a": "old", "b": "c"}}}),
                json!({"metadata": {"labels": {"a": "new", "b": "c"}}}),
            ),
            (json!({}), json!({})),
        ] {
            let Value::Object(mut object) = before else { panic!("an object") };
            add(&mut object, &labels);
            assert_eq!(Value::Object(object), after);
        }
    }

    #[test]
    fn no_labels_change_nothing() {
        let mut object = Map::from_iter([("metadata".to_owned(), json!({}))]);
        add(&mut object, &BTreeMap::new());
        assert_eq!(object["metadata"], json!({}));
    }
}
