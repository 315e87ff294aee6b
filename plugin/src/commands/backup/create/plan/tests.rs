use serde_json::{Value, json};

use super::*;

fn storage(namespace: &str, name: &str, spec: &Value) -> BackupStorage {
    serde_json::from_value(json!({"metadata": {"namespace": namespace, "name": name}, "spec": spec})).unwrap()
}

fn from(word: &str) -> Value {
    json!({"usagePolicy": {"allowedNamespaces": {"from": word}}})
}

fn seen(storages: Vec<BackupStorage>) -> Seen {
    let namespace_labels = [("kubernetes.io/metadata.name".to_owned(), "shop".to_owned())].into();
    Seen { storages, namespace_labels, ..Seen::default() }
}

fn planned(flags: &backup::Flags, seen: &Seen) -> Result<(Plan, Vec<&'static str>), Failure> {
    let reader = reader::Flags { create_reader: true, ..reader::Flags::default() };
    let mut missing = Vec::new();
    let typed = Typed {
        namespace: "shop",
        name: "shop",
        target: Some(Target::Namespace("shop".into())),
        flags,
        wish: flags.wish()?,
        new_storage: None,
        encryption: None,
        keep: &retention::Flags::default(),
        reader: &reader,
    };
    let plan = plan(typed, seen, &mut missing)?;
    Ok((plan, missing.into_iter().map(|missing| missing.flag).collect()))
}

fn with_storage(name: &str) -> backup::Flags {
    backup::Flags { storage: Some(name.into()), ..backup::Flags::default() }
}

#[test]
fn the_default_storage_or_the_only_usable_one_is_taken() {
    let default = |namespace: &str, name: &str| {
        let mut spec = from("All");
        spec["default"] = true.into();
        storage(namespace, name, &spec)
    };
    let chosen = |storages| planned(&backup::Flags::default(), &seen(storages)).unwrap().0.wish.storage;
    let place = |namespace: &str, name: &str| Some((namespace.to_owned(), name.to_owned()));
    assert_eq!(chosen(vec![storage("shop", "only", &json!({}))]), place("shop", "only"));
    assert_eq!(chosen(vec![storage("shop", "own", &json!({})), default("ops", "d")]), place("ops", "d"));
    assert_eq!(chosen(vec![default("ops", "d"), default("shop", "e")]), place("shop", "e"));
    assert_eq!(chosen(vec![storage("ops", "closed", &json!({}))]), None);
    assert_eq!(chosen(vec![storage("shop", "a", &json!({})), storage("shop", "b", &json!({}))]), None);
}

#[test]
fn everything_that_nobody_can_know_is_missing_at_once() {
    let (_, missing) = planned(&backup::Flags::default(), &seen(Vec::new())).unwrap();
    assert_eq!(missing, ["--storage", "--generate-encryption-secret"]);
}

#[test]
fn a_storage_that_may_not_be_used_from_here_is_refused_with_the_patch_that_allows_it() {
    let seen = seen(vec![storage("backups", "minio", &from("Same")), storage("shop", "own", &json!({}))]);
    let failure = planned(&with_storage("backups/minio"), &seen).unwrap_err().render(false);
    assert!(failure.contains("namespace \"shop\" may not use BackupStorage backups/minio"), "{failure}");
    assert!(failure.contains("kubectl patch backupstorage minio -n backups"), "{failure}");
    let failure = planned(&with_storage("gone"), &seen).unwrap_err().render(false);
    assert!(failure.contains("found  shop/own"), "{failure}");
    assert!(planned(&with_storage("own"), &seen).is_ok());
}

#[test]
fn a_password_that_is_in_use_is_never_replaced() {
    let mut seen = seen(vec![storage("shop", "own", &json!({}))]);
    seen.encryption = Some(serde_json::from_value(json!({"data": {"RESTIC_PASSWORD": "b2xk"}})).unwrap());
    let new = |password: &str, generated| Encryption::New {
        namespace: "shop".into(),
        name: "shop-encryption".into(),
        password: password.into(),
        generated,
    };
    let of = |typed| encryption_of(typed, ("shop", "shop"), &seen, &mut Vec::new());
    assert!(matches!(of(Some(new("random", true))), Ok(Some(Encryption::Existing { .. }))));
    assert!(matches!(of(Some(new("old", false))), Ok(Some(Encryption::Existing { .. }))));
    assert!(matches!(of(None), Ok(Some(Encryption::Existing { .. }))));
    let failure = of(Some(new("other", false))).unwrap_err();
    assert!(failure.what().contains("holds another password"), "{failure:?}");
}

#[test]
fn an_existing_backup_lacks_nothing_and_gets_a_reader_for_its_scope() {
    let mut seen = seen(Vec::new());
    seen.existing = Some(
        serde_json::from_value(json!({"metadata": {"name": "shop"}, "spec": {"target": {
            "kind": "Namespace", "name": "shop"}, "sessions": [{"name": "nightly"}]}}))
        .unwrap(),
    );
    let reader = reader::Flags { create_reader: true, ..reader::Flags::default() };
    let flags = backup::Flags::default();
    let typed = Typed {
        namespace: "shop",
        name: "shop",
        target: None,
        flags: &flags,
        wish: Wish::default(),
        new_storage: None,
        encryption: None,
        keep: &retention::Flags::default(),
        reader: &reader,
    };
    let mut missing = Vec::new();
    let plan = plan(typed, &seen, &mut missing).unwrap();
    assert!(missing.is_empty(), "{missing:?}");
    let references: Vec<String> = plan.objects(&seen).unwrap().iter().map(Object::reference).collect();
    assert_eq!(
        references,
        [
            "serviceaccount/backup-reader",
            "role.rbac.authorization.k8s.io/backup-reader",
            "rolebinding.rbac.authorization.k8s.io/backup-reader",
            "backupconfiguration.core.kubestash.com/shop"
        ]
    );
}

#[test]
fn retention_is_typed_named_the_clusters_default_or_the_usual() {
    let own = vec![storage("shop", "own", &json!({}))];
    let plain = planned(&backup::Flags::default(), &seen(own.clone())).unwrap().0;
    assert_eq!(plain.kept().as_deref(), Some("7 daily, 4 weekly, 6 monthly"));
    let mut with_default = seen(own);
    with_default.policies = vec![
        serde_json::from_value(
            json!({"metadata": {"namespace": "shop", "name": "keep"}, "spec": {"default": true}}),
        )
        .unwrap(),
    ];
    let by_default = planned(&backup::Flags::default(), &with_default).unwrap().0;
    assert_eq!((by_default.kept(), by_default.wish.retention), (None, Some(("shop".into(), "keep".into()))));
    let named = backup::Flags { retention: Some("ops/long".into()), ..backup::Flags::default() };
    let by_name = planned(&named, &with_default).unwrap().0;
    assert_eq!(by_name.wish.retention, Some(("ops".into(), "long".into())));
}
