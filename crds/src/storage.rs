//! `storage.kubestash.com`: where backups are kept, and what is kept there.

pub mod backup_storage;
pub mod repository;
pub mod retention_policy;
pub mod snapshot;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use backup_storage::{BackupStorage, BackupStorageSpec, BackupStorageStatus};
pub use repository::{Repository, RepositorySpec, RepositoryStatus};
pub use retention_policy::{RetentionPolicy, RetentionPolicySpec};
pub use snapshot::{Snapshot, SnapshotSpec, SnapshotStatus};

/// The API group.
pub const GROUP: &str = "storage.kubestash.com";

/// What happens to the data when the object is deleted (contract §6.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// Only the object goes; the data stays in the backend.
    #[default]
    Delete,
    /// The data goes with the object.
    WipeOut,
}
