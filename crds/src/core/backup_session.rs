//! BackupSession: one run of a session of a BackupConfiguration (contract §1.8).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::{Condition, exists, is_false, is_true};
use crate::core::BackupConfiguration;
use crate::core::hook::HookStatus;
use crate::definition::{Column, Definition, SHOWN_IN_ALL, Scope};
use crate::phase::phase;
use crate::reference::{ObjectReference, TypedLocalObjectReference, TypedObjectReference};
use crate::rule::Rule;
use crate::storage::snapshot::SnapshotPhase;
use crate::{label, name, reference};

/// Condition types and reasons of a BackupSession (contract §2.1).
pub mod condition {
    /// True is bad; absent otherwise.
    pub const BACKUP_SKIPPED: &str = "BackupSkipped";
    pub const PRE_REQUISITES_NOT_SATISFIED: &str = "PreRequisitesNotSatisfied";
    pub const SNAPSHOTS_ENSURED: &str = "SnapshotsEnsured";
    pub const SUCCESSFULLY_ENSURED_SNAPSHOTS: &str = "SuccessfullyEnsuredSnapshots";
    pub const FAILED_TO_ENSURE_SNAPSHOTS: &str = "FailedToEnsureSnapshots";
    pub const PRE_BACKUP_HOOKS_EXECUTION_SUCCEEDED: &str = "PreBackupHooksExecutionSucceeded";
    pub const SUCCESSFULLY_EXECUTED_PRE_BACKUP_HOOKS: &str = "SuccessfullyExecutedPreBackupHooks";
    pub const FAILED_TO_EXECUTE_PRE_BACKUP_HOOKS: &str = "FailedToExecutePreBackupHooks";
    pub const BACKUP_EXECUTOR_ENSURED: &str = "BackupExecutorEnsured";
    pub const SUCCESSFULLY_ENSURED_BACKUP_EXECUTOR: &str = "SuccessfullyEnsuredBackupExecutor";
    pub const FAILED_TO_ENSURE_BACKUP_EXECUTOR: &str = "FailedToEnsureBackupExecutor";
    pub const POST_BACKUP_HOOKS_EXECUTION_SUCCEEDED: &str = "PostBackupHooksExecutionSucceeded";
    pub const SUCCESSFULLY_EXECUTED_POST_BACKUP_HOOKS: &str = "SuccessfullyExecutedPostBackupHooks";
    pub const FAILED_TO_EXECUTE_POST_BACKUP_HOOKS: &str = "FailedToExecutePostBackupHooks";
    pub const RETENTION_POLICY_EXECUTOR_ENSURED: &str = "RetentionPolicyExecutorEnsured";
    pub const SUCCESSFULLY_ENSURED_RETENTION_POLICY_EXECUTOR: &str =
        "SuccessfullyEnsuredRetentionPolicyExecutor";
    pub const FAILED_TO_ENSURE_RETENTION_POLICY_EXECUTOR: &str = "FailedToEnsureRetentionPolicyExecutor";
    /// True is bad; absent or False otherwise.
    pub const SNAPSHOT_CLEANUP_INCOMPLETE: &str = "SnapshotCleanupIncomplete";
    pub const SNAPSHOT_CLEANUP_TERMINATED_BEFORE_COMPLETION: &str =
        "SnapshotCleanupTerminatedBeforeCompletion";
    pub const SESSION_HISTORY_CLEANED: &str = "SessionHistoryCleaned";
    pub const SUCCESSFULLY_CLEANED_SESSION_HISTORY: &str = "SuccessfullyCleanedSessionHistory";
    pub const FAILED_TO_CLEAN_SESSION_HISTORY: &str = "FailedToCleanSessionHistory";
    /// Type and reason are the same word. For information: it has no say in the phase.
    pub const POD_PENDING_TOO_LONG: &str = "PodHasBeenInPendingStateForLongerThanExpected";
    /// The mark of a session that is over.
    pub const METRICS_PUSHED: &str = "MetricsPushed";
    pub const SUCCESSFULLY_PUSHED_METRICS: &str = "SuccessfullyPushedMetrics";
    pub const FAILED_TO_PUSH_METRICS: &str = "FailedToPushMetrics";
}

