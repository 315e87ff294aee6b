//! RestoreSession: one restore (contract §1.9).

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::{Condition, exists, is_false, is_true};
use crate::core::addon_info::AddonInfo;
use crate::core::backup_configuration::Dependency;
use crate::core::hook::{HookInfo, HookStatus};
use crate::core::manifest_options::ManifestOptions;
use crate::definition::{Column, Definition, SHOWN_IN_ALL, Scope};
use crate::phase::phase;
use crate::reference::{ObjectReference, TypedObjectReference};
use crate::rule::Rule;

/// Condition types and reasons of a RestoreSession (contract §2.1).
pub mod condition {
    pub const VALIDATION_PASSED: &str = "ValidationPassed";
    pub const RESOURCE_VALIDATION_PASSED: &str = "ResourceValidationPassed";
    pub const RESOURCE_VALIDATION_FAILED: &str = "ResourceValidationFailed";
    pub const RESTORE_TARGET_FOUND: &str = "RestoreTargetFound";
    pub const UNABLE_TO_CHECK_TARGET_AVAILABILITY: &str = "UnableToCheckTargetAvailability";
    pub const PRE_RESTORE_HOOKS_EXECUTION_SUCCEEDED: &str = "PreRestoreHooksExecutionSucceeded";
    pub const SUCCESSFULLY_EXECUTED_PRE_RESTORE_HOOKS: &str = "SuccessfullyExecutedPreRestoreHooks";
    pub const FAILED_TO_EXECUTE_PRE_RESTORE_HOOKS: &str = "FailedToExecutePreRestoreHooks";
    pub const RESTORE_EXECUTOR_ENSURED: &str = "RestoreExecutorEnsured";
    pub const SUCCESSFULLY_ENSURED_RESTORE_EXECUTOR: &str = "SuccessfullyEnsuredRestoreExecutor";
    pub const FAILED_TO_ENSURE_RESTORE_EXECUTOR: &str = "FailedToEnsureRestoreExecutor";
    pub const POST_RESTORE_HOOKS_EXECUTION_SUCCEEDED: &str = "PostRestoreHooksExecutionSucceeded";
    pub const SUCCESSFULLY_EXECUTED_POST_RESTORE_HOOKS: &str = "SuccessfullyExecutedPostRestoreHooks";
    pub const FAILED_TO_EXECUTE_POST_RESTORE_HOOKS: &str = "FailedToExecutePostRestoreHooks";
    /// True is bad; absent or False otherwise.
    pub const RESTORE_INCOMPLETE: &str = "RestoreIncomplete";
    pub const RESTORE_EXECUTOR_TERMINATED_BEFORE_COMPLETION: &str =
        "RestoreExecutorTerminatedBeforeCompletion";
    /// The mark of a session that is over.
    pub const METRICS_PUSHED: &str = "MetricsPushed";
    pub const SUCCESSFULLY_PUSHED_METRICS: &str = "SuccessfullyPushedMetrics";
    pub const FAILED_TO_PUSH_METRICS: &str = "FailedToPushMetrics";
}

/// What `dataSource.snapshot` says for the newest Snapshot that succeeded.
pub const LATEST: &str = "latest";

crate::definition::custom_resource! {
    /// A restore.
    RestoreSession: k8s_openapi::NamespaceResourceScope,
    spec: RestoreSessionSpec,
    status: RestoreSessionStatus;
    Definition {
        group: crate::core::GROUP,
        kind: "RestoreSession",
        plural: "restoresessions",
        singular: "restoresession",
        short_names: &["restore"],
        categories: SHOWN_IN_ALL,
        scope: Scope::Namespaced,
        status: true,
        columns: &[
            Column::new("Repository", "string", ".spec.dataSource.repository"),
            Column::new("Phase", "string", ".status.phase"),
            Column::new("Duration", "string", ".status.duration"),
            Column::AGE,
        ],
        rules: &[Rule::new("has(self.spec)", "spec is missing: say what to restore")],
    }
}

/// Contract §10, RestoreSession.
const DATA_SOURCE_RULES: &[Rule] = &[
    Rule::new(
        "!has(self.pitr) || (has(self.pitr.targetTime) && has(self.repository) && self.repository != '')",
        "a point in time needs pitr.targetTime and repository",
    ),
    Rule::new(
        "has(self.pitr) || (has(self.snapshot) && self.snapshot != '')",
        "snapshot is missing: name a Snapshot, or say `latest` and name the repository",
    ),
    Rule::new(
        "!has(self.snapshot) || self.snapshot != 'latest' || (has(self.repository) && self.repository != '')",
        "repository is missing: the snapshot `latest` is the newest one of a repository; name it",
    ),
];

