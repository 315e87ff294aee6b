//! BackupConfiguration: what is backed up, when, how, and into which repositories (contract §1.7).

pub mod rules;
mod violations;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::{Condition, is_false, is_true};
use crate::core::addon_info::AddonInfo;
use crate::core::hook::HookInfo;
use crate::definition::{Column, Definition, SHOWN_IN_ALL, Scope};
use crate::phase::phase;
use crate::reference::{ObjectReference, TypedObjectReference};
use crate::scheduler::SchedulerSpec;
use crate::storage::backup_storage::BackupStoragePhase;
use crate::storage::repository::RepositoryPhase;

/// Condition types and reasons of a BackupConfiguration and of its sessions (contract §2.1).
pub mod condition {
    pub const VALIDATION_PASSED: &str = "ValidationPassed";
    pub const RESOURCE_VALIDATION_PASSED: &str = "ResourceValidationPassed";
    pub const RESOURCE_VALIDATION_FAILED: &str = "ResourceValidationFailed";
    /// In `status.sessions[].conditions`; the word is also the reason when it holds.
    pub const SCHEDULER_ENSURED: &str = "SchedulerEnsured";
    pub const SCHEDULER_NOT_ENSURED: &str = "SchedulerNotEnsured";
    /// In `status.sessions[].conditions`.
    pub const INITIAL_BACKUP_TRIGGERED: &str = "InitialBackupTriggered";
    pub const SUCCESSFULLY_TRIGGERED_INITIAL_BACKUP: &str = "SuccessfullyTriggeredInitialBackup";
    pub const FAILED_TO_TRIGGER_INITIAL_BACKUP: &str = "FailedToTriggerInitialBackup";
}

crate::definition::custom_resource! {
    /// A backup to be made on a schedule.
    BackupConfiguration: k8s_openapi::NamespaceResourceScope,
    spec: BackupConfigurationSpec,
    status: BackupConfigurationStatus;
    Definition {
        group: crate::core::GROUP,
        kind: "BackupConfiguration",
        plural: "backupconfigurations",
        singular: "backupconfiguration",
        short_names: &["bc"],
        categories: SHOWN_IN_ALL,
        scope: Scope::Namespaced,
        status: true,
        columns: &[
            Column::new("Phase", "string", ".status.phase"),
            Column::new("Paused", "boolean", ".spec.paused"),
            Column::AGE,
        ],
        rules: rules::OBJECT,
    }
}

/// What the user wants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules::SPEC))]
pub struct BackupConfigurationSpec {
    /// Absent: the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TypedObjectReference>,
    /// Empty: the default storage (contract §6.2).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = rules::MAX_BACKENDS), extend("x-kubernetes-validations" = rules::BACKENDS))]
    pub backends: Vec<BackendReference>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = rules::MAX_SESSIONS), extend("x-kubernetes-validations" = rules::SESSIONS))]
    pub sessions: Vec<Session>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

/// A storage, under the name that the sessions' repositories use for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules::BACKEND))]
pub struct BackendReference {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = rules::MAX_LABEL))]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_ref: Option<ObjectReference>,
    /// Absent: the default policy (contract §6.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_policy: Option<ObjectReference>,
}

/// One schedule, with what it runs and where the result goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules::SESSION))]
pub struct Session {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = rules::MAX_LABEL))]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<SchedulerSpec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<BackupHooks>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_config: Option<RetryConfig>,
    /// Absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_timeout: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 1))]
    pub session_history_limit: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addon: Option<AddonInfo>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = rules::MAX_REPOSITORIES), extend("x-kubernetes-validations" = rules::REPOSITORIES))]
    pub repositories: Vec<SessionRepository>,
}

/// Hooks of a backup.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupHooks {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pre_backup: Vec<HookInfo>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_backup: Vec<HookInfo>,
}

/// How often a failed run is tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetryConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1), extend("default" = 1))]
    pub max_retry: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<String>,
}

/// A repository of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules::REPOSITORY))]
pub struct SessionRepository {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = rules::MAX_LABEL))]
    pub name: String,
    /// Name of one of `spec.backends`; empty for the default storage.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = rules::MAX_LABEL))]
    pub backend: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = rules::MAX_DIRECTORY))]
    pub directory: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_secret: Option<ObjectReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_verifier: Option<ObjectReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<RepositoryDeletionPolicy>,
}

/// What happens to a Repository when its BackupConfiguration is deleted (contract §6.4, §13 A37).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RepositoryDeletionPolicy {
    /// The objects go, the data stays.
    Delete,
    /// Objects and data go.
    WipeOut,
    /// Objects and data stay.
    Retain,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupConfigurationStatus {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backends: Vec<BackendStatus>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<RepositoryStatus>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<SessionStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<BackupConfigurationPhase>,
    /// True also when there is no target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_found: Option<bool>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// A backend, as found. `ready` must always be written: upstream's readers take it for granted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendStatus {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_policy: Option<RetentionPolicyStatus>,
}

/// A storage, as found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StorageStatus {
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<ObjectReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub phase: Option<BackupStoragePhase>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A retention policy, as found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionPolicyStatus {
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<ObjectReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A repository, as found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryStatus {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<RepositoryPhase>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_configured: Option<bool>,
}

/// An object that is needed, and whether it is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dependency {
    #[serde(flatten)]
    pub object: TypedObjectReference,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<bool>,
}

/// A session, as scheduled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionStatus {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_schedule: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

