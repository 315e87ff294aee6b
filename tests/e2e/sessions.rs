//! What a session does beside one backup: history, retention, another attempt, a deadline, several repositories, and
//! pods that cannot start.

use std::sync::Arc;
use std::time::Duration;

use crds::core::BackupSession;
use crds::storage::Snapshot;
use harness::cluster::Cluster;
use harness::namespace::Namespace;
use harness::restic::Restic;
use harness::s3_proxy::{Fault, S3Proxy};
use harness::wait;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, EvictParams, ListParams};

use crate::given;

fn name(session: &BackupSession) -> String {
    session.metadata.name.clone().expect("a name")
}

#[tokio::test(flavor = "multi_thread")]
async fn history_and_retention_keep_as_many_as_was_said() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "history").await;
    namespace
        .apply(&given::STORAGE.replace("successfulSnapshots: {last: 5}", "successfulSnapshots: {last: 2}"))
        .await;
    namespace
        .apply(&given::NAMESPACE_BACKUP.replace("sessionHistoryLimit: 5", "sessionHistoryLimit: 2"))
        .await;
    given::a_reader_of_the_cluster(&namespace).await;
    let mut sessions = vec![given::session_completed(&namespace, "orders", &[]).await];
    for _ in 0..3 {
        sessions.push(given::another_session(&namespace, "orders").await);
    }
    for session in &sessions {
        assert_eq!(given::phase(session), "Succeeded", "{session:#?}");
    }
    let newest: Vec<_> = sessions[2..].iter().map(name).collect();
    let left = namespace.api::<BackupSession>().list(&ListParams::default()).await.expect("a list").items;
    assert_eq!(left.iter().map(name).collect::<Vec<_>>(), newest);
    let snapshots = namespace.api::<Snapshot>().list(&ListParams::default()).await.expect("a list").items;
    let of_sessions: Vec<_> = snapshots.iter().map(|snapshot| snapshot.spec.backup_session.clone()).collect();
    assert_eq!(of_sessions, newest);
    let restic = given::restic(&namespace);
    assert_eq!(restic.snapshot_ids().await.len(), 2);
    restic.check().await;
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_failed_is_tried_again_as_often_as_was_said() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "retry").await;
    namespace.apply(given::STORAGE).await;
    let retried = given::NAMESPACE_BACKUP
        .replace("      addon:\n", "      retryConfig: {maxRetry: 2, delay: 1s}\n      addon:\n");
    namespace.apply(&retried).await;

    // Nobody has allowed the reader anything yet.
    let first = given::session_completed(&namespace, "orders", &[]).await;
    assert_eq!(given::phase(&first), "Failed");
    let second = given::session_completed(&namespace, "orders", &[name(&first)]).await;
    assert_eq!((given::phase(&second).as_str(), second.spec.retry_left), ("Failed", Some(1)));
    let first = namespace.api::<BackupSession>().get(&name(&first)).await.expect("it is still there");
    assert_eq!(first.status.as_ref().and_then(|status| status.retried), Some(true));
    given::a_reader_of_the_cluster(&namespace).await;
    let third = given::session_completed(&namespace, "orders", &[name(&first), name(&second)]).await;
    assert_eq!(third.spec.retry_left, Some(0));
    // The right may have come a moment too late for the last attempt.
    if given::phase(&third) == "Failed" {
        assert_eq!(third.status.as_ref().and_then(|status| status.next_retry.clone()), None);
    }
    namespace.remove().await;
}

/// A server that takes everything but packs, for which it never answers: a backup that does not come to its end.
async fn a_backup_that_hangs(story: &str) -> (Namespace, S3Proxy) {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, story).await;
    let environment = &cluster.environment;
    let is_pack = |path: &str| path.contains("/data/");
    let proxy = S3Proxy::start(
        &environment.host_address,
        &environment.s3_host_endpoint,
        Arc::new(move |seen| (seen.method == "PUT" && is_pack(seen.path)).then_some(Fault::Hang)),
    )
    .await;
    namespace
        .apply(&given::STORAGE.replace("endpoint: ENDPOINT", &format!("endpoint: {}", proxy.endpoint())))
        .await;
    given::a_reader_of_the_cluster(&namespace).await;
    (namespace, proxy)
}

