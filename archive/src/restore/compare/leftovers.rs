//! What only the cluster has, as far as a user put it there.

use serde_json::{Map, Value};

use super::found::{Found, LEADER, item, join, keyed};
use crate::restore::lists::Strategy;

/// Maps that users fill. (Requests and limits are not among them: a LimitRange fills them in as well.)
const MAPS: [&str; 8] =
    ["annotations", "binaryData", "data", "labels", "matchLabels", "nodeSelector", "parameters", "selector"];

/// Beginnings of annotations that servers and controllers write.
const WRITTEN: [&str; 11] = [
    LEADER,
    "autoscaling.alpha.kubernetes.io/",
    "batch.kubernetes.io/",
    "deployment.kubernetes.io/",
    "deprecated.daemonset.template.generation",
    "endpoints.kubernetes.io/",
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubernetes.io/service-account.uid",
    "pv.kubernetes.io/",
    "volume.beta.kubernetes.io/",
    "volume.kubernetes.io/",
];

/// Labels that they write.
const TIED: [&str; 5] = [
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "controller-uid",
    "job-name",
    "kubernetes.io/metadata.name",
];

/// Compares whole objects; what is in `status` is no user's, nor is the token that a Secret of a ServiceAccount gets.
pub fn object(snapshot: &Value, live: &Value, found: &mut Found<'_>) {
    let (Some(snapshot), Some(live)) = (snapshot.as_object(), live.as_object()) else { return };
    let holds_token = live.get("type").and_then(Value::as_str) == Some("kubernetes.io/service-account-token");
    for (name, live) in live.iter().filter(|(name, _)| *name != "status" && !(holds_token && *name == "data"))
    {
        value(name, name, snapshot.get(name), live, found);
    }
}

fn value(path: &str, name: &str, snapshot: Option<&Value>, live: &Value, found: &mut Found<'_>) {
    if found.is_full() {
        return;
    }
    match (snapshot, live) {
        (snapshot, Value::Object(live)) if is_filled(name, live) => {
            entries(path, name, snapshot.and_then(Value::as_object), live, found);
        }
        (Some(Value::Object(snapshot)), Value::Object(live)) => {
            for (name, live) in live {
                value(&join(path, name), name, snapshot.get(name), live, found);
            }
        }
        (snapshot, Value::Array(live)) => {
            let snapshot = snapshot.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            items(path, name, snapshot, live, found);
        }
        _ => {}
    }
}

/// Whether a map is filled by users: its name is one of those, and all its values are text.
fn is_filled(name: &str, live: &Map<String, Value>) -> bool {
    MAPS.contains(&name) && live.values().all(Value::is_string)
}

fn entries(
    path: &str,
    name: &str,
    snapshot: Option<&Map<String, Value>>,
    live: &Map<String, Value>,
    found: &mut Found<'_>,
) {
    let written = |key: &str| match name {
        "annotations" => WRITTEN.iter().any(|beginning| key.starts_with(beginning)),
        "labels" => TIED.contains(&key),
        _ => false,
    };
    for (key, live) in live {
        let held = snapshot.is_some_and(|snapshot| snapshot.contains_key(key));
        if !held && !written(key) {
            found.add(&join(path, key), Some(live), None);
        }
    }
}

fn items(path: &str, name: &str, snapshot: &[Value], live: &[Value], found: &mut Found<'_>) {
    let key = match found.strategy(name) {
        // Whatever has an owner or a condition has got it from a controller.
        Strategy::Keyed(key) if !matches!(name, "conditions" | "ownerReferences") => key,
        _ => return,
    };
    let (Some(snapshot), Some(_)) = (keyed(snapshot, key), keyed(live, key)) else { return };
    for (key, live) in live.iter().filter_map(|item| Some((item.get(key)?, item))) {
        let place = item(path, key);
        match snapshot.get(key) {
            Some(snapshot) => value(&place, "", Some(snapshot), live, found),
            None if is_token(live) => {}
            None => found.add(&place, Some(live), None),
        }
    }
}

/// The volume that admission puts into every Pod, its mount, and the token Secret in the list of a ServiceAccount.
fn is_token(item: &Value) -> bool {
    let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
    name.starts_with("kube-api-access-") || name.contains("-token-")
}