phase! {
    /// Phase of a BackupConfiguration.
    BackupConfigurationPhase { NotReady, Ready, Invalid }
}

impl RetryConfig {
    /// How many times a failed run is tried again.
    #[must_use]
    pub fn attempts(&self) -> i32 {
        self.max_retry.unwrap_or(1)
    }
}

impl Session {
    /// Attempts left to a first run: those of `retryConfig`, none without one (contract §13 A31).
    #[must_use]
    pub fn retries(&self) -> i32 {
        self.retry_config.as_ref().map_or(0, RetryConfig::attempts)
    }

    /// How many finished runs are kept.
    #[must_use]
    pub fn history_limit(&self) -> i32 {
        self.session_history_limit.unwrap_or(1)
    }
}

impl BackupConfiguration {
    /// The session of that name.
    #[must_use]
    pub fn session(&self, name: &str) -> Option<&Session> {
        self.spec.sessions.iter().find(|session| session.name == name)
    }

    /// The backend of that name, the empty name included.
    #[must_use]
    pub fn backend(&self, name: &str) -> Option<&BackendReference> {
        self.spec.backends.iter().find(|backend| backend.name == name)
    }

    /// What Repositories and Snapshots name as the thing backed up: the target, or
    /// [`TypedObjectReference::not_applicable`].
    #[must_use]
    pub fn app_ref(&self) -> TypedObjectReference {
        self.spec.target.clone().unwrap_or_else(TypedObjectReference::not_applicable)
    }

    /// Phase from spec and status (contract §2.2). Repositories and dependencies have no say in it.
    #[must_use]
    pub fn calculate_phase(&self) -> BackupConfigurationPhase {
        let Some(status) = &self.status else { return BackupConfigurationPhase::NotReady };
        if is_false(&status.conditions, condition::VALIDATION_PASSED) {
            return BackupConfigurationPhase::Invalid;
        }
        let scheduled = |session: &SessionStatus| is_true(&session.conditions, condition::SCHEDULER_ENSURED);
        let ready = status.target_found == Some(true)
            && status.backends.len() == self.spec.backends.len()
            && status.backends.iter().all(|backend| backend.ready == Some(true))
            && status.sessions.len() == self.spec.sessions.len()
            && status.sessions.iter().all(scheduled);
        if ready { BackupConfigurationPhase::Ready } else { BackupConfigurationPhase::NotReady }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{BackupConfiguration, RetryConfig, Session};

    type Change = fn(&mut Value);

    fn phase(change: impl FnOnce(&mut Value)) -> &'static str {
        let ensured = json!([{"type": "SchedulerEnsured", "status": "True", "lastTransitionTime": "2025-08-19T09:30:00Z"}]);
        let mut object = json!({
            "spec": {
                "backends": [{"name": "s3"}, {"name": "gcs"}],
                "sessions": [{"name": "frequent"}, {"name": "nightly"}],
            },
            "status": {
                "targetFound": true,
                "backends": [{"name": "s3", "ready": true}, {"name": "gcs", "ready": true}],
                "sessions": [{"name": "frequent", "conditions": ensured}, {"name": "nightly", "conditions": ensured}],
                "conditions": [{"type": "ValidationPassed", "status": "True", "lastTransitionTime": "2025-08-19T09:30:00Z"}],
                // These have no say.
                "repositories": [{"name": "repo", "phase": "NotReady"}],
                "dependencies": [{"name": "kubedump-addon", "found": false}],
            },
        });
        change(&mut object);
        serde_json::from_value::<BackupConfiguration>(object).unwrap().calculate_phase().as_str()
    }

    #[test]
    fn the_phase_is_that_of_the_first_row_that_holds() {
        let table: &[(Change, &str)] = &[
            // Row 1.
            (|object| object["status"]["conditions"][0]["status"] = json!("False"), "Invalid"),
            // Row 2.
            (|_| (), "Ready"),
            (|object| object["status"]["conditions"] = json!([]), "Ready"),
            (|object| object["status"]["conditions"][0]["status"] = json!("Unknown"), "Ready"),
            // Row 3: each part of row 2 missing in turn.
            (|object| object["status"] = json!(null), "NotReady"),
            (|object| object["status"]["targetFound"] = json!(false), "NotReady"),
            (|object| object["status"]["targetFound"] = json!(null), "NotReady"),
            (|object| object["status"]["backends"] = json!([{"name": "s3", "ready": true}]), "NotReady"),
            (|object| object["status"]["backends"][1]["ready"] = json!(false), "NotReady"),
            (|object| object["status"]["backends"][1]["ready"] = json!(null), "NotReady"),
            (|object| object["spec"]["sessions"] = json!([{"name": "frequent"}]), "NotReady"),
            (|object| object["status"]["sessions"][1]["conditions"] = json!([]), "NotReady"),
            (
                |object| object["status"]["sessions"][1]["conditions"][0]["status"] = json!("False"),
                "NotReady",
            ),
        ];
        for (index, (change, expected)) in table.iter().enumerate() {
            assert_eq!(phase(*change), *expected, "row {index} of the table");
        }
    }

    #[test]
    fn without_a_retry_configuration_nothing_is_tried_again() {
        let session = |retry_config| Session { retry_config, ..Session::default() };
        assert_eq!(session(None).retries(), 0);
        assert_eq!(session(Some(RetryConfig::default())).retries(), 1);
        assert_eq!(session(Some(RetryConfig { max_retry: Some(3), delay: None })).retries(), 3);
    }
}
