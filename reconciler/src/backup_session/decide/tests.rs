//! Every stage as a table; the last test runs whole sessions.

use std::collections::BTreeMap;
use std::time::Duration;

use crds::core::BackupConfiguration;
use crds::storage::snapshot::SnapshotPhase;
use serde_json::{Value, json};

use super::*;
use crate::execution::Execution;

const CREATED: &str = "2026-11-22T10:00:00Z";

fn at(seconds: i64) -> Timestamp {
    CREATED.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(seconds)
}

fn session(status: &Value) -> BackupSession {
    session_with(&json!({}), status)
}

fn session_with(spec: &Value, status: &Value) -> BackupSession {
    let mut object = json!({
        "metadata": {"name": "shop-nightly-1763805600", "namespace": "demo", "uid": "s", "creationTimestamp": CREATED},
        "spec": {"invoker": {"kind": "BackupConfiguration", "name": "shop"}, "session": "nightly"},
        "status": status,
    });
    for (key, value) in spec.as_object().unwrap() {
        object["spec"][key] = value.clone();
    }
    serde_json::from_value(object).unwrap()
}

fn configuration(session: &Value) -> BackupConfiguration {
    let mut object = json!({
        "metadata": {"name": "shop", "namespace": "demo", "uid": "c"},
        "spec": {
            "backends": [{"name": "s3", "retentionPolicy": {"name": "keep"}}],
            "sessions": [{"name": "nightly", "repositories": [{"name": "repo", "backend": "s3"}]}],
        },
        "status": {"phase": "Ready"},
    });
    for (key, value) in session.as_object().unwrap() {
        object["spec"]["sessions"][0][key] = value.clone();
    }
    serde_json::from_value(object).unwrap()
}

fn observed() -> Observed {
    let repository = json!({"metadata": {"name": "repo", "namespace": "demo", "uid": "r"}, "spec": {}, "status": {"phase": "Ready"}});
    Observed {
        configuration: Some(configuration(&json!({}))),
        repositories: BTreeMap::from([("repo".to_owned(), serde_json::from_value(repository).unwrap())]),
        policies: BTreeMap::from([(
            "demo/keep".to_owned(),
            serde_json::from_value(json!({"spec": {"successfulSnapshots": {"last": 1}}})).unwrap(),
        )]),
        ..Observed::default()
    }
}

const SNAPSHOT: &str = "repo-shop-nightly-1763805600";

fn snapshot(name: &str, hour: i32, phase: &str) -> Snapshot {
    serde_json::from_value(json!({
        "metadata": {"name": name}, "spec": {"repository": "repo", "session": "nightly"},
        "status": {"phase": phase, "snapshotTime": format!("2026-11-22T{hour:02}:00:00Z")},
    }))
    .unwrap()
}

fn with_snapshot(phase: &str) -> Observed {
    let mut observed = observed();
    observed.snapshots.insert(SNAPSHOT.to_owned(), snapshot(SNAPSHOT, 10, phase));
    observed.kept = observed.snapshots.values().cloned().collect();
    observed
}

fn execution(job: &Value, pods: &Value) -> Execution {
    let job = json!({"metadata": {"name": "j", "creationTimestamp": CREATED}, "status": {"conditions": job}});
    Execution {
        job: Some(serde_json::from_value(job).unwrap()),
        pods: serde_json::from_value(pods.clone()).unwrap(),
    }
}

/// Conditions by type; a leading `!` is status False.
fn conditions(list: &[&str]) -> Value {
    list.iter()
        .map(|type_| {
            let (status, type_) = type_.strip_prefix('!').map_or(("True", *type_), |type_| ("False", type_));
            json!({"type": type_, "status": status, "lastTransitionTime": CREATED})
        })
        .collect()
}

fn status(types: &[&str], phase: &str) -> Value {
    json!({"conditions": conditions(types), "snapshots": [{"name": SNAPSHOT, "repository": "repo", "phase": phase}]})
}

fn message<'a>(plan: &'a Plan, type_: &str) -> Option<&'a str> {
    condition::find(&plan.status.conditions, type_).and_then(|condition| condition.message.as_deref())
}

