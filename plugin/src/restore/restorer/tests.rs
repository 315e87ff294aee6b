use archive::restore::verdict::Skip;
use serde_json::{Value, json};

use super::*;

fn line(namespace: Option<&str>, resource: &str, verdict: Verdict) -> Line {
    Line {
        resource: resource.into(),
        namespace: namespace.map(str::to_owned),
        name: "a".into(),
        into: None,
        verdict,
        notes: Vec::new(),
        live: None,
    }
}

fn made(lines: Vec<Line>, options: &Options) -> Vec<(String, Value)> {
    let report = Report { lines, warnings: Vec::new() };
    let existing = BTreeSet::from(["shop".to_owned()]);
    let objects = objects(NAME, "ops", Needs { report: &report, options, existing: &existing }).unwrap();
    objects.iter().map(|object| (object.spoken(), object.body["rules"].clone())).collect()
}

#[test]
fn a_role_in_each_namespace_names_the_types_and_nothing_else() {
    let skipped = Verdict::Skip { reason: Skip::Completed };
    let lines = vec![
        line(Some("shop"), "secrets", Verdict::Create),
        line(Some("shop"), "configmaps", Verdict::Unchanged),
        line(Some("shop"), "deployments.apps", Verdict::Create),
        line(Some("shop"), "pods", skipped),
    ];
    assert_eq!(
        made(lines, &Options::default()),
        [
            ("ServiceAccount ops/backup-restorer".to_owned(), Value::Null),
            (
                "ClusterRole kubestash:ops:backup-restorer".to_owned(),
                json!([{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}])
            ),
            ("ClusterRoleBinding kubestash:ops:backup-restorer".to_owned(), Value::Null),
            (
                "Role shop/backup-restorer".to_owned(),
                json!([
                    {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["create", "get"]},
                    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["create", "get"]},
                ])
            ),
            ("RoleBinding shop/backup-restorer".to_owned(), Value::Null),
        ]
    );
}

#[test]
fn a_namespace_that_does_not_exist_takes_rights_in_the_cluster() {
    let made = made(vec![line(Some("gone"), "secrets", Verdict::Create)], &Options::default());
    assert_eq!(
        made[1].1,
        json!([
            {"apiGroups": [""], "resources": ["namespaces", "secrets"], "verbs": ["create", "get"]},
        ])
    );
    assert_eq!(made.len(), 3);
}

#[test]
fn an_exact_restore_looks_at_everything_and_removes_what_the_plan_says() {
    let options = Options { prune: true, existing: Existing::Replace, ..Options::default() };
    let made = made(vec![line(Some("shop"), "configmaps", Verdict::Prune)], &options);
    let rules = |kind: &str| made.iter().find(|(name, _)| name.starts_with(kind)).unwrap().1.clone();
    let of_cluster = json!([{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}]);
    assert_eq!(rules("ClusterRole "), of_cluster, "nothing is listed beyond the namespace");
    assert_eq!(
        rules("Role "),
        json!([
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["delete", "get"]},
            {"apiGroups": ["*"], "resources": ["*"], "verbs": ["list"]},
        ])
    );
}

#[test]
fn bindings_take_the_right_to_bind_where_they_are() {
    let bound = made(
        vec![line(Some("shop"), "rolebindings.rbac.authorization.k8s.io", Verdict::Create)],
        &Options::default(),
    );
    let rules = &bound.iter().find(|(name, _)| name.starts_with("Role ")).unwrap().1;
    assert_eq!(
        *rules,
        json!([
            {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles", "roles"], "verbs": ["bind"]},
            {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["rolebindings"], "verbs": ["create", "get"]},
        ])
    );
}

#[test]
fn what_is_to_be_changed_or_removed_takes_more() {
    let verbs = |resource: &str, existing, prune| {
        let options = Options { existing, ..Options::default() };
        let verdict = if prune { Verdict::Prune } else { Verdict::Create };
        super::verbs(&line(Some("shop"), resource, verdict), &options).join(" ")
    };
    assert_eq!(verbs("secrets", Existing::Leave, false), "create get");
    assert_eq!(verbs("secrets", Existing::Apply, false), "create get patch");
    assert_eq!(verbs("secrets", Existing::Replace, false), "create get patch update");
    assert_eq!(verbs("secrets", Existing::Replace, true), "delete get");
    assert_eq!(verbs("jobs.batch", Existing::Apply, false), "create delete get patch watch");
    assert_eq!(verbs("roles.rbac.authorization.k8s.io", Existing::Leave, false), "create escalate get");
    assert_eq!(verbs("clusterrolebindings.rbac.authorization.k8s.io", Existing::Leave, false), "create get");
    assert_eq!(
        verbs("customresourcedefinitions.apiextensions.k8s.io", Existing::Leave, false),
        "create get watch"
    );
}
