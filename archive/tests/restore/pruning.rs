//! Exact restore: what is removed, what never is, and that a plan says it beforehand.

use archive::manifest::path::Key;
use archive::restore::Error;
use archive::restore::options::Options;
use archive::scope::{Target, decide};
use serde_json::json;

use crate::server::Server;
use crate::server::cluster::{Cluster, place};
use crate::server::objects::DEFINITIONS;
use crate::support::{back_up, options, planned, real_writes, restored, told, try_restore};

/// Two namespaces with something in each.
fn then() -> Cluster {
    let mut cluster = Cluster::with_namespaces(&["shop", "other", "backup"]);
    for namespace in ["shop", "other"] {
        cluster.put("configmaps", namespace, "kept", &json!({}));
        cluster.put("deployments.apps", namespace, "web", &json!({}));
    }
    cluster
}

/// With more than there was.
fn now() -> Cluster {
    let mut cluster = then();
    for namespace in ["shop", "other", "backup", "kube-system"] {
        cluster.put("configmaps", namespace, "new", &json!({}));
        cluster.put("secrets", namespace, "new", &json!({}));
    }
    let deployment = cluster.objects[&place("deployments.apps", "shop", "web")].clone();
    let owned = json!({"metadata": {"ownerReferences": [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": deployment["metadata"]["uid"], "controller": true}]}});
    cluster.put("replicasets.apps", "shop", "web-1", &owned);
    cluster.put("roles.rbac.authorization.k8s.io", "shop", "new", &json!({}));
    cluster
}

/// An exact restore of what a backup of this namespace, or of all, covered.
fn exact(namespace: Option<&str>, given: &[(&str, &str)]) -> Options {
    let target = namespace.map(|name| Target {
        api_group: String::new(),
        kind: "Namespace".to_owned(),
        namespace: None,
        name: name.to_owned(),
    });
    let mut all = vec![("Prune", "true"), ("IncludeRBACResources", "false")];
    all.extend_from_slice(given);
    let mut options = options(&all);
    options.covered = Some(decide(target.as_ref(), &std::collections::BTreeMap::new()).unwrap());
    options.protected.namespaces.insert("backup".to_owned());
    options
}

fn pruned(told: &[String]) -> Vec<&str> {
    told.iter().filter_map(|line| line.strip_prefix("prune ")).collect()
}

#[tokio::test(start_paused = true)]
async fn the_right_to_remove_is_missed_before_anything_is_removed() {
    let source = back_up(&then()).await;
    let mut cluster = now();
    cluster.denied.insert(("delete".to_owned(), "secrets".to_owned(), "shop".to_owned()));
    let server = Server::new(cluster);
    let plan = planned(&server, &source, &exact(Some("shop"), &[])).await;
    assert_eq!(plan.warnings, [r#"missing right: delete secrets in namespace "shop""#]);
    assert_eq!(pruned(&told(&plan)), ["configmaps shop/new"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_snapshot_lacks_is_removed_within_the_scope_only() {
    let source = back_up(&then()).await;
    for (options, removed) in [
        (exact(Some("shop"), &[]), &["configmaps shop/new", "secrets shop/new"][..]),
        (
            exact(None, &[]),
            &["configmaps other/new", "configmaps shop/new", "secrets other/new", "secrets shop/new"],
        ),
        (exact(None, &[("IncludeResources", "secrets")]), &["secrets other/new", "secrets shop/new"]),
        (exact(None, &[("ExcludeNamespaces", "shop")]), &["configmaps other/new", "secrets other/new"]),
        (
            exact(Some("shop"), &[("IncludeRBACResources", "true")]),
            &["configmaps shop/new", "roles.rbac.authorization.k8s.io shop/new", "secrets shop/new"],
        ),
    ] {
        let server = Server::new(now());
        let before: Vec<_> = server.cluster().objects.keys().cloned().collect();
        let plan = told(&planned(&server, &source, &options).await);
        assert_eq!(pruned(&plan), removed);
        assert_eq!(real_writes(&server), []);
        let report = told(&restored(&server, &source, &options).await);
        assert_eq!(pruned(&report), removed);
        let left = server.cluster().objects.len();
        assert_eq!(before.len() - left, removed.len(), "nothing else is gone");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_that_others_would_go_with() {
    let source = back_up(&then()).await;
    let more = || {
        let mut cluster = then();
        cluster.put("namespaces", "", "new", &json!({}));
        cluster.put("namespaces", "", "keys", &json!({}));
        cluster.put("secrets", "keys", "encryption", &json!({}));
        cluster.put("configmaps", "new", "inside", &json!({}));
        cluster.put(DEFINITIONS, "", "widgets.example.com", &crate::fresh::definition());
        Server::new(cluster)
    };
    let mut all = exact(None, &[]);
    let encryption = Key {
        group_resource: "secrets".to_owned(),
        namespace: Some("keys".to_owned()),
        name: "encryption".to_owned(),
    };
    all.protected.objects.insert(encryption);
    let server = more();
    let report = restored(&server, &source, &all).await;
    assert_eq!(
        pruned(&told(&report)),
        [
            "configmaps new/inside",
            "customresourcedefinitions.apiextensions.k8s.io widgets.example.com",
            "namespaces new",
        ]
    );
    assert_eq!(report.warnings, [r#"namespaces "keys" is not removed: the backups need what is in it"#]);
    assert!(server.cluster().has("secrets", "keys", "encryption"));

    let some_namespaces = exact(None, &[("ExcludeNamespaces", "shop")]);
    let report = restored(&more(), &source, &some_namespaces).await;
    assert!(!told(&report).iter().any(|line| line.contains("prune customresource")));
    let some_types = exact(None, &[("ExcludeResources", "secrets")]);
    let report = restored(&more(), &source, &some_types).await;
    assert!(!told(&report).iter().any(|line| line.contains("prune namespaces")));
}

#[tokio::test(start_paused = true)]
async fn in_a_mapped_namespace_what_is_there_under_the_new_name_is_removed() {
    let source = back_up(&then()).await;
    let mut cluster = now();
    cluster.put("namespaces", "", "copy", &json!({}));
    cluster.put("configmaps", "copy", "new", &json!({}));
    let server = Server::new(cluster);
    let options = exact(Some("shop"), &[("NamespaceMappings", "shop=copy"), ("IncludeNamespaces", "shop")]);
    let report = told(&restored(&server, &source, &options).await);
    assert_eq!(pruned(&report), ["configmaps copy/new"]);
    assert!(server.cluster().has("configmaps", "shop", "new"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_removed_where_it_is_not_known_what_the_backup_saw() {
    let source = back_up(&then()).await;
    let server = Server::new(now());
    let unknown = Options { covered: None, ..exact(None, &[]) };
    let incomplete = exact(None, &[("AllowIncomplete", "true")]);
    for options in [unknown, incomplete] {
        let refused = try_restore(&server, &source, &options).await;
        assert!(matches!(refused, Err(Error::Prune { .. })), "{refused:?}");
    }
    assert_eq!(server.calls(), []);
    // Parameters do not say such a thing; options can.
    let key = Key {
        group_resource: "configmaps".to_owned(),
        namespace: Some("shop".to_owned()),
        name: "kept".to_owned(),
    };
    let objects = Options { objects: vec![key], ..exact(None, &[]) };
    let report = restored(&server, &source, &objects).await;
    assert_eq!(pruned(&told(&report)), Vec::<&str>::new());
    assert_eq!(report.warnings, ["nothing is removed, since this is about single objects only"]);
}

#[tokio::test(start_paused = true)]
async fn a_type_that_cannot_be_listed_loses_nothing() {
    let source = back_up(&then()).await;
    let server = Server::failing(now(), |call, _| {
        let lists = call.path.ends_with("/secrets") && call.method == http::Method::GET;
        lists.then(|| crate::server::fault(403, "Forbidden", "no"))
    });
    let report = restored(&server, &source, &exact(Some("shop"), &[])).await;
    assert_eq!(pruned(&told(&report)), ["configmaps shop/new"]);
    assert_eq!(
        report.warnings,
        ["not all secrets can be looked through for what to remove: 403 Forbidden: no"]
    );
}
