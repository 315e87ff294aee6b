//! Every stage as a table; the last tests run whole sessions.

use std::time::Duration;

use crds::core::restore_session::LATEST;
use serde_json::{Value, json};

use super::*;
use crate::cluster::Target;
use crate::execution::Execution;
use crate::restore_session::observed::Found;
use crate::restore_session::{pause, source};

const CREATED: &str = "2026-11-22T10:00:00Z";

fn at(seconds: i64) -> Timestamp {
    CREATED.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(seconds)
}

fn session_with(spec: &Value, status: &Value) -> RestoreSession {
    let mut object = json!({
        "metadata": {"name": "again", "namespace": "demo", "uid": "r", "creationTimestamp": CREATED, "generation": 1},
        "spec": {
            "dataSource": {"repository": "repo", "snapshot": LATEST},
            "addon": {
                "name": "kubedump-addon", "tasks": [{"name": "manifest-restore"}],
                "jobTemplate": {"spec": {"serviceAccountName": "restorer"}},
            },
        },
        "status": status,
    });
    for (key, value) in spec.as_object().unwrap() {
        object["spec"][key] = value.clone();
    }
    serde_json::from_value(object).unwrap()
}

fn session(status: &Value) -> RestoreSession {
    session_with(&json!({}), status)
}

/// Everything that a session needs.
fn found() -> Found {
    let read = |value: Value| value;
    let addon = read(
        json!({"spec": {"restoreTasks": [{"name": "manifest-restore", "function": "kubedump-restore"}]}}),
    );
    let repository = read(
        json!({"metadata": {"name": "repo", "namespace": "demo"}, "spec": {"storageRef": {"name": "s3"}}}),
    );
    let snapshot = read(json!({
        "metadata": {"name": "repo-1", "namespace": "demo"}, "spec": {"repository": "repo"},
        "status": {"phase": "Succeeded", "components": {"manifest": {"resticStats": [{"summary": {"id": "abc"}}]}}},
    }));
    Found {
        snapshots: vec![serde_json::from_value(snapshot).unwrap()],
        repository: serde_json::from_value(repository).unwrap(),
        storage: serde_json::from_value(json!({"metadata": {"name": "s3", "namespace": "demo"}, "spec": {}}))
            .unwrap(),
        encryption: Some((
            crds::reference::ObjectReference::new("demo", "password"),
            crate::secret::Encryption::Usable,
        )),
        addon: serde_json::from_value(addon).unwrap(),
        functions: std::iter::once("kubedump-restore".to_owned())
            .zip([serde_json::from_value(json!({"spec": {"image": "kubestash:1"}})).unwrap()])
            .collect(),
        account: true,
        ..Found::default()
    }
}

fn new() -> Observed {
    Observed { found: Some(Box::new(found())), ..Observed::default() }
}

fn execution(job: &Value, pods: &Value) -> Execution {
    let job =
        json!({"metadata": {"name": "again", "creationTimestamp": CREATED}, "status": {"conditions": job}});
    Execution {
        job: Some(serde_json::from_value(job).unwrap()),
        pods: serde_json::from_value(pods.clone()).unwrap(),
    }
}

fn running() -> Execution {
    execution(&json!([]), &json!([{"metadata": {"name": "p"}, "status": {"phase": "Running"}}]))
}

/// Conditions by type; a leading `!` is status False.
fn conditions(list: &[&str]) -> Value {
    list.iter()
        .map(|type_| {
            let (status, type_) = type_.strip_prefix('!').map_or(("True", *type_), |type_| ("False", type_));
            json!({"type": type_, "status": status, "lastTransitionTime": CREATED, "observedGeneration": 1})
        })
        .collect()
}

fn status(types: &[&str]) -> Value {
    json!({"conditions": conditions(types), "totalComponents": 1})
}

fn restored(types: &[&str], phase: &str) -> Value {
    let mut status = status(types);
    status["components"] = json!({"manifest": {"phase": phase}});
    status
}

