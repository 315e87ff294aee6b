//! What the operator tells about itself.

use harness::cluster::{Cluster, OPERATOR_NAMESPACE};
use harness::namespace::Namespace;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::Api;

use crate::given;

/// A page of the pod that leads, through the API server.
async fn page(cluster: &Cluster, path: &str) -> String {
    let leases: Api<Lease> = Api::namespaced(cluster.client.clone(), OPERATOR_NAMESPACE);
    let lease = leases.get("kubestash-operator").await.expect("somebody leads");
    let holder = lease.spec.and_then(|spec| spec.holder_identity).expect("a holder");
    let pod = holder.split('_').next().unwrap_or_default();
    let path = format!("/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{pod}:8080/proxy/{path}");
    let said = cluster.kubectl(&["get", "--raw", &path], "").await;
    said.assert_success();
    said.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_the_figures_of_a_backup_are_told() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "metrics").await;
    given::a_first_backup(&namespace).await;
    for path in ["healthz", "readyz"] {
        page(&cluster, path).await;
    }
    let metrics = page(&cluster, "metrics").await;
    let of_this = format!("namespace=\"{}\",configuration=\"orders\",session=\"nightly\"", namespace.name);
    for (name, least) in [
        ("kubestash_backups_total", 1.0),
        ("kubestash_backup_duration_seconds", 0.1),
        ("kubestash_backup_size_bytes", 1000.0),
        ("kubestash_backup_last_success_timestamp_seconds", 1.7e9),
    ] {
        let line = metrics.lines().find(|line| line.starts_with(name) && line.contains(&of_this));
        let value = line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        assert!(value.is_some_and(|value| value >= least), "{name} is {line:?} in:\n{metrics}");
    }
    assert!(metrics.contains("leader_election_master_status 1"), "{metrics}");
    assert!(metrics.contains("controller_runtime_reconcile_total{controller=\"backupsession\""), "{metrics}");
    namespace.remove().await;
}
