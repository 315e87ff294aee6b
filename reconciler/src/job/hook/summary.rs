//! What a hook is told about its session: KubeStash's summary, under the names of Go (contract §2.4).

use crds::condition;
use crds::core::backup_session::RetentionPolicyPhase;
use crds::core::restore_session::{RestoreSessionStatus, condition as word};
use crds::core::{BackupConfiguration, BackupSession, BackupSessionStatus, RestoreSession};
use crds::reference::TypedObjectReference;
use crds::storage::snapshot::SnapshotPhase;
use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::restore_session;

/// The summary of a session that is not over yet.
pub fn of(session: &BackupSession, configuration: &BackupConfiguration, now: Timestamp) -> Value {
    let status = session.status.clone().unwrap_or_default();
    let error = error(&status);
    let begun = session.metadata.creation_timestamp.as_ref().map_or(now, |time| time.0);
    let invoker = session.spec.invoker.clone().unwrap_or_default();
    json!({
        "Name": session.name_any(),
        "Namespace": session.namespace().unwrap_or_default(),
        "Invoker": reference(&TypedObjectReference {
            api_group: Some(crds::core::GROUP.to_owned()),
            kind: Some(invoker.kind),
            namespace: session.namespace(),
            name: invoker.name,
        }),
        "Target": reference(&configuration.app_ref()),
        "Status": {
            "Phase": if error.is_empty() { "Succeeded" } else { "Failed" },
            "Duration": crds::duration::format_seconds(now.duration_since(begun)),
            "Error": error,
        },
    })
}

/// The same of a restore: its invoker is the RestoreSession itself.
pub fn of_restore(session: &RestoreSession, now: Timestamp) -> Value {
    let status = session.status.clone().unwrap_or_default();
    let error = restore_error(&status);
    let begun = session.metadata.creation_timestamp.as_ref().map_or(now, |time| time.0);
    let target = session.spec.target.clone().unwrap_or_else(TypedObjectReference::not_applicable);
    json!({
        "Name": session.name_any(),
        "Namespace": session.namespace().unwrap_or_default(),
        "Invoker": reference(&TypedObjectReference {
            api_group: Some(crds::core::GROUP.to_owned()),
            kind: Some("RestoreSession".to_owned()),
            namespace: session.namespace(),
            name: session.name_any(),
        }),
        "Target": reference(&target),
        "Status": {
            "Phase": if error.is_empty() { "Succeeded" } else { "Failed" },
            "Duration": crds::duration::format_seconds(now.duration_since(begun)),
            "Error": error,
        },
    })
}

fn restore_error(status: &RestoreSessionStatus) -> String {
    if !restore_session::has_failed(status) {
        return String::new();
    }
    let component = status.components.values().find_map(|component| component.error.clone());
    let incomplete = condition::find(&status.conditions, word::RESTORE_INCOMPLETE)
        .or_else(|| condition::first_failure(&status.conditions))
        .and_then(|condition| condition.message.clone());
    component.or(incomplete).unwrap_or_else(|| "the restore has failed".to_owned())
}

/// Empty when nothing has failed so far.
fn error(status: &BackupSessionStatus) -> String {
    if let Some(failed) = condition::first_failure(&status.conditions) {
        return failed.message.clone().or_else(|| failed.reason.clone()).unwrap_or_default();
    }
    if status.snapshots.iter().any(|snapshot| snapshot.phase == Some(SnapshotPhase::Failed)) {
        return "at least one Snapshot has failed".to_owned();
    }
    let failed = |phase: Option<RetentionPolicyPhase>| phase == Some(RetentionPolicyPhase::FailedToApply);
    if status.retention_policy.iter().any(|policy| failed(policy.phase)) {
        return "at least one retention policy could not be applied".to_owned();
    }
    String::new()
}

fn reference(reference: &TypedObjectReference) -> Value {
    let TypedObjectReference { api_group, kind, namespace, name } = reference;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    json!({"APIGroup": text(api_group), "Kind": text(kind), "Namespace": text(namespace), "Name": name})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(status: &Value) -> Value {
        let session = serde_json::from_value(json!({
            "metadata": {"name": "shop-nightly-1", "namespace": "demo", "creationTimestamp": "2026-11-22T10:00:00Z"},
            "spec": {"invoker": {"kind": "BackupConfiguration", "name": "shop"}, "session": "nightly"},
            "status": status,
        }))
        .unwrap();
        let target = json!({"apiGroup": "apps", "kind": "Deployment", "namespace": "demo", "name": "shop"});
        let configuration =
            serde_json::from_value(json!({"metadata": {"name": "shop"}, "spec": {"target": target}}))
                .unwrap();
        of(&session, &configuration, "2026-11-22T10:00:22Z".parse().unwrap())
    }

    #[test]
    fn a_hook_learns_what_went_wrong() {
        let at = "2026-11-22T10:00:00Z";
        for (status, phase, error) in [
            (json!({}), "Succeeded", ""),
            (
                json!({"conditions": [{"type": "BackupExecutorEnsured", "status": "False", "message": "no such addon", "lastTransitionTime": at}]}),
                "Failed",
                "no such addon",
            ),
            (
                json!({"snapshots": [{"name": "a", "phase": "Failed"}]}),
                "Failed",
                "at least one Snapshot has failed",
            ),
            (
                json!({"retentionPolicy": [{"repository": "a", "phase": "FailedToApply"}]}),
                "Failed",
                "at least one retention policy could not be applied",
            ),
            (
                json!({"conditions": [{"type": "BackupSkipped", "status": "True", "lastTransitionTime": at}]}),
                "Succeeded",
                "",
            ),
        ] {
            let summary = summary(&status);
            assert_eq!(
                (&summary["Status"]["Phase"], &summary["Status"]["Error"]),
                (&json!(phase), &json!(error))
            );
            assert_eq!(summary["Status"]["Duration"], "22s");
            assert_eq!(summary["Invoker"]["Name"], "shop");
            assert_eq!(summary["Target"]["Kind"], "Deployment");
        }
    }

    #[test]
    fn a_hook_of_a_restore_learns_the_same() {
        let at = "2026-11-22T10:00:00Z";
        let incomplete = json!({"type": "RestoreIncomplete", "status": "True", "message": "evicted", "lastTransitionTime": at});
        for (status, error) in [
            (json!({}), ""),
            (json!({"components": {"manifest": {"phase": "Failed", "error": "2 objects"}}}), "2 objects"),
            (json!({"conditions": [incomplete]}), "evicted"),
            (
                json!({"conditions": [{"type": "RestoreTargetFound", "status": "False", "lastTransitionTime": at}]}),
                "",
            ),
        ] {
            let session = serde_json::from_value(json!({
                "metadata": {"name": "again", "namespace": "demo", "creationTimestamp": at}, "spec": {}, "status": status,
            }))
            .unwrap();
            let summary = of_restore(&session, "2026-11-22T10:00:22Z".parse().unwrap());
            assert_eq!(summary["Status"]["Error"], error, "{status}");
            assert_eq!(summary["Invoker"]["Kind"], "RestoreSession");
            assert_eq!(summary["Target"]["Name"], "na");
        }
    }
}
