//! Whether a storage or a backup is ready, and if not, why and what to do: judged from status, in the user's words.

use crds::condition;
use crds::core::BackupConfiguration;
use crds::core::backup_configuration::{self, BackupConfigurationPhase};
use crds::storage::BackupStorage;
use crds::storage::backup_storage::{self, BackupStoragePhase};
use kube::ResourceExt as _;

use crate::failure::{Code, Failure};
use crate::wait::Verdict;

/// Judges a BackupStorage.
#[must_use]
pub fn storage(storage: Option<&BackupStorage>) -> Verdict<()> {
    let Some(storage) = storage else { return Verdict::NotYet("the BackupStorage does not exist".into()) };
    let status = storage.status.clone().unwrap_or_default();
    let condition = condition::find(&status.conditions, backup_storage::condition::BACKEND_INITIALIZED);
    if is_stale(storage.metadata.generation, condition) {
        return Verdict::NotYet("the operator has not looked at it yet".into());
    }
    if status.phase == Some(BackupStoragePhase::Ready) {
        return Verdict::Reached(());
    }
    let place = place(storage);
    match condition::first_failure(&status.conditions) {
        None => Verdict::NotYet("the operator has not looked at it yet".into()),
        Some(failure) => Verdict::Stuck(
            Failure::new(Code::StorageNotReady, format!("BackupStorage {place} is not Ready"))
                .why(said(failure))
                .fix(storage_fix(storage, &failure.type_)),
        ),
    }
}

fn storage_fix(storage: &BackupStorage, condition: &str) -> String {
    let (name, namespace) = (storage.name_any(), storage.namespace().unwrap_or_default());
    let secret = storage.spec.storage.as_ref().and_then(|backend| backend.secret_name().map(str::to_owned));
    match secret {
        Some(secret) if condition == backup_storage::condition::BACKEND_SECRET_FOUND => format!(
            "kubectl create secret generic {secret} -n {namespace} --from-literal=AWS_ACCESS_KEY_ID=… --from-file=AWS_SECRET_ACCESS_KEY=FILE"
        ),
        _ => format!(
            "kubectl kubestash storage create {name} -n {namespace} …    with what is right; the operator tries again by itself"
        ),
    }
}

/// Judges a BackupConfiguration.
#[must_use]
pub fn backup(configuration: Option<&BackupConfiguration>) -> Verdict<()> {
    let Some(configuration) = configuration else {
        return Verdict::NotYet("the BackupConfiguration does not exist".into());
    };
    let status = configuration.status.clone().unwrap_or_default();
    let validated = condition::find(&status.conditions, backup_configuration::condition::VALIDATION_PASSED);
    if is_stale(configuration.metadata.generation, validated) {
        return Verdict::NotYet("the operator has not looked at it yet".into());
    }
    let place = place(configuration);
    match status.phase {
        Some(BackupConfigurationPhase::Ready) => Verdict::Reached(()),
        Some(BackupConfigurationPhase::Invalid) => {
            let why = validated.map(said).unwrap_or_default();
            Verdict::Never(
                Failure::new(Code::BackupNotReady, format!("BackupConfiguration {place} is not valid"))
                    .why(why.replace("; ", "\n"))
                    .fix("run the same command with what is right"),
            )
        }
        Some(BackupConfigurationPhase::NotReady) | None => match not_ready(configuration) {
            None => Verdict::NotYet("the operator has not looked at it yet".into()),
            Some(why) => Verdict::Stuck(
                Failure::new(Code::BackupNotReady, format!("BackupConfiguration {place} is not Ready"))
                    .why(why)
                    .fix("the operator tries again by itself once this is right"),
            ),
        },
    }
}

/// Why a backup is not ready, one line per reason.
fn not_ready(configuration: &BackupConfiguration) -> Option<String> {
    let status = configuration.status.as_ref()?;
    let mut reasons = Vec::new();
    if status.target_found == Some(false) {
        reasons.push("its target does not exist".to_owned());
    }
    for backend in &status.backends {
        if let Some(storage) =
            backend.storage.as_ref().filter(|storage| storage.phase != Some(BackupStoragePhase::Ready))
        {
            let name = storage.ref_.as_ref().map(ToString::to_string).unwrap_or_default();
            let reason = storage.reason.clone().unwrap_or_else(|| "not Ready".into());
            reasons.push(format!("BackupStorage {name}: {reason}"));
        }
        if let Some(policy) = backend.retention_policy.as_ref().filter(|policy| policy.found == Some(false)) {
            let name = policy.ref_.as_ref().map(ToString::to_string).unwrap_or_default();
            let reason = policy.reason.clone().unwrap_or_else(|| "not found".into());
            reasons.push(format!("RetentionPolicy {name}: {reason}"));
        }
    }
    for dependency in status.dependencies.iter().filter(|dependency| dependency.found == Some(false)) {
        let kind = dependency.object.kind.as_deref().unwrap_or("object");
        reasons.push(format!("{kind} {} does not exist", dependency.object.name));
    }
    for session in &status.sessions {
        if let Some(failed) = condition::first_failure(&session.conditions) {
            reasons.push(format!("session {}: {}", session.name, said(failed)));
        }
    }
    reasons.extend(condition::first_failure(&status.conditions).map(said));
    (!reasons.is_empty()).then(|| reasons.join("\n"))
}