/// What is restored, from where.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [Rule::new(
    "has(self.dataSource)",
    "dataSource is missing: name the snapshot to restore, or a repository and the snapshot `latest`",
)]))]
pub struct RestoreSessionSpec {
    /// Absent for a restore of manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TypedObjectReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_source: Option<RestoreDataSource>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addon: Option<AddonInfo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<RestoreHooks>,
    /// Absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_timeout: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_options: Option<ManifestOptions>,
}

/// Where the data comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = DATA_SOURCE_RULES))]
pub struct RestoreDataSource {
    /// Absent: the RestoreSession's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repository: String,
    /// Name of a Snapshot, or [`LATEST`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub snapshot: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pitr: Option<PointInTime>,
    /// Overrides the Repository's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_secret: Option<ObjectReference>,
}

/// A point in time to recover to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PointInTime {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_time: Option<Time>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclusive: bool,
}

/// Hooks of a restore.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreHooks {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pre_restore: Vec<HookInfo>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_restore: Vec<HookInfo>,
}

/// How it went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreSessionStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<RestorePhase>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_found: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_deadline: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_components: Option<i32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-kubernetes-map-type" = "granular"))]
    pub components: BTreeMap<String, ComponentRestoreStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<HookStatus>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// Backups that wait for the restore to end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paused_backups: Vec<TypedObjectReference>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// How the restore of a component went. From `objects` on the fields are this project's own: a reader of KubeStash does
/// not know them, and does not need them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentRestoreStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<RestorePhase>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<RestoreProgress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What became of the objects, so far or in the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<RestoredObjects>,
    /// The first of the objects that were not brought back, each with the reason; all of them are in `report`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<String>,
    /// What concerns no single object: a type that is not served, a right that is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The file in the storage that says what became of each object, below the prefix of the BackupStorage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
}

/// How many objects became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoredObjects {
    #[serde(default)]
    pub created: i64,
    #[serde(default)]
    pub unchanged: i64,
    /// Changed, or deleted and made again.
    #[serde(default)]
    pub updated: i64,
    /// Differ, and stayed as they are.
    #[serde(default)]
    pub left: i64,
    /// Not brought back, for a reason that is no failure.
    #[serde(default)]
    pub skipped: i64,
    /// Removed, because the snapshot lacks them.
    #[serde(default)]
    pub pruned: i64,
    #[serde(default)]
    pub failed: i64,
}

/// A component being restored; the formats are those of
/// [`ResticProgress`](crate::storage::snapshot::ResticProgress).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreProgress {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_elapsed: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent_done: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_files: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_done: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_done: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<String>,
}

phase! {
    /// Phase of a RestoreSession and of its components.
    RestorePhase { Pending, Running, Failed, Succeeded, Invalid, Unknown }
}

impl RestorePhase {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_completed(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Invalid | Self::Unknown)
    }
}

impl RestoreSession {
    /// The namespace of the Snapshot and its Repository: the RestoreSession's own unless it names another.
    #[must_use]
    pub fn source_namespace(&self) -> String {
        let named = self.spec.data_source.as_ref().and_then(|source| source.namespace.clone());
        named.filter(|namespace| !namespace.is_empty()).or_else(|| self.namespace()).unwrap_or_default()
    }

    /// The ServiceAccount that the restore runs as: there is no other than that which the user names.
    #[must_use]
    pub fn service_account(&self) -> Option<&str> {
        self.spec.addon.as_ref()?.service_account()
    }
}

impl RestoreSessionStatus {
    /// Phase from conditions and components (contract §2.2).
    #[must_use]
    pub fn phase(&self) -> RestorePhase {
        let conditions = &self.conditions;
        let components = self.components_phase();
        if is_false(conditions, condition::METRICS_PUSHED) {
            RestorePhase::Failed
        } else if is_false(conditions, condition::VALIDATION_PASSED) {
            RestorePhase::Invalid
        } else if is_true(conditions, condition::METRICS_PUSHED) && self.has_failed() {
            RestorePhase::Failed
        } else if components == RestorePhase::Pending || exists(conditions, condition::METRICS_PUSHED) {
            components
        } else if components == RestorePhase::Unknown {
            RestorePhase::Unknown
        } else {
            RestorePhase::Running
        }
    }

