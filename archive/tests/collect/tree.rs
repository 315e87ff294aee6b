//! Completeness and order.

use proptest::collection::btree_set;
use proptest::prelude::*;

use crate::server::{Server, Type};
use crate::support::{cluster, config_maps, everything, files, namespaces, run};

#[tokio::test]
async fn every_object_comes_once_and_in_the_order_of_the_tree() {
    let types = cluster();
    let run = run(&Server::new(types.clone()), &everything()).await;
    run.assert_sound();
    assert_eq!(run.paths(), files(&types));
    assert_eq!(run.report().types, 5);
    assert!(run.report().is_complete() && run.report().warnings.is_empty(), "{:?}", run.report());
    assert_eq!(run.total, Some(run.entries.len() as u64));
}

#[tokio::test]
async fn a_file_is_what_the_server_has_without_what_the_server_writes() {
    let run = run(&Server::new(cluster()), &everything()).await;
    assert_eq!(
        run.file("widgets.example.com/namespaces/a-b/w7.yaml"),
        "apiVersion: example.com/v2\nkind: Widget\nmetadata:\n  name: w7\n  namespace: a-b\nspec:\n  of: w7\n"
    );
    let entry = &run.entries[0];
    assert_eq!(entry.modified, "2026-11-22T10:00:00Z".parse().unwrap());
}

#[tokio::test]
async fn a_server_without_aggregated_discovery_gives_the_same() {
    let types = cluster();
    let run = run(&Server::old(types.clone()), &everything()).await;
    run.assert_sound();
    assert_eq!(run.paths(), files(&types));
    assert!(run.file("widgets.example.com/namespaces/a/w1.yaml").starts_with("apiVersion: example.com/v2\n"));
}

#[tokio::test]
async fn what_cannot_be_made_again_is_left_out() {
    let mut types = cluster();
    let mut statuses = Type::new("", "componentstatuses", "ComponentStatus", false).with(&[("", "etcd-0")]);
    statuses.verbs = vec!["get", "list"];
    types.push(statuses);
    let run = run(&Server::new(types.clone()), &everything()).await;
    assert_eq!(run.paths(), files(&types[..5]));
}

#[tokio::test]
async fn only_namespaces_that_a_list_has_later_are_read_by_themselves() {
    let server =
        Server::new(vec![namespaces(&["a", "a-b", "a-c", "b"]), config_maps(&["a", "a-b", "a-c", "b"], 3)]);
    run(&server, &everything()).await.assert_sound();
    let by_itself: Vec<String> = server.calls().into_iter().filter_map(|call| call.namespace).collect();
    assert_eq!(by_itself, ["a"]);
}

#[tokio::test]
async fn a_namespace_that_appears_late_belongs_to_the_next_backup() {
    let server = Server::failing(vec![namespaces(&["a-b"]), config_maps(&["a-b"], 40)], |call, types| {
        if call.plural == "configmaps" && call.token.is_some() {
            types[1].object("a", "new", &serde_json::json!({}));
            types[1].object("b", "new", &serde_json::json!({}));
        }
        None
    });
    let run = run(&server, &everything()).await;
    run.assert_sound();
    assert!(run.paths().contains(&"configmaps/namespaces/b/new.yaml"));
    assert!(!run.paths().contains(&"configmaps/namespaces/a/new.yaml"));
    assert_eq!(
        run.report().warnings,
        ["namespace \"a\" appeared while configmaps was read; its objects belong to the next backup"]
    );
}

#[tokio::test]
async fn an_object_that_cannot_be_kept_is_named_and_the_others_are_kept() {
    let mut types = vec![namespaces(&["a"]), config_maps(&["a"], 40)];
    types[1].object("a", "c005", &serde_json::json!({"name": "c/005"}));
    let run = run(&Server::new(types), &everything()).await;
    run.assert_sound();
    assert_eq!(run.entries.len(), 40);
    assert_eq!(
        run.gaps(),
        [
            "failed to keep an object of configmaps: failed to name a file: name \"c/005\" cannot be part of a path"
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_cluster_comes_complete_and_sorted(
        in_namespaces in btree_set(("[ab](-[ab]){0,3}", "[ab](-?[ab0.]){0,3}"), 0..80),
        of_cluster in btree_set("[ab :!-][ab :!.-]{0,3}", 0..20),
        is_listed in any::<bool>(),
    ) {
        let mut names: Vec<&str> = in_namespaces.iter().map(|(namespace, _)| namespace.as_str()).collect();
        names.dedup();
        let places: Vec<(&str, &str)> =
            in_namespaces.iter().map(|(namespace, name)| (namespace.as_str(), name.as_str())).collect();
        let of_cluster: Vec<(&str, &str)> = of_cluster.iter().map(|name| ("", name.as_str())).collect();
        let types = vec![
            namespaces(&names),
            Type::new("", "configmaps", "ConfigMap", true).with(&places),
            Type::new("example.com", "roles", "Role", false).with(&of_cluster),
        ];
        // Without the right to list namespaces every one that could come later is looked for.
        let server = Server::failing(types.clone(), move |call, _| {
            let hidden = !is_listed && call.plural == "namespaces";
            hidden.then(|| crate::server::status(403, "Forbidden", "no"))
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let run = runtime.block_on(run(&server, &everything()));
        run.assert_sound();
        let expected = files(if is_listed { &types[..] } else { &types[1..] });
        prop_assert_eq!(run.paths(), expected);
    }
}
