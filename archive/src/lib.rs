//! Kubernetes manifests kept in a restic-format repository in an object store.

pub mod access;
pub mod entry;
pub mod error;
pub mod location;
pub mod lock;
pub mod progress;
pub mod repository;
pub mod store;
pub mod worker;
