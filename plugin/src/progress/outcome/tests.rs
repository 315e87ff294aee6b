use serde_json::{Value, json};

use super::*;
use crate::progress::recorded::{
    condition, failed, forbidden, good, last, session, snapshot, stored as whole,
};
use crate::progress::run::Change;

fn ended(phase: &str, conditions: &[Value], snapshots: Vec<Change>) -> Outcome {
    let mut states = vec![(0, session(&json!({"phase": phase, "conditions": conditions})))];
    states.extend(snapshots.into_iter().map(|snapshot| (1, snapshot)));
    last(&states).outcome.unwrap()
}

fn why(outcome: &Outcome) -> (&str, &str) {
    match &outcome.result {
        Outcomes::Failed { why, fix, .. } => (why, fix),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_good_run_tells_what_it_stored() {
    let outcome = last(&good()).outcome.unwrap();
    assert_eq!(outcome.exit(), Exit::Done);
    let stored = &outcome.snapshots[0];
    assert_eq!((stored.objects, stored.bytes, stored.added), (Some(61), Some(1_399_849), Some(312_001)));
}

#[test]
fn the_components_error_is_the_cause_and_what_was_stored_is_kept() {
    let outcome = last(&forbidden()).outcome.unwrap();
    let Outcomes::Failed { why, kept, fix, partly, .. } = &outcome.result else { panic!("{outcome:?}") };
    assert_eq!(why, "ServiceAccount shop/default may not list secrets in namespace shop");
    assert_eq!(kept.as_deref(), Some("58 objects were stored; the snapshot is marked incomplete"));
    assert_eq!(fix, "kubectl kubestash backup create shop -n shop --create-reader --yes");
    assert!(!partly);
    assert_eq!(outcome.exit(), Exit::Failed);
}

#[test]
fn without_a_component_the_operator_says_why() {
    let message = "Function kubedump-backup does not exist";
    let outcome = ended("Failed", &[condition("BackupExecutorEnsured", "False", message, 1)], Vec::new());
    assert_eq!(why(&outcome).0, message);
    assert_eq!(why(&ended("Failed", &[], Vec::new())).0, "the operator did not say why");
}

#[test]
fn each_known_cause_has_its_fix() {
    let cases = [
        ("the encryption password does not open the repository", "--encryption-secret NAME"),
        ("pod x: ImagePullBackOff: not found", "kubectl kubestash install --image REF"),
        ("the bucket answered AccessDenied to PutObject", "kubectl kubestash storage create"),
        ("deadline exceeded", "--backup-timeout 2h"),
        (
            "repository \"a\" in s3 b is locked: shared lock of a@b (process 1), 2s old",
            "unlock shop-repo -n shop",
        ),
        ("pods \"x\" is forbidden: exceeded quota: none", "kubectl describe resourcequota -n shop"),
        ("something else", "kubectl kubestash backup logs shop --run shop-nightly-1763806800 -n shop"),
    ];
    for (error, fix) in cases {
        let outcome = ended("Failed", &[], vec![snapshot("shop-repo", "Failed", &failed(error))]);
        assert!(why(&outcome).1.contains(fix), "{error}: {}", why(&outcome).1);
    }
}

#[test]
fn a_failed_retention_leaves_the_snapshot_whole() {
    let status =
        json!({"phase": "Failed", "retentionPolicy": [{"phase": "FailedToApply", "error": "no right"}]});
    let outcome =
        last(&[(0, session(&status)), (1, snapshot("shop-repo", "Succeeded", &whole()))]).outcome.unwrap();
    let Outcomes::Failed { why, kept, fix, .. } = &outcome.result else { panic!("{outcome:?}") };
    assert_eq!(why, "the retention policy could not be applied: no right");
    assert_eq!(kept.as_deref(), Some("61 objects were stored; the snapshot is whole"));
    assert_eq!(fix, "kubectl logs -n shop job/retentionpolicy-shop-nightly-1763806800");
}

#[test]
fn one_repository_of_two_is_partly_done() {
    let two =
        vec![snapshot("near", "Succeeded", &whole()), snapshot("far", "Failed", &failed("no route to host"))];
    let outcome = ended("Failed", &[], two);
    assert_eq!(outcome.exit(), Exit::Partly);
}

#[test]
fn a_skipped_run_has_its_own_exit() {
    let skipped = condition("BackupSkipped", "True", "another run was still active", 1);
    let outcome = ended("Skipped", &[skipped], Vec::new());
    assert_eq!(outcome.exit(), Exit::Skipped);
    assert_eq!(outcome.result, Outcomes::Skipped { why: "another run was still active".into() });
}

#[test]
fn several_runs_are_as_good_as_all_of_them() {
    let good = last(&good()).outcome.unwrap();
    let bad = last(&forbidden()).outcome.unwrap();
    let skipped = ended("Skipped", &[], Vec::new());
    let cases: [(&[&Outcome], Exit); 6] = [
        (&[&good, &good], Exit::Done),
        (&[&good, &bad], Exit::Partly),
        (&[&bad, &bad], Exit::Failed),
        (&[&good, &skipped], Exit::Skipped),
        (&[&skipped, &bad], Exit::Failed),
        (&[], Exit::Done),
    ];
    for (outcomes, exit) in cases {
        let outcomes: Vec<Outcome> = outcomes.iter().map(|outcome| (*outcome).clone()).collect();
        assert_eq!(exit_of(&outcomes), exit, "{outcomes:?}");
    }
}
