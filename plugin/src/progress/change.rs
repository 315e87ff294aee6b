//! What the watches tell.

use crds::core::{BackupSession, RestoreSession};
use crds::storage::Snapshot;
use k8s_openapi::api::core::v1::{Event, Pod};

/// Something that was seen.
#[derive(Clone, Debug)]
pub enum Change {
    Session(Box<BackupSession>),
    SessionGone(String),
    Restore(Box<RestoreSession>),
    RestoreGone(String),
    Snapshot(Box<Snapshot>),
    Pod(Box<Pod>),
    PodGone(String),
    Warning(Box<Event>),
}
