//! Kubernetes manifests kept in a restic-format repository in an object store.

pub mod access;
pub mod api;
pub mod bucket;
pub mod collect;
pub mod coverage;
pub mod discovery;
pub mod entry;
pub mod error;
pub mod location;
pub mod lock;
pub mod manifest;
pub mod order;
pub mod progress;
pub mod repository;
pub mod restore;
pub mod scope;
pub mod sealed;
pub mod select;
pub mod store;
pub mod worker;
