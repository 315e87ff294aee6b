//! What the status of a Snapshot says, and when its YAML goes to the bucket (contract §2.2, §8.3 step 6).

use crds::condition::{self, NewCondition};
use crds::core::BackupSession;
use crds::core::backup_session::condition as session_word;
use crds::storage::repository::RECENT_SNAPSHOTS;
use crds::storage::snapshot::condition as word;
use crds::storage::{Repository, Snapshot, SnapshotStatus};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::first;
use crate::executor::State;

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The Repository, when it exists.
    pub repository: Option<Repository>,
    /// Who makes the Snapshot; read only while it is being made.
    pub maker: Maker,
}

/// Who makes the Snapshot.
#[derive(Clone, Debug, Default)]
pub enum Maker {
    /// Nobody: it is complete.
    #[default]
    Nobody,
    /// Its BackupSession is gone.
    Gone,
    /// Its BackupSession, and the state of the Job, when there is one.
    Session(Box<BackupSession>, Option<State>),
}

/// What follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The status, without the components, which belong to the Job.
    pub status: SnapshotStatus,
    /// The Snapshot as it goes to the bucket, when it has to; then its status counts.
    pub upload: Option<Snapshot>,
}

/// Judges a Snapshot that is not being deleted.
#[must_use]
pub fn decide(snapshot: &Snapshot, observed: &Observed, now: Timestamp) -> Plan {
    let mut status = snapshot.status.clone().unwrap_or_default();
    if let Maker::Session(session, _) = &observed.maker {
        first::complete(&mut status, session);
    }
    if is_listed(snapshot, observed.repository.as_ref()) {
        let updated = NewCondition::new(
            word::RECENT_SNAPSHOT_LIST_UPDATED,
            true,
            word::SUCCESSFULLY_UPDATED_RECENT_SNAPSHOT_LIST,
        );
        condition::set(&mut status.conditions, updated, now);
    }
    if !is_complete(&status)
        && let Some(why) = abandoned(snapshot, &observed.maker, now)
    {
        let incomplete = NewCondition::new(
            word::BACKUP_INCOMPLETE,
            true,
            word::BACKUP_EXECUTOR_TERMINATED_BEFORE_COMPLETION,
        );
        condition::set(&mut status.conditions, incomplete.message(why), now);
    }
    status.size = status.total_size();
    status.integrity = status.total_integrity();
    let upload = (is_complete(&status) && !condition::is_true(&status.conditions, word::METADATA_UPLOADED))
        .then(|| uploaded(snapshot, &mut status, now));
    status.phase = Some(status.phase());
    Plan { status: without_components(status), upload }
}

/// The status after the upload.
#[must_use]
pub fn after_upload(uploaded: Snapshot) -> SnapshotStatus {
    without_components(uploaded.status.unwrap_or_default())
}

/// The status after an upload that failed for good.
#[must_use]
pub fn after_failure(
    mut status: SnapshotStatus,
    snapshot: &Snapshot,
    why: &str,
    now: Timestamp,
) -> SnapshotStatus {
    let failed = NewCondition::new(word::METADATA_UPLOADED, false, word::FAILED_TO_UPLOAD_SNAPSHOT_METADATA);
    condition::set(&mut status.conditions, failed.message(why), now);
    status.components = snapshot.status.as_ref().map(|status| status.components.clone()).unwrap_or_default();
    status.phase = Some(status.phase());
    without_components(status)
}

/// The components belong to the Job: who applies a field owns it.
fn without_components(mut status: SnapshotStatus) -> SnapshotStatus {
    status.components.clear();
    status
}

/// Nothing more is going to be written to it.
fn is_complete(status: &SnapshotStatus) -> bool {
    status.components_phase().is_completed()
        || condition::is_true(&status.conditions, word::BACKUP_INCOMPLETE)
}

/// Whether the Snapshot is still being made.
#[must_use]
pub fn is_being_made(snapshot: &Snapshot) -> bool {
    !snapshot.status.as_ref().is_some_and(is_complete)
}

