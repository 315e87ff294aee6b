//! What a pass over a BackupSession knows of its surroundings.

use std::collections::BTreeMap;

use crds::addons::Addon;
use crds::core::{BackupConfiguration, BackupSession};
use crds::storage::{Repository, RetentionPolicy, Snapshot};

use crate::execution::Execution;

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The invoker.
    pub configuration: Option<BackupConfiguration>,
    /// The Addon, until the Snapshots are there.
    pub addon: Option<Addon>,
    /// The other BackupSessions of the same invoker and session.
    pub siblings: Vec<BackupSession>,
    /// The session's Repositories that exist, by name.
    pub repositories: BTreeMap<String, Repository>,
    /// This session's Snapshots that exist, by name.
    pub snapshots: BTreeMap<String, Snapshot>,
    /// The backup Job.
    pub backup: Execution,
    /// All Snapshots that retention judges: those of the session's repositories and session.
    pub kept: Vec<Snapshot>,
    /// The RetentionPolicies of the session's repositories that exist, by `namespace/name`.
    pub policies: BTreeMap<String, RetentionPolicy>,
    /// The retention Job.
    pub retention: Execution,
    /// The Job of the hook that runs.
    pub hook: Execution,
}
