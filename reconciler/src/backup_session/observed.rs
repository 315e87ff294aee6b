//! What a pass over a BackupSession knows of its surroundings.

use std::collections::BTreeMap;

use crds::core::{BackupConfiguration, BackupSession};
use crds::storage::{Repository, RetentionPolicy, Snapshot};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;

use crate::executor;

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The invoker.
    pub configuration: Option<BackupConfiguration>,
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

/// A Job and its pods.
#[derive(Clone, Debug, Default)]
pub struct Execution {
    /// Absent when it was never created or is gone.
    pub job: Option<Job>,
    /// Its pods.
    pub pods: Vec<Pod>,
}

impl Execution {
    /// How it is doing; nothing without a Job.
    #[must_use]
    pub fn state(&self) -> Option<executor::State> {
        self.job.as_ref().map(|job| executor::state(job, &self.pods))
    }
}
