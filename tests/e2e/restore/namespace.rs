//! The person at three in the morning: a namespace is gone, and comes back.

use harness::restoration::Line;
use harness::same::compare;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use super::{APPLICATION, Kept};

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_namespace_comes_back_as_it_was_and_runs_again() {
    let kept = Kept::of("lost", APPLICATION).await;
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> =
        Api::all(kept.application.cluster.client.clone());
    let label = json!({"metadata": {"labels": {"team": "shop"}, "annotations": {"example.com/at": "12:30"}}});
    namespaces
        .patch(&kept.application.name, &PatchParams::default(), &Patch::Merge(&label))
        .await
        .expect("a labelled namespace");
    kept.runs().await;
    kept.back_up().await;
    let before = kept.world().await;
    kept.lose_the_namespace().await;

    // Rights come back only when they are asked for.
    let without = kept.restore("without-rights", &[]).await;
    without.assert_success();
    for (resource, name) in
        [("roles.rbac.authorization.k8s.io", "orders"), ("rolebindings.rbac.authorization.k8s.io", "orders")]
    {
        let line = without.line(resource, name);
        assert_eq!((line.verdict(), line.reason()), ("skip", "rightsNotAsked"), "{line:?}");
    }
    assert!(!kept.has("role/orders").await);
    kept.runs().await;
    let replicas: Vec<&Line> =
        without.report.iter().filter(|line| matches!(line.resource(), "replicasets.apps" | "pods")).collect();
    assert!(replicas.len() == 2 && replicas.iter().all(|line| line.reason() == "owned"), "{replicas:?}");

    let with = kept.restore("with-rights", &[("IncludeRBACResources", "true")]).await;
    with.assert_success();
    assert_eq!(
        with.of("create"),
        ["rolebindings.rbac.authorization.k8s.io/orders", "roles.rbac.authorization.k8s.io/orders"]
    );
    let comparison = compare(&before, &kept.world().await, |_, _| true);
    assert!(comparison.is_perfect(), "{comparison}");
    let pods = kept.done("get pods -o name").await;
    assert_eq!(pods.lines().count(), 1, "{pods}");

    // There is nothing left to do: all of it is found as it is.
    let again = kept.restore("again", &[("IncludeRBACResources", "true")]).await;
    again.assert_success();
    for verdict in ["create", "update", "recreate", "left", "leave", "prune"] {
        assert_eq!(again.of(verdict), Vec::<String>::new(), "{verdict}");
    }
    kept.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_object_is_told_once_and_counted() {
    let kept = Kept::of("told", APPLICATION).await;
    kept.done("delete configmap unrelated").await;
    kept.done("patch configmap orders-settings --type merge -p {\"data\":{\"mode\":\"off\"}}").await;

    let restored = kept.restore("told", &[]).await;

    restored.assert_success();
    let stored = crate::given::restic(&kept.backups).files("latest").await;
    let mut told: Vec<String> = restored
        .report
        .iter()
        .filter_map(|line| {
            let namespace = line.0["namespace"].as_str()?;
            Some(format!("{}/namespaces/{namespace}/{}.yaml", line.resource(), line.name()))
        })
        .collect();
    told.sort();
    // The Namespace itself is of the cluster: it is made when something needs it, and here nothing did.
    let in_namespaces = stored.into_keys().filter(|path| path.contains("/namespaces/"));
    assert_eq!(told, in_namespaces.collect::<Vec<_>>());
    let counts = &restored.session["status"]["components"]["manifest"]["objects"];
    let of = |verdict: &str| u64::try_from(restored.of(verdict).len()).expect("a small number");
    assert_eq!(counts["created"].as_u64().unwrap_or(0), of("create"), "{counts}");
    assert_eq!(counts["left"].as_u64().unwrap_or(0), of("left"), "{counts}");
    assert_eq!(counts["skipped"].as_u64().unwrap_or(0), of("skip"), "{counts}");
    assert_eq!(counts["unchanged"].as_u64().unwrap_or(0), of("unchanged"), "{counts}");
    assert_eq!(restored.of("create"), ["configmaps/unrelated"]);
    assert_eq!(restored.of("left"), ["configmaps/orders-settings"]);
    // What a Secret holds is in no report, log or status.
    for marker in ["r3store-m4rker", "cjNzdG9yZS1tNHJrZXI="] {
        assert!(!restored.session.to_string().contains(marker));
        assert!(!restored.report.iter().any(|line| line.0.to_string().contains(marker)));
        assert_eq!(kept.backups.bucket().holding(marker), Vec::<String>::new());
        let words =
            ["logs", "-n", &kept.backups.name, "--selector=batch.kubernetes.io/job-name=told", "--tail=-1"];
        let logs = kept.backups.cluster.kubectl(&words, "").await;
        assert!(logs.code == 0 && !logs.stdout.contains(marker), "{logs:?}");
    }
    kept.remove().await;
}
