//! What belongs to a backup: targets and filters.

use std::sync::Arc;

use archive::collect::Error;
use serde_json::json;

use crate::server::{Server, Type, status};
use crate::support::{cluster, config_maps, everything, files, filtered, namespaces, run, target};

#[tokio::test]
async fn a_namespace_is_all_in_it_and_itself() {
    let run = run(&Server::new(cluster()), &target("", "Namespace", None, "a-b", &[])).await;
    run.assert_sound();
    assert!(run.report().is_complete());
    assert_eq!(run.entries.len(), 40 + 50 + 1);
    assert_eq!(run.total, Some(91));
    for path in run.paths() {
        assert!(path.contains("/namespaces/a-b/") || path == "namespaces/cluster/a-b.yaml", "{path}");
    }
}

#[tokio::test]
async fn a_namespace_needs_no_rights_beyond_it() {
    let server = Server::failing(cluster(), |call, _| {
        let own = call.namespace.as_deref() == Some("a-b") || call.path == "/api/v1/namespaces/a-b";
        (!own).then(|| status(403, "Forbidden", "no"))
    });
    for plan in [
        target("", "Namespace", None, "a-b", &[]),
        filtered(&[("IncludeNamespaces", "a-b"), ("IncludeClusterResources", "false")]),
    ] {
        let run = run(&server, &plan).await;
        run.assert_sound();
        assert!(run.report().is_complete(), "{:?}", run.gaps());
        assert!(run.entries.len() >= 90);
    }
}

#[tokio::test]
async fn a_forbidden_namespace_is_a_gap_and_the_next_one_is_read() {
    let server = Server::failing(cluster(), |call, _| {
        let hidden = call.plural == "secrets" && call.namespace.as_deref() == Some("a");
        hidden.then(|| status(403, "Forbidden", "User \"jane\" cannot"))
    });
    let run = run(&server, &filtered(&[("IncludeNamespaces", "a,b"), ("IncludeResources", "secrets")])).await;
    assert_eq!(run.paths(), ["secrets/namespaces/b/s.yaml"]);
    assert_eq!(
        run.gaps(),
        ["user \"jane\" cannot list resource \"secrets\" in API group \"\" in namespace \"a\": forbidden"]
    );
}

#[tokio::test]
async fn filters_keep_out_what_they_say() {
    let server = Server::new(cluster());
    let ends = |paths: Vec<&str>| paths.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let excluded = run(
        &server,
        &filtered(&[("ExcludeNamespaces", "a,a-b,a-b-c,a0,kube-system"), ("ExcludeResources", "configmaps")]),
    )
    .await;
    excluded.assert_sound();
    assert_eq!(excluded.entries.len(), 50 + 1);
    let cluster_only = run(
        &server,
        &filtered(&[("IncludeClusterResources", "true"), ("IncludeResources", "clusterroles,namespaces")]),
    )
    .await;
    assert_eq!(cluster_only.entries.len(), 5 + 6);
    let misspelt =
        run(&server, &filtered(&[("IncludeNamespaces", "shop"), ("IncludeResources", "secret")])).await;
    assert_eq!(ends(misspelt.paths()), Vec::<String>::new());
    assert_eq!(
        misspelt.report().warnings,
        [
            "IncludeNamespaces names \"shop\", which does not exist",
            "IncludeResources names \"secret\", and no type of this cluster is called so",
        ]
    );
}

/// A Deployment with what comes of it, and things beside it.
fn application() -> Vec<Type> {
    let owner = |uid: &str| json!({"ownerReferences": [{"uid": uid, "kind": "X", "name": "x"}], "labels": {"app": "shop"}});
    let mut deployments =
        Type::new("apps", "deployments", "Deployment", true).with(&[("shop", "orders"), ("shop", "other")]);
    deployments.objects.get_mut(&("shop".to_owned(), "orders".to_owned())).unwrap()["metadata"]["ownerReferences"] =
        json!([{"uid": "uid-pods-shop-orders-1-x"}]);
    let mut sets = Type::new("apps", "replicasets", "ReplicaSet", true).with(&[("shop", "stray")]);
    sets.object("shop", "orders-1", &owner("uid-deployments-shop-orders"));
    sets.object("shop", "orders-2", &owner("uid-deployments-shop-orders"));
    sets.object("elsewhere", "orders-3", &owner("uid-deployments-shop-orders"));
    let mut pods = Type::new("", "pods", "Pod", true).with(&[("shop", "stray")]);
    pods.object("shop", "orders-1-x", &owner("uid-replicasets-shop-orders-1"));
    let mut unlabelled = owner("uid-replicasets-shop-orders-1");
    unlabelled["labels"] = json!({});
    pods.object("shop", "orders-1-y", &unlabelled);
    let mut roles = Type::new("example.com", "tenants", "Tenant", false).with(&[("", "big")]);
    roles.object("", "small", &owner("uid-tenants--big"));
    let mut claims = Type::new("", "configmaps", "ConfigMap", true);
    claims.object("elsewhere", "of-big", &owner("uid-tenants--small"));
    vec![namespaces(&["shop", "elsewhere"]), claims, pods, deployments, sets, roles]
}

#[tokio::test]
async fn an_application_is_one_object() {
    let run =
        run(&Server::new(application()), &target("apps", "Deployment", Some("shop"), "orders", &[])).await;
    assert_eq!(run.paths(), ["deployments.apps/namespaces/shop/orders.yaml"]);
    assert!(
        run.file("deployments.apps/namespaces/shop/orders.yaml")
            .starts_with("apiVersion: apps/v1\nkind: Deployment\n")
    );
    assert_eq!(run.total, Some(1));
}

