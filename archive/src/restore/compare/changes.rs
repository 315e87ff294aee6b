//! What one object says and the other does not.

use serde_json::{Map, Value};

use super::found::{Found, item, join, keyed};
use crate::restore::lists::Strategy;

/// Compares whole objects. What type they are of is known already, and may be said in another version.
pub fn object(snapshot: &Value, live: &Value, found: &mut Found<'_>) {
    if let (Some(snapshot), Some(live)) = (snapshot.as_object(), live.as_object()) {
        let fields = snapshot.iter().filter(|(name, _)| !matches!(name.as_str(), "apiVersion" | "kind"));
        for (name, wanted) in fields {
            value(&join("", name), name, wanted, live.get(name), found);
        }
    }
}

/// Compares a value at `path`, in the field `name`.
fn value(path: &str, name: &str, wanted: &Value, live: Option<&Value>, found: &mut Found<'_>) {
    if found.is_full() {
        return;
    }
    match (wanted, live) {
        (wanted, None | Some(Value::Null)) if says_nothing(wanted) => {}
        (Value::Object(wanted), Some(Value::Object(live))) => map(path, wanted, live, found),
        (Value::Array(wanted), Some(Value::Array(live))) => list(path, name, wanted, live, found),
        (wanted, Some(live)) if is_equal(wanted, live) => {}
        (wanted, live) => found.add(path, live, Some(wanted)),
    }
}

fn map(path: &str, wanted: &Map<String, Value>, live: &Map<String, Value>, found: &mut Found<'_>) {
    for (name, wanted) in wanted {
        value(&join(path, name), name, wanted, live.get(name), found);
    }
}

fn list(path: &str, name: &str, wanted: &[Value], live: &[Value], found: &mut Found<'_>) {
    match found.strategy(name) {
        Strategy::Keyed(key) => {
            if let (Some(_), Some(live)) = (keyed(wanted, key), keyed(live, key)) {
                for (key, wanted) in wanted.iter().filter_map(|item| Some((item.get(key)?, item))) {
                    value(&item(path, key), "", wanted, live.get(key).copied(), found);
                }
                return;
            }
        }
        Strategy::Set => {
            if !wanted.iter().all(|item| live.contains(item)) {
                found.add(path, Some(&Value::Array(live.to_vec())), Some(&Value::Array(wanted.to_vec())));
            }
            return;
        }
        Strategy::Whole => {}
    }
    if wanted.len() != live.len() {
        found.add(path, Some(&Value::Array(live.to_vec())), Some(&Value::Array(wanted.to_vec())));
        return;
    }
    for (index, (wanted, live)) in wanted.iter().zip(live).enumerate() {
        // A name tells more than a number, where both say the same.
        let name = wanted.get("name").filter(|name| name.is_string() && live.get("name") == Some(name));
        value(&item(path, name.unwrap_or(&Value::from(index))), "", wanted, Some(live), found);
    }
}

/// `null`, and what holds nothing else: `metadata.creationTimestamp` of templates was stored so by older servers.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => !fields.is_empty() && fields.values().all(says_nothing),
        _ => false,
    }
}

/// As JSON means it: 1 and 1.0 are the same number.
fn is_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        // Whole numbers beyond 2^53 are not the same because their nearest fractions are.
        (Value::Number(left), Value::Number(right)) if left.is_f64() != right.is_f64() => {
            left.as_f64() == right.as_f64()
        }
        _ => left == right,
    }
}
