//! Less than everything: single objects, what they name and own, and what filters choose.

use super::{APPLICATION, Kept};

#[tokio::test(flavor = "multi_thread")]
async fn one_object_comes_back_with_what_it_names_and_nothing_else() {
    let kept = Kept::of("single", APPLICATION).await;
    kept.done("delete deployment,configmap,secret,service,serviceaccount --all --wait").await;
    let object = format!("{}/deployments.apps/orders", kept.application.name);

    let alone = kept
        .restore("alone", &[("Objects", &format!("{}/configmaps/unrelated", kept.application.name))])
        .await;
    alone.assert_success();
    assert_eq!(alone.of("create"), ["configmaps/unrelated"]);
    assert!(!kept.has("deployment/orders").await);

    let with = kept.restore("with", &[("Objects", &object), ("WithReferences", "true")]).await;
    with.assert_success();
    assert_eq!(
        with.of("create"),
        [
            "configmaps/orders-settings",
            "deployments.apps/orders",
            "secrets/orders-db",
            "serviceaccounts/orders"
        ]
    );
    assert!(!kept.has("service/orders").await);
    kept.runs().await;
    kept.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_comes_back_with_what_it_owns_under_its_new_identity() {
    let kept = Kept::of("owner", APPLICATION).await;
    // A ConfigMap that nobody makes again, owned by the Deployment.
    let uid = kept.field("deployment/orders", ".metadata.uid").await;
    let child = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: owned\n  namespace: NAMESPACE\n  ownerReferences: \
         [{{apiVersion: apps/v1, kind: Deployment, name: orders, uid: {uid}}}]\n"
    );
    kept.application.apply(&child).await;
    kept.runs().await;
    kept.back_up().await;
    kept.done("delete deployment/orders --cascade=foreground --wait").await;
    assert!(!kept.has("configmap/owned").await, "the garbage collector has it");
    let object = format!("{}/deployments.apps/orders", kept.application.name);

    let restored = kept.restore("owner", &[("Objects", &object), ("WithOwned", "true")]).await;

    restored.assert_success();
    assert_eq!(restored.of("create"), ["configmaps/owned", "deployments.apps/orders"]);
    let uid = kept.field("deployment/orders", ".metadata.uid").await;
    assert_eq!(kept.field("configmap/owned", ".metadata.ownerReferences[0].uid").await, uid);
    kept.runs().await;
    assert_eq!(kept.done("get replicasets -o name").await.lines().count(), 1);
    kept.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_choose_as_they_do_for_a_backup() {
    let kept = Kept::of("filtered", APPLICATION).await;
    kept.done("delete deployment,configmap,secret,service --all --wait").await;

    let labelled = kept
        .restore(
            "labelled",
            &[("IncludeResources", "configmaps,secrets"), ("ANDedLabelSelectors", "app:orders")],
        )
        .await;
    labelled.assert_success();
    assert_eq!(labelled.of("create"), ["configmaps/orders-settings", "secrets/orders-db"]);

    // Without its Deployment nothing would make the ReplicaSet again: it would be brought back, and the Pod by it.
    let excluded = "deployments.apps,replicasets,pods,services";
    let rest = kept.restore("rest", &[("ExcludeResources", excluded)]).await;
    rest.assert_success();
    assert_eq!(rest.of("create"), ["configmaps/unrelated"]);
    assert!(!kept.has("deployment/orders").await && !kept.has("service/orders").await);

    let elsewhere = kept.restore("elsewhere", &[("IncludeNamespaces", "another")]).await;
    elsewhere.assert_success();
    assert_eq!(elsewhere.of("create"), Vec::<String>::new());
    kept.remove().await;
}
