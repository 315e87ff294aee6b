//! What is changed on the way: namespaces, storage classes, image registries, labels, patches.

use serde_json::{Map, Value};

use super::options::Transform;
use super::verdict::Problem;
use crate::manifest::path::Key;

/// The object in the cluster that `key` of the snapshot becomes.
#[must_use]
pub fn target(key: &Key, _transform: &Transform) -> Key {
    key.clone()
}

/// Changes an object that [`super::prepare`] has prepared. `key` is the object in the snapshot. Fails where a patch does.
pub fn transform(
    _object: &mut Map<String, Value>,
    _key: &Key,
    _transform: &Transform,
) -> Result<(), Problem> {
    Ok(())
}
