//! What is changed on the way: namespaces, storage classes, image registries, labels, patches.

use serde_json::{Map, Value};

use super::kinds;
use super::options::Transform;
use super::verdict::Problem;
use crate::manifest::path::Key;

mod images;
mod labels;
mod namespaces;
mod secrets;
mod storage_classes;

/// The object in the cluster that `key` of the snapshot becomes.
#[must_use]
pub fn target(key: &Key, transform: &Transform) -> Key {
    let mapped = |name: &String| transform.namespaces.get(name).unwrap_or(name).clone();
    let name = if kinds::is_namespace(key) { mapped(&key.name) } else { key.name.clone() };
    Key { group_resource: key.group_resource.clone(), namespace: key.namespace.as_ref().map(mapped), name }
}

/// The object of a snapshot that becomes `key` in the cluster; none when none can. The inverse of [`target`].
#[must_use]
pub fn origin(key: &Key, transform: &Transform) -> Option<Key> {
    let back = |name: &String| {
        let old = transform.namespaces.iter().find(|(_, new)| *new == name).map(|(old, _)| old.clone());
        old.or_else(|| (!transform.namespaces.contains_key(name)).then(|| name.clone()))
    };
    let name = if kinds::is_namespace(key) { back(&key.name)? } else { key.name.clone() };
    let namespace = match &key.namespace {
        Some(namespace) => Some(back(namespace)?),
        None => None,
    };
    Some(Key { group_resource: key.group_resource.clone(), namespace, name })
}

/// Changes an object that [`super::prepare`] has prepared. `key` is the object in the snapshot. Fails where a patch does,
/// or where it makes another object of it.
pub fn transform(object: &mut Map<String, Value>, key: &Key, transform: &Transform) -> Result<(), Problem> {
    if !transform.namespaces.is_empty() {
        namespaces::map(object, key, &transform.namespaces);
    }
    if !transform.storage_classes.is_empty() {
        storage_classes::map(object, key, &transform.storage_classes);
    }
    if !transform.image_registries.is_empty() {
        images::map(object, &transform.image_registries);
    }
    labels::add(object, &transform.labels);
    super::patch::apply(object, key, &transform.patches)?;
    if key.group_resource == "secrets" {
        secrets::fold_string_data(object);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
