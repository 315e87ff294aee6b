//! Killed at any step, the operator continues and the Job is Failed and done again; two operators do one thing once.

use std::sync::{Arc, Mutex};

use crds::core::BackupSession;
use crds::storage::Snapshot;
use crds::storage::snapshot::SnapshotPhase;
use harness::cluster::{Cluster, OPERATOR_NAMESPACE};
use harness::namespace::Namespace;
use harness::s3_proxy::{Fault, S3Proxy, Seen};
use harness::wait;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams};
use tokio::sync::Notify;

use crate::given;

/// Steps of a session at which the operator dies: what the session says when it is reached.
type Step = (&'static str, fn(&BackupSession) -> bool);

const STEPS: [Step; 6] = [
    ("the session was just made", |_| true),
    ("its Snapshots are made", |session| has(session, "SnapshotsEnsured")),
    ("its Job is made", |session| has(session, "BackupExecutorEnsured")),
    ("its Snapshots are complete", |session| {
        let mut snapshots = session.status.iter().flat_map(|status| &status.snapshots);
        snapshots.any(|one| one.phase.is_some_and(SnapshotPhase::is_completed))
    }),
    ("its retention is looked at", |session| has(session, "RetentionPolicyExecutorEnsured")),
    ("its history is cleaned", |session| has(session, "SessionHistoryCleaned")),
];

fn has(session: &BackupSession, type_: &str) -> bool {
    session.status.as_ref().is_some_and(|status| given::condition(&status.conditions, type_).is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_killed_at_any_step_continues_where_it_was() {
    let cluster = Cluster::connect().await;
    let _alone = given::the_operator_alone().await;
    let namespace = Namespace::create(&cluster, "operator-killed").await;
    given::a_first_backup(&namespace).await;
    for (step, reached) in STEPS {
        let known = sessions(&namespace).await;
        given::trigger(&namespace, "orders").await;
        let name = wait::until_any(namespace.api::<BackupSession>(), step, given::SOON, |session| {
            let name = session.metadata.name.clone()?;
            (!known.contains(&name) && reached(session)).then_some(name)
        })
        .await;
        kill(&cluster, OPERATOR_NAMESPACE, "app.kubernetes.io/name=kubestash-operator").await;

        let session = given::session_completed(&namespace, "orders", &known).await;

        assert_eq!(session.metadata.name.as_deref(), Some(name.as_str()), "killed when {step}");
        assert_eq!(given::phase(&session), "Succeeded", "killed when {step}: {session:#?}");
    }
    given::restic(&namespace).check().await;
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_killed_during_the_setup_completes_it() {
    let cluster = Cluster::connect().await;
    let _alone = given::the_operator_alone().await;
    let namespace = Namespace::create(&cluster, "setup-killed").await;
    namespace.apply(given::STORAGE).await;
    kill(&cluster, OPERATOR_NAMESPACE, "app.kubernetes.io/name=kubestash-operator").await;
    given::storage_is(&namespace, "minio", "Ready").await;
    namespace.apply(given::NAMESPACE_BACKUP).await;
    given::a_reader_of_the_cluster(&namespace).await;
    kill(&cluster, OPERATOR_NAMESPACE, "app.kubernetes.io/name=kubestash-operator").await;
    let session = given::session_completed(&namespace, "orders", &[]).await;
    assert_eq!(given::phase(&session), "Succeeded", "{session:#?}");
    assert_eq!(given::restic(&namespace).snapshot_ids().await.len(), 1);
    namespace.remove().await;
}

/// Writes of a backup at which its Job dies: the server takes none of them any more.
const WRITES: [&str; 4] = ["/locks/", "/data/", "/index/", "/snapshots/"];

#[tokio::test(flavor = "multi_thread")]
async fn a_job_killed_at_any_write_loses_nothing() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "write-killed").await;
    let environment = &cluster.environment;
    let (stage, reached) = (Arc::new(Mutex::new(None)), Arc::new(Notify::new()));
    let (hung, tell) = (Arc::clone(&stage), Arc::clone(&reached));
    let rule = move |seen: &Seen<'_>| {
        let part: &str = (*hung.lock().expect("nobody panics with it"))?;
        let hangs = seen.method == "PUT" && seen.path.contains("/repository/v1/") && seen.path.contains(part);
        hangs.then(|| {
            tell.notify_one();
            Fault::Hang
        })
    };
    let proxy =
        S3Proxy::start(&environment.host_address, &environment.s3_host_endpoint, Arc::new(rule)).await;
    namespace
        .apply(&given::STORAGE.replace("endpoint: ENDPOINT", &format!("endpoint: {}", proxy.endpoint())))
        .await;
    namespace.apply(given::NAMESPACE_BACKUP).await;
    given::a_reader_of_the_cluster(&namespace).await;
    let first = given::session_completed(&namespace, "orders", &[]).await;
    assert_eq!(given::phase(&first), "Succeeded", "{first:#?}");
    for part in WRITES {
        let known = sessions(&namespace).await;
        *stage.lock().expect("nobody panics with it") = Some(part);
        given::trigger(&namespace, "orders").await;
        tokio::time::timeout(given::SOON, reached.notified()).await.expect("the Job comes to this write");
        let jobs = namespace.api::<Job>().list(&ListParams::default()).await.expect("a list of Jobs").items;
        let running = jobs.iter().filter_map(|job| job.metadata.name.clone());
        let name = running.filter(|name| !known.contains(name)).find(|name| name.starts_with("orders-"));
        let name = name.expect("the Job of the session");
        kill(&cluster, &namespace.name, &format!("batch.kubernetes.io/job-name={name}")).await;
        let session = given::session_completed(&namespace, "orders", &known).await;
        assert_eq!(given::phase(&session), "Failed", "killed at {part}: {session:#?}");

        *stage.lock().expect("nobody panics with it") = None;
        assert_eq!(
            given::phase(&given::another_session(&namespace, "orders").await),
            "Succeeded",
            "after {part}"
        );
        given::restic(&namespace).check().await;
    }
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_job_fails_its_session_with_the_pods_reason_and_the_next_one_succeeds() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "job-killed").await;
    given::a_first_backup(&namespace).await;
    for begun in [false, true] {
        let known = sessions(&namespace).await;
        given::trigger(&namespace, "orders").await;
        let name = wait::until_any(namespace.api::<Pod>(), "the Job's pod", given::SOON, |pod| {
            let labels = pod.metadata.labels.as_ref()?;
            let job = labels.get("batch.kubernetes.io/job-name")?;
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            // A small backup may be over before anybody sees it run.
            let here = !begun || phase.is_some_and(|phase| phase != "Pending");
            (here && !known.contains(job) && job.starts_with("orders-")).then(|| job.clone())
        })
        .await;
        kill(&cluster, &namespace.name, &format!("batch.kubernetes.io/job-name={name}")).await;

        let session = given::session_completed(&namespace, "orders", &known).await;

        assert_eq!(session.metadata.name.as_deref(), Some(name.as_str()));
        // A backup of a small namespace may be over before the kill arrives; then it must be whole.
        let snapshot: Snapshot = given::snapshot_of(&namespace, &session).await;
        let whole = given::error_of(&snapshot).is_empty() && given::phase(&session) == "Succeeded";
        assert!(whole || given::phase(&session) == "Failed", "{session:#?}");
        assert_eq!(given::phase(&given::another_session(&namespace, "orders").await), "Succeeded");
        given::restic(&namespace).check().await;
    }
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_operators_do_one_thing_once() {
    let cluster = Cluster::connect().await;
    let _alone = given::the_operator_alone().await;
    let namespace = Namespace::create(&cluster, "two-operators").await;
    let scale = |replicas: &'static str| {
        let cluster = cluster.clone();
        async move {
            let replicas = format!("--replicas={replicas}");
            let scaled = ["scale", "deployment/kubestash-operator", "-n", OPERATOR_NAMESPACE, &replicas];
            cluster.kubectl(&scaled, "").await.assert_success();
            let ready = [
                "rollout",
                "status",
                "deployment/kubestash-operator",
                "-n",
                OPERATOR_NAMESPACE,
                "--timeout=60s",
            ];
            cluster.kubectl(&ready, "").await.assert_success();
        }
    };
    scale("2").await;
    let first = given::a_first_backup(&namespace).await;
    let second = given::another_session(&namespace, "orders").await;
    assert_eq!(given::phase(&second), "Succeeded");
    let jobs = namespace.api::<Job>().list(&ListParams::default()).await.expect("a list of Jobs");
    let backups = jobs.items.iter().filter_map(|job| job.metadata.name.as_deref());
    let of_sessions: Vec<_> =
        [&first, &second].map(|session| session.metadata.name.clone()).into_iter().flatten().collect();
    let mut names: Vec<_> = backups.filter(|name| name.starts_with("orders-")).collect();
    names.sort_unstable();
    assert_eq!(names, of_sessions);
    assert_eq!(given::restic(&namespace).snapshot_ids().await.len(), 2);
    scale("1").await;
    namespace.remove().await;
}

async fn sessions(namespace: &Namespace) -> Vec<String> {
    let sessions =
        namespace.api::<BackupSession>().list(&ListParams::default()).await.expect("a list of sessions");
    sessions.items.into_iter().filter_map(|session| session.metadata.name).collect()
}

/// Deletes pods without any grace: their processes are killed, not asked.
async fn kill(cluster: &Cluster, namespace: &str, labels: &str) {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let now = DeleteParams::default().grace_period(0);
    pods.delete_collection(&now, &ListParams::default().labels(labels)).await.expect("the pods are deleted");
}
