//! What a storage remembers, what goes with it, and what stays.

use crds::core::BackupConfiguration;
use crds::storage::{BackupStorage, Repository, Snapshot};
use harness::cluster::Cluster;
use harness::namespace::Namespace;
use harness::wait;
use k8s_openapi::api::batch::v1::CronJob;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::given;

/// Deletes an object and waits until it is gone.
async fn gone<K>(objects: Api<K>, name: &str)
where
    K: kube::Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
    K::DynamicType: Default,
{
    objects.delete(name, &DeleteParams::default()).await.expect("the object is there");
    is_gone(objects, name).await;
}

async fn is_gone<K>(objects: Api<K>, name: &str)
where
    K: kube::Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
    K::DynamicType: Default,
{
    wait::until(objects, name, given::SOON, |object| {
        if object.is_none() { Ok(()) } else { Err("still there".to_owned()) }
    })
    .await;
}

async fn patch<K>(objects: Api<K>, name: &str, patch: Value)
where
    K: kube::Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    objects.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.expect("the object is changed");
}

async fn snapshots(namespace: &Namespace) -> Vec<Snapshot> {
    let list = namespace.api::<Snapshot>().list(&ListParams::default()).await.expect("a list of Snapshots");
    list.items
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_is_made_again_brings_its_repositories_and_snapshots_back() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "made-again").await;
    given::a_first_backup(&namespace).await;
    let before = snapshots(&namespace).await.remove(0);
    let name = before.metadata.name.clone().expect("a name");

    gone(namespace.api::<BackupConfiguration>(), "orders").await;
    gone(namespace.api::<BackupStorage>(), "minio").await;
    is_gone(namespace.api::<Repository>(), "orders").await;
    is_gone(namespace.api::<Snapshot>(), &name).await;
    given::restic(&namespace).check().await;

    namespace.apply(given::STORAGE).await;
    let storage = given::storage_is(&namespace, "minio", "Ready").await;
    let repositories = storage.status.map(|status| status.repositories).unwrap_or_default();
    assert_eq!(repositories.len(), 1);
    assert_eq!((repositories[0].synced, repositories[0].error.as_deref()), (Some(true), None));
    let after = wait::until(namespace.api::<Snapshot>(), &name, given::SOON, |snapshot| {
        let snapshot = snapshot.ok_or("not there yet")?;
        if snapshot.spec.paused { Err("not complete yet".to_owned()) } else { Ok(snapshot.clone()) }
    })
    .await;
    assert_eq!((after.spec, after.status), (before.spec, before.status));

    // And on it goes: the next backup is the second of the same repository.
    namespace.apply(given::NAMESPACE_BACKUP).await;
    let session = given::session_completed(&namespace, "orders", &[]).await;
    assert_eq!(given::phase(&session), "Succeeded", "{session:#?}");
    assert_eq!(given::restic(&namespace).snapshot_ids().await.len(), 2);
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_is_wiped_out_only_when_that_was_said_and_nothing_beside_it() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "wiped-out").await;
    given::a_first_backup(&namespace).await;
    std::fs::write(namespace.bucket().path("orders/not-ours.txt"), "keep me")
        .expect("the bucket is a folder");
    patch(namespace.api::<BackupStorage>(), "minio", json!({"spec": {"deletionPolicy": "WipeOut"}})).await;
    gone(namespace.api::<BackupStorage>(), "minio").await;
    assert_eq!(namespace.bucket().keys(), ["orders/not-ours.txt"]);
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_is_deleted_although_its_secret_is_gone() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "no-secret-left").await;
    namespace.apply(given::STORAGE).await;
    given::storage_is(&namespace, "minio", "Ready").await;
    patch(namespace.api::<BackupStorage>(), "minio", json!({"spec": {"deletionPolicy": "WipeOut"}})).await;
    namespace
        .api::<k8s_openapi::api::core::v1::Secret>()
        .delete("minio", &DeleteParams::default())
        .await
        .expect("the Secret is there");
    gone(namespace.api::<BackupStorage>(), "minio").await;
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_goes_with_its_configuration_only_when_that_was_said() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "goes-or-stays").await;
    namespace.apply(given::STORAGE).await;
    let wiped = given::NAMESPACE_BACKUP
        .replace("name: orders, namespace", "name: wiped, namespace")
        .replace("- name: orders\n", "- name: wiped\n          deletionPolicy: WipeOut\n")
        .replace("/orders", "/wiped");
    namespace.apply(given::NAMESPACE_BACKUP).await;
    namespace.apply(&wiped).await;
    for name in ["orders", "wiped"] {
        given::configuration_is(&namespace, name, "Ready").await;
        given::session_completed(&namespace, name, &[]).await;
        gone(namespace.api::<BackupConfiguration>(), name).await;
    }
    is_gone(namespace.api::<Repository>(), "wiped").await;
    assert!(namespace.api::<Repository>().get_opt("orders").await.expect("an answer").is_some());
    let keys = namespace.bucket().keys();
    assert!(keys.iter().any(|key| key.starts_with("orders/")), "{keys:?}");
    assert!(!keys.iter().any(|key| key.starts_with("wiped/")), "{keys:?}");
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_removed_takes_its_cron_job_along_and_a_pause_suspends() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "sessions").await;
    namespace.apply(given::STORAGE).await;
    namespace.apply(given::NAMESPACE_BACKUP).await;
    given::configuration_is(&namespace, "orders", "Ready").await;

    let suspended = |wanted: bool| {
        let jobs = namespace.api::<CronJob>();
        wait::until(jobs, "trigger-orders-nightly", given::SOON, move |job| {
            let suspended = job.and_then(|job| job.spec.as_ref()?.suspend).ok_or("not there yet")?;
            if suspended == wanted { Ok(()) } else { Err(format!("suspended is {suspended}")) }
        })
    };
    suspended(false).await;
    patch(namespace.api::<BackupConfiguration>(), "orders", json!({"spec": {"paused": true}})).await;
    suspended(true).await;
    patch(namespace.api::<BackupConfiguration>(), "orders", json!({"spec": {"paused": false}})).await;
    suspended(false).await;

    namespace.apply(&given::NAMESPACE_BACKUP.replace("- name: nightly", "- name: weekly")).await;
    is_gone(namespace.api::<CronJob>(), "trigger-orders-nightly").await;
    let jobs = namespace.api::<CronJob>();
    wait::until(jobs, "trigger-orders-weekly", given::SOON, |job| {
        job.map(|_| ()).ok_or_else(|| "not there yet".to_owned())
    })
    .await;
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_another_namespace_needs_the_consent_of_its_owner() {
    let cluster = Cluster::connect().await;
    let owner = Namespace::create(&cluster, "secret-owner").await;
    owner.apply(given::STORAGE).await;
    let guest = Namespace::create(&cluster, "secret-guest").await;
    guest.apply(given::STORAGE).await;
    let foreign = format!("encryptionSecret: {{name: encryption, namespace: {}}}", owner.name);
    guest
        .apply(
            &given::NAMESPACE_BACKUP
                .replace("encryptionSecret: {name: encryption, namespace: NAMESPACE}", &foreign),
        )
        .await;
    let configuration = given::configuration_is(&guest, "orders", "NotReady").await;
    let sessions = configuration.status.map(|status| status.sessions).unwrap_or_default();
    let (status, message) =
        given::condition(&sessions[0].conditions, "SchedulerEnsured").expect("the condition is there");
    assert_eq!(status, "False");
    assert!(message.contains("kubestash.com/allowed-namespaces"), "{message}");

    let consent = json!({"metadata": {"annotations": {"kubestash.com/allowed-namespaces": guest.name}}});
    patch(owner.api::<k8s_openapi::api::core::v1::Secret>(), "encryption", consent).await;
    given::configuration_is(&guest, "orders", "Ready").await;
    guest.remove().await;
    owner.remove().await;
}
