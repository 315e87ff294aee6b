//! `config.kubestash.com`: file formats that are no resources.

pub mod backend_meta;

pub use backend_meta::BackendMeta;

/// The API group.
pub const GROUP: &str = "config.kubestash.com";
