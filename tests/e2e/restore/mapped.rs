//! Into another place: another namespace, another registry, other storage, with labels and patches on the way.

use harness::namespace::Namespace;

use super::{APPLICATION, Kept};

const CLAIM: &str = r"
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: NAMESPACE}
spec: {storageClassName: standard, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
";

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_copied_into_another_namespace_and_changed_on_the_way() {
    let kept = Kept::of("mapped", &format!("{APPLICATION}{CLAIM}")).await;
    kept.runs().await;
    kept.back_up().await;
    let before = kept.world().await;
    let from = kept.application.name.clone();
    let into = format!("{from}-copy");
    let patches = r#"[
        {"target": {"resource": "deployments.apps", "name": "orders"}, "patch": {"spec": {"template": {"spec": {"containers": [{"name": "main", "env": [{"name": "STAGE", "value": "copy"}]}]}}}}},
        {"target": {"resource": "configmaps", "name": "orders-settings"}, "patch": [{"op": "replace", "path": "/data/mode", "value": "patched"}]}
    ]"#;

    let restored = kept
        .restore(
            "copy",
            &[
                ("NamespaceMappings", &format!("{from}={into}")),
                ("ImageRegistryMappings", "localhost=mirror.example.com/cache"),
                ("StorageClassMappings", "standard=landscape-none"),
                ("AddLabels", "restored=yes,stage=copy"),
                ("Patches", patches),
                ("IncludeRBACResources", "true"),
            ],
        )
        .await;

    restored.assert_success();
    let line = restored.line("deployments.apps", "orders");
    assert_eq!((line.verdict(), line.0["into"].as_str()), ("create", Some(into.as_str())), "{line:?}");
    let copy = Kept {
        application: Namespace { name: into.clone(), cluster: kept.application.cluster.clone() },
        backups: kept.backups,
    };
    assert_eq!(copy.field("rolebinding/orders", ".subjects[0].namespace").await, into);
    assert_eq!(copy.field("configmap/orders-settings", ".data.mode").await, "patched");
    assert_eq!(
        copy.field("configmap/unrelated", ".metadata.labels").await,
        r#"{"restored":"yes","stage":"copy"}"#
    );
    assert_eq!(copy.field("pvc/data", ".spec.storageClassName").await, "landscape-none");
    let container = ".spec.template.spec.containers[0]";
    assert_eq!(
        copy.field("deployment/orders", &format!("{container}.image")).await,
        "mirror.example.com/cache/pause:1"
    );
    // A strategic merge: what is named is changed, its neighbours stay.
    let names = copy.field("deployment/orders", &format!("{container}.env[*].name")).await;
    let mut names: Vec<&str> = names.split_whitespace().collect();
    names.sort_unstable();
    assert_eq!(names, ["PASSWORD", "STAGE"]);
    // Where it came from nothing has changed.
    let original = Kept { application: kept.application, backups: copy.backups };
    let after = original.world().await;
    for (path, live) in before.iter().filter(|(path, _)| !path.starts_with("endpoint")) {
        assert_eq!(after.get(path).map(|live| &live.uid), Some(&live.uid), "{path}");
    }
    copy.application.remove().await;
    original.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_that_fits_nothing_and_a_mapping_that_means_nothing_are_refused_with_their_names() {
    let kept = Kept::of("misfit", APPLICATION).await;
    for (name, parameters, part) in [
        ("mapping", ("NamespaceMappings", "a=b=c"), "NamespaceMappings"),
        ("boolean", ("Prune", "perhaps"), "Prune"),
        ("patches", ("Patches", "[{\"target\": {}}]"), "Patches"),
        ("objects", ("Objects", "a/b/c/d"), "Objects"),
    ] {
        let refused = kept.restore(name, &[parameters]).await;
        assert_eq!(refused.phase(), "Invalid", "{name}: {:#}", refused.session);
        let said = refused.session["status"]["conditions"].to_string();
        assert!(said.contains(part), "{name}: {said}");
    }
    kept.done("delete configmap unrelated").await;
    let misfit = r#"[{"target": {"resource": "configmaps", "name": "unrelated"}, "patch": [{"op": "remove", "path": "/data/nothing"}]}]"#;
    let failed = kept.restore("misfit", &[("Patches", misfit)]).await;
    assert_eq!(failed.phase(), "Failed", "{:#}", failed.session);
    let line = failed.line("configmaps", "unrelated");
    assert!(line.verdict() == "fail" && line.message().contains("/data/nothing"), "{line:?}");
    assert!(!kept.has("configmap/unrelated").await);
    kept.remove().await;
}
