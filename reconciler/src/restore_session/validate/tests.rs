//! What is wrong, and what is only missing.

use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-11-22T10:00:00Z";

fn merged(mut object: Value, change: &Value) -> Value {
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
    merge(&mut object, change);
    object
}

fn session(change: &Value) -> RestoreSession {
    let session = json!({
        "metadata": {"name": "again", "namespace": "demo", "uid": "r"},
        "spec": {
            "dataSource": {"repository": "repo", "snapshot": "latest"},
            "addon": {
                "name": "kubedump-addon",
                "tasks": [{"name": "manifest-restore"}],
                "jobTemplate": {"spec": {"serviceAccountName": "restorer"}},
            },
        },
    });
    serde_json::from_value(merged(session, change)).unwrap()
}

fn snapshot(phase: &str) -> Snapshot {
    let mut snapshot = json!({
        "metadata": {"name": "repo-1", "namespace": "demo"},
        "spec": {"repository": "repo"},
        "status": {"phase": phase, "snapshotTime": NOW, "components": {"manifest": {
            "error": "one type could not be read", "resticStats": [{"summary": {"id": "abc"}}],
        }}},
    });
    if phase == "Running" {
        snapshot["status"]["components"] = json!({});
    }
    serde_json::from_value(snapshot).unwrap()
}

fn found() -> Found {
    let from = |value: Value| value;
    let addon = from(
        json!({"spec": {"restoreTasks": [{"name": "manifest-restore", "function": "kubedump-restore",
        "parameters": [
            {"name": "Prune"}, {"name": "PlanID"}, {"name": "AcceptChanges"}, {"name": "AllowIncomplete"}]}]}}),
    );
    let function = from(json!({"spec": {"image": "kubestash:1"}}));
    let repository = from(json!({
        "metadata": {"name": "repo", "namespace": "demo"},
        "spec": {"storageRef": {"namespace": "storage", "name": "s3"}},
    }));
    let storage = from(json!({
        "metadata": {"name": "s3", "namespace": "storage"},
        "spec": {"usagePolicy": {"allowedNamespaces": {"from": "All"}}},
    }));
    Found {
        snapshots: vec![snapshot("Succeeded")],
        repository: serde_json::from_value(repository).unwrap(),
        storage: serde_json::from_value(storage).unwrap(),
        encryption: Some((crds::reference::ObjectReference::new("demo", "password"), Encryption::Usable)),
        addon: serde_json::from_value(addon).unwrap(),
        functions: BTreeMap::from([(
            "kubedump-restore".to_owned(),
            serde_json::from_value(function).unwrap(),
        )]),
        account: true,
        ..Found::default()
    }
}

/// What `change` makes of a session that is in order.
fn problems(change: &Value) -> Vec<String> {
    validate(&session(change), &found()).problems
}

#[test]
fn a_session_in_order_says_what_it_needs() {
    let Verdict { dependencies, problems, missing } = validate(&session(&json!({})), &found());
    assert_eq!((problems, missing), (vec![], vec![]));
    let named: Vec<_> = dependencies
        .iter()
        .map(|one| (one.object.kind.as_deref().unwrap(), one.object.name.as_str(), one.found))
        .collect();
    assert_eq!(
        named,
        [
            ("Addon", "kubedump-addon", Some(true)),
            ("Function", "kubedump-restore", Some(true)),
            ("Snapshot", "repo-1", Some(true)),
            ("Repository", "repo", Some(true)),
            ("BackupStorage", "s3", Some(true)),
            ("ServiceAccount", "restorer", Some(true)),
        ]
    );
}

#[test]
fn what_the_spec_says_wrong_is_told() {
    for (change, begins) in [
        (json!({"metadata": {"name": "x".repeat(64)}}), "metadata.name has 64 characters"),
        (json!({"spec": {"dataSource": null}}), "spec.dataSource is missing"),
        (json!({"spec": {"dataSource": {"repository": ""}}}), "spec.dataSource.repository is missing"),
        (json!({"spec": {"dataSource": {"components": ["dump"]}}}), "spec.dataSource.components"),
        (json!({"spec": {"addon": null}}), "spec.addon is missing"),
        (json!({"spec": {"addon": {"tasks": []}}}), "no task of Addon"),
        (
            json!({"spec": {"addon": {"tasks": [{"name": "manifest-backup"}]}}}),
            "Addon \"kubedump-addon\" has no restore task \"manifest-backup\"; it has \"manifest-restore\"",
        ),
        (
            json!({"spec": {"addon": {"tasks": [{"name": "manifest-restore", "params": {"Pruned": "true"}}]}}}),
            "task \"manifest-restore\" has no parameter \"Pruned\"",
        ),
        (
            json!({"spec": {"addon": {"jobTemplate": {"spec": {"serviceAccountName": ""}}}}}),
            "addon.jobTemplate.spec.serviceAccountName is missing: a restore has no rights of its own",
        ),
        (json!({"spec": {"restoreTimeout": "soon"}}), "spec.restoreTimeout: "),
        (json!({"spec": {"restoreTimeout": "0s"}}), "spec.restoreTimeout is \"0s\""),
        (
            json!({"spec": {"hooks": {"preRestore": [{"name": "stop"}]}}}),
            "hook \"stop\" names no HookTemplate",
        ),
    ] {
        let problems = problems(&change);
        assert!(problems.iter().any(|problem| problem.starts_with(begins)), "{change}: {problems:?}");
    }
}

