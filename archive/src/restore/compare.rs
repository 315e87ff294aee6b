//! What differs between an object of a snapshot, prepared and transformed, and the one in the cluster.
//!
//! The two are not equal even when nobody touched anything: the cluster fills in defaults, and controllers write besides.
//! So there are two questions. What the snapshot says and the cluster does not is always a difference ([`changes`]). What
//! only the cluster has is one for who wants nothing but the snapshot ([`leftovers`]).

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::verdict::Change;
use crate::manifest::sanitize;

mod changes;
mod found;
mod leftovers;
mod written;

use found::Found;
pub use written::keep as keep_written;

/// What the snapshot says and the cluster does not. What only the cluster has is no difference: it may be a default. At
/// most 20 changes, with short values, none of a Secret.
#[must_use]
pub fn changes(snapshot: &Value, live: &Value) -> Vec<Change> {
    let mut found = Found::of(snapshot);
    changes::object(snapshot, live, &mut found);
    found.into_changes()
}

/// What the cluster has, the snapshot lacks, and neither server nor controller writes. Bounded likewise.
#[must_use]
pub fn leftovers(snapshot: &Value, live: &Value) -> Vec<Change> {
    let mut found = Found::of(snapshot);
    leftovers::object(snapshot, live, &mut found);
    found.into_changes()
}

fn kind_of(object: &Value) -> &str {
    object.get("kind").and_then(Value::as_str).unwrap_or_default()
}

/// A short digest of what an object says, without what servers and controllers write: 16 hexadecimal digits. That of a
/// Secret is made of its uid and resourceVersion, since a digest of a short value gives it away.
#[must_use]
pub fn digest(live: &Value) -> String {
    let said = match live {
        Value::Object(object) if kind_of(live) == "Secret" => {
            let field = |name: &str| object.get("metadata").and_then(|metadata| metadata.get(name)).cloned();
            Value::from_iter([field("uid"), field("resourceVersion")])
        }
        Value::Object(object) => {
            let mut object = object.clone();
            sanitize::strip(&mut object);
            object.remove("status");
            super::fields::each_mut(&mut object, "metadata/annotations", &mut |annotations| {
                _ = annotations.as_object_mut().and_then(|annotations| annotations.remove(found::LEADER));
            });
            Value::Object(object)
        }
        other => other.clone(),
    };
    // Maps are sorted, so that equal objects are equal text.
    hex::encode(&Sha256::digest(said.to_string())[..8])
}

#[cfg(test)]
mod tests;