crate::definition::custom_resource! {
    /// A run.
    BackupSession: k8s_openapi::NamespaceResourceScope,
    spec: BackupSessionSpec,
    status: BackupSessionStatus;
    Definition {
        group: crate::core::GROUP,
        kind: "BackupSession",
        plural: "backupsessions",
        singular: "backupsession",
        short_names: &[],
        categories: SHOWN_IN_ALL,
        scope: Scope::Namespaced,
        status: true,
        columns: &[
            Column::new("Invoker-Type", "string", ".spec.invoker.kind"),
            Column::new("Invoker-Name", "string", ".spec.invoker.name"),
            Column::new("Phase", "string", ".status.phase"),
            Column::new("Duration", "string", ".status.duration"),
            Column::AGE,
        ],
        rules: &[
            Rule::new(
                "has(self.spec) == has(oldSelf.spec)",
                "spec cannot be changed: a BackupSession is one run; create another one",
            ),
        ],
    }
}

/// What is run. Never changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [Rule::new(
    "self == oldSelf",
    "spec cannot be changed: a BackupSession is one run; create another one",
)]))]
pub struct BackupSessionSpec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoker: Option<TypedLocalObjectReference>,
    /// Name of the session in the invoker.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub session: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_left: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_timeout: Option<String>,
}

/// How it went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupSessionStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<BackupSessionPhase>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_deadline: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_snapshots: Option<i32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<SnapshotReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<HookStatus>,
    /// One per repository; the JSON name is singular.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retention_policy: Vec<RetentionPolicyApplication>,
    /// Whether another session was made to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retried: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_retry: Option<Time>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// A Snapshot of the session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotReference {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<SnapshotPhase>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_ref: Option<TypedObjectReference>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repository: String,
}

/// A retention policy, applied to a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionPolicyApplication {
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<ObjectReference>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repository: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<RetentionPolicyPhase>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

phase! {
    /// Phase of a BackupSession.
    BackupSessionPhase { Pending, Running, Succeeded, Failed, Skipped }
}

phase! {
    /// How the application of a retention policy went.
    RetentionPolicyPhase { Pending, Applied, FailedToApply }
}

impl BackupSession {
    /// The run of a session of `configuration` that begins at that second, `retry_left` further attempts being left to
    /// it. The CronJob's pod, the operator and `trigger` all make runs here (contract §8.2), so that they are named,
    /// labelled and owned alike. A `configuration` that was not read from a cluster has no UID and owns nothing.
    #[must_use]
    pub fn for_run(
        configuration: &BackupConfiguration,
        session_name: &str,
        unix_seconds: i64,
        retry_left: i32,
    ) -> Self {
        let invoker = configuration.name_any();
        let session = configuration.session(session_name);
        let mut run = Self::new(
            &name::backup_session(&invoker, session_name, unix_seconds),
            BackupSessionSpec {
                invoker: Some(TypedLocalObjectReference {
                    api_group: Some(crate::core::GROUP.to_owned()),
                    kind: BackupConfiguration::DEFINITION.kind.to_owned(),
                    name: invoker.clone(),
                }),
                session: session_name.to_owned(),
                retry_left: Some(retry_left),
                backup_timeout: session.and_then(|session| session.backup_timeout.clone()),
            },
        );
        run.metadata.namespace = configuration.namespace();
        run.metadata.labels = Some([(label::INVOKER_NAME.to_owned(), invoker)].into());
        run.metadata.owner_references = reference::controller(configuration).map(|owner| vec![owner]);
        run
    }
}

impl BackupSessionPhase {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_completed(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Skipped)
    }
}