    /// Whether a step failed in a way that fails the session once it is over.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        const FAIL_WHEN_FALSE: &[&str] = &[
            condition::PRE_RESTORE_HOOKS_EXECUTION_SUCCEEDED,
            condition::POST_RESTORE_HOOKS_EXECUTION_SUCCEEDED,
            condition::RESTORE_EXECUTOR_ENSURED,
        ];
        FAIL_WHEN_FALSE.iter().any(|type_| is_false(&self.conditions, type_))
            || is_true(&self.conditions, condition::RESTORE_INCOMPLETE)
    }

    /// Phase of the components alone. Nothing has succeeded as long as nobody said how many there are.
    #[must_use]
    pub fn components_phase(&self) -> RestorePhase {
        if self.components.is_empty() {
            return RestorePhase::Pending;
        }
        let count =
            |phase| self.components.values().filter(|component| component.phase == Some(phase)).count();
        let (succeeded, failed, unknown) =
            (count(RestorePhase::Succeeded), count(RestorePhase::Failed), count(RestorePhase::Unknown));
        let total = usize::try_from(self.total_components.unwrap_or(0)).unwrap_or(0);
        if total > 0 && succeeded == total {
            RestorePhase::Succeeded
        } else if failed > 0 {
            RestorePhase::Failed
        } else if total > 0 && succeeded + unknown == total {
            RestorePhase::Unknown
        } else {
            RestorePhase::Running
        }
    }

    /// Whether every component that is expected has succeeded or failed; Unknown does not count.
    #[must_use]
    pub fn all_components_completed(&self) -> bool {
        let completed = self
            .components
            .values()
            .filter(|component| {
                matches!(component.phase, Some(RestorePhase::Succeeded | RestorePhase::Failed))
            })
            .count();
        i32::try_from(completed).is_ok_and(|completed| Some(completed) == self.total_components)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::RestoreSessionStatus;
    use crate::condition::conditions;

    /// A status with a component for each word; `-` is a component that has no phase yet.
    fn status(total: i32, components: &str, words: &str) -> RestoreSessionStatus {
        let component = |phase: &str| if phase == "-" { json!({}) } else { json!({"phase": phase}) };
        let components: serde_json::Map<String, Value> = components
            .split_whitespace()
            .enumerate()
            .map(|(index, phase)| (format!("component-{index}"), component(phase)))
            .collect();
        let status = json!({"totalComponents": total, "components": components});
        RestoreSessionStatus { conditions: conditions(words), ..serde_json::from_value(status).unwrap() }
    }

    #[test]
    fn the_phase_is_that_of_the_first_row_that_holds() {
        let table = [
            // Row 1.
            (1, "Succeeded", "MetricsPushed=False", "Failed"),
            (1, "", "ValidationPassed=False MetricsPushed=False", "Failed"),
            // Row 2, over or not.
            (0, "", "ValidationPassed=False", "Invalid"),
            (0, "", "ValidationPassed=False RestoreExecutorEnsured=False MetricsPushed=True", "Invalid"),
            // Row 3: each of the failures, once the session is over.
            (1, "Succeeded", "PreRestoreHooksExecutionSucceeded=False MetricsPushed=True", "Failed"),
            (1, "Succeeded", "PostRestoreHooksExecutionSucceeded=False MetricsPushed=True", "Failed"),
            (0, "", "RestoreExecutorEnsured=False MetricsPushed=True", "Failed"),
            (1, "Running", "RestoreIncomplete=True MetricsPushed=True", "Failed"),
            (1, "Succeeded", "RestoreIncomplete=False MetricsPushed=True", "Succeeded"),
            (1, "Succeeded", "RestoreTargetFound=False MetricsPushed=True", "Succeeded"),
            // The same failures while the session is not over yet.
            (1, "Running", "RestoreIncomplete=True", "Running"),
            (0, "", "RestoreExecutorEnsured=False", "Pending"),
            // Row 4: nothing has begun, or the session is over.
            (0, "", "ValidationPassed=True", "Pending"),
            (1, "Succeeded", "ValidationPassed=True MetricsPushed=True", "Succeeded"),
            (1, "Failed", "MetricsPushed=True", "Failed"),
            (2, "Succeeded Unknown", "MetricsPushed=True", "Unknown"),
            (0, "", "MetricsPushed=True", "Pending"),
            // Row 5.
            (2, "Succeeded Unknown", "", "Unknown"),
            // Row 6.
            (1, "Running", "", "Running"),
            (1, "Succeeded", "", "Running"),
            (1, "Failed", "", "Running"),
        ];
        for (total, components, words, phase) in table {
            let status = status(total, components, words);
            assert_eq!(status.phase().as_str(), phase, "{total}: [{components}] {words}");
        }
    }

    #[test]
    fn the_components_phase_counts_against_the_total() {
        let table = [
            (1, "", "Pending", false),
            (2, "Succeeded Succeeded", "Succeeded", true),
            (2, "Succeeded", "Running", false),
            (2, "Succeeded Failed", "Failed", true),
            (2, "Failed Unknown", "Failed", false),
            (2, "Unknown Unknown", "Unknown", false),
            (2, "Succeeded Unknown", "Unknown", false),
            (3, "Failed Running", "Failed", false),
            (2, "Succeeded -", "Running", false),
            // Without a total, none of none is no success.
            (0, "-", "Running", true),
        ];
        for (total, components, phase, completed) in table {
            let status = status(total, components, "");
            assert_eq!(status.components_phase().as_str(), phase, "{total}: [{components}]");
            assert_eq!(status.all_components_completed(), completed, "{total}: [{components}]");
        }
    }
}
