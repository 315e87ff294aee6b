//! Killed at every single request, whether it was carried out or not, and run again: the cluster is the same in the end.

use archive::restore::progress::Progress;
use archive::restore::{Error, restore};
use tokio_util::sync::CancellationToken;

use crate::fresh::{application, assert_same};
use crate::server::cluster::{Cluster, place};
use crate::server::{Fault, Server};
use crate::support::{assert_no_failure, back_up, options, restored};

/// Where to begin: what an existing Job has to be made again for, and an account that is to be changed.
fn beginning() -> Cluster {
    let mut cluster = Cluster::with_namespaces(&["shop"]);
    let template = serde_json::json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "other"}]}}}});
    cluster.put("jobs.batch", "shop", "migrate", &template);
    cluster
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_request_and_run_again_it_completes() {
    let then = application();
    let source = back_up(&then).await;
    let options = options(&[("OverrideResources", "true")]);
    let server = Server::new(beginning());
    assert_no_failure(&restored(&server, &source, &options).await);
    let requests = server.calls().len();
    assert!(requests > 25, "{requests}");
    for (number, done) in (0..requests).flat_map(|number| [(number, false), (number, true)]) {
        let stop = CancellationToken::new();
        let (killer, seen) = (stop.clone(), std::sync::atomic::AtomicUsize::new(0));
        let server = Server::failing(beginning(), move |_, _| {
            let this = seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            (this >= number).then(|| {
                killer.cancel();
                if done && this == number { Fault::DoneInSilence } else { Fault::Silence }
            })
        });
        let stopped = restore(server.client(), &source, &options, &Progress::new(), &stop).await;
        assert!(matches!(stopped, Err(Error::Cancelled)), "at {number}: {stopped:?}");
        server.fail(|_, _| None);
        assert_no_failure(&restored(&server, &source, &options).await);
        assert_same(&server.cluster(), &then);
        assert!(server.cluster().collect_garbage().is_empty(), "at {number}");
        let job = server.cluster().objects[&place("jobs.batch", "shop", "migrate")].clone();
        assert_eq!(job["spec"]["template"]["spec"]["containers"][0]["image"], "i", "at {number}");
    }
}