/// The session failed, `why` is in the error, and the repository is free.
async fn assert_ended(namespace: &Namespace, why: &str) {
    let session = given::session_completed(namespace, "orders", &[]).await;
    assert_eq!(given::phase(&session), "Failed");
    let error = given::error_of(&given::snapshot_of(namespace, &session).await);
    assert!(error.contains(why), "{error}");
    let keys = namespace.bucket().keys();
    assert!(!keys.iter().any(|key| key.contains("/locks/")), "a lock was left behind: {keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_at_its_deadline_and_leaves_no_lock() {
    let (namespace, _proxy) = a_backup_that_hangs("deadline").await;
    namespace.apply(&given::NAMESPACE_BACKUP.replace("sessionHistoryLimit: 5", "backupTimeout: 15s")).await;
    assert_ended(&namespace, "deadline").await;
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_pod_is_evicted_says_so_and_leaves_no_lock() {
    let (namespace, _proxy) = a_backup_that_hangs("terminated").await;
    namespace.apply(given::NAMESPACE_BACKUP).await;
    let at_work = |keys: Vec<String>| keys.iter().any(|key| key.contains("/locks/"));
    let pod = wait::until_any(namespace.api::<Pod>(), "a Job at work", given::SOON, |pod| {
        let running = pod.status.as_ref()?.phase.as_deref() == Some("Running");
        pod.metadata.name.clone().filter(|name| running && name.starts_with("orders-"))
    })
    .await;
    let locked = async {
        while !at_work(namespace.bucket().keys()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(given::SOON, locked).await.expect("the Job locks the repository");
    // As a drained node does it.
    namespace.api::<Pod>().evict(&pod, &EvictParams::default()).await.expect("the pod is there");
    assert_ended(&namespace, "SIGTERM").await;
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_repositories_are_written_by_one_job_from_one_reading() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "several").await;
    namespace.apply(given::STORAGE).await;
    let two = given::NAMESPACE_BACKUP.replace(
        "      addon:\n",
        "        - name: copy
          backend: s3
          directory: /copy
          encryptionSecret: {name: encryption, namespace: NAMESPACE}
      addon:\n",
    );
    namespace.apply(&two).await;
    given::a_reader_of_the_cluster(&namespace).await;
    let session = given::session_completed(&namespace, "orders", &[]).await;
    assert_eq!(given::phase(&session), "Succeeded", "{session:#?}");
    let snapshots = &session.status.as_ref().expect("a status").snapshots;
    assert_eq!(snapshots.iter().map(|one| one.repository.as_str()).collect::<Vec<_>>(), ["orders", "copy"]);
    let jobs = namespace.api::<Job>().list(&ListParams::default()).await.expect("a list of Jobs").items;
    let names: Vec<_> = jobs.into_iter().filter_map(|job| job.metadata.name).collect();
    assert_eq!(names, [name(&session)]);

    let orders = given::restic(&namespace);
    let path = format!("{}/copy/repository/v1/nightly/manifest", namespace.name);
    let copy = Restic::new(&cluster.environment, &path, given::PASSWORD);
    copy.check().await;
    // The same bytes, down to the objects that change all the time: they were read once.
    assert_eq!(orders.files("latest").await, copy.files("latest").await);
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_repository_does_not_keep_the_other_from_its_backup() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "one-bad").await;
    namespace.apply(given::STORAGE).await;
    let other = "apiVersion: v1\nkind: Secret\nmetadata: {name: other, namespace: NAMESPACE}\nstringData: {RESTIC_PASSWORD: first}\n";
    namespace.apply(other).await;
    let two = given::NAMESPACE_BACKUP.replace(
        "      addon:\n",
        "        - name: copy
          backend: s3
          directory: /copy
          encryptionSecret: {name: other, namespace: NAMESPACE}
      addon:\n",
    );
    namespace.apply(&two).await;
    given::a_reader_of_the_cluster(&namespace).await;
    let first = given::session_completed(&namespace, "orders", &[]).await;
    assert_eq!(given::phase(&first), "Succeeded", "{first:#?}");

    namespace.apply(&other.replace("first", "second")).await;
    let second = given::another_session(&namespace, "orders").await;
    assert_eq!(given::phase(&second), "Failed");
    let snapshots = &second.status.as_ref().expect("a status").snapshots;
    let phases: Vec<_> = snapshots
        .iter()
        .map(|one| (one.repository.as_str(), one.phase.map(|phase| phase.to_string()).unwrap_or_default()))
        .collect();
    assert_eq!(phases, [("orders", "Succeeded".to_owned()), ("copy", "Failed".to_owned())]);
    assert_eq!(given::restic(&namespace).snapshot_ids().await.len(), 2);
    namespace.remove().await;
}

/// An addon of the story's own, whose Function is the shipped one with something changed.
async fn own_addon(namespace: &Namespace, change: impl Fn(String) -> String) {
    let own = |yaml: &str| {
        yaml.replace("kubedump-addon", "NAMESPACE")
            .replace("kubedump-backup", "NAMESPACE-backup")
            .replace("kubedump-restore", "NAMESPACE-restore")
    };
    let exported = namespace.cluster.plugin.run(&["install", "--export"]).await;
    exported.assert_success();
    let documents = exported.stdout.split("\n---\n").filter(|document| {
        document.contains("addons.kubestash.com/v1alpha1") && document.contains("kubedump")
    });
    let yaml = documents.map(own).collect::<Vec<_>>().join("\n---\n");
    let image = namespace.cluster.environment.image.clone();
    namespace.apply(&change(yaml.replace("localhost/kubestash:dev", &image))).await;
}

async fn backup_by_own_addon(namespace: &Namespace, change: impl Fn(String) -> String) {
    namespace.apply(given::STORAGE).await;
    namespace.apply(&change(given::NAMESPACE_BACKUP.replace("kubedump-addon", "NAMESPACE"))).await;
    given::a_reader_of_the_cluster(namespace).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_with_a_variable_that_nobody_gives_fails_the_session_and_names_it() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "variable").await;
    own_addon(&namespace, |yaml| yaml.replace("args:\n", "args:\n  - --nope=${nobodyKnowsThis}\n")).await;
    backup_by_own_addon(&namespace, |yaml| yaml).await;
    let session = given::session_completed(&namespace, "orders", &[]).await;
    assert_eq!(given::phase(&session), "Failed");
    let status = session.status.as_ref().expect("a status");
    let (_, message) =
        given::condition(&status.conditions, "BackupExecutorEnsured").expect("the condition is there");
    assert!(message.contains("nobodyKnowsThis"), "{message}");
    namespace.remove().await;
}

/// What the session says of a pod that does not start, a minute after it was made.
async fn pending(namespace: &Namespace) -> String {
    wait::until_any(namespace.api::<BackupSession>(), "a word about the pod", given::SOON, |session| {
        let conditions = &session.status.as_ref()?.conditions;
        let (_, message) = given::condition(conditions, "PodHasBeenInPendingStateForLongerThanExpected")?;
        Some(message.to_owned())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_not_there_is_spoken_of_and_its_arrival_heals() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "no-image").await;
    let image = cluster.environment.image.clone();
    let missing = |yaml: String| yaml.replace(&image, "localhost/there-is-no-such-image:1");
    own_addon(&namespace, missing).await;
    backup_by_own_addon(&namespace, |yaml| yaml).await;
    let message = pending(&namespace).await;
    assert!(message.contains("there-is-no-such-image"), "{message}");

    // A deadline, a person, or patience ends it; here the person does.
    let jobs = namespace.api::<Job>();
    let waiting = jobs.list(&ListParams::default()).await.expect("a list of Jobs").items.remove(0);
    let name = waiting.metadata.name.expect("a name");
    jobs.delete(&name, &DeleteParams::background()).await.expect("the Job is there");
    let session = given::session_completed(&namespace, "orders", &[]).await;
    assert_eq!(given::phase(&session), "Failed");
    own_addon(&namespace, |yaml| yaml).await;
    let session = given::another_session(&namespace, "orders").await;
    assert_eq!(given::phase(&session), "Succeeded", "{session:#?}");
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_template_is_honoured_and_a_pod_without_a_node_says_so() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "no-node").await;
    namespace.apply(given::STORAGE).await;
    let template = "jobTemplate:
          metadata: {labels: {team: orders}}
          spec:
            serviceAccountName: reader
            nodeSelector: {disk: of-another-kind}
            tolerations: [{key: story, operator: Exists}]
            resources: {requests: {cpu: 11m}}
            securityContext: {fsGroup: 4711}";
    namespace
        .apply(
            &given::NAMESPACE_BACKUP
                .replace("jobTemplate: {spec: {serviceAccountName: reader}}", template)
                .replace("sessionHistoryLimit: 5", "backupTimeout: 90s"),
        )
        .await;
    given::a_reader_of_the_cluster(&namespace).await;
    let message = pending(&namespace).await;
    assert!(message.contains("node"), "{message}");
    let pods = namespace.api::<Pod>().list(&ListParams::default()).await.expect("a list of pods").items;
    let of_backup =
        |pod: &&Pod| pod.metadata.labels.as_ref().is_some_and(|labels| labels.get("team").is_some());
    let pod = pods.iter().find(of_backup).expect("the pod has the label of the template");
    let spec = pod.spec.as_ref().expect("a spec");
    assert_eq!(
        spec.node_selector.as_ref().and_then(|one| one.get("disk")).map(String::as_str),
        Some("of-another-kind")
    );
    assert!(spec.tolerations.iter().flatten().any(|one| one.key.as_deref() == Some("story")));
    assert_eq!(spec.security_context.as_ref().and_then(|one| one.fs_group), Some(4711));
    let requests =
        spec.containers[0].resources.as_ref().and_then(|one| one.requests.clone()).unwrap_or_default();
    assert_eq!(requests.get("cpu").map(|one| one.0.as_str()), Some("11m"));

    let session = given::session_completed(&namespace, "orders", &[]).await;
    assert_eq!(given::phase(&session), "Failed");
    namespace.remove().await;
}
