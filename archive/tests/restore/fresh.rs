//! Into a cluster that has nothing: everything is back, with its owners, by one request each; the second time there is
//! nothing to do; a plan says it all beforehand and writes nothing.

use std::time::Duration;

use archive::restore::options::{Existing, Options};
use archive::restore::report::Report;
use archive::restore::verdict::{Skip, Verdict};
use serde_json::{Value, json};

use crate::server::cluster::{Cluster, place};
use crate::server::objects::{DEFINITIONS, essence, establish};
use crate::server::{Call, Server, fault};
use crate::support::{assert_no_failure, back_up, line, options, planned, real_writes, restored, told};

pub fn definition() -> Value {
    json!({"spec": {
        "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [{"name": "v1", "served": true, "storage": true}]}})
}

pub fn owner(api_version: &str, kind: &str, name: &str, of: &Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "name": name, "uid": of["metadata"]["uid"], "controller": true,
        "blockOwnerDeletion": true})
}

/// An application as they are: a chain of owners, what controllers make, types of its own, rights.
pub fn application() -> Cluster {
    let mut cluster = Cluster::with_namespaces(&["shop"]);
    cluster.put(DEFINITIONS, "", "widgets.example.com", &definition());
    let widget = cluster.put(
        "widgets.example.com",
        "shop",
        "orders",
        &json!({"spec": {"size": 3}, "status": {"ready": true}}),
    );
    let account =
        json!({"metadata": {"ownerReferences": [owner("example.com/v1", "Widget", "orders", &widget)]}});
    let config = cluster.put("configmaps", "shop", "orders", &merged(&account, &json!({"data": {"a": "1"}})));
    let owned = json!({"metadata": {"ownerReferences": [owner("v1", "ConfigMap", "orders", &config)]}});
    cluster.put(
        "secrets",
        "shop",
        "orders",
        &merged(&owned, &json!({"type": "Opaque", "data": {"p": "aHVudGVyMg=="}})),
    );
    cluster.put("serviceaccounts", "shop", "orders", &json!({}));
    let deployment = cluster.put(
        "deployments.apps",
        "shop",
        "orders",
        &json!({"spec": {"replicas": 2, "selector": {"matchLabels": {"app": "orders"}}}}),
    );
    let owned =
        json!({"metadata": {"ownerReferences": [owner("apps/v1", "Deployment", "orders", &deployment)]}});
    let set = cluster.put("replicasets.apps", "shop", "orders-7c9", &owned);
    let owned =
        json!({"metadata": {"ownerReferences": [owner("apps/v1", "ReplicaSet", "orders-7c9", &set)]}});
    cluster.put("pods", "shop", "orders-7c9-x", &merged(&owned, &json!({"spec": {"nodeName": "n1"}})));
    cluster.put("roles.rbac.authorization.k8s.io", "shop", "reader", &json!({"rules": []}));
    cluster.put(
        "rolebindings.rbac.authorization.k8s.io",
        "shop",
        "reader",
        &json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}}),
    );
    cluster.put(
        "services",
        "shop",
        "front",
        &json!({"spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]}}),
    );
    cluster.put(
        "jobs.batch",
        "shop",
        "migrate",
        &json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "i"}]}}}}),
    );
    cluster
}

fn merged(one: &Value, other: &Value) -> Value {
    let mut both = one.clone();
    crate::server::objects::merge(&mut both, other);
    both
}

/// What a restore does not make, since a controller does.
const MADE_BY_CONTROLLERS: [&str; 2] = ["replicasets.apps", "pods"];