fn message<'a>(plan: &'a Plan, type_: &str) -> Option<&'a str> {
    condition::find(&plan.status.conditions, type_).and_then(|condition| condition.message.as_deref())
}

const STARTED: [&str; 2] = ["ValidationPassed", "RestoreExecutorEnsured"];

#[test]
fn a_new_session_gets_its_snapshot_and_a_deadline() {
    let session = session_with(&json!({"restoreTimeout": "10m"}), &Value::Null);
    let plan = decide(&session, &new(), at(2));
    assert_eq!(plan.step, Step::Record);
    assert!(condition::is_true(&plan.status.conditions, word::VALIDATION_PASSED));
    assert_eq!(plan.status.total_components, Some(1));
    assert_eq!(plan.status.restore_deadline.as_ref().unwrap().0, at(602));
    assert_eq!(plan.status.phase, Some(RestorePhase::Pending));
    let valid = RestoreSession { status: Some(plan.status), ..session };
    assert_eq!(source::chosen(&valid), Some(("demo".to_owned(), "repo-1".to_owned())));
    assert_eq!(decide(&valid, &Observed::default(), at(3)).step, Step::StartRestore);
}

#[test]
fn what_is_missing_is_waited_for_and_then_named() {
    let mut observed = new();
    observed.found.as_mut().unwrap().account = false;
    let waiting = decide(&session(&Value::Null), &observed, at(59));
    assert_eq!(waiting.step, Step::Wait(Next::After(Duration::from_secs(5))));
    assert_eq!(waiting.status.phase, Some(RestorePhase::Pending));
    let lacks = waiting.status.dependencies.iter().find(|one| one.found == Some(false)).unwrap();
    assert_eq!(lacks.object.name, "restorer");
    let plan = decide(&session(&Value::Null), &observed, at(60));
    assert_eq!(plan.status.phase, Some(RestorePhase::Invalid));
    assert!(message(&plan, word::VALIDATION_PASSED).unwrap().contains("\"restorer\""));
}

#[test]
fn what_is_wrong_is_told_at_once_with_all_that_is_missing() {
    let mut observed = new();
    observed.found.as_mut().unwrap().snapshots.clear();
    let plan = decide(&session_with(&json!({"restoreTimeout": "soon"}), &Value::Null), &observed, at(0));
    let told = message(&plan, word::VALIDATION_PASSED).unwrap();
    assert!(told.contains("spec.restoreTimeout") && told.contains("has no Snapshot"), "{told}");
}

#[test]
fn a_target_may_be_missing() {
    for (target, found_says, condition_says) in [
        (Target::Found, true, Some(true)),
        (Target::Missing, false, None),
        (Target::Unknown, false, Some(false)),
    ] {
        let mut observed = new();
        observed.found.as_mut().unwrap().target = Some(target);
        let plan = decide(&session(&Value::Null), &observed, at(0));
        assert_eq!(plan.status.target_found, Some(found_says));
        let told = condition::find(&plan.status.conditions, word::RESTORE_TARGET_FOUND);
        assert_eq!(told.map(|told| told.status == condition::TRUE), condition_says, "{target:?}");
        assert!(condition::is_true(&plan.status.conditions, word::VALIDATION_PASSED));
    }
}

#[test]
fn an_invalid_session_comes_to_its_end_and_gets_another_chance_with_another_spec() {
    let invalid = session(&status(&["!ValidationPassed"]));
    let plan = decide(&invalid, &Observed::default(), at(1));
    assert_eq!(plan.step, Step::Finish, "neither hooks nor Job");
    assert_eq!(plan.status.phase, Some(RestorePhase::Invalid));
    let over = RestoreSession { status: Some(plan.status), ..invalid };
    assert!(is_at_rest(&over));
    let mut edited = over.clone();
    edited.metadata.generation = Some(2);
    assert!(!is_at_rest(&edited));
    let again = decide(&edited, &Observed::default(), at(9));
    assert_eq!((again.step, again.status.conditions.len()), (Step::Record, 0));
}

