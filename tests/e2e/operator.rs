//! What the operator tells about itself.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use crds::core::{BackupConfiguration, BackupSession};
use crds::storage::{BackupStorage, Repository, Snapshot};
use harness::cluster::{Cluster, OPERATOR_NAMESPACE};
use harness::namespace::Namespace;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Api, ListParams};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;

use crate::given;

/// A page of the pod that leads, through the API server; nothing while nobody does.
async fn page(cluster: &Cluster, path: &str) -> Option<String> {
    let leases: Api<Lease> = Api::namespaced(cluster.client.clone(), OPERATOR_NAMESPACE);
    let lease = leases.get("kubestash-operator").await.expect("somebody leads");
    let holder = lease.spec.and_then(|spec| spec.holder_identity).expect("a holder");
    let pod = holder.split('_').next().unwrap_or_default();
    let path = format!("/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{pod}:8080/proxy/{path}");
    let said = cluster.kubectl(&["get", "--raw", &path], "").await;
    (said.code == 0).then_some(said.stdout)
}

/// Name and version of everything that the operator writes in the namespace.
async fn versions(namespace: &Namespace) -> BTreeSet<(String, String)> {
    async fn of<K>(namespace: &Namespace, versions: &mut BTreeSet<(String, String)>)
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
    {
        let objects = namespace.api::<K>().list(&ListParams::default()).await.expect("a list");
        let version = |object: K| {
            (format!("{} {}", K::kind(&()), object.name_any()), object.resource_version().unwrap_or_default())
        };
        versions.extend(objects.items.into_iter().map(version));
    }
    let mut versions = BTreeSet::new();
    of::<BackupStorage>(namespace, &mut versions).await;
    of::<BackupConfiguration>(namespace, &mut versions).await;
    of::<Repository>(namespace, &mut versions).await;
    of::<BackupSession>(namespace, &mut versions).await;
    of::<Snapshot>(namespace, &mut versions).await;
    of::<CronJob>(namespace, &mut versions).await;
    of::<RoleBinding>(namespace, &mut versions).await;
    versions
}

/// Waits until nothing is written in the namespace for a while.
async fn settled(namespace: &Namespace) -> BTreeSet<(String, String)> {
    let mut before = versions(namespace).await;
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let now = versions(namespace).await;
        if now == before {
            return now;
        }
        before = now;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_operator_finds_everything_done_and_writes_nothing() {
    let cluster = Cluster::connect().await;
    let _alone = given::the_operator_alone().await;
    let namespace = Namespace::create(&cluster, "idle").await;
    given::a_first_backup(&namespace).await;
    let before = settled(&namespace).await;

    let restart = ["rollout", "restart", "deployment/kubestash-operator", "-n", OPERATOR_NAMESPACE];
    cluster.kubectl(&restart, "").await.assert_success();
    let ready = ["rollout", "status", "deployment/kubestash-operator", "-n", OPERATOR_NAMESPACE];
    cluster.kubectl(&ready, "").await.assert_success();
    // It has looked at everything once the figures of this backup are told again.
    let told = format!("last_success_timestamp_seconds{{namespace=\"{}\"", namespace.name);
    let looked = async {
        while !page(&cluster, "metrics").await.is_some_and(|metrics| metrics.contains(&told)) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(given::SOON, looked).await.expect("the new operator tells of the backup");

    assert_eq!(settled(&namespace).await, before);
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_the_figures_of_a_backup_are_told() {
    let cluster = Cluster::connect().await;
    let _alone = given::the_operator_alone().await;
    let namespace = Namespace::create(&cluster, "metrics").await;
    given::a_first_backup(&namespace).await;
    for path in ["healthz", "readyz"] {
        assert!(page(&cluster, path).await.is_some(), "{path}");
    }
    let metrics = page(&cluster, "metrics").await.expect("the operator leads");
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
