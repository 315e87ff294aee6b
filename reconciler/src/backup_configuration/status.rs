//! What a BackupConfiguration's status says (contract §1.7, §2.2).

use std::collections::BTreeMap;

use crds::condition::{self, NewCondition};
use crds::core::BackupConfiguration;
use crds::core::backup_configuration::condition as kind;
use crds::core::backup_configuration::{
    BackendReference, BackendStatus, BackupConfigurationPhase, BackupConfigurationStatus, Dependency,
    RepositoryStatus, RetentionPolicyStatus, Session, SessionStatus, StorageStatus,
};
use crds::reference::{ObjectReference, TypedObjectReference};
use crds::schedule;
use crds::storage::backup_storage::BackupStoragePhase;
use crds::storage::repository::RepositoryPhase;
use crds::violation::{self, Violation};
use jiff::Timestamp;
use kube::ResourceExt;

use super::defaults;
use super::observe::Observed;
use crate::cluster::Target;
use crate::conditions;
use crate::finalizer;

/// Of each session, by name, what kept its CronJob from being as it should be.
pub type Obstacles = BTreeMap<String, String>;

/// The status after a pass that found `violations`, and in which the sessions met `obstacles`.
#[must_use]
pub fn status(
    configuration: &BackupConfiguration,
    observed: &Observed,
    violations: &[Violation],
    obstacles: &Obstacles,
    now: Timestamp,
) -> BackupConfigurationStatus {
    let mut status = configuration.status.clone().unwrap_or_default();
    validation(&mut status, configuration, violations, now);
    status.target_found = Some(!matches!(observed.target, Some(Target::Missing)));
    status.backends = backends(configuration, observed);
    status.repositories = repositories(configuration, observed);
    status.dependencies = dependencies(configuration, observed);
    status.sessions = configuration
        .spec
        .sessions
        .iter()
        .map(|session| {
            let before = status.sessions.iter().find(|before| before.name == session.name);
            session_status(configuration, session, before, (obstacles.get(&session.name), observed, now))
        })
        .collect();
    status.phase = Some(phase(configuration, &status));
    status
}

/// The phase that this status gives the configuration.
fn phase(
    configuration: &BackupConfiguration,
    status: &BackupConfigurationStatus,
) -> BackupConfigurationPhase {
    let spec = configuration.spec.clone();
    BackupConfiguration { spec, status: Some(status.clone()), ..BackupConfiguration::default() }
        .calculate_phase()
}

fn validation(
    status: &mut BackupConfigurationStatus,
    configuration: &BackupConfiguration,
    violations: &[Violation],
    now: Timestamp,
) {
    let new = if violations.is_empty() {
        NewCondition::new(kind::VALIDATION_PASSED, true, kind::RESOURCE_VALIDATION_PASSED)
            .message("Validation has passed.")
    } else {
        NewCondition::new(kind::VALIDATION_PASSED, false, kind::RESOURCE_VALIDATION_FAILED)
            .message(violation::summary(violations))
    };
    conditions::set(&mut status.conditions, new, configuration.metadata.generation, now);
}

/// Every entry says whether it is ready: upstream's readers take that for granted. A configuration that names no
/// storage, and for which there is no default, has one entry that says so, and so is not Ready.
fn backends(configuration: &BackupConfiguration, observed: &Observed) -> Vec<BackendStatus> {
    let home = configuration.namespace().unwrap_or_default();
    if configuration.spec.backends.is_empty() {
        let reason = format!(
            "no storage is named, and there is no default BackupStorage that namespace \"{home}\" may use; name one \
             in spec.backends, or mark one with spec.default"
        );
        let storage =
            StorageStatus { ref_: None, phase: Some(BackupStoragePhase::NotReady), reason: Some(reason) };
        return vec![BackendStatus {
            ready: Some(false),
            storage: Some(storage),
            ..BackendStatus::default()
        }];
    }
    configuration
        .spec
        .backends
        .iter()
        .map(|backend| backend_status(configuration, backend, observed))
        .collect()
}

fn backend_status(
    configuration: &BackupConfiguration,
    backend: &BackendReference,
    observed: &Observed,
) -> BackendStatus {
    let home = configuration.namespace().unwrap_or_default();
    let storage =
        storage_status(backend.storage_ref.as_ref().map(|reference| reference.resolved(&home)), observed);
    let policy = backend.retention_policy.as_ref().map(|reference| reference.resolved(&home));
    let retention_policy = policy_status(policy, configuration, observed);
    let ready = storage.phase == Some(BackupStoragePhase::Ready) && retention_policy.found == Some(true);
    BackendStatus {
        name: backend.name.clone(),
        ready: Some(ready),
        storage: Some(storage),
        retention_policy: Some(retention_policy),
    }
}

