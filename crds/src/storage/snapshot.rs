//! Snapshot: one run of a backup in one repository (contract §1.5).

mod phase;
mod stats;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::condition::Condition;
use crate::definition::{Column, Definition, NOT_SHOWN_IN_ALL, Scope};
use crate::phase::phase;
use crate::reference::TypedObjectReference;
use crate::storage::DeletionPolicy;

pub use stats::{ResticProgress, ResticStats, ResticSummary, VolumeSnapshotterStats, WalGStats};

/// Condition types and reasons of a Snapshot (contract §2.1).
pub mod condition {
    pub const RECENT_SNAPSHOT_LIST_UPDATED: &str = "RecentSnapshotListUpdated";
    pub const SUCCESSFULLY_UPDATED_RECENT_SNAPSHOT_LIST: &str = "SuccessfullyUpdatedRecentSnapshotList";
    pub const FAILED_TO_UPDATE_RECENT_SNAPSHOT_LIST: &str = "FailedToUpdateRecentSnapshotList";
    pub const METADATA_UPLOADED: &str = "SnapshotMetadataUploaded";
    pub const SUCCESSFULLY_UPLOADED_SNAPSHOT_METADATA: &str = "SuccessfullyUploadedSnapshotMetadata";
    pub const FAILED_TO_UPLOAD_SNAPSHOT_METADATA: &str = "FailedToUploadSnapshotMetadata";
    /// True is bad: the Job ended without finishing its components.
    pub const BACKUP_INCOMPLETE: &str = "BackupIncomplete";
    pub const BACKUP_EXECUTOR_TERMINATED_BEFORE_COMPLETION: &str = "BackupExecutorTerminatedBeforeCompletion";
}

/// Version of the layout inside a repository, `spec.version`.
pub const LAYOUT_VERSION: &str = "v1";
/// The component of a manifest backup (contract §3.5).
pub const COMPONENT_MANIFEST: &str = "manifest";
/// `spec.type` of a snapshot that stands alone.
pub const FULL_BACKUP: &str = "FullBackup";

/// Where a component's restic repository is, relative to the Repository's path (contract §4.1).
#[must_use]
pub fn component_path(version: &str, session: &str, component: &str) -> String {
    format!("repository/{version}/{session}/{component}")
}

crate::definition::custom_resource! {
    /// A backup that was made.
    Snapshot: k8s_openapi::NamespaceResourceScope,
    spec: SnapshotSpec,
    status: SnapshotStatus;
    Definition {
        group: crate::storage::GROUP,
        kind: "Snapshot",
        plural: "snapshots",
        singular: "snapshot",
        short_names: &[],
        categories: NOT_SHOWN_IN_ALL,
        scope: Scope::Namespaced,
        status: true,
        columns: &[
            Column::new("Repository", "string", ".spec.repository"),
            Column::new("Session", "string", ".spec.session"),
            Column::new("Snapshot-Time", "string", ".status.snapshotTime"),
            Column::new("Deletion-Policy", "string", ".spec.deletionPolicy"),
            Column::new("Phase", "string", ".status.phase"),
            Column::AGE,
        ],
        rules: &[],
    }
}

/// What was backed up, by whom, into which repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotSpec {
    /// A ULID; its time part is the time of the snapshot.
    #[serde(default, rename = "snapshotID", skip_serializing_if = "String::is_empty")]
    pub snapshot_id: String,
    /// `FullBackup` or `IncrementalBackup`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
    /// Name of a Repository in the same namespace.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repository: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub session: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub backup_session: String,
    /// Version of the layout, part of the component paths.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_ref: Option<TypedObjectReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "Delete"))]
    pub deletion_policy: Option<DeletionPolicy>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

/// How the backup went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<SnapshotPhase>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_status: Option<VerificationStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update_time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<bool>,
    /// How many keys `components` will have. Must be written before the first of them, see [`SnapshotStatus::phase`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_components: Option<i32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-kubernetes-map-type" = "granular"))]
    pub components: BTreeMap<String, Component>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// One part of a snapshot, written by the Job that makes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Absent while only progress has been written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<ComponentPhase>,
    /// Size of the component's restic repository, not of the snapshot (contract §2.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<Driver>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restic_stats: Vec<ResticStats>,
    #[serde(default, rename = "walGStats", skip_serializing_if = "Option::is_none")]
    pub wal_g_stats: Option<WalGStats>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volume_snapshotter_stats: Vec<VolumeSnapshotterStats>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "stats::foreign_list")]
    pub solr_stats: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "stats::foreign")]
    pub medusa_stats: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "stats::foreign")]
    pub log_stats: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "stats::foreign_list")]
    pub click_house_stats: Vec<Value>,
    #[serde(default, rename = "neo4jStats", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "stats::foreign_list")]
    pub neo4j_stats: Vec<Value>,
}

phase! {
    /// Phase of a Snapshot.
    SnapshotPhase { Pending, Running, Succeeded, Failed }
}

phase! {
    /// Phase of a component of a Snapshot.
    ComponentPhase { Pending, Running, Succeeded, Failed }
}

/// Whether a restore of the snapshot was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum VerificationStatus {
    Verified,
    NotVerified,
    VerificationFailed,
}

/// The tool that made a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Driver {
    Restic,
    WalG,
    VolumeSnapshotter,
    Solr,
    Medusa,
    ClickHouseBackup,
    Neo4jAdmin,
}

impl SnapshotPhase {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_completed(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

impl Snapshot {
    /// What deletion does to the data.
    #[must_use]
    pub fn deletion_policy(&self) -> DeletionPolicy {
        self.spec.deletion_policy.unwrap_or_default()
    }

    /// Where a component's restic repository is, relative to the Repository's path.
    #[must_use]
    pub fn component_path(&self, component: &str) -> String {
        let version = if self.spec.version.is_empty() { LAYOUT_VERSION } else { &self.spec.version };
        component_path(version, &self.spec.session, component)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Snapshot;

    #[test]
    fn a_component_lies_below_version_and_session() {
        let snapshot: Snapshot =
            serde_json::from_value(json!({"spec": {"session": "frequent", "version": "v1"}})).unwrap();
        assert_eq!(snapshot.component_path("manifest"), "repository/v1/frequent/manifest");
    }
}