/// Whether the Repository knows of the Snapshot and the bucket has it: then nothing else decides about it any more.
#[must_use]
pub fn is_settled(snapshot: &Snapshot) -> bool {
    snapshot.status.as_ref().is_some_and(|status| {
        let is_true = |type_: &str| condition::is_true(&status.conditions, type_);
        is_complete(status) && is_true(word::METADATA_UPLOADED) && is_true(word::RECENT_SNAPSHOT_LIST_UPDATED)
    })
}

/// The Snapshot with the status that it has once it is in the bucket: another cluster takes it from there.
fn uploaded(snapshot: &Snapshot, status: &mut SnapshotStatus, now: Timestamp) -> Snapshot {
    // The first attempt sets the time; it says since when later ones have failed.
    status.last_update_time.get_or_insert(Time(now));
    let mut status = status.clone();
    let uploaded =
        NewCondition::new(word::METADATA_UPLOADED, true, word::SUCCESSFULLY_UPLOADED_SNAPSHOT_METADATA);
    condition::set(&mut status.conditions, uploaded, now);
    status.phase = Some(status.phase());
    let mut uploaded = Snapshot { status: Some(status), ..snapshot.clone() };
    uploaded.metadata.managed_fields = None;
    uploaded
}

/// Whether the Repository's list of recent Snapshots has taken notice of this one: it is in it, or the list is full.
fn is_listed(snapshot: &Snapshot, repository: Option<&Repository>) -> bool {
    let Some(status) = repository.and_then(|repository| repository.status.as_ref()) else { return false };
    let name = snapshot.metadata.name.as_deref().unwrap_or_default();
    let recent = &status.recent_snapshots;
    let time = snapshot.status.as_ref().and_then(|status| status.snapshot_time.as_ref());
    let is_newer = |other: Option<&Time>| other.zip(time).is_some_and(|(other, ours)| other.0 > ours.0);
    recent.iter().any(|one| one.name == name)
        || (recent.len() == RECENT_SNAPSHOTS && recent.iter().all(|one| is_newer(one.snapshot_time.as_ref())))
}