#[test]
fn a_session_that_is_over_is_left_alone_whatever_its_spec_says_later() {
    let mut over =
        session(&restored(&["ValidationPassed", "RestoreExecutorEnsured", "MetricsPushed"], "Succeeded"));
    over.metadata.generation = Some(7);
    assert!(is_at_rest(&over));
    assert_eq!(decide(&over, &Observed::default(), at(9)).step, Step::Wait(Next::AwaitChange));
}

#[test]
fn hooks_come_before_the_job_and_one_that_fails_calls_it_off() {
    let spec = json!({"hooks": {"preRestore": [{"name": "stop", "hookTemplate": {"name": "t"}}],
                                "postRestore": [{"name": "bad", "executionPolicy": "OnFailure"}]}});
    let mut session = session_with(&spec, &status(&["ValidationPassed"]));
    let started = decide(&session, &Observed::default(), at(1));
    assert!(matches!(started.step, Step::StartHook(_)), "{:?}", started.step);
    session.status = Some(started.status);
    let done = Observed {
        hook: execution(&json!([{"type": "Complete", "status": "True"}]), &json!([])),
        ..Observed::default()
    };
    let mut well = session.clone();
    well.status = Some(decide(&well, &done, at(1)).status);
    let plan = decide(&well, &done, at(1));
    assert!(condition::is_true(&plan.status.conditions, word::PRE_RESTORE_HOOKS_EXECUTION_SUCCEEDED));
    well.status = Some(plan.status);
    assert_eq!(decide(&well, &done, at(1)).step, Step::StartRestore);

    let broken = Observed {
        hook: execution(
            &json!([{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]),
            &json!([]),
        ),
        ..Observed::default()
    };
    let plan = decide(&session, &broken, at(1));
    assert!(
        message(&plan, word::PRE_RESTORE_HOOKS_EXECUTION_SUCCEEDED).unwrap().starts_with("hook \"stop\": ")
    );
    session.status = Some(plan.status);
    let after = decide(&session, &broken, at(1));
    assert!(matches!(after.step, Step::StartHook(Position { stage: crate::hooks::Stage::Post, .. })));
}

#[test]
fn the_job_is_waited_for_and_speaks_for_itself() {
    let waiting = session(&status(&STARTED));
    let observed = Observed { restore: running(), ..Observed::default() };
    assert_eq!(decide(&waiting, &observed, at(1)).step, Step::Wait(Next::AwaitChange));
    for phase in ["Succeeded", "Failed"] {
        let done = session(&restored(&STARTED, phase));
        let plan = decide(&done, &observed, at(22));
        assert_eq!(plan.step, Step::Finish);
        assert_eq!(plan.status.phase.unwrap().as_str(), phase);
        assert_eq!(plan.status.duration.as_deref(), Some("22s"));
    }
}

#[test]
fn a_job_that_ends_without_a_word_leaves_the_restore_incomplete() {
    let failed = json!([{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]);
    let evicted = json!([{"metadata": {"name": "p"}, "status": {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}}]);
    for (restore, told) in [
        (execution(&failed, &evicted), "pod \"p\" was ended: Evicted: low on memory"),
        (
            execution(&json!([{"type": "Complete", "status": "True"}]), &json!([])),
            "the restore Job ended without reporting",
        ),
        (Execution::default(), "the restore Job was deleted before the restore was complete"),
    ] {
        let running = session(&restored(&STARTED, "Running"));
        let observed = Observed { restore, ..Observed::default() };
        let plan = decide(&running, &observed, at(9));
        assert_eq!(message(&plan, word::RESTORE_INCOMPLETE), Some(told));
        let next = RestoreSession { status: Some(plan.status), ..running };
        let end = decide(&next, &observed, at(9));
        assert_eq!((end.step, end.status.phase), (Step::Finish, Some(RestorePhase::Failed)), "{told}");
    }
}

#[test]
fn a_job_that_does_not_stop_at_its_deadline_is_ended() {
    let mut late = restored(&STARTED, "Running");
    late["restoreDeadline"] = json!("2026-11-22T10:10:00Z");
    let late = session(&late);
    let observed = Observed { restore: running(), ..Observed::default() };
    assert_eq!(
        decide(&late, &observed, at(600)).step,
        Step::Wait(Next::After(Duration::from_millis(31_050)))
    );
    let plan = decide(&late, &observed, at(631));
    assert_eq!(plan.step, Step::EndRestore);
    assert_eq!(message(&plan, word::RESTORE_INCOMPLETE), Some("deadline exceeded"));
    let plan = decide(&late, &Observed::default(), at(631));
    assert_eq!(message(&plan, word::RESTORE_INCOMPLETE), Some("deadline exceeded"), "the Job is gone");
}

#[test]
fn a_pod_that_does_not_start_is_spoken_of_and_then_given_up() {
    let pods = json!([{"metadata": {"name": "p", "creationTimestamp": CREATED}, "status": {"phase": "Pending", "containerStatuses": [
        {"name": "manifest-restore-0", "image": "gone:1", "imageID": "", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}}]);
    let waiting = session(&status(&STARTED));
    let observed = Observed { restore: execution(&json!([]), &pods), ..Observed::default() };
    let pending = crds::core::backup_session::condition::POD_PENDING_TOO_LONG;
    assert_eq!(
        decide(&waiting, &observed, at(30)).step,
        Step::Wait(Next::After(Duration::from_millis(30_050)))
    );
    let late = decide(&waiting, &observed, at(60));
    assert!(message(&late, pending).unwrap().contains("ImagePullBackOff"));
    let given_up = decide(&waiting, &observed, at(180));
    assert_eq!(given_up.step, Step::EndRestore);
    assert!(message(&given_up, word::RESTORE_EXECUTOR_ENSURED).unwrap().contains("ImagePullBackOff"));
    let spoken_of = RestoreSession { status: Some(late.status), ..waiting };
    let plan = decide(&spoken_of, &Observed { restore: running(), ..Observed::default() }, at(70));
    assert_eq!((&plan.step, message(&plan, pending)), (&Step::Record, None), "it runs now");
}

fn configuration(name: &str, paused: bool) -> BackupConfiguration {
    serde_json::from_value(json!({
        "metadata": {"name": name, "namespace": "demo"},
        "spec": {"target": {"apiGroup": "apps", "kind": "Deployment", "name": "orders"}, "paused": paused},
    }))
    .unwrap()
}

#[test]
fn the_backups_of_the_target_rest_while_it_is_restored() {
    let spec =
        json!({"target": {"apiGroup": "apps", "kind": "Deployment", "namespace": "demo", "name": "orders"}});
    let session = session_with(&spec, &Value::Null);
    let configurations = vec![configuration("orders", false), configuration("by-hand", true)];
    let first = decide(&session, &Observed { configurations: configurations.clone(), ..new() }, at(0));
    let paused: Vec<_> = first.status.paused_backups.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(paused, ["orders"], "what a person has paused is not ours");

    let valid = RestoreSession { status: Some(first.status), ..session };
    let observed = Observed { configurations, ..Observed::default() };
    let Step::Pause(open) = decide(&valid, &observed, at(1)).step else { panic!("not paused") };
    assert_eq!(open.len(), 1);
    let mut held = configuration("orders", true);
    held.metadata.annotations = serde_json::from_value(
        pause::pause(&configuration("orders", false), &valid)["metadata"]["annotations"].clone(),
    )
    .unwrap();
    let observed = Observed { configurations: vec![held], ..Observed::default() };
    assert_eq!(decide(&valid, &observed, at(2)).step, Step::StartRestore);

    let mut failed = valid.status.clone().unwrap();
    condition::set(
        &mut failed.conditions,
        NewCondition::new(word::RESTORE_EXECUTOR_ENSURED, false, word::FAILED_TO_ENSURE_RESTORE_EXECUTOR),
        at(3),
    );
    let failed = RestoreSession { status: Some(failed), ..valid };
    let plan = decide(&failed, &observed, at(4));
    assert!(
        matches!(&plan.step, Step::Resume(held) if held.len() == 1),
        "also when it fails: {:?}",
        plan.step
    );
    // Whoever else holds the field keeps it where it is: the session ends nevertheless.
    let resumed = RestoreSession { status: Some(plan.status), ..failed };
    let observed = Observed { configurations: vec![configuration("orders", false)], ..Observed::default() };
    let plan = decide(&resumed, &observed, at(5));
    assert_eq!((plan.step, plan.status.paused_backups), (Step::Finish, Vec::new()));
}

/// Runs a session as the driver does, every step succeeding, and gives the types of the conditions.
fn run(
    mut session: RestoreSession,
    mut world: impl FnMut(&Step, &mut RestoreSession) -> Observed,
) -> (RestorePhase, Vec<String>) {
    let mut observed = world(&Step::Record, &mut session);
    for _ in 0..20 {
        let plan = decide(&session, &observed, at(1));
        session.status = Some(plan.status);
        if is_at_rest(&session) {
            break;
        }
        observed = world(&plan.step, &mut session);
    }
    let status = session.status.unwrap();
    let types = status.conditions.iter().map(|condition| condition.type_.clone()).collect();
    (status.phase.unwrap(), types)
}

#[test]
fn conditions_come_in_the_order_of_the_contract() {
    let hooks = json!({"hooks": {"preRestore": [{"name": "a", "hookTemplate": {"name": "t"}}], "postRestore": [{"name": "b"}]}});
    let template = || {
        let template = json!({"metadata": {"name": "t", "namespace": "demo"}, "spec": {}});
        std::collections::BTreeMap::from([(
            crds::reference::ObjectReference::new("demo", "t"),
            serde_json::from_value(template).unwrap(),
        )])
    };
    let mut spec = hooks;
    spec["hooks"]["postRestore"][0]["hookTemplate"] = json!({"name": "t"});
    let (phase, types) = run(session_with(&spec, &Value::Null), |step, session| {
        if *step == Step::StartRestore {
            session.status.as_mut().unwrap().components =
                serde_json::from_value(json!({"manifest": {"phase": "Succeeded"}})).unwrap();
        }
        let mut observed = new();
        observed.found.as_mut().unwrap().hook_templates = template();
        observed.hook = execution(&json!([{"type": "Complete", "status": "True"}]), &json!([]));
        observed
    });
    assert_eq!(phase, RestorePhase::Succeeded);
    assert_eq!(
        types,
        [
            "ValidationPassed",
            "PreRestoreHooksExecutionSucceeded",
            "RestoreExecutorEnsured",
            "PostRestoreHooksExecutionSucceeded",
            "MetricsPushed"
        ]
    );
}

#[test]
fn whatever_ends_a_session_early_leaves_it_failed_or_invalid_and_never_pending() {
    for (types, expected) in [
        (vec!["!ValidationPassed"], RestorePhase::Invalid),
        (vec!["ValidationPassed", "!PreRestoreHooksExecutionSucceeded"], RestorePhase::Failed),
        (vec!["ValidationPassed", "!RestoreExecutorEnsured"], RestorePhase::Failed),
        (vec!["ValidationPassed", "RestoreExecutorEnsured", "RestoreIncomplete"], RestorePhase::Failed),
    ] {
        let (phase, _) = run(session(&status(&types)), |_, _| Observed::default());
        assert_eq!(phase, expected, "{types:?}");
    }
}