#[test]
fn what_is_missing_may_still_come() {
    let without = |take: fn(&mut Found)| {
        let mut found = found();
        take(&mut found);
        validate(&session(&json!({})), &found)
    };
    for (take, missing) in [
        (
            (|found| found.snapshots.clear()) as fn(&mut Found),
            "Repository \"demo/repo\" has no Snapshot that succeeded",
        ),
        (|found| found.repository = None, "Repository \"demo/repo\" does not exist"),
        (|found| found.storage = None, "BackupStorage \"storage/s3\" does not exist"),
        (|found| found.addon = None, "Addon \"kubedump-addon\" does not exist"),
        (
            |found| found.functions.clear(),
            "Function \"kubedump-restore\" of task \"manifest-restore\" does not exist",
        ),
        (|found| found.account = false, "ServiceAccount \"restorer\""),
        (
            |found| found.encryption.as_mut().unwrap().1 = Encryption::Missing,
            "Secret \"demo/password\" does not exist",
        ),
    ] {
        let verdict = without(take);
        assert_eq!(verdict.problems, Vec::<String>::new(), "{missing}");
        assert!(
            verdict.missing.iter().any(|told| told.starts_with(missing)),
            "{missing}: {:?}",
            verdict.missing
        );
    }
    let named = session(&json!({"spec": {"dataSource": {"snapshot": "repo-1"}}}));
    let verdict = validate(&named, &Found { snapshots: vec![snapshot("Running")], ..found() });
    assert_eq!(verdict.missing, ["Snapshot \"demo/repo-1\" is still being made"]);
    let verdict = validate(&named, &Found { snapshots: vec![], ..found() });
    assert_eq!(verdict.missing, ["Snapshot \"demo/repo-1\" does not exist"]);
    assert_eq!(verdict.dependencies[2].found, Some(false));
}

#[test]
fn nothing_is_removed_that_nobody_has_seen_listed() {
    let mut covering = snapshot("Succeeded");
    let covers = coverage::Coverage::default().annotation();
    covering.metadata.annotations = Some(BTreeMap::from([(coverage::ANNOTATION.to_owned(), covers)]));
    let found = Found { snapshots: vec![covering], ..found() };
    for (given, told) in [
        (json!({"Prune": "true"}), &["with Prune, what the Snapshot lacks is removed"][..]),
        (
            json!({"Prune": "true", "AcceptChanges": "false"}),
            &["with Prune, what the Snapshot lacks is removed"],
        ),
        (json!({"Prune": "true", "PlanID": "00112233aabbccdd"}), &[]),
        (json!({"Prune": "true", "AcceptChanges": "true"}), &[]),
        (json!({"AcceptChanges": "true"}), &[]),
    ] {
        let task = json!({"name": "manifest-restore", "params": given});
        let problems = validate(&session(&json!({"spec": {"addon": {"tasks": [task]}}})), &found).problems;
        assert_eq!(problems.len(), told.len(), "{given}: {problems:?}");
        assert!(problems.iter().zip(told).all(|(problem, told)| problem.starts_with(told)), "{problems:?}");
    }
}

#[test]
fn a_snapshot_of_another_repository_is_refused() {
    let mut other = snapshot("Succeeded");
    other.spec.repository = "other".to_owned();
    let named = session(&json!({"spec": {"dataSource": {"snapshot": "repo-1"}}}));
    let verdict = validate(&named, &Found { snapshots: vec![other], ..found() });
    assert_eq!(verdict.problems, ["Snapshot \"demo/repo-1\" is of Repository \"other\", not of \"repo\""]);
}

#[test]
fn the_newest_snapshot_that_is_not_complete_is_offered_where_none_is() {
    let verdict = validate(&session(&json!({})), &Found { snapshots: vec![snapshot("Failed")], ..found() });
    assert!(
        verdict.missing[0].contains("\"repo-1\" has something but is not complete"),
        "{:?}",
        verdict.missing
    );
}

#[test]
fn what_belongs_to_others_takes_their_consent() {
    let mut found = found();
    found.storage.as_mut().unwrap().spec.usage_policy = None;
    found.encryption.as_mut().unwrap().1 = Encryption::Foreign;
    let problems = validate(&session(&json!({})), &found).problems;
    assert!(problems[0].starts_with("BackupStorage \"storage/s3\" may not be used from namespace \"demo\""));
    assert!(problems[1].contains("may not be used from namespace \"demo\""), "{problems:?}");
}

#[test]
fn a_hook_template_takes_its_owners_consent_too() {
    let hooks = json!({"spec": {"hooks": {"preRestore": [
        {"name": "stop", "hookTemplate": {"namespace": "ops", "name": "stop"}}]}}});
    let reference = crds::reference::ObjectReference::new("ops", "stop");
    let template = |policy: Value| -> HookTemplateOrNone {
        serde_json::from_value(
            json!({"metadata": {"name": "stop", "namespace": "ops"}, "spec": {"usagePolicy": policy}}),
        )
        .unwrap()
    };
    let verdict = |template: HookTemplateOrNone| {
        let hook_templates = BTreeMap::from([(reference.clone(), template)]);
        validate(&session(&hooks), &Found { hook_templates, ..found() })
    };
    assert_eq!(verdict(None).missing, ["HookTemplate \"ops/stop\" does not exist"]);
    assert_eq!(verdict(template(json!(null))).problems.len(), 1);
    assert_eq!(verdict(template(json!({"allowedNamespaces": {"from": "All"}}))).problems.len(), 0);
}

type HookTemplateOrNone = Option<crds::core::HookTemplate>;
