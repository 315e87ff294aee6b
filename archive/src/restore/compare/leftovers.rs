//! What only the cluster has.
//!
//! A snapshot holds objects as a server gave them out, with every default filled in. So a field that only the cluster has
//! was put there since, by somebody who will see it gone: unless a server or controller writes it ([`written`]), or it
//! is a default that a newer server knows ([`is_default`]).

use serde_json::{Map, Value};

use super::found::{Found, item, join, keyed};
use super::written;
use crate::restore::lists::Strategy;

/// Maps whose entries are told one by one, even if the snapshot lacks the map.
const MAPS: [&str; 5] = ["annotations", "binaryData", "data", "labels", "matchLabels"];

/// Defaults of fields that are younger than Kubernetes 1.20.
const DEFAULTS: &[(&str, &str)] = &[
    ("completionMode", "NonIndexed"),
    ("internalTrafficPolicy", "Cluster"),
    ("ipFamilyPolicy", "SingleStack"),
    ("nodeAffinityPolicy", "Honor"),
    ("nodeTaintsPolicy", "Ignore"),
    ("podReplacementPolicy", "TerminatingOrFailed"),
    ("whenDeleted", "Retain"),
    ("whenScaled", "Retain"),
];

/// Compares whole objects. Of the metadata only labels and annotations are somebody's; `status` is nobody's, nor is the
/// token that a Secret of a ServiceAccount gets.
pub fn object(snapshot: &Value, live: &Value, found: &mut Found<'_>) {
    let (Some(snapshot), Some(live)) = (snapshot.as_object(), live.as_object()) else { return };
    let holds_token = live.get("type").and_then(Value::as_str) == Some("kubernetes.io/service-account-token");
    for (name, value) in live {
        match name.as_str() {
            "apiVersion" | "kind" | "status" => {}
            "data" if holds_token => {}
            "metadata" => metadata(snapshot.get(name), value, found),
            _ => field(name, name, snapshot.get(name), value, found),
        }
    }
}

fn metadata(snapshot: Option<&Value>, live: &Value, found: &mut Found<'_>) {
    for name in ["annotations", "labels"] {
        if let Some(live) = live.get(name) {
            let snapshot = snapshot.and_then(|snapshot| snapshot.get(name));
            field(&join("metadata", name), name, snapshot, live, found);
        }
    }
}

/// Compares a value at `path`, in the field `name`.
fn field(path: &str, name: &str, snapshot: Option<&Value>, live: &Value, found: &mut Found<'_>) {
    if found.is_full() || written::is_field(name, live, found.kind()) {
        return;
    }
    match (snapshot, live) {
        (None | Some(Value::Null), Value::Object(live)) if MAPS.contains(&name) => {
            map(path, name, &Map::new(), live, found);
        }
        (None | Some(Value::Null), live) if is_default(name, live) => {}
        (None | Some(Value::Null), live) => found.add(path, Some(live), None),
        (Some(Value::Object(snapshot)), Value::Object(live)) => map(path, name, snapshot, live, found),
        (Some(Value::Array(snapshot)), Value::Array(live)) => list(path, name, snapshot, live, found),
        _ => {}
    }
}

fn map(
    path: &str,
    name: &str,
    snapshot: &Map<String, Value>,
    live: &Map<String, Value>,
    found: &mut Found<'_>,
) {
    for (key, live) in live {
        let path = join(path, key);
        match snapshot.get(key) {
            None if written::is_entry(name, key) => {}
            // An empty value is one where the keys are a user's.
            None if MAPS.contains(&name) => found.add(&path, Some(live), None),
            snapshot => field(&path, key, snapshot, live, found),
        }
    }
}

fn list(path: &str, name: &str, snapshot: &[Value], live: &[Value], found: &mut Found<'_>) {
    if let Strategy::Keyed(key) = found.strategy(name)
        && let (Some(snapshot), Some(_)) = (keyed(snapshot, key), keyed(live, key))
    {
        for (key, live) in live.iter().filter_map(|item| Some((item.get(key)?, item))) {
            let place = item(path, key);
            match snapshot.get(key) {
                Some(snapshot) => field(&place, "", Some(snapshot), live, found),
                None if is_token(live) => {}
                None => found.add(&place, Some(live), None),
            }
        }
        return;
    }
    // Of other lengths is a change already.
    if snapshot.len() == live.len() {
        for (index, (snapshot, live)) in snapshot.iter().zip(live).enumerate() {
            field(&item(path, &Value::from(index)), "", Some(snapshot), live, found);
        }
    }
}

/// Whether a value is what a server takes for one that is left out.
fn is_default(name: &str, live: &Value) -> bool {
    match live {
        Value::Null => true,
        Value::Bool(is) => !is,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || DEFAULTS.contains(&(name, text)),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.iter().all(|(name, value)| is_default(name, value)),
    }
}

/// The volume that admission puts into every Pod, and its mount.
fn is_token(item: &Value) -> bool {
    let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
    name.starts_with("kube-api-access-")
}
