//! Whether a BackupSession may run at all (contract §8.3 step 0, A29).

use crds::core::backup_configuration::BackupConfigurationPhase;
use crds::core::backup_session::BackupSessionPhase;
use crds::core::{BackupConfiguration, BackupSession};
use jiff::Timestamp;

/// Why this session is skipped, if it is: the configuration is not there, not ready or paused, or an older run of
/// the same session is still under way. Of two runs that begin together the older one runs: both must not skip
/// because of each other.
#[must_use]
pub fn unmet(
    session: &BackupSession,
    configuration: Option<&BackupConfiguration>,
    siblings: &[BackupSession],
    now: Timestamp,
) -> Option<String> {
    let (kind, name) = super::invoker(session);
    let name = format!("{kind} {name:?}");
    let Some(configuration) = configuration else { return Some(format!("{name} does not exist")) };
    if configuration.metadata.deletion_timestamp.is_some() {
        return Some(format!("{name} is being deleted"));
    }
    if configuration.session(&session.spec.session).is_none() {
        return Some(format!("{name} has no session {:?}", session.spec.session));
    }
    if configuration.spec.paused {
        return Some(format!("{name} is paused"));
    }
    let status = configuration.status.as_ref();
    let phase = status.and_then(|status| status.phase).unwrap_or(BackupConfigurationPhase::NotReady);
    if phase != BackupConfigurationPhase::Ready {
        return Some(format!("{name} is {phase}{}", reason(configuration)));
    }
    let running = siblings.iter().find(|other| is_under_way(other, now) && is_older(other, session))?;
    let running = running.metadata.name.as_deref().unwrap_or_default();
    Some(format!("BackupSession {running:?} of the same session is still running"))
}

/// What the configuration says about not being ready.
fn reason(configuration: &BackupConfiguration) -> String {
    let Some(status) = &configuration.status else { return String::new() };
    let condition =
        crds::condition::first_failure(&status.conditions).and_then(|failed| failed.message.as_deref());
    let backend = status
        .backends
        .iter()
        .find(|backend| backend.ready != Some(true))
        .and_then(|backend| backend.storage.as_ref()?.reason.as_deref());
    condition.or(backend).map(|reason| format!(": {reason}")).unwrap_or_default()
}

/// Neither over nor past its deadline.
fn is_under_way(session: &BackupSession, now: Timestamp) -> bool {
    let Some(status) = &session.status else { return true };
    let expired = status.backup_deadline.as_ref().is_some_and(|deadline| deadline.0 < now);
    !expired && !status.phase.is_some_and(BackupSessionPhase::is_completed)
}

fn is_older(one: &BackupSession, other: &BackupSession) -> bool {
    let age = |session: &BackupSession| {
        let created = session.metadata.creation_timestamp.as_ref().map(|time| time.0);
        (created, session.metadata.name.clone())
    };
    age(one) < age(other)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-11-22T10:00:00Z";

    fn session(name: &str, created: &str, status: &Value) -> BackupSession {
        serde_json::from_value(json!({
            "metadata": {"name": name, "creationTimestamp": created},
            "spec": {"invoker": {"kind": "BackupConfiguration", "name": "shop"}, "session": "nightly"},
            "status": status,
        }))
        .unwrap()
    }

    fn configuration(change: &Value) -> BackupConfiguration {
        let mut object = json!({
            "metadata": {"name": "shop"},
            "spec": {"sessions": [{"name": "nightly"}]},
            "status": {"phase": "Ready"},
        });
        merge(&mut object, change);
        serde_json::from_value(object).unwrap()
    }

    fn merge(into: &mut Value, change: &Value) {
        match (into, change) {
            (Value::Object(into), Value::Object(change)) => {
                for (key, value) in change {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
            (into, change) => *into = change.clone(),
        }
    }

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    #[test]
    fn a_configuration_that_cannot_run_is_named_with_its_reason() {
        let ours = session("ours", "2026-11-22T09:59:59Z", &json!({}));
        for (change, expected) in [
            (json!({}), None),
            (json!({"spec": {"paused": true}}), Some("BackupConfiguration \"shop\" is paused")),
            (
                json!({"spec": {"sessions": []}}),
                Some("BackupConfiguration \"shop\" has no session \"nightly\""),
            ),
            (json!({"status": null}), Some("BackupConfiguration \"shop\" is NotReady")),
            (
                json!({"status": {"phase": "Invalid", "conditions": [{"type": "ValidationPassed", "status": "False", "lastTransitionTime": NOW, "message": "no such addon"}]}}),
                Some("BackupConfiguration \"shop\" is Invalid: no such addon"),
            ),
            (
                json!({"status": {"phase": "NotReady", "backends": [{"name": "s3", "ready": false, "storage": {"reason": "bucket is gone"}}]}}),
                Some("BackupConfiguration \"shop\" is NotReady: bucket is gone"),
            ),
            (
                json!({"metadata": {"deletionTimestamp": NOW}}),
                Some("BackupConfiguration \"shop\" is being deleted"),
            ),
        ] {
            let found = unmet(&ours, Some(&configuration(&change)), &[], now());
            assert_eq!(found.as_deref(), expected, "{change}");
        }
        assert_eq!(
            unmet(&ours, None, &[], now()).as_deref(),
            Some("BackupConfiguration \"shop\" does not exist")
        );
    }

    #[test]
    fn a_run_is_skipped_only_for_an_older_one_that_is_under_way() {
        let ours = session("b", "2026-11-22T09:00:00Z", &json!({}));
        for (case, other, skipped) in [
            ("older and new", session("a", "2026-11-22T08:00:00Z", &Value::Null), true),
            ("older and running", session("a", "2026-11-22T08:00:00Z", &json!({"phase": "Running"})), true),
            ("older and over", session("a", "2026-11-22T08:00:00Z", &json!({"phase": "Failed"})), false),
            ("younger", session("a", "2026-11-22T09:00:01Z", &json!({"phase": "Running"})), false),
            ("as old, first by name", session("a", "2026-11-22T09:00:00Z", &json!({})), true),
            ("as old, last by name", session("c", "2026-11-22T09:00:00Z", &json!({})), false),
            (
                "past its deadline",
                session("a", "2026-11-22T08:00:00Z", &json!({"backupDeadline": "2026-11-22T09:59:59Z"})),
                false,
            ),
            (
                "before its deadline",
                session("a", "2026-11-22T08:00:00Z", &json!({"backupDeadline": "2026-11-22T10:00:01Z"})),
                true,
            ),
        ] {
            let found = unmet(&ours, Some(&configuration(&json!({}))), &[other], now());
            assert_eq!(found.is_some(), skipped, "{case}");
        }
    }
}
