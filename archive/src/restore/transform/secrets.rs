//! `stringData`, which a patch may bring: the API server takes it in and never shows it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Puts `stringData` where the API server does, so that the object can be compared with what it becomes.
pub fn fold_string_data(object: &mut Map<String, Value>) {
    let Some(Value::Object(strings)) = object.remove("stringData") else { return };
    let data = object.entry("data").or_insert(Value::Null);
    if !data.is_object() {
        *data = Value::Object(Map::new());
    }
    if let Some(data) = data.as_object_mut() {
        for (key, value) in strings {
            let value = value.as_str().map(|text| Value::String(STANDARD.encode(text)));
            data.extend(value.map(|value| (key, value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn string_data_becomes_data() {
        for (before, after) in [
            (json!({"data": {"a": "Yg=="}}), json!({"data": {"a": "Yg=="}})),
            (json!({"stringData": {"a": "b"}}), json!({"data": {"a": "Yg=="}})),
            (
                json!({"data": {"a": "eA==", "c": "eQ=="}, "stringData": {"a": "b"}}),
                json!({"data": {"a": "Yg==", "c": "eQ=="}}),
            ),
        ] {
            let Value::Object(mut object) = before else { panic!("an object") };
            fold_string_data(&mut object);
            assert_eq!(Value::Object(object), after);
        }
    }
}
