//! An S3 server that hangs, refuses or loses its listing: said, and nothing is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use harness::cluster::Cluster;
use harness::namespace::Namespace;
use harness::s3_proxy::{Fault, S3Proxy, Seen};

use crate::given;

/// A proxy that meets `fault` for the requests that `when` names, once the switch is on.
async fn faulty(cluster: &Cluster, fault: Fault, when: fn(&Seen<'_>) -> bool) -> (S3Proxy, Arc<AtomicBool>) {
    let broken = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&broken);
    let environment = &cluster.environment;
    let rule =
        Arc::new(move |seen: &Seen<'_>| (switch.load(Ordering::Relaxed) && when(seen)).then_some(fault));
    (S3Proxy::start(&environment.host_address, &environment.s3_host_endpoint, rule).await, broken)
}

fn through(proxy: &S3Proxy) -> String {
    given::STORAGE.replace("endpoint: ENDPOINT", &format!("endpoint: {}", proxy.endpoint()))
}

async fn a_first_backup_through(namespace: &Namespace, proxy: &S3Proxy) {
    namespace.apply(&through(proxy)).await;
    namespace.apply(given::NAMESPACE_BACKUP).await;
    given::a_reader_of_the_cluster(namespace).await;
    let session = given::session_completed(namespace, "orders", &[]).await;
    assert_eq!(given::phase(&session), "Succeeded", "{session:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_is_named() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "black-hole").await;
    let (proxy, broken) = faulty(&cluster, Fault::Hang, |_| true).await;
    broken.store(true, Ordering::Relaxed);
    namespace.apply(&through(&proxy)).await;

    let storage = given::storage_is(&namespace, "minio", "NotReady").await;

    let conditions = storage.status.map(|status| status.conditions).unwrap_or_default();
    let (_, message) = given::condition(&conditions, "BackendInitialized").expect("the condition is there");
    assert!(message.contains(&proxy.endpoint()), "{message}");
    broken.store(false, Ordering::Relaxed);
    given::storage_is(&namespace, "minio", "Ready").await;
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_fails_in_the_middle_fails_the_backup_and_loses_nothing() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "listing-fails").await;
    let (proxy, broken) =
        faulty(&cluster, Fault::Status(403), |seen| seen.is_list() && seen.query.contains("index")).await;
    a_first_backup_through(&namespace, &proxy).await;
    let before = namespace.bucket().keys();

    broken.store(true, Ordering::Relaxed);
    let failed = given::another_session(&namespace, "orders").await;
    assert_eq!(given::phase(&failed), "Failed");
    let error = given::error_of(&given::snapshot_of(&namespace, &failed).await);
    assert!(error.contains("list"), "{error}");
    let after = namespace.bucket().keys();
    let lost: Vec<_> = before.iter().filter(|key| !key.contains("/locks/") && !after.contains(key)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert!(!after.iter().any(|key| key.contains("/locks/")), "a lock was left behind: {after:?}");

    broken.store(false, Ordering::Relaxed);
    let healed = given::another_session(&namespace, "orders").await;
    assert_eq!(given::phase(&healed), "Succeeded");
    given::restic(&namespace).check().await;
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_taking_packs_fails_the_backup_and_the_next_one_heals() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "packs-fail").await;
    let (proxy, broken) =
        faulty(&cluster, Fault::Status(403), |seen| seen.method == "PUT" && seen.path.contains("/data/"))
            .await;
    a_first_backup_through(&namespace, &proxy).await;

    namespace
        .apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new, namespace: NAMESPACE}\ndata: {a: b}\n")
        .await;
    broken.store(true, Ordering::Relaxed);
    let failed = given::another_session(&namespace, "orders").await;
    assert_eq!(given::phase(&failed), "Failed");
    given::restic(&namespace).check().await;

    broken.store(false, Ordering::Relaxed);
    let healed = given::another_session(&namespace, "orders").await;
    assert_eq!(given::phase(&healed), "Succeeded");
    given::restic(&namespace).check().await;
    namespace.remove().await;
}
