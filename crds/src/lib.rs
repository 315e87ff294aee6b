//! KubeStash's kinds and every rule about them: fields, phases, conditions, names, labels, sizes, durations.
//!
//! Nothing here does I/O, reads a clock or draws a random number: time and randomness are arguments. The operator,
//! the Jobs and the plugin all ask this crate what an object means, so that they cannot disagree.
//!
//! # Map
//!
//! - [`core`], [`storage`], [`addons`]: the kinds of `core.kubestash.com`, `storage.kubestash.com` and
//!   `addons.kubestash.com`; [`config`]: the format of `metadata.yaml` in a bucket.
//! - [`definition`]: the `CustomResourceDefinition` of a kind, made from its types; [`all`] lists them.
//! - [`condition`], [`name`], [`label`], [`size`], [`duration`], [`retention`], [`retention_period`], [`schedule`],
//!   [`usage_policy`], [`variables`]: the rules that the kinds share.
//! - [`rule`]: what the API server checks by itself; [`violation`]: what is wrong with an object, and where.
//! - [`mod@reference`], [`runtime`], [`pod_template`], [`scheduler`], [`volume`], [`embedded`]: the shapes they share.
//!
//! # Reading the types
//!
//! Field names are the JSON names in snake case. A string whose absence and emptiness mean the same (names,
//! paths) is a `String`; every other optional field is an `Option`. Parts that belong to Kubernetes itself (a
//! probe, a toleration, a volume source) are kept as the JSON that was given, see [`embedded::Embedded`], so that
//! a field of a newer Kubernetes is not lost by passing through here.

pub mod addons;
pub mod condition;
pub mod config;
pub mod core;
pub mod definition;
pub mod duration;
pub mod embedded;
pub mod label;
pub mod name;
pub mod phase;
pub mod pod_template;
pub mod reference;
pub mod retention;
pub mod retention_period;
pub mod rule;
pub mod runtime;
pub mod schedule;
pub mod scheduler;
mod schema;
pub mod size;
pub mod storage;
pub mod usage_policy;
pub mod variables;
pub mod violation;
pub mod volume;

pub use definition::all;

/// The only version of every kind.
pub const VERSION: &str = "v1alpha1";
