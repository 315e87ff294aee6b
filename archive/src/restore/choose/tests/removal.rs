use super::*;

/// A restore of one namespace under another name.
fn moved() -> Options {
    let mut options = Options {
        filters: Filters { namespaces: names("shop", ""), cluster_resources: true, ..Filters::default() },
        ..everything()
    };
    options.transform.namespaces.insert("shop".to_owned(), "shop-2".to_owned());
    options
}

#[test]
fn only_what_a_user_made_within_the_scope_is_removed() {
    let options = moved();
    let token = json!({"metadata": {"annotations": {"kubernetes.io/service-account.name": "a"}}});
    for (live, removed) in [
        (card("configmaps", "ConfigMap", "shop-2/a", json!({})), true),
        (card("storageclasses.storage.k8s.io", "StorageClass", "a", json!({})), true),
        // Outside: not in the snapshot's place, not the namespace.
        (card("configmaps", "ConfigMap", "shop/a", json!({})), false),
        (card("configmaps", "ConfigMap", "other/a", json!({})), false),
        (card("namespaces", "Namespace", "other", json!({})), false),
        // Made by somebody else.
        (card("replicasets.apps", "ReplicaSet", "shop-2/a", owned_by("apps/v1", "Deployment", "web")), false),
        (card("configmaps", "ConfigMap", "shop-2/kube-root-ca.crt", json!({})), false),
        (card("endpoints", "Endpoints", "shop-2/a", json!({})), false),
        (card("secrets", "Secret", "shop-2/a", token), false),
        (card("serviceaccounts", "ServiceAccount", "shop-2/default", json!({})), false),
        (card("serviceaccounts", "ServiceAccount", "shop-2/mine", json!({})), true),
        // Not asked for.
        (card("roles.rbac.authorization.k8s.io", "Role", "shop-2/a", json!({})), false),
        (card("nodes", "Node", "a", json!({})), false),
        (card("persistentvolumes", "PersistentVolume", "a", json!({})), false),
    ] {
        assert_eq!(may_be_removed(&live, &options), removed, "{:?}", live.key);
    }
}

#[test]
fn what_the_restore_stands_on_is_not_removed() {
    let mut options = moved();
    options.protected.objects.insert(key("secrets", "shop-2/key"));
    for (live, removed) in [
        (card("secrets", "Secret", "shop-2/key", json!({})), false),
        (
            card("backupconfigurations.core.kubestash.com", "BackupConfiguration", "shop-2/a", json!({})),
            false,
        ),
        (
            card(
                "customresourcedefinitions.apiextensions.k8s.io",
                "CustomResourceDefinition",
                "repositories.storage.kubestash.com",
                json!({}),
            ),
            false,
        ),
        (
            card(
                "deployments.apps",
                "Deployment",
                "shop-2/a",
                json!({"metadata": {"labels": {
                "app.kubernetes.io/name": "kubestash-operator"}}}),
            ),
            false,
        ),
        (
            card(
                "cronjobs.batch",
                "CronJob",
                "shop-2/a",
                json!({"metadata": {"labels": {
                "app.kubernetes.io/managed-by": "kubestash.com"}}}),
            ),
            false,
        ),
    ] {
        assert_eq!(may_be_removed(&live, &options), removed, "{:?}", live.key);
    }
}

#[test]
fn namespaces_of_kubernetes_stay() {
    let whole = everything();
    for (place, removed) in [("default", false), ("kube-system", false), ("shop", true)] {
        let live = card("namespaces", "Namespace", place, json!({}));
        assert_eq!(may_be_removed(&live, &whole), removed, "{place}");
    }
    assert!(!may_be_removed(&card("configmaps", "ConfigMap", "kube-system/a", json!({})), &whole));
}
