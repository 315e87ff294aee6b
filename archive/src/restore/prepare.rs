//! An object as it is sent to be made, from what a backup keeps of it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::manifest::path::Key;

/// What preparing an object depends on, besides the object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Leave out what would hurt in another cluster (contract A20).
    pub safe: bool,
    /// The names of the PersistentVolumes that are brought back: claims stay bound to them.
    pub volumes: BTreeSet<String>,
}

/// Removes what cannot or must not be made again. `key` is the object in the snapshot; owner references go too, the
/// caller sets the new ones. With `status_subresource` the server drops what a write says in `status`.
pub fn prepare(
    _object: &mut Map<String, Value>,
    _key: &Key,
    _status_subresource: bool,
    _surroundings: &Surroundings,
) {
}
