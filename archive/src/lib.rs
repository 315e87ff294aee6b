//! Kubernetes manifests kept in a restic-format repository in an object store.

pub mod entry;
pub mod error;
pub mod progress;