#[test]
fn a_new_session_gets_its_snapshots_and_a_deadline() {
    let plan = decide(&session_with(&json!({"backupTimeout": "10m"}), &Value::Null), &observed(), at(2));
    let Step::CreateSnapshots(snapshots) = &plan.step else { panic!("{:?}", plan.step) };
    assert_eq!(snapshots[0].metadata.name.as_deref(), Some(SNAPSHOT));
    assert!(condition::is_true(&plan.status.conditions, word::SNAPSHOTS_ENSURED));
    assert_eq!(plan.status.total_snapshots, Some(1));
    assert_eq!(plan.status.snapshots[0].name, SNAPSHOT);
    assert_eq!(plan.status.backup_deadline.as_ref().unwrap().0, at(602));
    assert_eq!(plan.status.phase, Some(BackupSessionPhase::Pending));
}

#[test]
fn a_session_that_may_not_run_is_skipped_and_still_comes_to_its_end() {
    let mut observed = observed();
    observed.configuration.as_mut().unwrap().spec.paused = true;
    let plan = decide(&session(&Value::Null), &observed, at(0));
    assert_eq!(plan.step, Step::Record);
    assert_eq!(plan.status.phase, Some(BackupSessionPhase::Skipped));
    assert_eq!(message(&plan, word::BACKUP_SKIPPED), Some("BackupConfiguration \"shop\" is paused"));
}

#[test]
fn a_repository_that_is_not_ready_is_waited_for_and_then_named() {
    let mut observed = observed();
    let repository = json!({"metadata": {"name": "repo"}, "spec": {}, "status": {"phase": "NotReady", "conditions": [
        {"type": "RepositoryInitialized", "status": "False", "message": "bucket is gone", "lastTransitionTime": CREATED}]}});
    observed.repositories.insert("repo".to_owned(), serde_json::from_value(repository).unwrap());
    assert!(matches!(decide(&session(&Value::Null), &observed, at(59)).step, Step::Wait(Next::After(_))));
    let plan = decide(&session(&Value::Null), &observed, at(60));
    assert_eq!(plan.step, Step::Record);
    assert_eq!(
        message(&plan, word::SNAPSHOTS_ENSURED),
        Some("Repository \"repo\" is not Ready: bucket is gone")
    );
    observed.repositories.clear();
    let plan = decide(&session(&Value::Null), &observed, at(60));
    assert_eq!(message(&plan, word::SNAPSHOTS_ENSURED), Some("Repository \"repo\" does not exist"));
}

#[test]
fn a_timeout_that_is_none_is_told() {
    for (timeout, told) in
        [("soon", "spec.backupTimeout: failed to read"), ("0s", "spec.backupTimeout is \"0s\"")]
    {
        let plan =
            decide(&session_with(&json!({"backupTimeout": timeout}), &Value::Null), &observed(), at(0));
        assert!(condition::is_false(&plan.status.conditions, word::SNAPSHOTS_ENSURED));
        assert!(message(&plan, word::SNAPSHOTS_ENSURED).unwrap().starts_with(told));
    }
}

