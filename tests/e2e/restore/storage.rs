//! An S3 server that fails while it is read from.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use harness::cluster::Cluster;
use harness::environment::Environment;
use harness::s3_proxy::{Fault, S3Proxy, Seen};

use super::{APPLICATION, Kept};

/// Whether this reads what objects are made of.
fn reads_data(seen: &Seen<'_>) -> bool {
    seen.method == "GET" && seen.path.contains("/data/")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_in_the_middle_fails_the_restore_and_the_next_one_completes() {
    let environment = Environment::read();
    let broken = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&broken);
    let rule = move |seen: &Seen<'_>| {
        (switch.load(Ordering::Relaxed) && reads_data(seen)).then_some(Fault::Status(403))
    };
    let proxy =
        S3Proxy::start(&environment.host_address, &environment.s3_host_endpoint, Arc::new(rule)).await;
    let kept = Kept::through("unreadable", APPLICATION, Some(&proxy.endpoint())).await;
    kept.done("delete deployment,configmap,secret,service --all --wait").await;

    broken.store(true, Ordering::Relaxed);
    let failed = kept.restore("failed", &[]).await;
    assert_eq!(failed.phase(), "Failed", "{:#}", failed.session);
    assert!(!failed.error().is_empty(), "{:#}", failed.session);
    assert!(!kept.has("deployment/orders").await);

    broken.store(false, Ordering::Relaxed);
    let healed = kept.restore("healed", &[]).await;
    healed.assert_success();
    kept.runs().await;
    kept.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_busy_for_a_moment_is_asked_again() {
    let cluster = Cluster::connect().await;
    let environment = &cluster.environment;
    let left = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&left);
    let rule = move |seen: &Seen<'_>| {
        let busy = reads_data(seen)
            && count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        busy.then_some(Fault::Status(503))
    };
    let proxy =
        S3Proxy::start(&environment.host_address, &environment.s3_host_endpoint, Arc::new(rule)).await;
    let kept = Kept::through("busy", APPLICATION, Some(&proxy.endpoint())).await;
    kept.done("delete deployment,configmap,secret,service --all --wait").await;

    left.store(2, Ordering::Relaxed);
    let restored = kept.restore("busy", &[]).await;

    restored.assert_success();
    assert_eq!(left.load(Ordering::Relaxed), 0, "nobody met the busy server");
    kept.runs().await;
    kept.remove().await;
}
