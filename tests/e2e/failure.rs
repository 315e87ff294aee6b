//! What goes wrong is Failed, says what is missing, and loses nothing.

use harness::cluster::Cluster;
use harness::namespace::Namespace;

use crate::given;

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_without_rights_fails_the_backup_and_the_message_says_how_to_grant_them() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "forbidden").await;
    namespace.apply(given::STORAGE).await;
    namespace.apply(given::NAMESPACE_BACKUP).await;

    let session = given::session_completed(&namespace, "orders", &[]).await;
    let snapshot = given::snapshot_of(&namespace, &session).await;

    let phase = snapshot.status.as_ref().and_then(|status| status.phase.as_ref()).map(ToString::to_string);
    assert_eq!(phase.as_deref(), Some("Failed"));
    let error = given::error_of(&snapshot);
    for part in ["list", "configmaps", &namespace.name, "reader", "kubestash-cluster-reader"] {
        assert!(error.contains(part), "\"{part}\" is not in: {error}");
    }

    given::a_reader_of_the_cluster(&namespace).await;
    given::trigger(&namespace, "orders").await;
    let known = vec![session.metadata.name.clone().expect("a name")];
    let second = given::session_completed(&namespace, "orders", &known).await;
    let phase = second.status.as_ref().and_then(|status| status.phase.as_ref()).map(ToString::to_string);
    assert_eq!(phase.as_deref(), Some("Succeeded"));
    given::restic(&namespace).check().await;
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_encryption_password_is_said_and_the_repository_stays_as_it_was() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "wrong-password").await;
    namespace.apply(given::STORAGE).await;
    namespace.apply(given::NAMESPACE_BACKUP).await;
    given::a_reader_of_the_cluster(&namespace).await;
    let first = given::session_completed(&namespace, "orders", &[]).await;
    let keys_before = namespace.bucket().keys();

    namespace
        .apply(
            &given::STORAGE.replace("RESTIC_PASSWORD: a-password-of-the-stories", "RESTIC_PASSWORD: another"),
        )
        .await;
    given::trigger(&namespace, "orders").await;
    let known = vec![first.metadata.name.clone().expect("a name")];
    let second = given::session_completed(&namespace, "orders", &known).await;

    let snapshot = given::snapshot_of(&namespace, &second).await;
    let error = given::error_of(&snapshot);
    assert!(error.contains("password"), "{error}");
    let repository = |keys: &[String]| -> Vec<String> {
        keys.iter().filter(|key| key.contains("/repository/v1/")).cloned().collect()
    };
    assert_eq!(repository(&namespace.bucket().keys()), repository(&keys_before));
    given::restic(&namespace).check().await;
    namespace.remove().await;
}
