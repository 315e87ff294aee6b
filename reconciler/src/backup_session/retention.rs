//! Which Snapshots the retention policies of a session remove (contract §6.6, A25).
//!
//! Pure. The operator asks to know whether a Job is needed at all, the Job asks to know what to do.

use std::collections::BTreeMap;

use crds::core::backup_session::{RetentionPolicyApplication, RetentionPolicyPhase};
use crds::core::{BackupConfiguration, BackupSession};
use crds::reference::ObjectReference;
use crds::retention::{Candidate, Outcome, Rules, select};
use crds::storage::snapshot::SnapshotPhase;
use crds::storage::{RetentionPolicy, Snapshot};
use jiff::Timestamp;

use super::observed::Observed;

/// A policy and what it removes from a repository of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The policy.
    pub policy: ObjectReference,
    /// Name of the Repository.
    pub repository: String,
    /// Names of the Snapshots to remove.
    pub remove: Vec<String>,
    /// Why the policy cannot be applied.
    pub problem: Option<String>,
}

impl Wanted {
    /// The record of a policy that has nothing to remove, or cannot be applied.
    #[must_use]
    pub fn without_removal(self) -> RetentionPolicyApplication {
        let phase = if self.problem.is_none() {
            RetentionPolicyPhase::Applied
        } else {
            RetentionPolicyPhase::FailedToApply
        };
        self.application(phase)
    }

    /// The record of this policy in `phase`.
    #[must_use]
    pub fn application(self, phase: RetentionPolicyPhase) -> RetentionPolicyApplication {
        let Self { policy, repository, remove: _, problem } = self;
        RetentionPolicyApplication { ref_: Some(policy), repository, phase: Some(phase), error: problem }
    }
}

/// [`wanted`] of what the operator has read.
#[must_use]
pub fn of_session(session: &BackupSession, observed: &Observed, now: Timestamp) -> Vec<Wanted> {
    let Some(configuration) = &observed.configuration else { return Vec::new() };
    wanted(session, configuration, &observed.kept, &observed.policies, now)
}

/// The policy of each repository of the session that has one, in the session's order.
#[must_use]
pub fn wanted(
    session: &BackupSession,
    configuration: &BackupConfiguration,
    snapshots: &[Snapshot],
    policies: &BTreeMap<String, RetentionPolicy>,
    now: Timestamp,
) -> Vec<Wanted> {
    references(session, configuration)
        .into_iter()
        .map(|(repository, policy)| {
            let rules = match policies.get(&policy.to_string()) {
                None => Err(format!("RetentionPolicy {:?} does not exist", policy.to_string())),
                Some(found) => Rules::of(&found.spec)
                    .map_err(|error| format!("RetentionPolicy {:?}: {error}", policy.to_string())),
            };
            let candidates: Vec<_> = snapshots
                .iter()
                .filter_map(|snapshot| candidate(snapshot, &repository, &session.spec.session))
                .collect();
            match rules {
                Ok(rules) => {
                    let remove =
                        select(&rules, &candidates, now).remove.into_iter().map(|(name, _)| name).collect();
                    Wanted { policy, repository, remove, problem: None }
                }
                Err(problem) => Wanted { policy, repository, remove: Vec::new(), problem: Some(problem) },
            }
        })
        .collect()
}

/// The policies that the repositories of the session are under: as the configuration's status has resolved them,
/// defaults included, else as its spec says.
#[must_use]
pub fn references(
    session: &BackupSession,
    configuration: &BackupConfiguration,
) -> Vec<(String, ObjectReference)> {
    let namespace = configuration.metadata.namespace.as_deref().unwrap_or_default();
    let Some(session) = configuration.session(&session.spec.session) else { return Vec::new() };
    let resolved = |backend: &str| {
        let status = configuration.status.as_ref()?;
        let backend = status.backends.iter().find(|found| found.name == backend)?;
        backend.retention_policy.as_ref()?.ref_.clone()
    };
    let written = |backend: &str| configuration.backend(backend)?.retention_policy.clone();
    session
        .repositories
        .iter()
        .filter_map(|repository| {
            let policy = resolved(&repository.backend).or_else(|| written(&repository.backend))?;
            Some((repository.name.clone(), policy.resolved(namespace)))
        })
        .collect()
}

/// A Snapshot of that repository and session that is not being removed already.
fn candidate(snapshot: &Snapshot, repository: &str, session: &str) -> Option<Candidate> {
    let spec = &snapshot.spec;
    if spec.repository != repository
        || spec.session != session
        || snapshot.metadata.deletion_timestamp.is_some()
    {
        return None;
    }
    let status = snapshot.status.as_ref();
    let time = status
        .and_then(|status| status.snapshot_time.as_ref())
        .or(snapshot.metadata.creation_timestamp.as_ref())?;
    let outcome = match status.and_then(|status| status.phase) {
        Some(SnapshotPhase::Succeeded) => Outcome::Succeeded,
        Some(SnapshotPhase::Failed) => Outcome::Failed,
        None | Some(SnapshotPhase::Pending | SnapshotPhase::Running) => Outcome::Unfinished,
    };
    Some(Candidate { name: snapshot.metadata.name.clone()?, time: time.0, outcome })
}