#[tokio::test]
async fn an_application_with_dependants_is_all_that_it_owns() {
    let server = Server::new(application());
    let plan = target("apps", "Deployment", Some("shop"), "orders", &[("includeDependants", "true")]);
    let run = run(&server, &plan).await;
    run.assert_sound();
    assert_eq!(
        run.paths(),
        [
            "deployments.apps/namespaces/shop/orders.yaml",
            "pods/namespaces/shop/orders-1-x.yaml",
            "pods/namespaces/shop/orders-1-y.yaml",
            "replicasets.apps/namespaces/shop/orders-1.yaml",
            "replicasets.apps/namespaces/shop/orders-2.yaml",
        ]
    );
    assert!(run.report().is_complete());
}

#[tokio::test]
async fn a_label_condition_holds_for_dependants_and_not_for_the_target() {
    for condition in [("labelSelector", "app=shop"), ("ANDedLabelSelectors", "app:shop")] {
        let given = [("includeDependants", "true"), condition];
        let plan = target("apps", "Deployment", Some("shop"), "orders", &given);
        let run = run(&Server::new(application()), &plan).await;
        assert_eq!(run.entries.len(), 4, "{condition:?}: {:?}", run.paths());
        assert!(!run.paths().contains(&"pods/namespaces/shop/orders-1-y.yaml"));
    }
}

#[tokio::test]
async fn an_object_of_the_cluster_owns_anywhere() {
    let plan = target("example.com", "Tenant", None, "big", &[("includeDependants", "true")]);
    let run = run(&Server::new(application()), &plan).await;
    run.assert_sound();
    assert_eq!(
        run.paths(),
        [
            "configmaps/namespaces/elsewhere/of-big.yaml",
            "tenants.example.com/cluster/big.yaml",
            "tenants.example.com/cluster/small.yaml",
        ]
    );
}

#[tokio::test]
async fn dependants_that_cannot_be_seen_are_a_gap() {
    let server = Server::failing(application(), |call, _| {
        (call.plural == "pods").then(|| status(403, "Forbidden", "no"))
    });
    let plan = target("apps", "Deployment", Some("shop"), "orders", &[("includeDependants", "true")]);
    let run = run(&server, &plan).await;
    assert_eq!(run.entries.len(), 3);
    assert_eq!(
        run.gaps(),
        ["cannot list resource \"pods\" in API group \"\" in namespace \"shop\": forbidden"]
    );
}

#[tokio::test]
async fn a_target_that_is_not_there_is_an_error() {
    let server = Server::new(application());
    let refusing = Server::failing(application(), |_, _| Some(status(403, "Forbidden", "no")));
    for (server, plan, text) in [
        (
            &server,
            target("apps", "Deployment", Some("shop"), "gone", &[]),
            "the target Deployment \"gone\" does not exist",
        ),
        (
            &server,
            target("apps", "Deployment", None, "orders", &[]),
            "the target Deployment \"orders\" has no namespace",
        ),
        (
            &server,
            target("apps", "Statefulset", Some("shop"), "orders", &[]),
            "the cluster has no kind \"Statefulset\" in API group \"apps\" that could be backed up",
        ),
        (
            &refusing,
            target("apps", "Deployment", Some("shop"), "orders", &[]),
            "failed to read the target Deployment \"orders\": 403 Forbidden: no",
        ),
    ] {
        let server: &Arc<Server> = server;
        let error = run(server, &plan).await.report.unwrap_err();
        assert_eq!(error.to_string(), text);
        assert!(!error.permanence().is_temporary(), "{error}");
    }
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_an_error() {
    let error =
        run(&Server::new(cluster()), &target("", "Namespace", None, "gone", &[])).await.report.unwrap_err();
    assert_eq!(error.to_string(), "the target Namespace \"gone\" does not exist");
}

#[tokio::test]
async fn a_selector_is_left_to_the_server() {
    let mut types = vec![namespaces(&["a"]), config_maps(&["a"], 40)];
    types[1].object("a", "x", &json!({"labels": {"app": "shop"}}));
    let run_with = async |types: Vec<Type>, selector| {
        run(&Server::new(types), &filtered(&[("labelSelector", selector)])).await
    };
    let run_one = run_with(types.clone(), "app=shop").await;
    assert_eq!(run_one.paths(), ["configmaps/namespaces/a/x.yaml"]);
    let refusing = Server::failing(types, |call, _| {
        call.selector.is_some().then(|| status(400, "BadRequest", "unable to parse requirement"))
    });
    let error = run(&refusing, &filtered(&[("labelSelector", "app in")])).await.report.unwrap_err();
    assert!(matches!(error, Error::Selector { .. }), "{error}");
}

#[tokio::test]
async fn label_gates_take_what_has_the_labels() {
    let mut types = vec![namespaces(&["a"]), config_maps(&["a"], 40)];
    types[1].object("a", "c005-x", &json!({"labels": {"app": "shop"}}));
    types[1].object("a", "c005", &json!({"labels": {"app": "shop", "tier": "web"}}));
    let server = Server::new(types.clone());
    let both = run(&server, &filtered(&[("ORedLabelSelectors", "app=shop,app=other")])).await;
    assert_eq!(both.paths(), ["configmaps/namespaces/a/c005-x.yaml", "configmaps/namespaces/a/c005.yaml"]);
    assert_eq!(both.total, Some(2), "known at the end");
    let one = run(&server, &filtered(&[("ANDedLabelSelectors", "app:shop,tier")])).await;
    assert_eq!(one.paths(), ["configmaps/namespaces/a/c005.yaml"]);
    assert_eq!(run(&server, &everything()).await.paths(), files(&types));
}