impl BackupSessionStatus {
    /// Phase from conditions and snapshots (contract §2.2).
    ///
    /// Trap: a session that is over (`MetricsPushed`) with no snapshots and no failing condition is Pending, for
    /// ever. Whatever ends a session early must first set one of the conditions of [`Self::has_failed`] to False.
    #[must_use]
    pub fn phase(&self) -> BackupSessionPhase {
        let conditions = &self.conditions;
        let snapshots = self.snapshots_phase();
        if is_false(conditions, condition::METRICS_PUSHED) {
            BackupSessionPhase::Failed
        } else if is_true(conditions, condition::BACKUP_SKIPPED) {
            BackupSessionPhase::Skipped
        } else if is_true(conditions, condition::METRICS_PUSHED) && self.has_failed() {
            BackupSessionPhase::Failed
        } else if snapshots == BackupSessionPhase::Pending || exists(conditions, condition::METRICS_PUSHED) {
            snapshots
        } else {
            BackupSessionPhase::Running
        }
    }

    /// Whether a step failed in a way that fails the session once it is over. `RetentionPolicyExecutorEnsured` is not
    /// among them.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        const FAIL_WHEN_FALSE: &[&str] = &[
            condition::BACKUP_EXECUTOR_ENSURED,
            condition::SNAPSHOTS_ENSURED,
            condition::PRE_BACKUP_HOOKS_EXECUTION_SUCCEEDED,
            condition::POST_BACKUP_HOOKS_EXECUTION_SUCCEEDED,
            condition::SESSION_HISTORY_CLEANED,
        ];
        FAIL_WHEN_FALSE.iter().any(|type_| is_false(&self.conditions, type_))
            || self.retention_policy.iter().any(|one| one.phase == Some(RetentionPolicyPhase::FailedToApply))
            || is_true(&self.conditions, condition::SNAPSHOT_CLEANUP_INCOMPLETE)
    }

    /// Phase of the snapshots alone.
    #[must_use]
    pub fn snapshots_phase(&self) -> BackupSessionPhase {
        let count = |phase| self.snapshots.iter().filter(|snapshot| snapshot.phase == Some(phase)).count();
        let (succeeded, failed) = (count(SnapshotPhase::Succeeded), count(SnapshotPhase::Failed));
        if count(SnapshotPhase::Pending) == self.snapshots.len() {
            BackupSessionPhase::Pending
        } else if succeeded + failed != self.snapshots.len() {
            BackupSessionPhase::Running
        } else if failed > 0 {
            BackupSessionPhase::Failed
        } else {
            BackupSessionPhase::Succeeded
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{BackupSession, BackupSessionStatus};
    use crate::condition::conditions;
    use crate::core::BackupConfiguration;

    /// A status with a snapshot for each word; `-` is a snapshot that has no phase yet.
    fn status(snapshots: &str, retention: &str, words: &str) -> BackupSessionStatus {
        let with_phase = |phase: &str| if phase == "-" { json!({}) } else { json!({"phase": phase}) };
        let list = |phases: &str| phases.split_whitespace().map(with_phase).collect::<Vec<Value>>();
        let status = json!({"snapshots": list(snapshots), "retentionPolicy": list(retention)});
        BackupSessionStatus { conditions: conditions(words), ..serde_json::from_value(status).unwrap() }
    }

    #[test]
    fn the_phase_is_that_of_the_first_row_that_holds() {
        let table = [
            // Row 1.
            ("Succeeded", "", "MetricsPushed=False", "Failed"),
            ("", "", "BackupSkipped=True MetricsPushed=False", "Failed"),
            // Row 2.
            ("", "", "BackupSkipped=True", "Skipped"),
            ("", "", "BackupSkipped=True SessionHistoryCleaned=True MetricsPushed=True", "Skipped"),
            ("", "", "BackupSkipped=True SnapshotsEnsured=False MetricsPushed=True", "Skipped"),
            ("", "", "BackupSkipped=False", "Pending"),
            // Row 3: each of the failures, once the session is over.
            ("Succeeded", "", "BackupExecutorEnsured=False MetricsPushed=True", "Failed"),
            ("", "", "SnapshotsEnsured=False MetricsPushed=True", "Failed"),
            ("Succeeded", "", "PreBackupHooksExecutionSucceeded=False MetricsPushed=True", "Failed"),
            ("Succeeded", "", "PostBackupHooksExecutionSucceeded=False MetricsPushed=True", "Failed"),
            ("Succeeded", "Applied FailedToApply", "MetricsPushed=True", "Failed"),
            ("Succeeded", "Applied", "SessionHistoryCleaned=False MetricsPushed=True", "Failed"),
            ("Succeeded", "Applied", "SnapshotCleanupIncomplete=True MetricsPushed=True", "Failed"),
            // Not failures.
            ("Succeeded", "Applied", "SnapshotCleanupIncomplete=False MetricsPushed=True", "Succeeded"),
            ("Succeeded", "Pending", "RetentionPolicyExecutorEnsured=False MetricsPushed=True", "Succeeded"),
            (
                "Succeeded",
                "",
                "PodHasBeenInPendingStateForLongerThanExpected=True MetricsPushed=True",
                "Succeeded",
            ),
            // The same failures while the session is not over yet.
            ("Running", "", "BackupExecutorEnsured=False", "Running"),
            ("Succeeded", "FailedToApply", "", "Running"),
            ("", "", "SnapshotsEnsured=False", "Pending"),
            // Row 4: nothing has begun, or the session is over.
            ("", "", "", "Pending"),
            ("Pending Pending", "", "SnapshotsEnsured=True", "Pending"),
            ("Succeeded Succeeded", "", "MetricsPushed=True", "Succeeded"),
            ("Succeeded Failed", "", "MetricsPushed=True", "Failed"),
            ("Succeeded Running", "", "MetricsPushed=True", "Running"),
            ("Succeeded", "", "MetricsPushed=Unknown", "Succeeded"),
            // The trap: over, no snapshots, nothing failed.
            ("", "", "MetricsPushed=True", "Pending"),
            // Row 5.
            ("Running", "", "BackupExecutorEnsured=True", "Running"),
            ("Succeeded", "Applied", "SessionHistoryCleaned=True", "Running"),
            ("Failed", "", "", "Running"),
        ];
        for (snapshots, retention, words, phase) in table {
            let status = status(snapshots, retention, words);
            assert_eq!(status.phase().as_str(), phase, "[{snapshots}] [{retention}] {words}");
        }
    }

    #[test]
    fn the_snapshots_phase_waits_for_all_of_them() {
        let table = [
            ("", "Pending"),
            ("Pending", "Pending"),
            ("Pending Succeeded", "Running"),
            ("Running Failed", "Running"),
            ("-", "Running"),
            ("Succeeded Succeeded", "Succeeded"),
            ("Succeeded Failed", "Failed"),
        ];
        for (snapshots, phase) in table {
            assert_eq!(status(snapshots, "", "").snapshots_phase().as_str(), phase, "[{snapshots}]");
        }
    }

    #[test]
    fn a_run_is_named_labelled_and_owned_by_its_configuration() {
        let configuration: BackupConfiguration = serde_json::from_value(json!({
            "metadata": {"name": "cluster-bk", "namespace": "demo", "uid": "83b71921", "labels": {"team": "a"}},
            "spec": {"sessions": [{"name": "frequent", "backupTimeout": "30m"}, {"name": "nightly"}]},
        }))
        .unwrap();
        let run = BackupSession::for_run(&configuration, "frequent", 1_755_596_627, 1);
        let expected = json!({
            "apiVersion": "core.kubestash.com/v1alpha1",
            "kind": "BackupSession",
            "metadata": {
                "name": "cluster-bk-frequent-1755596627",
                "namespace": "demo",
                "labels": {"kubestash.com/invoker-name": "cluster-bk"},
                "ownerReferences": [{
                    "apiVersion": "core.kubestash.com/v1alpha1", "kind": "BackupConfiguration",
                    "name": "cluster-bk", "uid": "83b71921", "controller": true, "blockOwnerDeletion": true,
                }],
            },
            "spec": {
                "invoker": {"apiGroup": "core.kubestash.com", "kind": "BackupConfiguration", "name": "cluster-bk"},
                "session": "frequent", "retryLeft": 1, "backupTimeout": "30m",
            },
        });
        assert_eq!(serde_json::to_value(&run).unwrap(), expected);
        let nightly = BackupSession::for_run(&configuration, "nightly", 1_755_596_627, 0);
        assert_eq!(nightly.spec.backup_timeout, None);
    }
}
