//! Repository: one directory of a storage, with the snapshots of one target (contract §1.4).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::{Condition, is_true};
use crate::definition::{Column, Definition, SHOWN_IN_ALL, Scope};
use crate::phase::phase;
use crate::reference::{ObjectReference, TypedObjectReference};
use crate::rule::Rule;
use crate::storage::DeletionPolicy;
use crate::storage::snapshot::SnapshotPhase;

/// Condition types and reasons of a Repository (contract §2.1).
pub mod condition {
    pub const REPOSITORY_INITIALIZED: &str = "RepositoryInitialized";
    pub const REPOSITORY_INITIALIZATION_SUCCEEDED: &str = "RepositoryInitializationSucceeded";
    pub const REPOSITORY_INITIALIZATION_FAILED: &str = "RepositoryInitializationFailed";
}

/// How many snapshots `status.recentSnapshots` names.
pub const RECENT_SNAPSHOTS: usize = 5;

crate::definition::custom_resource! {
    /// A directory of a storage.
    Repository: k8s_openapi::NamespaceResourceScope,
    spec: RepositorySpec,
    status: RepositoryStatus;
    Definition {
        group: crate::storage::GROUP,
        kind: "Repository",
        plural: "repositories",
        singular: "repository",
        short_names: &["repo"],
        categories: SHOWN_IN_ALL,
        scope: Scope::Namespaced,
        status: true,
        columns: &[
            Column::new("Integrity", "boolean", ".status.integrity"),
            Column::new("Snapshot-Count", "integer", ".status.snapshotCount"),
            Column::new("Size", "string", ".status.size"),
            Column::new("Phase", "string", ".status.phase"),
            Column {
                name: "Last-Successful-Backup",
                type_: "date",
                format: Some("date-time"),
                json_path: ".status.lastBackupTime",
            },
            Column::AGE,
        ],
        rules: &[Rule::new(
            "!has(oldSelf.spec) || has(self.spec)",
            "spec cannot be removed: the data stays where it is",
        )],
    }
}

/// What is kept where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [Rule::new(
    "has(self.path) == has(oldSelf.path) && (!has(self.path) || self.path == oldSelf.path)",
    "path cannot be changed: the data stays where it is; create another Repository for another directory",
)]))]
pub struct RepositorySpec {
    /// Target of the backups; [`TypedObjectReference::not_applicable`] when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_ref: Option<TypedObjectReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_ref: Option<ObjectReference>,
    /// `directory` of the configuration, kept as it was written; see [`crate::name::directory`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1024))]
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "Delete"))]
    pub deletion_policy: Option<DeletionPolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_secret: Option<ObjectReference>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<RepositoryPhase>,
    /// When the last successful backup was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_backup_time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_count: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// Newest first, at most [`RECENT_SNAPSHOTS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent_snapshots: Vec<SnapshotInfo>,
    /// Paths, relative to `spec.path`, that hold a restic repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub component_paths: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// A snapshot in short.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotInfo {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<SnapshotPhase>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub session: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_time: Option<Time>,
}

phase! {
    /// Phase of a Repository.
    RepositoryPhase { NotReady, Ready }
}

impl Repository {
    /// What deletion does to the data.
    #[must_use]
    pub fn deletion_policy(&self) -> DeletionPolicy {
        self.spec.deletion_policy.unwrap_or_default()
    }
}

impl RepositoryStatus {
    /// Ready when initialised (contract §2.2).
    #[must_use]
    pub fn phase(&self) -> RepositoryPhase {
        if is_true(&self.conditions, condition::REPOSITORY_INITIALIZED) {
            RepositoryPhase::Ready
        } else {
            RepositoryPhase::NotReady
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RepositoryStatus;
    use crate::condition::conditions;

    #[test]
    fn a_repository_is_ready_when_initialised() {
        let table = [
            ("", "NotReady"),
            ("RepositoryInitialized=True", "Ready"),
            ("RepositoryInitialized=False", "NotReady"),
            ("RepositoryInitialized=Unknown", "NotReady"),
        ];
        for (words, phase) in table {
            let status = RepositoryStatus { conditions: conditions(words), ..Default::default() };
            assert_eq!(status.phase().as_str(), phase, "{words}");
        }
    }
}
