//! `addons.kubestash.com`: how a target is backed up and restored.

pub mod addon;
pub mod function;

pub use addon::{Addon, AddonSpec};
pub use function::{Function, FunctionSpec};

/// The API group.
pub const GROUP: &str = "addons.kubestash.com";