/// What a condition says, or its reason where it says nothing.
fn said(condition: &condition::Condition) -> String {
    let message = condition.message.clone().filter(|message| !message.is_empty());
    message.or_else(|| condition.reason.clone()).unwrap_or_else(|| condition.type_.clone())
}

/// Whether a status speaks of an older spec than the one that was just written. A condition that names no generation is
/// taken at its word.
fn is_stale(generation: Option<i64>, condition: Option<&condition::Condition>) -> bool {
    let seen = condition.and_then(|condition| condition.observed_generation).filter(|seen| *seen > 0);
    matches!((seen, generation), (Some(seen), Some(generation)) if seen < generation)
}

fn place<K: kube::Resource>(object: &K) -> String {
    match object.meta().namespace.as_deref() {
        Some(namespace) => format!("{namespace}/{}", object.name_any()),
        None => object.name_any(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn configuration(status: &Value) -> BackupConfiguration {
        let metadata = json!({"name": "shop", "namespace": "shop", "generation": 2});
        serde_json::from_value(json!({"metadata": metadata, "status": status})).unwrap()
    }

    fn condition(type_: &str, status: &str, message: &str, generation: i64) -> Value {
        json!({"type": type_, "status": status, "message": message, "observedGeneration": generation,
            "lastTransitionTime": "2026-11-22T10:00:00Z", "reason": "r"})
    }

    fn text<T: std::fmt::Debug>(verdict: &Verdict<T>) -> String {
        match verdict {
            Verdict::Never(failure) | Verdict::Stuck(failure) => failure.render(false),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_ready_backup_of_an_older_spec_is_waited_for() {
        let ready = |generation| {
            let condition = condition("ValidationPassed", "True", "", generation);
            backup(Some(&configuration(&json!({"phase": "Ready", "conditions": [condition]}))))
        };
        assert_eq!(ready(2), Verdict::Reached(()));
        assert_eq!(ready(1), Verdict::NotYet("the operator has not looked at it yet".into()));
        assert_eq!(
            ready(0),
            Verdict::Reached(()),
            "an operator that names no generation is taken at its word"
        );
    }

    #[test]
    fn an_invalid_backup_tells_every_violation() {
        let condition = condition("ValidationPassed", "False", "a is wrong; b is wrong", 2);
        let verdict = backup(Some(&configuration(&json!({"phase": "Invalid", "conditions": [condition]}))));
        assert!(matches!(verdict, Verdict::Never(_)));
        assert!(text(&verdict).contains("why   a is wrong\n        b is wrong\n"), "{}", text(&verdict));
    }

    #[test]
    fn a_backup_that_is_not_ready_tells_what_it_waits_for() {
        let verdict = backup(Some(&configuration(&json!({
            "phase": "NotReady",
            "targetFound": false,
            "backends": [{"name": "minio", "ready": false, "storage": {
                "ref": {"namespace": "shop", "name": "minio"}, "phase": "NotReady", "reason": "AccessDenied"}}],
            "sessions": [{"name": "nightly", "conditions": [condition("SchedulerEnsured", "False", "forbidden", 2)]}],
        }))));
        let text = text(&verdict);
        for reason in [
            "its target does not exist",
            "BackupStorage shop/minio: AccessDenied",
            "session nightly: forbidden",
        ] {
            assert!(text.contains(reason), "{text}");
        }
    }

    #[test]
    fn a_storage_tells_the_cause_and_a_fix() {
        let stored = |status: Value| -> BackupStorage {
            let spec = json!({"storage": {"provider": "s3", "s3": {"bucket": "b", "secretName": "keys"}}});
            let metadata = json!({"name": "minio", "namespace": "shop", "generation": 1});
            serde_json::from_value(json!({"metadata": metadata, "spec": spec, "status": status})).unwrap()
        };
        let missing = condition("BackendSecretFound", "False", "Secret shop/keys does not exist", 1);
        let verdict = storage(Some(&stored(json!({"phase": "NotReady", "conditions": [missing]}))));
        assert!(text(&verdict).contains("kubectl create secret generic keys -n shop"), "{}", text(&verdict));
        let denied = condition("BackendInitialized", "False", "the bucket answered AccessDenied", 1);
        let verdict = storage(Some(&stored(json!({"phase": "NotReady", "conditions": [denied]}))));
        assert!(text(&verdict).contains("why   the bucket answered AccessDenied"), "{}", text(&verdict));
        let unseen = storage(Some(&stored(json!({}))));
        assert_eq!(unseen, Verdict::NotYet("the operator has not looked at it yet".into()));
        assert_eq!(storage(Some(&stored(json!({"phase": "Ready"})))), Verdict::Reached(()));
    }
}
