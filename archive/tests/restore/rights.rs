//! Rights that are missing: all are told at once, before anything is written.

use archive::restore::verdict::ProblemKind;
use http::Method;

use crate::faults::three;
use crate::fresh::application;
use crate::server::cluster::Cluster;
use crate::server::{Call, Server};
use crate::support::{back_up, options, problem, restored};

#[tokio::test(start_paused = true)]
async fn missing_rights_are_all_told_at_once_and_cost_no_request_each() {
    let source = back_up(&application()).await;
    let mut cluster = Cluster::with_namespaces(&["shop"]);
    let deny = |verb: &str, of: &str| (verb.to_owned(), of.to_owned(), "shop".to_owned());
    cluster.denied.extend([deny("create", "configmaps"), deny("create", "secrets")]);
    let server = Server::new(cluster);
    let report = restored(&server, &source, &options(&[])).await;
    assert_eq!(
        report.warnings,
        [
            r#"missing right: create configmaps in namespace "shop""#,
            r#"missing right: create secrets in namespace "shop""#
        ]
    );
    assert_eq!(problem(&report, "configmaps", "orders"), &ProblemKind::Forbidden);
    assert_eq!(problem(&report, "secrets", "orders"), &ProblemKind::Forbidden);
    let posted = |call: &&Call| call.method == Method::POST && call.path.ends_with("/configmaps");
    assert_eq!(server.calls().iter().filter(posted).count(), 0);
    assert!(server.cluster().has("deployments.apps", "shop", "orders"), "the rest is made");
}

#[tokio::test(start_paused = true)]
async fn the_right_to_make_a_namespace_is_missed_where_there_is_none() {
    let source = back_up(&three()).await;
    let mut cluster = Cluster::empty();
    cluster.denied.insert(("create".to_owned(), "namespaces".to_owned(), String::new()));
    let server = Server::new(cluster);
    let report = restored(&server, &source, &options(&[("IncludeClusterResources", "false")])).await;
    assert_eq!(report.warnings, ["missing right: create namespaces"]);
    let mut with_it = Cluster::with_namespaces(&["shop"]);
    with_it.denied.clone_from(&server.cluster().denied);
    let server = Server::new(with_it);
    let report = restored(&server, &source, &options(&[("IncludeClusterResources", "false")])).await;
    assert_eq!(report.warnings, Vec::<String>::new());
}
