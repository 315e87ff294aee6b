//! Every verb that talks to the API server, once, against a real one: lists, shows, status, check, pausing, deleting.

use std::time::Duration;

use crds::core::BackupConfiguration;
use crds::storage::{BackupStorage, Repository, RetentionPolicy, Snapshot};
use harness::cluster::Cluster;
use harness::namespace::Namespace;
use harness::wait;
use serde_json::Value;

use crate::given::{done, plugin};
use crate::plugin::{create_storage, secret_key};

const LIMIT: Duration = Duration::from_mins(1);

/// The line, whose result must hold all of these.
async fn tells(namespace: &Namespace, line: &str, texts: &[&str]) {
    let said = done(namespace, line).await;
    for text in texts {
        assert!(said.stdout.contains(text), "{line} does not tell {text}: {said:?}");
    }
}

/// Waits until the object is no more.
async fn gone<K>(namespace: &Namespace, name: &str)
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned
        + Send
        + 'static,
    K::DynamicType: Default,
{
    wait::until(namespace.api::<K>(), name, LIMIT, |object| match object {
        None => Ok(()),
        Some(_) => Err("it is still there".to_owned()),
    })
    .await;
}

/// A namespace with a storage, a policy and a backup that ran once; and the name of its snapshot.
async fn backed_up(cluster: &Cluster, story: &str) -> (Namespace, String) {
    let namespace = Namespace::create(cluster, story).await;
    create_storage(&namespace, &format!("{}\n", secret_key(&namespace))).await.assert_success();
    tells(
        &namespace,
        "retention create keep --keep-daily 3",
        &["retentionpolicy.storage.kubestash.com/keep created"],
    )
    .await;
    let create = "backup create shop --storage minio --target namespace --create-reader --retention keep \
                  --generate-encryption-secret --watch";
    done(&namespace, create).await;
    let snapshots = done(&namespace, "snapshot list -o name").await.stdout;
    let name = snapshots.trim().rsplit('/').next().unwrap_or_default().to_owned();
    (namespace, name)
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_shows_status_and_check_tell_what_the_cluster_has() {
    let cluster = Cluster::connect().await;
    let (namespace, snapshot) = backed_up(&cluster, "verbs-show").await;
    let own = &namespace.name;
    tells(&namespace, "storage list -o wide", &["minio", "Ready", "DELETION-POLICY"]).await;
    tells(&namespace, "storage show minio", &["Ready", "minio-credentials", "shop-repo"]).await;
    tells(&namespace, "retention list", &["keep", "3 daily"]).await;
    tells(&namespace, "retention show keep", &[&format!("{own}/shop")]).await;
    tells(&namespace, "repository list", &["shop-repo", "Ready"]).await;
    tells(&namespace, "repo show shop-repo", &[&snapshot]).await;
    tells(&namespace, "snapshot show -l kubestash.com/repo-name=shop-repo", &[&snapshot, "Succeeded"]).await;
    tells(&namespace, "backup list", &["shop", "Succeeded", "in ", "Ready"]).await;
    tells(&namespace, "backup list -o name", &["backupconfiguration.core.kubestash.com/shop"]).await;
    assert_eq!(done(&namespace, "backup list --problems").await.stdout, "", "nothing is wrong with it");
    tells(&namespace, "backup status shop", &["not paused", "present", "3 daily", "✔", &snapshot]).await;
    tells(&namespace, "status", &["storage", "backup", "last Succeeded"]).await;

    let operator = crate::given::the_operator_alone().await;
    let watched = done(&namespace, &format!("snapshot watch {snapshot} -o name")).await;
    assert_eq!(watched.stdout, format!("snapshot.storage.kubestash.com/{snapshot}\n"));

    let report: Value = serde_json::from_str(&done(&namespace, "check -o json").await.stdout).expect("JSON");
    assert_eq!(report["success"], true, "{report:#}");
    let checks = report["categories"].as_array().expect("categories");
    let well = |category: &Value| category["checks"].as_array().is_some_and(|checks| !checks.is_empty());
    assert!(checks.len() == 4 && checks.iter().all(well), "{report:#}");
    done(&namespace, "check --pre").await;
    drop(operator);

    let said = plugin(&namespace, "storage show mini", "").await;
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.stderr.contains("did you mean minio?") && said.stderr.contains("KS060"), "{said:?}");
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_seen_with_its_reason_and_ends_with_resume() {
    let cluster = Cluster::connect().await;
    let (namespace, _) = backed_up(&cluster, "verbs-pause").await;
    tells(&namespace, "pause shop --dry-run=server", &["shop paused (server dry run)"]).await;
    tells(&namespace, "pause shop --reason upgrade", &["backupconfiguration.core.kubestash.com/shop paused"])
        .await;
    tells(&namespace, "pause shop", &["already paused (upgrade)"]).await;
    tells(&namespace, "backup list", &["(paused: upgrade)"]).await;
    wait::until(
        namespace.api::<k8s_openapi::api::batch::v1::CronJob>(),
        "trigger-shop-nightly",
        LIMIT,
        |job| {
            let suspended = job.and_then(|job| job.spec.as_ref()?.suspend).unwrap_or(false);
            if suspended { Ok(()) } else { Err("it is not suspended".to_owned()) }
        },
    )
    .await;
    tells(&namespace, "resume --all", &["shop resumed, next run in "]).await;
    tells(&namespace, "resume shop", &["already running"]).await;

    // The pause is another manager's: the same create does not undo it, and nothing else of the backup was lost.
    tells(&namespace, "backup status shop -o json", &["\"schedule\"", "\"encryptionSecret\""]).await;
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_keeps_the_data_unless_told_and_confirmed() {
    let cluster = Cluster::connect().await;
    let (namespace, snapshot) = backed_up(&cluster, "verbs-delete").await;
    let said = plugin(&namespace, "storage delete minio", "").await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("KS083"), "{said:?}");
    assert!(said.stderr.contains("--yes") && said.stderr.contains("the data in s3"), "{said:?}");
    let said = plugin(&namespace, &format!("snapshot delete {snapshot} --wipe-data --yes"), "").await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains(&format!("--confirm {snapshot}")), "{said:?}");

    for verb in ["snapshot", "backup", "repository", "retention", "storage"] {
        done(&namespace, &format!("{verb} delete --all --dry-run=server")).await;
    }
    assert!(namespace.api::<Snapshot>().get(&snapshot).await.is_ok(), "a dry run deletes nothing");

    done(&namespace, &format!("snapshot delete {snapshot} --yes")).await;
    gone::<Snapshot>(&namespace, &snapshot).await;
    done(&namespace, "backup delete shop --yes").await;
    gone::<BackupConfiguration>(&namespace, "shop").await;
    tells(&namespace, "repository list -o name", &["repository.storage.kubestash.com/shop-repo"]).await;
    done(&namespace, "repository delete shop-repo --yes").await;
    gone::<Repository>(&namespace, "shop-repo").await;
    done(&namespace, "retention delete keep --yes").await;
    gone::<RetentionPolicy>(&namespace, "keep").await;
    done(&namespace, "storage delete minio --yes").await;
    gone::<BackupStorage>(&namespace, "minio").await;
    let kept = namespace.bucket().keys();
    assert!(kept.iter().any(|key| key.contains("/snapshots/")), "the data stays: {kept:?}");
    namespace.remove().await;
}
