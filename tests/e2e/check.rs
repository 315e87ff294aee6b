//! `check` goes deep, and waits; what is wrong has its id.

use harness::cluster::{Cluster, OPERATOR_NAMESPACE};
use harness::namespace::Namespace;
use harness::plugin::Said;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::Api;
use serde_json::Value;

use crate::given;

/// `check` in the namespace of the story, told as JSON.
async fn checked(namespace: &Namespace, line: &str) -> (Said, Value) {
    let mut arguments: Vec<&str> = line.split_whitespace().collect();
    arguments.extend(["-o", "json", "-n", &namespace.name]);
    let said = namespace.cluster.plugin.run(&arguments).await;
    let report = serde_json::from_str(&said.stdout).unwrap_or_default();
    (said, report)
}

/// The one check of a category.
fn only<'r>(report: &'r Value, category: &str) -> &'r Value {
    let categories = report["categories"].as_array().expect("categories");
    let found = categories.iter().find(|found| found["name"] == category).expect("the category");
    assert_eq!(found["checks"].as_array().map(Vec::len), Some(1), "{found:#}");
    &found["checks"][0]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deep_check_tries_the_bucket_from_here_and_leaves_nothing_behind() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "deep").await;
    let reachable = given::STORAGE.replace("ENDPOINT", &cluster.environment.s3_host_endpoint);
    namespace.apply(&reachable).await;
    given::storage_is(&namespace, "minio", "Ready").await;
    let before = namespace.bucket().keys();

    let operator = given::the_operator_alone().await;
    let (said, report) = checked(&namespace, "check --deep").await;
    drop(operator);
    assert_eq!(said.code, 0, "{said:?}");
    let tried = only(&report, "buckets");
    let remark = tried["remark"].as_str().unwrap_or_default();
    assert!(remark.starts_with("written, read back, deleted in "), "{report:#}");
    assert!(remark.ends_with(", from this machine"), "{report:#}");
    assert_eq!(namespace.bucket().keys(), before, "nothing is left behind");

    // The operator's word is a minute old; the key is wrong now.
    namespace.apply(&reachable.replace("STORY_KEY_SECRET", "n0t-the-key")).await;
    let (said, report) = checked(&namespace, "check --deep").await;
    assert_eq!(said.code, 1, "{said:?}");
    let refused = only(&report, "buckets");
    assert_eq!((&refused["id"], &refused["result"]), (&"KS024".into(), &"error".into()), "{report:#}");
    assert!(!said.stdout.contains("n0t-the-key"), "{said:?}");
    assert_eq!(namespace.bucket().keys(), before);
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_only_pods_reach_is_no_error_and_fails_on_warnings_only() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "deep-inside").await;
    let elsewhere = given::STORAGE.replace("endpoint: ENDPOINT", "endpoint: https://s3.nowhere.svc:9000");
    namespace.apply(&elsewhere).await;
    let (_, report) = checked(&namespace, "check --deep").await;
    let tried = only(&report, "buckets");
    assert_eq!(tried["result"], "warning", "{report:#}");
    assert!(
        tried["error"].as_str().unwrap_or_default().starts_with("not tried from this machine"),
        "{report:#}"
    );
    namespace.remove().await;
}

async fn scaled(cluster: &Cluster, replicas: &str) {
    let line = ["scale", "deployment/kubestash-operator", "-n", OPERATOR_NAMESPACE, "--replicas", replicas];
    let said = cluster.kubectl(&line, "").await;
    assert_eq!(said.code, 0, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_waits_until_the_operator_is_ready() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "wait").await;
    let _alone = given::the_operator_alone().await;
    let deployments: Api<Deployment> = Api::namespaced(cluster.client.clone(), OPERATOR_NAMESPACE);
    let before = deployments.get("kubestash-operator").await.expect("the operator is installed");
    let replicas = before.spec.and_then(|spec| spec.replicas).unwrap_or(1).to_string();

    // Judged only once the operator is back: a story that fails must not take it from the others.
    scaled(&cluster, "0").await;
    let (late, without) = checked(&namespace, "check --wait 3s").await;
    let waiting = checked(&namespace, "check --wait 2m");
    let ((said, report), ()) = tokio::join!(waiting, scaled(&cluster, &replicas));

    assert_eq!(late.code, 124, "{late:?}");
    assert!(late.stderr.contains("KS090") && late.stderr.contains("0 pods"), "{late:?}");
    let operator = &without["categories"][1]["checks"][0];
    assert_eq!((&operator["id"], &operator["result"]), (&"KS010".into(), &"error".into()), "{without:#}");
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(report["categories"][1]["checks"][0]["result"], "success", "{report:#}");
    namespace.remove().await;
}
