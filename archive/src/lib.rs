//! Kubernetes manifests kept in a restic-format repository in an object store.

pub mod access;
pub mod entry;
pub mod error;
pub mod location;
pub mod progress;
pub mod store;