fn storage_status(reference: Option<ObjectReference>, observed: &Observed) -> StorageStatus {
    let found =
        reference.as_ref().and_then(|reference| observed.storages.get(reference)).and_then(Option::as_ref);
    let name = reference.as_ref().map(ObjectReference::to_string).unwrap_or_default();
    let (phase, reason) = match found {
        None => (BackupStoragePhase::NotReady, Some(format!("BackupStorage \"{name}\" does not exist"))),
        Some(storage) if finalizer::is_leaving(storage) => {
            (BackupStoragePhase::NotReady, Some(format!("BackupStorage \"{name}\" is being deleted")))
        }
        Some(storage) => {
            let status = storage.status.as_ref();
            let phase =
                status.map_or(BackupStoragePhase::NotReady, crds::storage::BackupStorageStatus::phase);
            let failure = status.and_then(|status| condition::first_failure(&status.conditions));
            let reason = match (phase, failure.and_then(|failure| failure.message.clone())) {
                (BackupStoragePhase::Ready, _) => None,
                (BackupStoragePhase::NotReady, Some(message)) => Some(message),
                (BackupStoragePhase::NotReady, None) => {
                    Some(format!("BackupStorage \"{name}\" is being initialised"))
                }
            };
            (phase, reason)
        }
    };
    StorageStatus { ref_: reference, phase: Some(phase), reason }
}

fn policy_status(
    named: Option<ObjectReference>,
    configuration: &BackupConfiguration,
    observed: &Observed,
) -> RetentionPolicyStatus {
    let home = configuration.namespace().unwrap_or_default();
    match named {
        Some(reference) => {
            let found = observed.policies.get(&reference).is_some_and(Option::is_some);
            let reason = (!found).then(|| format!("RetentionPolicy \"{reference}\" does not exist"));
            RetentionPolicyStatus { ref_: Some(reference), found: Some(found), reason }
        }
        None => match defaults::policy(configuration, observed) {
            Some(reference) => {
                RetentionPolicyStatus { ref_: Some(reference), found: Some(true), reason: None }
            }
            None => RetentionPolicyStatus {
                ref_: None,
                found: Some(false),
                reason: Some(format!(
                    "no retention policy is named, and there is no default RetentionPolicy that namespace \
                     \"{home}\" may use; name one in spec.backends[].retentionPolicy, or mark one with spec.default"
                )),
            },
        },
    }
}

/// One entry per name, in the order of the sessions.
fn repositories(configuration: &BackupConfiguration, observed: &Observed) -> Vec<RepositoryStatus> {
    let mut repositories: Vec<RepositoryStatus> = Vec::new();
    for wanted in configuration.spec.sessions.iter().flat_map(|session| &session.repositories) {
        if repositories.iter().any(|known| known.name == wanted.name) {
            continue;
        }
        let status =
            observed.repositories.get(&wanted.name).map(|found| found.status.clone().unwrap_or_default());
        let phase = status.as_ref().map_or(RepositoryPhase::NotReady, crds::storage::RepositoryStatus::phase);
        let failure = status.as_ref().and_then(|status| condition::first_failure(&status.conditions));
        repositories.push(RepositoryStatus {
            name: wanted.name.clone(),
            phase: Some(phase),
            reason: failure.and_then(|failure| failure.message.clone()),
            verification_configured: wanted.backup_verifier.as_ref().map(|_| true),
        });
    }
    repositories
}

/// What a run needs beside storages: Addons, their Functions, Secrets, hook templates and the target.
fn dependencies(configuration: &BackupConfiguration, observed: &Observed) -> Vec<Dependency> {
    let mut dependencies = Vec::new();
    let mut add = |group: &str, kind: &str, reference: &ObjectReference, found: bool| {
        let object = TypedObjectReference {
            api_group: Some(group.to_owned()).filter(|group| !group.is_empty()),
            kind: Some(kind.to_owned()),
            namespace: reference.namespace.clone(),
            name: reference.name.clone(),
        };
        dependencies.push(Dependency { object, found: Some(found) });
    };
    let global = |name: &str| ObjectReference { namespace: None, name: name.to_owned() };
    for (name, addon) in &observed.addons {
        add(crds::addons::GROUP, "Addon", &global(name), addon.is_some());
    }
    for name in observed.functions.keys() {
        add(crds::addons::GROUP, "Function", &global(name), true);
    }
    for (reference, template) in &observed.hook_templates {
        add(crds::core::GROUP, "HookTemplate", reference, template.is_some());
    }
    for (reference, encryption) in &observed.encryption {
        add("", "Secret", reference, *encryption != crate::secret::Encryption::Missing);
    }
    if let (Some(object), Some(found)) = (&configuration.spec.target, observed.target) {
        dependencies.push(Dependency { object: object.clone(), found: Some(found != Target::Missing) });
    }
    dependencies
}