/// Everything that should be back is, as it was.
pub fn assert_same(now: &Cluster, then: &Cluster) {
    let wanted = then.objects.iter().filter(|((of, ..), _)| !MADE_BY_CONTROLLERS.contains(&of.as_str()));
    for (at, object) in wanted {
        let found = now.objects.get(at).unwrap_or_else(|| panic!("{at:?} is not there"));
        // What the server gives out anew.
        let without = |object: &Value| {
            let mut object = essence(object);
            for field in ["clusterIP", "clusterIPs", "selector", "template"] {
                if at.0 != "deployments.apps" {
                    object["spec"].as_object_mut().map(|spec| spec.remove(field));
                }
            }
            object
        };
        assert_eq!(without(found), without(object), "{at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn everything_comes_back_with_its_owners_and_the_second_time_nothing_is_to_do() {
    let then = application();
    let source = back_up(&then).await;
    let server = Server::new(Cluster::empty());
    let report = restored(&server, &source, &options(&[])).await;
    assert_no_failure(&report);
    assert_same(&server.cluster(), &then);
    // The garbage collector had its minute.
    assert!(server.cluster().collect_garbage().is_empty());
    let (secret, config) = {
        let cluster = server.cluster();
        let get = |of: &str| cluster.object(of, "shop", "orders").unwrap().clone();
        (get("secrets"), get("configmaps"))
    };
    let owner = &secret["metadata"]["ownerReferences"][0];
    assert_eq!(owner["uid"], config["metadata"]["uid"]);
    assert_eq!((&owner["controller"], &owner["blockOwnerDeletion"]), (&json!(true), &json!(true)));
    let by = Skip::Owned { by: "ReplicaSet orders-7c9".to_owned() };
    assert_eq!(line(&report, "pods", "orders-7c9-x").verdict, Verdict::Skip { reason: by });

    let before = server.cluster().objects.clone();
    let again = restored(&server, &source, &options(&[])).await;
    let changed: Vec<String> =
        told(&again).into_iter().filter(|line| !line.starts_with("unchanged ")).collect();
    assert!(changed.is_empty(), "{changed:#?}");
    assert_eq!(server.cluster().objects, before);
}

#[tokio::test(start_paused = true)]
async fn a_new_object_takes_one_request() {
    let mut then = Cluster::with_namespaces(&["shop"]);
    for number in 0..100 {
        then.put("configmaps", "shop", &format!("c{number:02}"), &json!({"data": {"n": number.to_string()}}));
    }
    let source = back_up(&then).await;
    let server = Server::new(Cluster::with_namespaces(&["shop"]));
    let report = restored(&server, &source, &options(&[])).await;
    assert_eq!(told(&report).iter().filter(|line| line.starts_with("create configmaps ")).count(), 100);
    let about: Vec<String> =
        server.calls().iter().map(Call::told).filter(|call| call.contains("configmaps")).collect();
    assert_eq!(about, vec!["POST /api/v1/namespaces/shop/configmaps"; 100]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_what_a_restore_does_and_writes_nothing() {
    let then = application();
    let source = back_up(&then).await;
    let server = Server::new(Cluster::empty());
    let before = server.cluster().objects.clone();
    let plan = planned(&server, &source, &options(&[])).await;
    assert_eq!(server.cluster().objects, before);
    assert_eq!(real_writes(&server), []);
    assert!(server.calls().iter().any(Call::is_write), "it asks the server");
    let widget = line(&plan, "widgets.example.com", "orders");
    assert_eq!(widget.notes, ["not checked: its type widgets.example.com does not exist yet"]);
    let config = line(&plan, "configmaps", "orders");
    assert_eq!(config.notes, [r#"not checked: namespace "shop" does not exist yet"#]);

    let report = restored(&server, &source, &options(&[])).await;
    // The account of a new namespace is made by its controller or by us, whoever is faster.
    let but_default = |report: &Report| {
        let mut told = told(report);
        told.retain(|line| !line.ends_with(" serviceaccounts shop/default"));
        told
    };
    assert_eq!(but_default(&plan), but_default(&report));
}

#[tokio::test(start_paused = true)]
async fn what_the_garbage_collector_is_about_to_remove_is_given_its_new_owner() {
    for (given, existing) in [
        (&[][..], Existing::Leave),
        (&[("OverrideResources", "true")][..], Existing::Apply),
        (&[][..], Existing::Replace),
    ] {
        let options = Options { existing, ..options(given) };
        let then = application();
        let source = back_up(&then).await;
        let mut now = then.clone();
        now.forget(&place("widgets.example.com", "shop", "orders"));
        now.edit(&place("configmaps", "shop", "orders"), "x", "/data/a", json!("2"));
        let server = Server::new(now);
        let plan = planned(&server, &source, &options).await;
        assert_eq!(real_writes(&server), []);
        let report = restored(&server, &source, &options).await;
        assert!(server.cluster().collect_garbage().is_empty());
        assert_eq!(told(&plan), told(&report), "{:?}", line(&plan, "configmaps", "orders"));
        let config = line(&report, "configmaps", "orders");
        let Verdict::Update { changes, .. } = &config.verdict else { panic!("{config:?}") };
        assert!(changes[0].path.starts_with("metadata.ownerReferences"), "{changes:?}");
        let data = server.cluster().object("configmaps", "shop", "orders").unwrap()["data"]["a"].clone();
        if existing == Existing::Leave {
            assert_eq!(config.notes, ["1 other fields differ and stay as they are"]);
            assert_eq!(data, "2");
        } else {
            assert_eq!(data, "1");
        }
        let again = restored(&server, &source, &options).await;
        assert!(!told(&again).iter().any(|line| line.starts_with("update ")), "{:#?}", told(&again));
    }
}

#[tokio::test(start_paused = true)]
async fn objects_of_a_new_type_wait_until_it_is_established() {
    let then = application();
    let source = back_up(&then).await;
    let mut cluster = Cluster::empty();
    cluster.establishes = false;
    let server = Server::failing(cluster, |call, cluster| {
        let object = cluster.object(DEFINITIONS, "", "widgets.example.com");
        let is_served = object.is_some_and(|object| object.get("status").is_some());
        let early = call.path.contains("/widgets") && !is_served;
        early.then(|| fault(404, "NotFound", "the server could not find the requested resource"))
    });
    let controller = {
        let server = std::sync::Arc::clone(&server);
        tokio::spawn(async move {
            while !server.cluster().has(DEFINITIONS, "", "widgets.example.com") {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            tokio::time::sleep(Duration::from_secs(20)).await;
            server.change(|cluster| establish(cluster, "widgets.example.com"));
        })
    };
    let report = restored(&server, &source, &options(&[("MaxIterations", "1")])).await;
    controller.await.unwrap();
    assert_no_failure(&report);
    assert_same(&server.cluster(), &then);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_is_made_when_something_in_it_is() {
    let mut then = Cluster::with_namespaces(&["shop", "empty"]);
    then.edit(&place("namespaces", "", "shop"), "x", "/metadata/labels/team", json!("a"));
    then.put("configmaps", "shop", "orders", &json!({}));
    let source = back_up(&then).await;
    let server = Server::new(Cluster::empty());
    let given = [("IncludeClusterResources", "false"), ("IncludeResources", "configmaps")];
    let report = restored(&server, &source, &options(&given)).await;
    assert_eq!(told(&report), ["create configmaps shop/orders", "create namespaces shop"]);
    let cluster = server.cluster();
    assert_eq!(cluster.object("namespaces", "", "shop").unwrap()["metadata"]["labels"]["team"], "a");
    assert!(!cluster.has("namespaces", "", "empty"));
}

#[tokio::test(start_paused = true)]
async fn into_another_namespace_owners_and_all() {
    let then = application();
    let source = back_up(&then).await;
    let server = Server::new(Cluster::empty());
    let given = [
        ("IncludeClusterResources", "true"),
        ("NamespaceMappings", "shop=copy"),
        ("ExcludeResources", "namespaces"),
    ];
    let report = restored(&server, &source, &options(&given)).await;
    assert_no_failure(&report);
    let line = line(&report, "configmaps", "orders");
    assert_eq!((line.namespace.as_deref(), line.into.as_deref()), (Some("shop"), Some("copy")));
    let mut cluster = server.cluster();
    assert!(!cluster.has("namespaces", "", "shop"));
    let secret = cluster.object("secrets", "copy", "orders").unwrap().clone();
    let config = cluster.object("configmaps", "copy", "orders").unwrap();
    assert_eq!(secret["metadata"]["ownerReferences"][0]["uid"], config["metadata"]["uid"]);
    assert!(cluster.collect_garbage().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_default_account_takes_its_pull_secrets_in_place() {
    let mut then = Cluster::with_namespaces(&["shop"]);
    then.edit(
        &place("serviceaccounts", "shop", "default"),
        "x",
        "/imagePullSecrets",
        json!([{"name": "registry"}]),
    );
    let source = back_up(&then).await;
    let server = Server::new(Cluster::with_namespaces(&["shop"]));
    let report = restored(&server, &source, &options(&[])).await;
    let updated = line_in(&report, "shop");
    assert!(matches!(updated, Verdict::Update { .. }), "{updated:?}");
    let account = server.cluster().object("serviceaccounts", "shop", "default").unwrap().clone();
    assert_eq!(account["imagePullSecrets"], json!([{"name": "registry"}]));

    // One that somebody has changed is his.
    let mine = json!([{"name": "mine"}]);
    server.cluster().edit(&place("serviceaccounts", "shop", "default"), "x", "/imagePullSecrets", mine);
    let report = restored(&server, &source, &options(&[])).await;
    assert!(matches!(line_in(&report, "shop"), Verdict::Left { .. }));
}

fn line_in<'a>(report: &'a Report, namespace: &str) -> &'a Verdict {
    let found = report
        .lines
        .iter()
        .find(|line| line.resource == "serviceaccounts" && line.namespace.as_deref() == Some(namespace));
    &found.unwrap().verdict
}
