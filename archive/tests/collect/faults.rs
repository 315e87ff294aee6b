//! Every way in which a part of the API can fail. Whatever happens, nothing else is missing and nothing comes twice.

use std::sync::Arc;

use archive::collect::Error;

use crate::server::{Call, Fault, Server, Type, status};
use crate::support::{Run, cluster, everything, files, filtered, run};

/// All files but those of one type.
fn without(plural: &str) -> Vec<String> {
    files(cluster().iter().filter(|of| of.plural != plural))
}

async fn run_failing(fault: impl Fn(&Call) -> Option<Fault> + Send + Sync + 'static) -> (Arc<Server>, Run) {
    let server = Server::failing(cluster(), move |call, _| fault(call));
    let run = run(&server, &everything()).await;
    run.assert_sound();
    (server, run)
}

#[tokio::test]
async fn an_expired_list_is_begun_anew_at_whatever_page() {
    let (server, _) = run_failing(|_| None).await;
    let pages = server.calls().iter().filter(|call| call.path == "/api/v1/configmaps").count();
    assert!(pages > 10, "{pages}");
    for page in 1..pages {
        let (server, run) = run_failing(move |call| {
            let expires = call.path == "/api/v1/configmaps" && call.earlier == page;
            expires.then(|| status(410, "Expired", "too old"))
        })
        .await;
        assert_eq!(run.paths(), files(&cluster()), "page {page}");
        assert!(run.report().is_complete());
        assert_eq!(run.total, Some(run.entries.len() as u64), "page {page}");
        let begun = server
            .calls()
            .iter()
            .filter(|call| call.path == "/api/v1/configmaps" && call.token.is_none())
            .count();
        assert_eq!(begun, 2, "page {page}");
    }
}

#[tokio::test]
async fn a_list_that_expires_again_and_again_is_a_gap() {
    let (_, run) = run_failing(|call| {
        let expires = call.plural == "configmaps" && call.namespace.is_none() && call.token.is_some();
        expires.then(|| status(410, "Expired", "too old"))
    })
    .await;
    assert_eq!(run.gaps(), ["failed to read configmaps: the list expired 6 times"]);
    assert!(without("configmaps").iter().all(|path| run.paths().contains(&path.as_str())));
    assert!(run.paths().contains(&"configmaps/namespaces/a/c000.yaml"), "what was read is kept");
}

#[tokio::test]
async fn a_forbidden_type_is_a_gap_that_says_who_lacks_what() {
    let (server, run) = run_failing(|call| {
        let message = "widgets.example.com is forbidden: User \"system:serviceaccount:demo:reader\" cannot list \
            resource \"widgets\" in API group \"example.com\" at the cluster scope";
        (call.plural == "widgets").then(|| status(403, "Forbidden", message))
    })
    .await;
    assert_eq!(run.paths(), without("widgets"));
    assert_eq!(
        run.gaps(),
        [
            "ServiceAccount \"demo/reader\" cannot list resource \"widgets\" in API group \"example.com\": forbidden"
        ]
    );
    let asked = server.calls().iter().filter(|call| call.plural == "widgets").count();
    assert_eq!(asked, 1, "neither again nor in another version");
}

#[tokio::test]
async fn a_version_that_fails_is_replaced_by_another_at_whatever_page() {
    for page in [0, 1, 2, 7] {
        let (_, run) = run_failing(move |call| {
            let fails = call.plural == "widgets" && call.version == "v2" && call.earlier >= page;
            fails.then(|| status(500, "InternalError", "conversion webhook for example.com/v1 failed"))
        })
        .await;
        assert_eq!(run.paths(), files(&cluster()), "page {page}");
        assert!(run.report().is_complete());
        assert_eq!(
            run.report().warnings,
            [
                "widgets.example.com was read in another version, since v2 cannot be: 500 InternalError: conversion \
             webhook for example.com/v1 failed"
            ]
        );
        assert!(
            run.file("widgets.example.com/namespaces/b/w9.yaml").starts_with("apiVersion: example.com/v1\n")
        );
    }
}

#[tokio::test]
async fn a_type_that_fails_in_every_version_is_a_gap_with_every_error() {
    let (_, run) = run_failing(|call| match (call.plural.as_str(), call.version.as_str()) {
        ("widgets", "v2") => Some(status(500, "InternalError", "no webhook")),
        ("widgets", "v1") => Some(Fault::Answer(200, serde_json::json!(["garbage"]))),
        _ => None,
    })
    .await;
    assert_eq!(run.paths(), without("widgets"));
    let [gap] = &run.gaps()[..] else { panic!("{:?}", run.gaps()) };
    assert!(gap.starts_with("failed to read widgets.example.com: in version v2: 500 InternalError: no webhook; in version v1: the answer cannot be read"), "{gap}");
}

#[tokio::test]
async fn an_overloaded_server_is_asked_again_as_it_says() {
    for code in [429, 503] {
        let (_, run) = run_failing(move |call| (call.earlier == 0).then_some(Fault::Later(code, 3600))).await;
        assert_eq!(run.paths(), files(&cluster()));
        assert!(run.report().is_complete() && run.report().warnings.is_empty());
    }
    let (server, run) = run_failing(|call| (call.plural == "secrets").then_some(Fault::Later(503, 0))).await;
    assert_eq!(run.paths(), without("secrets"));
    assert_eq!(run.gaps(), ["failed to read secrets: in version v1: 503 Service Unavailable: later"]);
    assert_eq!(server.calls().iter().filter(|call| call.plural == "secrets").count(), 3);
}

