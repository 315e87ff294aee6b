//! What is wrong with a storage or a configuration is said in the user's words, and heals by itself.

use harness::cluster::Cluster;
use harness::namespace::Namespace;
use harness::wait;
use k8s_openapi::api::core::v1::Event;

use crate::given;

/// The message of the condition that keeps the storage from being Ready; an Event says the same.
async fn why_not_ready(namespace: &Namespace, condition: &str) -> String {
    let storage = given::storage_is(namespace, "minio", "NotReady").await;
    let conditions = storage.status.map(|status| status.conditions).unwrap_or_default();
    let (status, message) = given::condition(&conditions, condition).expect("the condition is there");
    assert_eq!(status, "False");
    let reason = conditions.iter().find(|one| one.type_ == condition).and_then(|one| one.reason.as_deref());
    wait::until_any(namespace.api::<Event>(), "an Event of the condition", given::SOON, |event| {
        let of_it =
            event.involved_object.name.as_deref() == Some("minio") && event.reason.as_deref() == reason;
        (of_it && event.type_.as_deref() == Some("Warning") && event.message.as_deref() == Some(message))
            .then_some(())
    })
    .await;
    message.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_secret_is_named_and_its_arrival_heals_the_storage() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "missing-secret").await;
    let (secrets, rest) = split(given::STORAGE, "kind: BackupStorage");
    namespace.apply(&rest).await;
    let message = why_not_ready(&namespace, "BackendSecretFound").await;
    assert!(message.contains("minio"), "{message}");

    namespace.apply(&secrets).await;
    given::storage_is(&namespace, "minio", "Ready").await;
    assert!(namespace.bucket().text("metadata.yaml").contains("kind: BackendMeta"));
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_key_is_said_and_the_right_one_heals() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "wrong-key").await;
    namespace
        .apply(
            &given::STORAGE
                .replace("AWS_SECRET_ACCESS_KEY: STORY_KEY_SECRET", "AWS_SECRET_ACCESS_KEY: not-the-key"),
        )
        .await;
    let message = why_not_ready(&namespace, "BackendInitialized").await;
    assert!(message.contains("secret key"), "{message}");
    assert!(!message.contains("not-the-key"), "{message}");

    namespace.apply(given::STORAGE).await;
    given::storage_is(&namespace, "minio", "Ready").await;
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_is_named() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "missing-bucket").await;
    namespace.apply(&given::STORAGE.replace("bucket: BUCKET", "bucket: there-is-no-such-bucket")).await;
    let message = why_not_ready(&namespace, "BackendInitialized").await;
    assert!(message.contains("there-is-no-such-bucket"), "{message}");
    assert!(message.contains("does not exist"), "{message}");
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_goes_away_is_noticed_and_its_return_heals() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "bucket-gone").await;
    let folder = cluster.environment.bucket_folder.with_file_name(&namespace.name);
    std::fs::create_dir(&folder).expect("a bucket is a folder");
    namespace.apply(&given::STORAGE.replace("bucket: BUCKET", &format!("bucket: {}", namespace.name))).await;
    given::storage_is(&namespace, "minio", "Ready").await;

    std::fs::remove_dir_all(&folder).expect("the bucket goes");
    let message = why_not_ready(&namespace, "BackendInitialized").await;
    assert!(message.contains(&namespace.name) && message.contains("does not exist"), "{message}");

    std::fs::create_dir(&folder).expect("the bucket comes back");
    given::storage_is(&namespace, "minio", "Ready").await;
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_turns_wrong_is_noticed_and_the_right_one_heals() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "turns-wrong").await;
    namespace.apply(given::STORAGE).await;
    given::storage_is(&namespace, "minio", "Ready").await;

    let wrong = given::STORAGE.replace("STORY_KEY_SECRET", "no-longer-the-key");
    namespace.apply(&wrong).await;
    let message = why_not_ready(&namespace, "BackendInitialized").await;
    assert!(message.contains("secret key"), "{message}");

    namespace.apply(given::STORAGE).await;
    given::storage_is(&namespace, "minio", "Ready").await;
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_server_is_named() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "unreachable").await;
    namespace
        .apply(&given::STORAGE.replace("endpoint: ENDPOINT", "endpoint: http://nobody.NAMESPACE.svc:9"))
        .await;
    let message = why_not_ready(&namespace, "BackendInitialized").await;
    assert!(message.contains("nobody."), "{message}");
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_violation_of_a_configuration_is_named_at_once() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "violations").await;
    namespace.apply(given::STORAGE).await;
    given::storage_is(&namespace, "minio", "Ready").await;
    let wrong = given::NAMESPACE_BACKUP
        .replace("17 2 31 12 *", "61 2 * * *")
        .replace("name: manifest-backup", "name: manifest-bakcup")
        .replace("sessionHistoryLimit: 5", "backupTimeout: 5 minutes");
    namespace.apply(&wrong).await;
    let configuration = given::configuration_is(&namespace, "orders", "Invalid").await;
    let conditions = configuration.status.map(|status| status.conditions).unwrap_or_default();
    let (status, message) =
        given::condition(&conditions, "ValidationPassed").expect("the condition is there");
    assert_eq!(status, "False");
    for part in ["\"61\"", "manifest-bakcup", "5 minutes"] {
        assert!(message.contains(part), "\"{part}\" is not in: {message}");
    }
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_addon_and_an_unknown_parameter_are_named() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "unknown-addon").await;
    namespace.apply(given::STORAGE).await;
    let other = given::NAMESPACE_BACKUP.replace("name: orders", "name: parameters");
    namespace.apply(&given::NAMESPACE_BACKUP.replace("kubedump-addon", "kubedmup-addon")).await;
    namespace
        .apply(&other.replace("directory: /orders", "directory: /parameters").replace(
            "tasks: [{name: manifest-backup}]",
            "tasks: [{name: manifest-backup, params: {IncludeNamespace: shop}}]",
        ))
        .await;
    for (name, part) in [("orders", "kubedmup-addon"), ("parameters", "IncludeNamespace")] {
        let configuration = given::configuration_is(&namespace, name, "Invalid").await;
        let conditions = configuration.status.map(|status| status.conditions).unwrap_or_default();
        let (_, message) = given::condition(&conditions, "ValidationPassed").expect("the condition is there");
        assert!(message.contains(part), "\"{part}\" is not in: {message}");
    }
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_of_another_namespace_needs_its_usage_policy() {
    let cluster = Cluster::connect().await;
    let owner = Namespace::create(&cluster, "usage-owner").await;
    owner.apply(given::STORAGE).await;
    let guest = Namespace::create(&cluster, "usage-guest").await;
    guest.apply(given::STORAGE).await;
    let borrowed = given::NAMESPACE_BACKUP.replace(
        "storageRef: {name: minio, namespace: NAMESPACE}",
        &format!("storageRef: {{name: minio, namespace: {}}}", owner.name),
    );
    guest.apply(&borrowed).await;
    let configuration = given::configuration_is(&guest, "orders", "Invalid").await;
    let conditions = configuration.status.map(|status| status.conditions).unwrap_or_default();
    let (_, message) = given::condition(&conditions, "ValidationPassed").expect("the condition is there");
    assert!(message.contains("usagePolicy"), "{message}");

    owner.apply(&given::STORAGE.replace("from: Same", "from: All")).await;
    given::configuration_is(&guest, "orders", "Ready").await;
    guest.remove().await;
    owner.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_directory_used_twice_is_refused_by_the_api_server() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "directory-twice").await;
    let twice = namespace
        .fill(given::NAMESPACE_BACKUP)
        .replace("      addon:", "        - {name: second, backend: s3, directory: /orders}\n      addon:");
    let said = cluster.kubectl(&["apply", "--server-side", "-f", "-"], &twice).await;
    assert_ne!(said.code, 0);
    assert!(said.stderr.contains("directory"), "{}", said.stderr);
    namespace.remove().await;
}

/// The documents before the one that holds `mark`, and the rest.
fn split(yaml: &str, mark: &str) -> (String, String) {
    let documents: Vec<&str> = yaml.split("---\n").collect();
    let at = documents.iter().position(|document| document.contains(mark)).expect("the mark is there");
    (documents[..at].join("---\n"), documents[at..].join("---\n"))
}
