//! Exact restore: what the snapshot lacks goes, within its scope and never beyond.

use harness::same::compare;

use super::{APPLICATION, Kept, identities};
use crate::given;

const EXTRA: &str = r"
apiVersion: v1
kind: ConfigMap
metadata: {name: extra, namespace: NAMESPACE}
data: {a: b}
---
apiVersion: v1
kind: Secret
metadata: {name: extra, namespace: NAMESPACE}
stringData: {a: b}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: extra, namespace: NAMESPACE}
rules: []
";

const EXACT: (&str, &str) = ("Prune", "true");
/// Written by hand, without a plan.
const SEEN: (&str, &str) = ("AcceptChanges", "true");

#[tokio::test(flavor = "multi_thread")]
async fn an_exact_restore_removes_what_the_snapshot_lacks_and_nothing_of_others() {
    let kept = Kept::of("exact", APPLICATION).await;
    kept.runs().await;
    kept.back_up().await;
    let before = kept.world().await;
    kept.application.apply(EXTRA).await;
    kept.done(
        "patch configmap orders-settings --type merge -p {\"data\":{\"mode\":\"off\",\"extra\":\"mine\"}}",
    )
    .await;
    let neighbour = harness::namespace::Namespace::create(&kept.application.cluster, "exact-neighbour").await;
    neighbour.apply(EXTRA).await;

    let unseen = kept.restore("unseen", &[EXACT]).await;
    assert_eq!(unseen.phase(), "Invalid", "{:#}", unseen.session);
    assert!(kept.has("configmap/extra").await);

    // Kept out by a filter: only ConfigMaps are made exact.
    let some = kept.restore("some", &[EXACT, SEEN, ("IncludeResources", "configmaps")]).await;
    some.assert_success();
    assert_eq!(some.of("prune"), ["configmaps/extra"]);
    assert!(kept.has("secret/extra").await && kept.has("role/extra").await);
    assert_eq!(kept.field("configmap/orders-settings", ".data").await, r#"{"at":"12:30","mode":"on"}"#);

    // Rights are neither brought back nor removed unless asked for.
    let all = kept.restore("all", &[EXACT, SEEN]).await;
    all.assert_success();
    assert_eq!(all.of("prune"), ["secrets/extra"]);
    assert!(kept.has("role/extra").await);

    let rights = kept.restore("rights", &[EXACT, SEEN, ("IncludeRBACResources", "true")]).await;
    rights.assert_success();
    assert_eq!(rights.of("prune"), ["roles.rbac.authorization.k8s.io/extra"]);

    let after = kept.world().await;
    let comparison = compare(&before, &after, |_, _| true);
    assert!(comparison.is_perfect(), "{comparison}");
    let back = compare(&after, &before, |_, _| true);
    assert!(back.missing.is_empty(), "more than there was: {back}");
    // What did not differ is the same object as before.
    assert_eq!(identities(&before), identities(&after));
    let others = ["get", "configmap/extra", "secret/extra", "role/extra", "-n", &neighbour.name];
    neighbour.cluster.kubectl(&others, "").await.assert_success();
    neighbour.remove().await;
    kept.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backup_system_itself_is_never_removed() {
    let cluster = harness::cluster::Cluster::connect().await;
    // The backups are in the namespace that is made exact, and newer than the snapshot.
    let namespace = harness::namespace::Namespace::create(&cluster, "own-branch").await;
    given::a_first_backup(&namespace).await;
    namespace.apply(EXTRA).await;
    let kept = Kept {
        application: harness::namespace::Namespace { name: namespace.name.clone(), cluster: cluster.clone() },
        backups: namespace,
    };
    kept.account("restorer").await;
    kept.bind("restorer", "cluster-admin").await;

    let restored = kept.restore("exact", &[EXACT, SEEN]).await;

    restored.assert_success();
    assert!(!kept.has("configmap/extra").await);
    for object in [
        "serviceaccount/restorer",
        "secret/minio",
        "secret/encryption",
        "backupstorage/minio",
        "repository/orders",
        "backupconfiguration/orders",
        "restoresession/exact",
    ] {
        assert!(kept.has(object).await, "{object} is gone: {:?}", restored.of("prune"));
    }
    assert!(!kept.done("get snapshots").await.is_empty());
    assert_eq!(given::phase(&given::another_session(&kept.backups, "orders").await), "Succeeded");
    kept.backups.remove().await;
}
