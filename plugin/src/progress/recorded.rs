//! Sequences of states as they were recorded from a cluster, for the tests of every reader.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::View;
use super::run::{Change, Run};

/// The run that is told about.
pub const RUN: &str = "shop-nightly-1763806800";

/// So many seconds after the run was created.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_763_806_800 + second).unwrap()
}

fn time(second: i64) -> String {
    at(second).to_string()
}

/// A condition that changed at that second.
pub fn condition(type_: &str, status: &str, message: &str, second: i64) -> Value {
    json!({"type": type_, "status": status, "message": message, "reason": "r", "lastTransitionTime": time(second)})
}

/// The BackupSession in a state.
pub fn session(status: &Value) -> Change {
    let session = json!({
        "metadata": {"name": RUN, "namespace": "shop", "creationTimestamp": time(0)},
        "spec": {"invoker": {"kind": "BackupConfiguration", "name": "shop"}, "session": "nightly"},
        "status": status,
    });
    Change::Session(Box::new(serde_json::from_value(session).unwrap()))
}

/// The Snapshot of a repository, with its component in a state.
pub fn snapshot(repository: &str, phase: &str, component: &Value) -> Change {
    let components = if component.is_null() { json!({}) } else { json!({"manifest": component}) };
    let snapshot = json!({
        "metadata": {"name": format!("{repository}-{RUN}"), "namespace": "shop"},
        "spec": {"repository": repository, "session": "nightly", "backupSession": RUN},
        "status": {"phase": phase, "totalComponents": 1, "components": components},
    });
    Change::Snapshot(Box::new(serde_json::from_value(snapshot).unwrap()))
}

/// A component that stored so many of 61 objects.
pub fn running(done: u32) -> Value {
    let percent = format!("{:.2}%", f64::from(done) / 61.0 * 100.0);
    json!({"phase": "Running", "driver": "Restic", "resticStats": [{"progress": {
        "secondsElapsed": 1, "percentDone": percent, "totalFiles": 61, "filesDone": done, "backupDone": "1.1MB",
        "total": "1.4MB", "speed": "550kB/s"}}]})
}

/// A component that is done.
pub fn stored() -> Value {
    json!({"phase": "Succeeded", "integrity": true, "duration": "1.1s", "resticStats": [{
        "progress": {"percentDone": "100.00%", "totalFiles": 61, "filesDone": 61, "backupDone": "1.4MB", "total": "1.4MB"},
        "summary": {"id": "59ec69047a36", "size": "1.335 MiB", "uploaded": "304.688 KiB"}}]})
}

/// A component that failed after it stored something.
pub fn failed(error: &str) -> Value {
    json!({"phase": "Failed", "error": error, "resticStats": [{
        "progress": {"totalFiles": 61, "filesDone": 58},
        "summary": {"id": "59ec69047a36", "size": "1.335 MiB", "uploaded": "304.688 KiB"}}]})
}

/// The pod of the backup Job.
pub fn pod(status: &Value) -> Change {
    let labels =
        json!({"kubestash.com/invoker-name": RUN, "app.kubernetes.io/component": "kubestash-backup"});
    let pod = json!({
        "metadata": {"name": format!("{RUN}-x7k2q"), "namespace": "shop", "labels": labels, "creationTimestamp": time(1)},
        "status": status,
    });
    Change::Pod(Box::new(serde_json::from_value(pod).unwrap()))
}

/// A warning about the pod.
pub fn warning(message: &str) -> Change {
    let event = json!({
        "metadata": {"name": "e", "namespace": "shop"},
        "involvedObject": {"kind": "Pod", "name": format!("{RUN}-x7k2q")},
        "type": "Warning",
        "message": message,
    });
    Change::Warning(Box::new(serde_json::from_value(event).unwrap()))
}

fn prepared() -> Vec<Value> {
    vec![condition("SnapshotsEnsured", "True", "", 1), condition("BackupExecutorEnsured", "True", "", 1)]
}

fn status(phase: &str, snapshot: &str, more: Vec<Value>) -> Value {
    json!({
        "phase": phase,
        "snapshots": [{"name": format!("shop-repo-{RUN}"), "phase": snapshot, "repository": "shop-repo"}],
        "conditions": ([prepared(), more].concat()),
    })
}

/// A run that goes well, with the second of each state.
pub fn good() -> Vec<(i64, Change)> {
    let ended = vec![
        condition("RetentionPolicyExecutorEnsured", "True", "", 4),
        condition("MetricsPushed", "True", "", 4),
    ];
    let mut done = status("Succeeded", "Succeeded", ended);
    done["duration"] = "4s".into();
    done["retentionPolicy"] = json!([{"repository": "shop-repo", "phase": "Applied"}]);
    vec![
        (0, session(&json!({"phase": "Pending"}))),
        (1, session(&status("Running", "Pending", Vec::new()))),
        (1, snapshot("shop-repo", "Pending", &Value::Null)),
        (1, pod(&json!({"phase": "Pending"}))),
        (2, pod(&json!({"phase": "Running", "startTime": time(2)}))),
        (2, snapshot("shop-repo", "Running", &running(0))),
        (3, snapshot("shop-repo", "Running", &running(47))),
        (4, snapshot("shop-repo", "Succeeded", &stored())),
        (4, session(&done)),
    ]
}