#[test]
fn hooks_come_before_the_job() {
    let mut observed = with_snapshot("Pending");
    observed.configuration = Some(configuration(&json!({"hooks": {"preBackup": [{"name": "quiesce"}]}})));
    let mut session = session(&status(&["SnapshotsEnsured"], "Pending"));
    let started = decide(&session, &observed, at(1));
    assert!(matches!(started.step, Step::StartHook(_)), "{:?}", started.step);
    session.status = Some(started.status);

    observed.hook =
        execution(&json!([]), &json!([{"metadata": {"name": "p"}, "status": {"phase": "Running"}}]));
    assert_eq!(decide(&session, &observed, at(1)).step, Step::Wait(Next::AwaitChange));
    let mut broken = observed.clone();
    broken.hook = execution(
        &json!([{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]),
        &json!([]),
    );
    let plan = decide(&session, &broken, at(1));
    assert!(
        message(&plan, word::PRE_BACKUP_HOOKS_EXECUTION_SUCCEEDED).unwrap().starts_with("hook \"quiesce\": ")
    );
    let failed = BackupSession { status: Some(plan.status), ..session.clone() };
    assert_eq!(
        decide(&failed, &broken, at(1)).step,
        Step::Wait(Next::AwaitChange),
        "for the Snapshots to fail"
    );

    observed.hook = execution(&json!([{"type": "Complete", "status": "True"}]), &json!([]));
    session.status = Some(decide(&session, &observed, at(1)).status);
    let done = decide(&session, &observed, at(1));
    assert!(condition::is_true(&done.status.conditions, word::PRE_BACKUP_HOOKS_EXECUTION_SUCCEEDED));
    session.status = Some(done.status);
    assert_eq!(decide(&session, &observed, at(1)).step, Step::StartBackup);
}

#[test]
fn hooks_after_the_backup_run_as_it_went() {
    let hooks = json!({"hooks": {"postBackup": [{"name": "bad", "executionPolicy": "OnFailure"}]}});
    let all = ["SnapshotsEnsured", "BackupExecutorEnsured", "RetentionPolicyExecutorEnsured"];
    for (phase, runs) in [("Succeeded", false), ("Failed", true)] {
        let mut observed = with_snapshot(phase);
        observed.configuration = Some(configuration(&hooks));
        let mut session = session(&status(&all, phase));
        session.status.as_mut().unwrap().retention_policy =
            serde_json::from_value(json!([{"repository": "repo", "phase": "Applied"}])).unwrap();
        let plan = decide(&session, &observed, at(1));
        assert_eq!(matches!(plan.step, Step::StartHook(_)), runs, "{phase}");
    }
}

#[test]
fn phases_of_the_snapshots_are_mirrored() {
    let running = session(&status(&["SnapshotsEnsured", "BackupExecutorEnsured"], "Pending"));
    for (phase, expected, of_session) in [
        ("Running", SnapshotPhase::Running, BackupSessionPhase::Running),
        ("Succeeded", SnapshotPhase::Succeeded, BackupSessionPhase::Running),
    ] {
        let plan = decide(&running, &with_snapshot(phase), at(1));
        assert_eq!(plan.step, Step::Record);
        assert_eq!(plan.status.snapshots[0].phase, Some(expected));
        assert_eq!(plan.status.phase, Some(of_session), "not before the metrics are pushed");
    }
    let plan = decide(&running, &observed(), at(1));
    assert_eq!(
        plan.status.snapshots[0].phase,
        Some(SnapshotPhase::Failed),
        "a Snapshot that was deleted has failed"
    );
}

#[test]
fn a_pod_that_does_not_start_is_spoken_of_and_then_given_up() {
    let running = session(&status(&["SnapshotsEnsured", "BackupExecutorEnsured"], "Pending"));
    let mut observed = with_snapshot("Pending");
    let pods = json!([{"metadata": {"name": "p", "creationTimestamp": CREATED}, "status": {"phase": "Pending", "containerStatuses": [
        {"name": "manifest-backup-0", "image": "gone:1", "imageID": "", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}}]);
    observed.backup = execution(&json!([]), &pods);

    let early = decide(&running, &observed, at(30));
    assert_eq!(early.step, Step::Wait(Next::After(Duration::from_millis(30_050))));
    let late = decide(&running, &observed, at(60));
    assert_eq!(late.step, Step::Record);
    assert!(message(&late, word::POD_PENDING_TOO_LONG).unwrap().contains("ImagePullBackOff"));
    let too_late = decide(&running, &observed, at(180));
    assert_eq!(too_late.step, Step::EndBackup);
    assert!(message(&too_late, word::BACKUP_EXECUTOR_ENSURED).unwrap().contains("ImagePullBackOff"));

    let spoken_of = BackupSession { status: Some(late.status), ..running };
    observed.backup =
        execution(&json!([]), &json!([{"metadata": {"name": "p"}, "status": {"phase": "Running"}}]));
    let plan = decide(&spoken_of, &observed, at(70));
    assert_eq!(message(&plan, word::POD_PENDING_TOO_LONG), None, "it runs now");
}

#[test]
fn a_job_that_does_not_stop_at_its_deadline_is_ended() {
    let mut running = session(&status(&["SnapshotsEnsured", "BackupExecutorEnsured"], "Running"));
    running.status.as_mut().unwrap().backup_deadline =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(600)));
    let mut observed = with_snapshot("Running");
    observed.backup =
        execution(&json!([]), &json!([{"metadata": {"name": "p"}, "status": {"phase": "Running"}}]));
    assert_eq!(
        decide(&running, &observed, at(600)).step,
        Step::Wait(Next::After(Duration::from_millis(31_050)))
    );
    assert_eq!(decide(&running, &observed, at(631)).step, Step::EndBackup);
}

#[test]
fn a_retention_job_is_made_only_for_something_to_remove() {
    let done = session(&status(&["SnapshotsEnsured", "BackupExecutorEnsured"], "Succeeded"));
    let mut observed = with_snapshot("Succeeded");
    let plan = decide(&done, &observed, at(9));
    assert_eq!(plan.step, Step::Record);
    assert_eq!(
        serde_json::to_value(&plan.status.retention_policy).unwrap(),
        json!([{"ref": {"namespace": "demo", "name": "keep"}, "repository": "repo", "phase": "Applied"}])
    );

    observed.kept.push(snapshot("old", 9, "Succeeded"));
    assert_eq!(decide(&done, &observed, at(9)).step, Step::StartRetention);
}

#[test]
fn the_retention_job_is_waited_for_and_speaks_for_itself() {
    let types = ["SnapshotsEnsured", "BackupExecutorEnsured", "RetentionPolicyExecutorEnsured"];
    let mut observed = with_snapshot("Succeeded");
    observed.kept.push(snapshot("old", 9, "Succeeded"));
    observed.retention =
        execution(&json!([]), &json!([{"metadata": {"name": "p"}, "status": {"phase": "Running"}}]));
    let waiting = session(&status(&types, "Succeeded"));
    assert_eq!(decide(&waiting, &observed, at(9)).step, Step::Wait(Next::AwaitChange));

    let mut reported = waiting.clone();
    let entry = json!([{"ref": {"name": "keep"}, "repository": "repo", "phase": "Applied"}]);
    reported.status.as_mut().unwrap().retention_policy = serde_json::from_value(entry).unwrap();
    assert!(matches!(decide(&reported, &observed, at(9)).step, Step::Forget(_)));

    observed.retention = execution(
        &json!([{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]),
        &json!([]),
    );
    let plan = decide(&waiting, &observed, at(9));
    assert!(condition::is_true(&plan.status.conditions, word::SNAPSHOT_CLEANUP_INCOMPLETE));
    assert!(plan.status.retention_policy[0].error.as_deref().unwrap().contains("BackoffLimitExceeded"));
    let next = BackupSession { status: Some(plan.status), ..waiting };
    assert!(
        matches!(decide(&next, &observed, at(9)).step, Step::Forget(_)),
        "it goes on, and will be Failed"
    );
}

#[test]
fn the_history_keeps_the_newest_completed_sessions_and_those_with_an_attempt_to_come() {
    let sibling = |name: &str, minute: i32, status: Value| -> BackupSession {
        serde_json::from_value(json!({
            "metadata": {"name": name, "uid": name, "creationTimestamp": format!("2026-11-22T09:{minute:02}:00Z")}, "spec": {}, "status": status,
        }))
        .unwrap()
    };
    let mut observed = with_snapshot("Succeeded");
    observed.siblings = vec![
        sibling("a", 1, json!({"phase": "Succeeded"})),
        sibling("b", 2, json!({"phase": "Skipped"})),
        sibling("c", 3, json!({"phase": "Failed", "nextRetry": "2026-11-22T11:00:00Z"})),
        sibling("d", 4, json!({"phase": "Running"})),
        sibling("e", 5, json!({"phase": "Failed"})),
    ];
    let types = ["SnapshotsEnsured", "BackupExecutorEnsured", "RetentionPolicyExecutorEnsured"];
    let mut done = session(&status(&types, "Succeeded"));
    done.status.as_mut().unwrap().retention_policy =
        serde_json::from_value(json!([{"repository": "repo", "phase": "Applied"}])).unwrap();
    for (limit, forgotten) in [
        (json!(1), vec!["e", "b", "a"]),
        (json!(2), vec!["b", "a"]),
        (json!(4), vec![]),
        (json!(0), vec!["e", "b", "a"]),
    ] {
        observed.configuration = Some(configuration(&json!({"sessionHistoryLimit": limit})));
        let plan = decide(&done, &observed, at(9));
        let Step::Forget(sessions) = &plan.step else { panic!("{:?}", plan.step) };
        let names: Vec<_> =
            sessions.iter().map(|session| session.metadata.name.as_deref().unwrap()).collect();
        assert_eq!(names, forgotten, "{limit}");
        assert_eq!(message(&plan, word::SESSION_HISTORY_CLEANED), None, "no message on success");
    }
}

#[test]
fn a_failed_session_with_attempts_left_is_tried_again_once() {
    let retry = json!({"retryConfig": {"maxRetry": 2, "delay": "5m"}});
    let mut observed = with_snapshot("Failed");
    observed.configuration = Some(configuration(&retry));
    let all = [
        "SnapshotsEnsured",
        "BackupExecutorEnsured",
        "RetentionPolicyExecutorEnsured",
        "SessionHistoryCleaned",
    ];
    let mut failed = session_with(&json!({"retryLeft": 2}), &status(&all, "Failed"));
    failed.status.as_mut().unwrap().retention_policy =
        serde_json::from_value(json!([{"repository": "repo", "phase": "Applied"}])).unwrap();

    let end = decide(&failed, &observed, at(22));
    assert_eq!(end.step, Step::Finish);
    assert_eq!(end.status.phase, Some(BackupSessionPhase::Failed));
    assert_eq!(end.status.duration.as_deref(), Some("22s"));
    assert_eq!(end.status.retried, Some(false));
    assert_eq!(end.status.next_retry.as_ref().unwrap().0, at(322));

    failed.status = Some(end.status);
    assert!(!is_at_rest(&failed));
    assert_eq!(decide(&failed, &observed, at(200)).step, Step::Wait(Next::After(Duration::from_secs(123))));
    let again = decide(&failed, &observed, at(400));
    let Step::TryAgain(next) = &again.step else { panic!("{:?}", again.step) };
    assert_eq!(next.spec.retry_left, Some(1));
    assert!(
        next.metadata.name.as_ref().unwrap().ends_with(&at(322).as_second().to_string()),
        "the name says when it was due"
    );
    failed.status = Some(again.status);
    assert!(is_at_rest(&failed));
    assert_eq!(decide(&failed, &observed, at(500)).step, Step::Wait(Next::AwaitChange));
}

#[test]
fn a_session_without_attempts_left_is_over() {
    for (spec, session_fields) in [
        (json!({"retryLeft": 0}), json!({"retryConfig": {"maxRetry": 2}})),
        (json!({"retryLeft": 1}), json!({})),
    ] {
        let mut observed = with_snapshot("Failed");
        observed.configuration = Some(configuration(&session_fields));
        let all = [
            "SnapshotsEnsured",
            "!BackupExecutorEnsured",
            "RetentionPolicyExecutorEnsured",
            "SessionHistoryCleaned",
        ];
        let mut failed = session_with(&spec, &status(&all, "Failed"));
        failed.status.as_mut().unwrap().retention_policy =
            serde_json::from_value(json!([{"repository": "repo", "phase": "Applied"}])).unwrap();
        let end = decide(&failed, &observed, at(1));
        assert_eq!((end.step, end.status.next_retry), (Step::Finish, None));
    }
}

/// Runs a session as the driver does, every step succeeding, and gives the types of the conditions.
fn run(
    mut session: BackupSession,
    mut world: impl FnMut(&Step) -> Observed,
) -> (BackupSessionStatus, Vec<String>) {
    let mut observed = world(&Step::Record);
    for _ in 0..30 {
        let plan = decide(&session, &observed, at(1));
        session.status = Some(plan.status);
        if plan.step == Step::Wait(Next::AwaitChange) && is_at_rest(&session) {
            break;
        }
        observed = world(&plan.step);
    }
    let status = session.status.unwrap();
    let types = status.conditions.iter().map(|condition| condition.type_.clone()).collect();
    (status, types)
}

#[test]
fn conditions_come_in_the_order_in_which_kubestash_sets_them() {
    let mut phase = None;
    let (status, types) = run(session(&Value::Null), |step| {
        match step {
            Step::CreateSnapshots(_) => phase = Some("Pending"),
            Step::StartBackup => phase = Some("Succeeded"),
            _ => {}
        }
        phase.map_or_else(observed, with_snapshot)
    });
    assert_eq!(status.phase, Some(BackupSessionPhase::Succeeded));
    assert_eq!(
        types,
        [
            "SnapshotsEnsured",
            "BackupExecutorEnsured",
            "RetentionPolicyExecutorEnsured",
            "SessionHistoryCleaned",
            "MetricsPushed"
        ]
    );
}

#[test]
fn whatever_ends_a_session_early_leaves_it_failed_or_skipped_and_never_pending() {
    let no_executor = session(&status(&["SnapshotsEnsured", "!BackupExecutorEnsured"], "Pending"));
    let (ended, _) = run(no_executor, |_| with_snapshot("Failed"));
    assert_eq!(ended.phase, Some(BackupSessionPhase::Failed));

    let no_snapshots = session(&json!({"conditions": conditions(&["!SnapshotsEnsured"])}));
    let (ended, types) = run(no_snapshots, |_| observed());
    assert_eq!(ended.phase, Some(BackupSessionPhase::Failed));
    assert_eq!(types.last().map(String::as_str), Some("MetricsPushed"));

    let (skipped, types) = run(session(&Value::Null), |_| Observed::default());
    assert_eq!(skipped.phase, Some(BackupSessionPhase::Skipped));
    assert_eq!(types, ["BackupSkipped", "SessionHistoryCleaned", "MetricsPushed"]);
}
