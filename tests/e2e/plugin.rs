//! A person at the shell: sets up a backup by flags, watches it, and is told what went wrong and what to type.

use harness::cluster::Cluster;
use harness::namespace::Namespace;
use harness::plugin::Said;
use serde_json::Value;

use crate::given::{done, plugin};

/// `storage create minio` with this secret key on standard input.
pub async fn create_storage(namespace: &Namespace, secret_key: &str) -> Said {
    let environment = &namespace.cluster.environment;
    let line = format!(
        "storage create minio --endpoint {} --bucket {} --prefix {} --access-key-id {} \
         --secret-access-key-file -",
        environment.s3_endpoint, environment.bucket, namespace.name, environment.access_key
    );
    plugin(namespace, &line, secret_key).await
}

pub fn secret_key(namespace: &Namespace) -> String {
    namespace.cluster.environment.secret_key.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_commands_lead_from_nothing_to_a_finished_snapshot() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "two-commands").await;
    let said = create_storage(&namespace, &format!("{}\n", secret_key(&namespace))).await;
    said.assert_success();
    assert!(said.stderr.contains("a newline at the end was left out"), "{said:?}");
    assert!(said.stderr.contains("✔ Ready"), "{said:?}");

    let create =
        "backup create shop --storage minio --target namespace --create-reader --generate-encryption-secret";
    let said = done(&namespace, &format!("{create} --watch")).await;
    assert!(said.stdout.contains("backupconfiguration.core.kubestash.com/shop created"), "{said:?}");
    assert!(said.stderr.contains(&format!("✔ backup {}/shop succeeded", namespace.name)), "{said:?}");

    let said = done(&namespace, "snapshot list -o json").await;
    let snapshot: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(snapshot["items"][0]["status"]["phase"], "Succeeded");

    // The same once more: nothing changes, least of all the password.
    let said = done(&namespace, create).await;
    assert!(!said.stdout.contains("created") && !said.stdout.contains("configured"), "{said:?}");

    let said = done(&namespace, "trigger shop --wait -o name").await;
    assert!(said.stdout.starts_with("snapshot.storage.kubestash.com/shop-repo-shop-nightly-"), "{said:?}");
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_without_rights_is_exit_code_1_and_the_fix_that_is_told_works() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "no-rights").await;
    create_storage(&namespace, &secret_key(&namespace)).await.assert_success();
    let create = "backup create shop --storage minio --target namespace --service-account default \
                  --generate-encryption-secret --watch";
    let said = plugin(&namespace, create, "").await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("  why   "), "{said:?}");
    assert!(said.stderr.contains("may not list") && said.stderr.contains("KS031"), "{said:?}");
    let fix = format!("kubectl kubestash backup create shop -n {} --create-reader --yes", namespace.name);
    assert!(said.stderr.contains(&fix), "{said:?}");

    let words: Vec<&str> = fix.split_whitespace().skip(2).collect();
    cluster.plugin.run(&words).await.assert_success();
    done(&namespace, "trigger shop --wait").await;
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_key_is_told_with_its_cause_and_is_nowhere_to_be_seen() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "told-key").await;
    let said = create_storage(&namespace, "n0t-the-key").await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.stderr.contains(&format!("error: BackupStorage {}/minio is not Ready", namespace.name)),
        "{said:?}"
    );
    assert!(said.stderr.contains("  why   ") && said.stderr.contains("KS021"), "{said:?}");
    assert!(!said.stderr.contains("n0t-the-key") && !said.stdout.contains("n0t-the-key"), "{said:?}");
    create_storage(&namespace, &secret_key(&namespace)).await.assert_success();
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_backup_is_skipped_with_exit_code_5() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "paused").await;
    create_storage(&namespace, &secret_key(&namespace)).await.assert_success();
    let create = "backup create shop --storage minio --target namespace --create-reader --paused \
                  --no-wait --generate-encryption-secret";
    done(&namespace, create).await;
    let said = plugin(&namespace, "trigger shop --wait", "").await;
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.stderr.contains("was skipped") && said.stderr.contains("KS035"), "{said:?}");
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_in_the_cluster_is_told_before_anything_is_written() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "missing").await;
    create_storage(&namespace, &secret_key(&namespace)).await.assert_success();
    let create = "backup create --storage minio --target deploy/orders --encryption-secret enc --service-account robot";
    let said = plugin(&namespace, create, "").await;
    assert_eq!((said.code, said.stdout.as_str()), (4, ""), "{said:?}");
    for missing in ["Deployment/orders", "/enc does not exist", "/robot does not exist"] {
        assert!(said.stderr.contains(missing), "{missing}: {said:?}");
    }
    let said = plugin(&namespace, "trigger orders", "").await;
    assert_eq!(said.code, 4, "{said:?}");
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_is_repeated_without_a_change_and_its_removal_can_be_seen_beforehand() {
    let cluster = Cluster::connect().await;
    let image = cluster.environment.image.clone();
    let said = cluster.plugin.run(&["install", "--image", &image, "--yes"]).await;
    said.assert_success();
    let applied = said.stderr.lines().find(|line| line.contains("applied")).expect("a summary");
    assert!(applied.ends_with(" unchanged") && !applied.contains("created"), "{said:?}");

    let said = cluster.plugin.run(&["uninstall", "--dry-run", "--force"]).await;
    said.assert_success();
    assert!(said.stdout.contains("deployment.apps/kubestash-operator deleted (dry run)"), "{said:?}");
    assert!(!said.stdout.contains("customresourcedefinition"), "{said:?}");
    let said = cluster.plugin.run(&["uninstall"]).await;
    assert_ne!(said.code, 0, "nobody confirmed: {said:?}");
}