/// A run whose reader may not list Secrets.
pub fn forbidden() -> Vec<(i64, Change)> {
    let error = "ServiceAccount shop/default may not list secrets in namespace shop\nmore";
    let mut states = good();
    states.truncate(6);
    let ended = vec![condition("MetricsPushed", "True", "", 3)];
    let mut done = status("Failed", "Failed", ended);
    done["duration"] = "3s".into();
    states.push((3, snapshot("shop-repo", "Failed", &failed(error))));
    states.push((3, session(&done)));
    states
}

/// A run whose pod finds no node.
pub fn stuck() -> Vec<(i64, Change)> {
    let unschedulable = json!({"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available: insufficient memory"}]});
    let mut states = good();
    states.truncate(4);
    states.push((2, pod(&unschedulable)));
    states
}

/// A run whose pod cannot pull its image.
pub fn unpulled() -> Vec<(i64, Change)> {
    let message = "Back-off pulling image \"registry.example/kubestash:1\": not found";
    let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": message}});
    let container = json!({
        "name": "backup", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": waiting});
    let mut states = good();
    states.truncate(4);
    states.push((3, pod(&json!({"phase": "Pending", "containerStatuses": [container]}))));
    states
}

/// A run that gets no pod: the Job says so, and is named as the run.
pub fn over_quota() -> Vec<(i64, Change)> {
    let message = format!(
        "Error creating: pods \"{RUN}-x7k2q\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=10, limited: pods=10"
    );
    let event = json!({
        "metadata": {"name": "e", "namespace": "shop"},
        "involvedObject": {"kind": "Job", "name": RUN},
        "type": "Warning",
        "message": message,
    });
    let mut states = good();
    states.truncate(3);
    states.push((2, Change::Warning(Box::new(serde_json::from_value(event).unwrap()))));
    states
}

/// A run that waits for somebody's lock.
pub fn held_up() -> Vec<(i64, Change)> {
    let holder = "the repository is locked: exclusive lock of ann@laptop (process 42)";
    let mut states = good();
    states.truncate(6);
    let mut component = running(0);
    component["error"] = holder.into();
    states.push((4, snapshot("shop-repo", "Running", &component)));
    states
}

/// A run that waited for somebody's lock, in vain.
pub fn locked() -> Vec<(i64, Change)> {
    let error = "repository \"nightly/manifest\" in s3 backups is locked: exclusive lock of ann@laptop (process 42), 3m 1s old";
    let mut states = good();
    states.truncate(6);
    let mut done = status("Failed", "Failed", vec![condition("MetricsPushed", "True", "", 600)]);
    done["duration"] = "10m0s".into();
    states.push((600, snapshot("shop-repo", "Failed", &json!({"phase": "Failed", "error": error}))));
    states.push((600, session(&done)));
    states
}

/// A run that did not begin, because another one went on.
pub fn skipped() -> Vec<(i64, Change)> {
    let why = "another run (shop-nightly-1763803200) was still active";
    let conditions = [condition("BackupSkipped", "True", why, 1)];
    vec![
        (0, session(&json!({"phase": "Pending"}))),
        (1, session(&json!({"phase": "Skipped", "conditions": conditions}))),
    ]
}

/// A run that failed and is tried again in five minutes.
pub fn tried_again() -> Vec<(i64, Change)> {
    let mut states = forbidden();
    let mut done = status("Failed", "Failed", vec![condition("MetricsPushed", "True", "", 3)]);
    done["duration"] = "3s".into();
    done["retried"] = false.into();
    done["nextRetry"] = time(303).into();
    states.pop();
    states.push((3, session(&done)));
    states
}

/// A run that was over when somebody began to look: each object is seen once, in its last state.
pub fn finished() -> Vec<(i64, Change)> {
    let mut states = good();
    let seen: Vec<Change> = [8, 7, 4].into_iter().map(|index| states.swap_remove(index).1).collect();
    seen.into_iter().map(|change| (3600, change)).collect()
}

/// A run of a component whose size nobody knows beforehand.
pub fn boundless() -> Vec<(i64, Change)> {
    let progress = json!({"filesDone": 1204, "backupDone": "1.04GB", "speed": "52MB/s"});
    let mut states = good();
    states.truncate(5);
    states.push((
        9,
        snapshot(
            "shop-repo",
            "Running",
            &json!({"phase": "Running", "resticStats": [{"progress": progress}]}),
        ),
    ));
    states
}

/// A run of three repositories: one done, one on its way, one that waits for its turn.
pub fn several() -> Vec<(i64, Change)> {
    let names = ["near", "far", "third"].map(|name| json!({"name": format!("{name}-{RUN}")}));
    vec![
        (1, session(&json!({"phase": "Running", "snapshots": names, "conditions": prepared()}))),
        (2, pod(&json!({"phase": "Running", "startTime": time(2)}))),
        (3, snapshot("near", "Succeeded", &stored())),
        (3, snapshot("far", "Running", &running(20))),
        (3, snapshot("third", "Pending", &json!({"phase": "Pending"}))),
    ]
}

/// Plays states to a run, and says what it looked like after each.
pub fn play(states: &[(i64, Change)]) -> Vec<(Timestamp, View)> {
    let mut run = Run::new("shop", RUN);
    let views = states.iter().map(|(second, change)| {
        run.note(change, at(*second));
        (at(*second), run.view(at(*second)))
    });
    views.collect()
}

/// What a run looks like after all of these states.
pub fn last(states: &[(i64, Change)]) -> View {
    play(states).pop().unwrap().1
}
