//! What differs between an object of a snapshot, prepared and transformed, and the one in the cluster.

use serde_json::Value;

use super::verdict::Change;

/// What the snapshot says and the cluster does not. What only the cluster has is no difference: it may be a default. At
/// most 20 changes, with short values, none of a Secret.
#[must_use]
pub fn changes(_snapshot: &Value, _live: &Value) -> Vec<Change> {
    Vec::new()
}

/// What the cluster has, the snapshot lacks, and no server or controller fills in. Bounded likewise.
#[must_use]
pub fn leftovers(_snapshot: &Value, _live: &Value) -> Vec<Change> {
    Vec::new()
}

/// A short digest of what an object says, without what servers and controllers write.
#[must_use]
pub fn digest(_live: &Value) -> String {
    String::new()
}
