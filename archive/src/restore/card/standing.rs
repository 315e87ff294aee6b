//! What speaks against making an object again, as far as the object itself says so.

use serde_json::{Map, Value};

use crate::manifest::path::Key;

/// What speaks against making an object again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    #[default]
    Usual,
    /// It was being deleted.
    BeingDeleted,
    /// A Pod or Job that had ended.
    Completed,
    /// The cluster makes it by itself.
    SystemMade,
    /// A Secret with the token of a ServiceAccount: made by itself if the ServiceAccount lists it.
    Token,
}

pub(super) fn judge(_key: &Key, _object: &Map<String, Value>, _metadata: &Map<String, Value>) -> Standing {
    Standing::Usual
}
