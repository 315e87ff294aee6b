//! Looking inside: objects of snapshots, read straight from their repository.
//!
//! ```text
//! address   what was typed: SNAP, SNAP:/path, SNAP:deploy/orders, NAMESPACE/SNAP
//! finding   which Snapshots are meant, and whose objects
//! kinds     which resources of a snapshot a typed kind means
//! wish      which objects of them
//! library   repositories opened, each component once; objects listed and read
//! choice    which of them, by namespace and by name; whole: whether a snapshot holds all that it should
//! body      an object as people see it; changes: what differs, in words; compare: all that differs
//! pager     where a person reads much of it
//! ```

pub mod address;
pub mod body;
pub mod changes;
pub mod choice;
pub mod compare;
pub mod finding;
pub mod kinds;
pub mod library;
pub mod pager;
pub mod selector;
pub mod whole;
pub mod wish;

use crate::repository::Source;

/// What every verb that looks inside takes.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(id = "look")]
pub struct Flags {
    /// Only snapshots of this Repository
    #[arg(long, value_name = "NAME")]
    pub repository: Option<String>,
    /// Only these components of a snapshot, comma separated
    #[arg(long, visible_alias = "component", value_delimiter = ',', value_name = "NAMES")]
    pub components: Vec<String>,
    /// Objects of all namespaces and of the cluster itself, whatever -n says
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    #[command(flatten)]
    pub source: Source,
}