fn session_status(
    configuration: &BackupConfiguration,
    session: &Session,
    before: Option<&SessionStatus>,
    (obstacle, observed, now): (Option<&String>, &Observed, Timestamp),
) -> SessionStatus {
    let mut conditions = before.map(|before| before.conditions.clone()).unwrap_or_default();
    let new = match obstacle {
        Some(obstacle) => {
            NewCondition::new(kind::SCHEDULER_ENSURED, false, kind::SCHEDULER_NOT_ENSURED).message(obstacle)
        }
        None => NewCondition::new(kind::SCHEDULER_ENSURED, true, kind::SCHEDULER_ENSURED)
            .message("The scheduler is in place."),
    };
    condition::set(&mut conditions, new, now);
    let next_schedule = next_slot(configuration, session, observed, now).filter(|_| obstacle.is_none());
    SessionStatus {
        name: session.name.clone(),
        next_schedule: next_schedule.map(|slot| slot.to_string()),
        conditions,
    }
}

/// When the session is due next; none while it is paused.
#[must_use]
pub fn next_slot(
    configuration: &BackupConfiguration,
    session: &Session,
    observed: &Observed,
    now: Timestamp,
) -> Option<Timestamp> {
    let scheduler = session.scheduler.as_ref().filter(|scheduler| !scheduler.suspend.unwrap_or_default())?;
    if configuration.spec.paused {
        return None;
    }
    let name = crds::name::cron_job(&configuration.name_any(), &session.name);
    let cron_job = observed.cron_jobs.get(&name);
    let last = cron_job
        .and_then(|cron_job| cron_job.status.as_ref()?.last_schedule_time.as_ref().map(|time| time.0));
    let created =
        cron_job.and_then(|cron_job| cron_job.metadata.creation_timestamp.as_ref().map(|time| time.0));
    schedule::parse(&scheduler.schedule).ok()?.next(now, last.or(created).unwrap_or(now))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fixture::{configuration, observed, repository, storage};
    use super::*;
    use crate::secret::Encryption;

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    fn of(configuration: &BackupConfiguration, observed: &Observed) -> BackupConfigurationStatus {
        status(configuration, observed, &[], &Obstacles::new(), now())
    }

    fn with_storage(change: &Value) -> Observed {
        let mut observed = observed();
        observed.storages.insert(ObjectReference::new("infra", "store"), Some(storage(change)));
        observed
    }

    #[test]
    fn all_is_well() {
        let mut observed = observed();
        observed.repositories.insert("repo".to_owned(), repository("demo", "repo", "store", "/shop"));
        let status = serde_json::to_value(of(&configuration(&json!({})), &observed)).unwrap();
        let time = "2026-11-22T10:00:00Z";
        assert_eq!(
            status,
            json!({
                "phase": "Ready",
                "targetFound": true,
                "backends": [{
                    "name": "s3", "ready": true,
                    "storage": {"ref": {"name": "store", "namespace": "infra"}, "phase": "Ready"},
                    "retentionPolicy": {"ref": {"name": "keep", "namespace": "infra"}, "found": true},
                }],
                "repositories": [{"name": "repo", "phase": "Ready"}],
                "dependencies": [
                    {"apiGroup": "addons.kubestash.com", "kind": "Addon", "name": "kubedump-addon", "found": true},
                    {"apiGroup": "addons.kubestash.com", "kind": "Function", "name": "kubedump-backup", "found": true},
                    {"kind": "Secret", "namespace": "demo", "name": "encryption", "found": true},
                ],
                "sessions": [{
                    "name": "nightly", "nextSchedule": "2026-11-23T02:00:00Z",
                    "conditions": [{"type": "SchedulerEnsured", "status": "True", "reason": "SchedulerEnsured",
                                    "message": "The scheduler is in place.", "lastTransitionTime": time}],
                }],
                "conditions": [{"type": "ValidationPassed", "status": "True", "reason": "ResourceValidationPassed",
                                "message": "Validation has passed.", "observedGeneration": 3, "lastTransitionTime": time}],
            })
        );
    }

    #[test]
    fn a_storage_that_is_not_ready_is_told_in_its_own_words() {
        let failed = json!({"status": {"conditions": [{"type": "BackendInitialized", "status": "False", "message": "bucket is gone", "lastTransitionTime": "2026-11-22T10:00:00Z"}]}});
        for (change, reason) in [
            (failed, "bucket is gone"),
            (json!({"status": null}), "BackupStorage \"infra/store\" is being initialised"),
            (
                json!({"metadata": {"deletionTimestamp": "2026-11-22T10:00:00Z"}}),
                "BackupStorage \"infra/store\" is being deleted",
            ),
        ] {
            let status = of(&configuration(&json!({})), &with_storage(&change));
            assert_eq!(status.phase, Some(BackupConfigurationPhase::NotReady));
            assert_eq!(status.backends[0].ready, Some(false));
            assert_eq!(status.backends[0].storage.as_ref().unwrap().reason.as_deref(), Some(reason));
        }
    }

    #[test]
    fn what_is_missing_keeps_a_backend_from_being_ready() {
        let mut observed = observed();
        observed.storages.insert(ObjectReference::new("infra", "store"), None);
        observed.policies.insert(ObjectReference::new("infra", "keep"), None);
        let backend = of(&configuration(&json!({})), &observed).backends.remove(0);
        assert_eq!(backend.ready, Some(false));
        assert_eq!(
            backend.storage.unwrap().reason.as_deref(),
            Some("BackupStorage \"infra/store\" does not exist")
        );
        let policy = backend.retention_policy.unwrap();
        assert_eq!(
            (policy.found, policy.reason.as_deref()),
            (Some(false), Some("RetentionPolicy \"infra/keep\" does not exist"))
        );
    }

    #[test]
    fn a_configuration_without_a_storage_is_not_ready_and_says_so_where_readers_look() {
        let status = of(&configuration(&json!({"spec": {"backends": []}})), &observed());
        assert_eq!(status.phase, Some(BackupConfigurationPhase::NotReady));
        assert_eq!(status.backends.len(), 1);
        assert_eq!(status.backends[0].ready, Some(false));
        assert!(
            status.backends[0]
                .storage
                .as_ref()
                .unwrap()
                .reason
                .as_ref()
                .unwrap()
                .contains("no default BackupStorage")
        );
        assert_eq!(status.target_found, Some(true), "upstream's debug breaks without it");
    }

    #[test]
    fn a_missing_target_is_found_missing() {
        let configuration = configuration(
            &json!({"spec": {"target": {"apiGroup": "apps", "kind": "Deployment", "name": "x"}}}),
        );
        for (target, found, phase) in [
            (Target::Found, true, BackupConfigurationPhase::Ready),
            (Target::Unknown, true, BackupConfigurationPhase::Ready),
            (Target::Missing, false, BackupConfigurationPhase::NotReady),
        ] {
            let observed = Observed { target: Some(target), ..observed() };
            let status = of(&configuration, &observed);
            assert_eq!((status.target_found, status.phase), (Some(found), Some(phase)), "{target:?}");
            assert_eq!(status.dependencies.last().unwrap().found, Some(found));
        }
    }

    #[test]
    fn an_invalid_configuration_says_all_and_keeps_what_it_remembers() {
        let remembered = json!([{"type": "InitialBackupTriggered", "status": "True", "lastTransitionTime": "2026-11-22T09:00:00Z"}]);
        let configuration =
            configuration(&json!({"status": {"sessions": [{"name": "nightly", "conditions": remembered}]}}));
        let violations = [("a", "is wrong"), ("b", "too")]
            .map(|(path, problem)| Violation { path: path.into(), problem: problem.into() });
        let obstacles = [("nightly".to_owned(), "The configuration is not valid.".to_owned())].into();
        let status = status(&configuration, &observed(), &violations, &obstacles, now());
        assert_eq!(status.phase, Some(BackupConfigurationPhase::Invalid));
        assert_eq!(status.conditions[0].message.as_deref(), Some("a: is wrong; b: too"));
        assert!(condition::is_true(&status.sessions[0].conditions, kind::INITIAL_BACKUP_TRIGGERED));
        assert!(condition::is_false(&status.sessions[0].conditions, kind::SCHEDULER_ENSURED));
        assert_eq!(status.sessions[0].next_schedule, None);
    }

    #[test]
    fn a_paused_configuration_is_ready_and_has_no_next_slot() {
        let status = of(&configuration(&json!({"spec": {"paused": true}})), &observed());
        assert_eq!(
            (status.phase, &status.sessions[0].next_schedule),
            (Some(BackupConfigurationPhase::Ready), &None)
        );
    }

    #[test]
    fn a_secret_that_is_no_use_is_there_all_the_same() {
        let mut observed = observed();
        for (encryption, found) in
            [(Encryption::Empty, true), (Encryption::Foreign, true), (Encryption::Missing, false)]
        {
            observed.encryption.insert(ObjectReference::new("demo", "encryption"), encryption);
            let status = of(&configuration(&json!({})), &observed);
            assert_eq!(status.dependencies.last().unwrap().found, Some(found), "{encryption:?}");
        }
    }
}