/// Why nobody is going to complete the Snapshot, if so.
fn abandoned(snapshot: &Snapshot, maker: &Maker, now: Timestamp) -> Option<String> {
    let (session, job) = match maker {
        Maker::Nobody => return None,
        Maker::Gone => {
            let session = &snapshot.spec.backup_session;
            return Some(format!("BackupSession {session:?} was deleted before the backup was complete"));
        }
        Maker::Session(session, job) => (session, job),
    };
    let status = session.status.clone().unwrap_or_default();
    let called_off = [
        session_word::SNAPSHOTS_ENSURED,
        session_word::PRE_BACKUP_HOOKS_EXECUTION_SUCCEEDED,
        session_word::BACKUP_EXECUTOR_ENSURED,
    ]
    .iter()
    .find(|type_| condition::is_false(&status.conditions, type_));
    if let Some(condition) = called_off.and_then(|type_| condition::find(&status.conditions, type_)) {
        let why = condition.message.as_deref().or(condition.reason.as_deref()).unwrap_or_default();
        return Some(format!("the backup did not take place: {why}"));
    }
    if !condition::is_true(&status.conditions, session_word::BACKUP_EXECUTOR_ENSURED) {
        return None;
    }
    match job {
        Some(State::Waiting(_) | State::Running) => None,
        Some(State::Failed(why)) => Some(why.clone()),
        Some(State::Succeeded) => Some("the backup Job ended without completing the backup".to_owned()),
        None if status.backup_deadline.as_ref().is_some_and(|deadline| deadline.0 < now) => {
            Some("deadline exceeded".to_owned())
        }
        None => Some("the backup Job was deleted before the backup was complete".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use crds::storage::snapshot::SnapshotPhase;
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-11-22T10:00:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn snapshot(status: &Value) -> Snapshot {
        serde_json::from_value(json!({
            "metadata": {"name": "repo-shop-nightly-1", "managedFields": [{"manager": "x"}]},
            "spec": {"repository": "repo", "session": "nightly", "backupSession": "shop-nightly-1"},
            "status": status,
        }))
        .unwrap()
    }

    fn with_component(component: &Value) -> Snapshot {
        snapshot(&json!({"totalComponents": 1, "snapshotTime": NOW, "components": {"manifest": component}}))
    }

    fn maker(conditions: &Value, job: Option<State>) -> Observed {
        let session = serde_json::from_value(json!({
            "metadata": {"name": "shop-nightly-1"},
            "spec": {"invoker": {"kind": "BackupConfiguration", "name": "shop"}, "session": "nightly"},
            "status": {"conditions": conditions, "backupDeadline": "2026-11-22T09:00:00Z"},
        }))
        .unwrap();
        Observed { maker: Maker::Session(Box::new(session), job), ..Observed::default() }
    }

    fn executor_ensured() -> Value {
        json!([{"type": "BackupExecutorEnsured", "status": "True", "lastTransitionTime": NOW}])
    }

    fn done() -> Value {
        json!({"phase": "Succeeded", "size": "1.500 MiB", "integrity": true, "resticStats": [{"summary": {"id": "x"}}]})
    }

    #[test]
    fn a_snapshot_whose_component_is_done_goes_to_the_bucket_with_its_last_status() {
        let plan = decide(&with_component(&done()), &Observed::default(), now());
        assert_eq!(plan.status.phase, Some(SnapshotPhase::Running), "not before its YAML is in the bucket");
        assert_eq!(plan.status.size.as_deref(), Some("1.500 MiB"));
        assert_eq!(plan.status.integrity, Some(true));
        assert!(plan.status.components.is_empty(), "the components belong to the Job");
        let uploaded = plan.upload.unwrap();
        assert_eq!(uploaded.metadata.managed_fields, None);
        let status = uploaded.status.as_ref().unwrap();
        assert_eq!(status.phase, Some(SnapshotPhase::Succeeded));
        assert_eq!(status.components.len(), 1);
        assert!(condition::is_true(&status.conditions, word::METADATA_UPLOADED));
        assert_eq!(after_upload(uploaded).phase, Some(SnapshotPhase::Succeeded));
    }

    #[test]
    fn a_snapshot_that_was_read_before_its_first_status_keeps_it() {
        let plan = decide(&snapshot(&json!(null)), &maker(&json!([]), None), now());
        assert_eq!(plan.status.total_components, Some(1), "left out, an apply would take it away");
        assert!(plan.status.snapshot_time.is_some());
        assert_eq!(plan.status.phase, Some(SnapshotPhase::Pending));
        let reported = json!({"components": {"manifest": {"phase": "Failed", "error": "wrong password"}}});
        let plan = decide(&snapshot(&reported), &Observed::default(), now());
        assert_eq!(
            after_upload(plan.upload.unwrap()).phase,
            Some(SnapshotPhase::Failed),
            "whatever the total is"
        );
    }

    #[test]
    fn what_is_in_the_bucket_is_not_uploaded_again() {
        let first = decide(&with_component(&done()), &Observed::default(), now()).upload.unwrap();
        let again = decide(&first, &Observed::default(), now());
        assert_eq!(again.upload, None);
        assert_eq!(again.status, after_upload(first.clone()));
        assert!(!is_settled(&first), "the list of the Repository is still waited for");

        let repository =
            json!({"spec": {}, "status": {"recentSnapshots": [{"name": "repo-shop-nightly-1"}]}});
        let repository = serde_json::from_value(repository).unwrap();
        let listed = Observed { repository: Some(repository), ..Observed::default() };
        let components = first.status.as_ref().unwrap().components.clone();
        let status = SnapshotStatus { components, ..decide(&first, &listed, now()).status };
        let settled = Snapshot { status: Some(status.clone()), ..first };
        assert!(is_settled(&settled));
        let plan = decide(&settled, &Observed::default(), now());
        assert_eq!(plan, Plan { status: without_components(status), upload: None }, "whatever is not read");
    }

    #[test]
    fn a_failed_upload_fails_the_snapshot_until_it_succeeds() {
        let snapshot = with_component(&done());
        let status = decide(&snapshot, &Observed::default(), now()).status;
        let failed = after_failure(status, &snapshot, "bucket is gone", now());
        assert_eq!(failed.phase, Some(SnapshotPhase::Failed));
        let components = snapshot.status.as_ref().unwrap().components.clone();
        let failed = Snapshot { status: Some(SnapshotStatus { components, ..failed }), ..snapshot };
        let uploaded = decide(&failed, &Observed::default(), now()).upload.unwrap();
        assert_eq!(after_upload(uploaded).phase, Some(SnapshotPhase::Succeeded));
    }

    #[test]
    fn a_snapshot_that_nobody_completes_says_why() {
        let failed = |type_: &str| json!([{"type": type_, "status": "False", "message": "no such addon", "lastTransitionTime": NOW}]);
        let running = with_component(&json!({"phase": "Running"}));
        for (case, observed, expected) in [
            ("not started yet", maker(&json!([]), None), None),
            ("running", maker(&executor_ensured(), Some(State::Running)), None),
            (
                "killed",
                maker(&executor_ensured(), Some(State::Failed("OOMKilled".to_owned()))),
                Some("OOMKilled"),
            ),
            (
                "ended without a word",
                maker(&executor_ensured(), Some(State::Succeeded)),
                Some("the backup Job ended without completing the backup"),
            ),
            ("past its deadline", maker(&executor_ensured(), None), Some("deadline exceeded")),
            (
                "no executor",
                maker(&failed("BackupExecutorEnsured"), None),
                Some("the backup did not take place: no such addon"),
            ),
            (
                "hook failed",
                maker(&failed("PreBackupHooksExecutionSucceeded"), None),
                Some("the backup did not take place: no such addon"),
            ),
            (
                "session gone",
                Observed { maker: Maker::Gone, ..Observed::default() },
                Some("BackupSession \"shop-nightly-1\" was deleted before the backup was complete"),
            ),
        ] {
            let plan = decide(&running, &observed, now());
            let told = condition::find(&plan.status.conditions, word::BACKUP_INCOMPLETE)
                .and_then(|condition| condition.message.as_deref());
            assert_eq!(told, expected, "{case}");
            assert_eq!(plan.upload.is_some(), expected.is_some(), "{case}");
            let phase = if expected.is_some() { SnapshotPhase::Failed } else { SnapshotPhase::Running };
            assert_eq!(plan.status.phase, Some(phase), "{case}");
        }
    }

    #[test]
    fn a_job_that_dies_after_its_report_takes_nothing_back() {
        let observed = maker(&executor_ensured(), Some(State::Failed("OOMKilled".to_owned())));
        let plan = decide(&with_component(&done()), &observed, now());
        assert!(!condition::exists(&plan.status.conditions, word::BACKUP_INCOMPLETE));
    }

    #[test]
    fn the_list_of_the_repository_is_waited_for() {
        let ours = with_component(&json!({"phase": "Running"}));
        let list = |entries: &Value| -> Observed {
            let repository =
                serde_json::from_value(json!({"spec": {}, "status": {"recentSnapshots": entries}})).unwrap();
            Observed { repository: Some(repository), ..Observed::default() }
        };
        let other = |time: &str| json!({"name": "x", "snapshotTime": time});
        let newer = other("2026-11-22T10:00:01Z");
        for (entries, listed) in [
            (json!([]), false),
            (json!([{"name": "repo-shop-nightly-1"}]), true),
            (json!([newer]), false),
            (json!([newer, newer, newer, newer, newer]), true),
            (json!([newer, newer, newer, newer, other("2026-11-22T09:00:00Z")]), false),
        ] {
            let plan = decide(&ours, &list(&entries), now());
            assert_eq!(
                condition::is_true(&plan.status.conditions, word::RECENT_SNAPSHOT_LIST_UPDATED),
                listed,
                "{entries}"
            );
        }
    }
}