/// The record after a Job that ended too early: what it reported stays, the rest failed because of `why`.
#[must_use]
pub fn unreported(
    reported: &[RetentionPolicyApplication],
    wanted: Vec<Wanted>,
    why: &str,
) -> Vec<RetentionPolicyApplication> {
    let is_final = |one: &RetentionPolicyApplication| {
        one.phase.is_some_and(|phase| phase != RetentionPolicyPhase::Pending)
    };
    wanted
        .into_iter()
        .map(|one| {
            let known = reported.iter().find(|known| known.repository == one.repository && is_final(known));
            known.cloned().unwrap_or_else(|| RetentionPolicyApplication {
                error: Some(why.to_owned()),
                ..one.application(RetentionPolicyPhase::FailedToApply)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn session() -> BackupSession {
        serde_json::from_value(json!({"metadata": {"name": "shop-nightly-1", "namespace": "demo"}, "spec": {"invoker": {"kind": "BackupConfiguration", "name": "shop"}, "session": "nightly"}})).unwrap()
    }

    fn configuration(status: &Value) -> BackupConfiguration {
        serde_json::from_value(json!({
            "metadata": {"name": "shop", "namespace": "demo"},
            "spec": {
                "backends": [{"name": "s3", "retentionPolicy": {"name": "keep"}}, {"name": "bare"}],
                "sessions": [{"name": "nightly", "repositories": [{"name": "one", "backend": "s3"}, {"name": "two", "backend": "bare"}]}],
            },
            "status": status,
        }))
        .unwrap()
    }

    fn policy(spec: &Value) -> BTreeMap<String, RetentionPolicy> {
        BTreeMap::from([("demo/keep".to_owned(), serde_json::from_value(json!({"spec": spec})).unwrap())])
    }

    fn snapshot(name: &str, hour: i32, phase: &str, session: &str) -> Snapshot {
        serde_json::from_value(json!({
            "metadata": {"name": name}, "spec": {"repository": "one", "session": session},
            "status": {"phase": phase, "snapshotTime": format!("2026-11-22T{hour:02}:00:00Z")},
        }))
        .unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-22T23:00:00Z".parse().unwrap()
    }

    #[test]
    fn only_snapshots_of_the_session_are_counted() {
        let mut deleted = snapshot("deleted", 22, "Succeeded", "nightly");
        deleted.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now()));
        let snapshots = [
            snapshot("old", 1, "Succeeded", "nightly"),
            snapshot("new", 2, "Succeeded", "nightly"),
            snapshot("running", 0, "Running", "nightly"),
            snapshot("weekly", 0, "Succeeded", "weekly"),
            deleted,
        ];
        let policies = policy(&json!({"successfulSnapshots": {"last": 1}}));
        let found = wanted(&session(), &configuration(&json!(null)), &snapshots, &policies, now());
        assert_eq!(
            found,
            [Wanted {
                policy: ObjectReference::new("demo", "keep"),
                repository: "one".to_owned(),
                remove: vec!["old".to_owned()],
                problem: None
            }]
        );
    }

    #[test]
    fn the_policy_that_the_status_has_resolved_wins() {
        let status = json!({"backends": [
            {"name": "s3", "ready": true},
            {"name": "bare", "ready": true, "retentionPolicy": {"ref": {"namespace": "other", "name": "default"}, "found": true}},
        ]});
        assert_eq!(
            references(&session(), &configuration(&status)),
            [
                ("one".to_owned(), ObjectReference::new("demo", "keep")),
                ("two".to_owned(), ObjectReference::new("other", "default")),
            ]
        );
    }

    #[test]
    fn a_policy_that_cannot_be_read_removes_nothing_and_says_so() {
        let configuration = configuration(&json!(null));
        let snapshots = [snapshot("old", 1, "Succeeded", "nightly")];
        for (policies, expected) in [
            (BTreeMap::new(), "RetentionPolicy \"demo/keep\" does not exist"),
            (
                policy(&json!({"maxRetentionPeriod": "soon"})),
                "RetentionPolicy \"demo/keep\": failed to read the retention period",
            ),
        ] {
            let found = wanted(&session(), &configuration, &snapshots, &policies, now());
            assert!(found[0].remove.is_empty());
            let record = found[0].clone().without_removal();
            assert_eq!(record.phase, Some(RetentionPolicyPhase::FailedToApply));
            assert!(record.error.unwrap().starts_with(expected));
        }
    }

    #[test]
    fn what_a_job_reported_before_it_died_is_kept() {
        let one = |repository: &str| Wanted {
            policy: ObjectReference::new("demo", "keep"),
            repository: repository.to_owned(),
            remove: Vec::new(),
            problem: None,
        };
        let reported = [
            one("one").application(RetentionPolicyPhase::Applied),
            one("two").application(RetentionPolicyPhase::Pending),
        ];
        let record = unreported(&reported, vec![one("one"), one("two"), one("three")], "OOMKilled");
        let phases: Vec<_> = record.iter().map(|one| (one.phase.unwrap(), one.error.as_deref())).collect();
        assert_eq!(
            phases,
            [
                (RetentionPolicyPhase::Applied, None),
                (RetentionPolicyPhase::FailedToApply, Some("OOMKilled")),
                (RetentionPolicyPhase::FailedToApply, Some("OOMKilled")),
            ]
        );
    }
}