#[tokio::test]
async fn a_server_that_never_answers_holds_up_nobody() {
    let (_, run) = run_failing(|call| (call.plural == "secrets").then_some(Fault::Silence)).await;
    assert_eq!(run.paths(), without("secrets"));
    assert_eq!(run.gaps(), ["failed to read secrets: in version v1: no answer within 0.5 s"]);
}

#[tokio::test]
async fn a_type_that_is_deleted_meanwhile_is_no_gap() {
    let server = Server::failing(cluster(), |call, types| {
        if call.plural == "widgets" && call.token.is_some() {
            types.retain(|of| of.plural != "widgets");
        }
        None
    });
    let run = run(&server, &everything()).await;
    run.assert_sound();
    assert!(run.report().is_complete(), "{:?}", run.gaps());
    assert_eq!(run.report().warnings, ["widgets.example.com was deleted while it was read"]);
}

#[tokio::test]
async fn a_type_that_is_not_found_and_still_there_is_a_gap() {
    let (_, run) =
        run_failing(|call| (call.plural == "secrets").then(|| status(404, "NotFound", "no"))).await;
    assert_eq!(run.paths(), without("secrets"));
    assert_eq!(run.gaps(), ["failed to read secrets: in version v1: 404 NotFound: no"]);
}

#[tokio::test]
async fn an_aggregated_api_is_outside_the_scope_unless_it_is_named() {
    let mut types = cluster();
    let mut metrics = Type::new("metrics.k8s.io", "pods", "PodMetrics", true).with(&[
        ("b", "x"),
        ("a", "y"),
        ("a", "y-1"),
        ("a-b", "z"),
    ]);
    (metrics.aggregated, metrics.sorted) = (true, false);
    types.push(metrics.clone());
    let left_out = run(&Server::new(types.clone()), &everything()).await;
    assert_eq!(left_out.paths(), files(&cluster()));
    let named =
        run(&Server::new(types.clone()), &filtered(&[("IncludeResources", "pods.metrics.k8s.io")])).await;
    named.assert_sound();
    assert_eq!(named.paths(), files([&metrics]), "its server does not sort");
    let given = [("IncludeResources", "pods.metrics.k8s.io"), ("IncludeNamespaces", "a-b,a,b")];
    let by_namespace = run(&Server::new(types), &filtered(&given)).await;
    by_namespace.assert_sound();
    assert!(by_namespace.report().is_complete(), "{:?}", by_namespace.gaps());
    assert_eq!(by_namespace.paths(), files([&metrics]));
    assert_eq!(by_namespace.total, Some(4));
}

#[tokio::test]
async fn a_dead_aggregated_api_is_told_and_fails_only_who_named_it() {
    let mut types = cluster();
    let mut dead = Type::new("metrics.k8s.io", "pods", "PodMetrics", true);
    (dead.aggregated, dead.stale) = (true, true);
    types.push(dead);
    for server in [Server::new(types.clone()), Server::old(types.clone())] {
        let all = run(&server, &everything()).await;
        assert_eq!(all.paths(), files(&cluster()));
        assert!(all.report().is_complete());
        assert_eq!(
            all.report().warnings,
            [
                "the aggregated API metrics.k8s.io/v1 does not answer; it is outside the scope, since none of its types is \
             included by name"
            ]
        );
        let named = run(&server, &filtered(&[("IncludeResources", "pods.metrics.k8s.io,secrets")])).await;
        assert_eq!(named.gaps(), ["failed to learn what *.metrics.k8s.io has: version v1 does not answer"]);
        assert_eq!(named.entries.len(), 4, "the secrets are kept");
    }
}

#[tokio::test]
async fn a_group_of_the_api_server_itself_that_does_not_answer_is_a_gap() {
    let mut types = cluster();
    let mut stale = Type::new("stale.example.com", "things", "Thing", true);
    stale.stale = true;
    types.push(stale);
    let run = run(&Server::new(types), &everything()).await;
    assert_eq!(run.paths(), files(&cluster()));
    assert_eq!(run.gaps(), ["failed to learn what *.stale.example.com has: version v1 does not answer"]);
}

#[tokio::test]
async fn a_list_that_is_not_sorted_comes_sorted_all_the_same() {
    let mut types = cluster();
    types[1].sorted = false;
    let run = run(&Server::new(types.clone()), &everything()).await;
    run.assert_sound();
    // Files that were handed out before the disorder was noticed cannot be put in order any more: then it is told.
    if run.report().is_complete() {
        assert_eq!(run.paths(), files(&types));
    } else {
        assert!(run.gaps()[0].contains("its server does not sort"), "{:?}", run.gaps());
    }
    assert!(without("configmaps").iter().all(|path| run.paths().contains(&path.as_str())));
}

#[tokio::test]
async fn a_cluster_without_types_is_an_error() {
    let run = run(&Server::new(vec![]), &everything()).await;
    let error = run.report.unwrap_err();
    assert!(matches!(error, Error::Discover { .. }), "{error}");
    assert!(run.entries.is_empty());
}

#[tokio::test]
async fn who_may_not_list_api_services_is_told_what_was_assumed() {
    let mut types = cluster();
    types.push(Type::new("metrics.k8s.io", "pods", "PodMetrics", true).with(&[("a", "x")]));
    let server = Server::failing(types, |_, _| None).without_services();
    let run = run(&server, &everything()).await;
    assert_eq!(run.paths(), files(&cluster()));
    assert!(run.report().warnings[0].starts_with("which types are served by an aggregated API is assumed"));
}
