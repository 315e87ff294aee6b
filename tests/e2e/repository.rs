//! A person at the shell and what is already stored: passwords, locks, logs, and why something does not work. Stock restic judges
//! which password opens the repository, and which lock is there.

use std::path::Path;
use std::process::Stdio;

use harness::cluster::Cluster;
use harness::namespace::Namespace;
use harness::restic::Restic;
use k8s_openapi::api::core::v1::Secret;
use serde_json::Value;
use tokio::process::Command;

use crate::given::{self, done, plugin};

pub const COMPONENT: &str = "repository/v1/nightly/manifest";

/// A finished backup in a storage that is reached under the same address from pods and from here.
pub async fn a_backup_reachable_from_here(cluster: &Cluster, story: &str) -> Namespace {
    let namespace = Namespace::create(cluster, story).await;
    namespace.apply(&given::STORAGE.replace("ENDPOINT", &cluster.environment.s3_host_endpoint)).await;
    namespace.apply(given::NAMESPACE_BACKUP).await;
    given::a_reader_of_the_cluster(&namespace).await;
    let session = given::session_completed(&namespace, "orders", &[]).await;
    assert_eq!(given::phase(&session), "Succeeded", "{session:#?}");
    namespace
}

/// restic on the repository of the story with another password than usual.
pub fn restic_with(namespace: &Namespace, password: &str) -> Restic {
    let path = format!("{}/orders/{COMPONENT}", namespace.name);
    Restic::new(&namespace.cluster.environment, &path, password)
}

/// Whether restic opens the repository with this password.
pub async fn opens(namespace: &Namespace, password: &str) -> bool {
    restic_with(namespace, password).try_run(&["cat", "config"]).await.0 == 0
}

async fn keys(namespace: &Namespace) -> Vec<Value> {
    let said = plugin(namespace, "password list orders -o json", "").await;
    said.assert_success();
    let told: Value = serde_json::from_str(&said.stdout).expect("JSON");
    told.as_array().expect("an array of keys").clone()
}

fn id(key: &Value) -> String {
    key["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_added_and_removed_and_never_the_one_in_use() {
    let cluster = Cluster::connect().await;
    let namespace = a_backup_reachable_from_here(&cluster, "password").await;
    let add = "password add orders --new-password-stdin --user ann --host laptop";
    let said = plugin(&namespace, add, "the-second-password").await;
    said.assert_success();
    assert!(opens(&namespace, "the-second-password").await && opens(&namespace, given::PASSWORD).await);

    let known = keys(&namespace).await;
    let (in_use, added): (Vec<&Value>, Vec<&Value>) = known.iter().partition(|key| key["current"] == true);
    assert_eq!((in_use.len(), added.len()), (1, 1), "{known:?}");
    assert_eq!((&added[0]["userName"], &added[0]["hostName"]), (&"ann".into(), &"laptop".into()));

    let remove = format!("password remove orders --id-paths {}:{COMPONENT}", id(in_use[0]));
    let said = plugin(&namespace, &remove, "").await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("is the one in use and stays"), "{said:?}");

    let short: String = id(added[0]).chars().take(8).collect();
    let remove = format!("password remove orders --id-paths {short}:{COMPONENT}");
    done(&namespace, &remove).await;
    assert!(!opens(&namespace, "the-second-password").await);
    assert!(opens(&namespace, given::PASSWORD).await);
    restic_with(&namespace, given::PASSWORD).check().await;
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_opens_nothing_is_told_as_that() {
    let cluster = Cluster::connect().await;
    let namespace = a_backup_reachable_from_here(&cluster, "no-key").await;
    let other = given::STORAGE.replace(given::PASSWORD, "the-wrong-password");
    namespace.apply(&other.replace("ENDPOINT", &cluster.environment.s3_host_endpoint)).await;
    let said = plugin(&namespace, "password list orders", "").await;
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.stderr.contains("KS041") && said.stderr.contains("/encryption"), "{said:?}");
    assert!(!said.stderr.contains("the-wrong-password"), "{said:?}");
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_updated_password_is_that_of_the_next_backup() {
    let cluster = Cluster::connect().await;
    let namespace = a_backup_reachable_from_here(&cluster, "new-password").await;
    let said = plugin(&namespace, "password update orders --new-password-stdin", "the-third-password").await;
    said.assert_success();
    assert!(opens(&namespace, "the-third-password").await);
    assert!(!opens(&namespace, given::PASSWORD).await);
    let secret = namespace.api::<Secret>().get("encryption").await.expect("the Secret is there");
    assert_eq!(secret.data.expect("data")["RESTIC_PASSWORD"].0, b"the-third-password");
    for text in [&said.stdout, &said.stderr] {
        assert!(!text.contains("the-third-password") && !text.contains(given::PASSWORD), "{said:?}");
    }
    let session = given::another_session(&namespace, "orders").await;
    assert_eq!(given::phase(&session), "Succeeded", "{session:#?}");
    restic_with(&namespace, "the-third-password").check().await;
    namespace.remove().await;
}

/// A lock of a restic that was killed while it waited for its input.
pub async fn a_lock_of_a_killed_restic(namespace: &Namespace) {
    let environment = &namespace.cluster.environment;
    let repository = format!(
        "s3:{}/{}/{}/orders/{COMPONENT}",
        environment.s3_host_endpoint, environment.bucket, namespace.name
    );
    let mut child = Command::new(&environment.restic)
        .args(["--no-cache", "--repo", &repository, "backup", "--stdin", "--stdin-filename", "x"])
        .env("RESTIC_PASSWORD", given::PASSWORD)
        .env("AWS_ACCESS_KEY_ID", &environment.access_key)
        .env("AWS_SECRET_ACCESS_KEY", &environment.secret_key)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("restic runs");
    for _ in 0..120 {
        if locks(namespace).await == 1 {
            child.kill().await.expect("restic can be killed");
            return;
        }
    }
    unreachable!("restic took no lock");
}

/// How many locks restic sees.
pub async fn locks(namespace: &Namespace) -> usize {
    let (code, listed, said) =
        restic_with(namespace, given::PASSWORD).try_run(&["list", "locks", "--no-lock"]).await;
    assert_eq!(code, 0, "{said}");
    String::from_utf8_lossy(&listed).lines().filter(|line| line.len() == 64).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_shown_with_its_owner_and_a_young_one_goes_only_when_it_is_wished() {
    let cluster = Cluster::connect().await;
    let namespace = a_backup_reachable_from_here(&cluster, "unlock").await;
    let said = plugin(&namespace, "unlock orders", "").await;
    said.assert_success();
    assert!(said.stderr.contains("No locks in repository"), "{said:?}");

    let add = "password add orders --new-password-stdin";
    plugin(&namespace, add, "the-second-password").await.assert_success();
    let added = keys(&namespace).await.into_iter().find(|key| key["current"] == false).expect("a second key");
    a_lock_of_a_killed_restic(&namespace).await;
    let remove = format!("password remove orders --id-paths {}:{COMPONENT}", id(&added));
    let said = plugin(&namespace, &remove, "").await;
    assert_eq!(said.code, 4, "somebody seems to be at work: {said:?}");
    assert!(said.stderr.contains("KS051") && said.stderr.contains("repository unlock"), "{said:?}");

    let said = plugin(&namespace, "unlock orders", "").await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stdout.starts_with("COMPONENT") && said.stdout.contains("nightly/manifest"), "{said:?}");
    assert!(said.stdout.contains("shared") && said.stdout.contains("(process "), "{said:?}");
    assert_eq!(locks(&namespace).await, 1);

    let said =
        plugin(&namespace, &format!("repository unlock orders --paths {COMPONENT} --older-than 1ms"), "")
            .await;
    said.assert_success();
    assert!(said.stderr.contains("removed 1 lock of"), "{said:?}");
    assert_eq!(locks(&namespace).await, 0);

    a_lock_of_a_killed_restic(&namespace).await;
    done(&namespace, "unlock orders --force").await;
    assert_eq!(locks(&namespace).await, 0);
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_and_diagnosis_tell_what_happened_and_no_secret() {
    let cluster = Cluster::connect().await;
    let namespace = a_backup_reachable_from_here(&cluster, "diagnosis").await;
    let said = plugin(&namespace, "backup logs orders", "").await;
    said.assert_success();
    assert!(!said.stdout.trim().is_empty(), "{said:?}");

    let run = plugin(&namespace, "trigger orders -o name", "").await.stdout;
    let run = run.trim().rsplit('/').next().expect("a name").to_owned();
    let said = plugin(&namespace, &format!("backup logs --run {run} --follow"), "").await;
    said.assert_success();
    assert!(!said.stdout.trim().is_empty(), "{said:?}");

    let said = plugin(&namespace, "debug backup orders", "").await;
    said.assert_success();
    assert!(said.stderr.contains("Nothing failed in backup"), "{said:?}");
    let operator = given::the_operator_alone().await;
    let said = plugin(&namespace, "debug operator", "").await;
    drop(operator);
    said.assert_success();
    assert!(said.stdout.contains("kubestash-operator") && said.stdout.contains("1/1 ready"), "{said:?}");
    let said = plugin(&namespace, "debug backupstorage minio", "").await;
    said.assert_success();
    assert!(said.stderr.contains("works from this machine"), "{said:?}");
    assert!(!namespace.bucket().keys().iter().any(|key| key.contains("debug")));

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bundle.tar.gz");
    let line = format!("debug bundle --backup orders --output-file {}", file.display());
    let said = plugin(&namespace, &line, "").await;
    said.assert_success();
    assert!(said.stdout.contains("/backupconfigurations/orders.yaml"), "{said:?}");
    assert!(said.stdout.contains("/logs/"), "{said:?}");
    let whole = Command::new("tar").args(["-xzOf"]).arg(&file).output().await.expect("tar reads it");
    assert!(whole.status.success());
    let text = String::from_utf8_lossy(&whole.stdout);
    assert!(text.contains("kind: BackupSession") && text.contains("core.kubestash.com/v1alpha1"));
    for secret in [given::PASSWORD, &cluster.environment.secret_key] {
        assert!(!text.contains(secret), "the bundle holds a secret");
    }
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_lost_a_pack_is_called_damaged() {
    let cluster = Cluster::connect().await;
    let namespace = a_backup_reachable_from_here(&cluster, "checked").await;
    let said = done(&namespace, "repository check orders").await;
    assert!(said.stderr.contains("sound, 1 snapshot"), "{said:?}");
    assert_eq!(said.stdout, "");

    let pack = namespace.bucket().keys().into_iter().find(|key| key.contains("/data/")).expect("a pack");
    std::fs::remove_file(namespace.bucket().path(&pack)).expect("the pack was there");
    let said = plugin(&namespace, "repository check orders", "").await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("damaged"), "{said:?}");
    let name = pack.rsplit('/').next().expect("a name");
    assert!(said.stdout.contains(&name[..8]), "the pack is named: {said:?}");
    namespace.remove().await;
}

const SECRET: &str = "apiVersion: v1
kind: Secret
metadata: {name: key, namespace: NAMESPACE}
type: example.com/key
stringData: {a: VALUE}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_copied_with_its_type_and_again_when_it_changed() {
    let cluster = Cluster::connect().await;
    let (namespace, other) =
        (Namespace::create(&cluster, "copied").await, Namespace::create(&cluster, "copy").await);
    namespace.apply(&SECRET.replace("VALUE", "one")).await;
    let line = format!("copy secret key --to-namespace {}", other.name);
    assert_eq!(done(&namespace, &line).await.stdout, "secret/key created\n");
    assert_eq!(done(&namespace, &line).await.stdout, "secret/key unchanged\n");
    namespace.apply(&SECRET.replace("VALUE", "two")).await;
    assert_eq!(done(&namespace, &line).await.stdout, "secret/key configured\n");
    let copy = other.api::<Secret>().get("key").await.expect("the copy");
    assert_eq!(copy.type_.as_deref(), Some("example.com/key"));
    assert_eq!(copy.data.unwrap_or_default()["a"].0, b"two");
    namespace.remove().await;
    other.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_completes_names_of_objects() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "completion").await;
    namespace.apply(given::STORAGE).await;
    namespace.apply(given::NAMESPACE_BACKUP).await;
    let folder = tempfile::tempdir().expect("a folder");
    let install = format!("completion kubectl --install --dir {}", folder.path().display());
    done(&namespace, &install).await;
    let complete = async |words: &[&str]| kubectl_completes(&namespace, folder.path(), words).await;
    assert_eq!(complete(&["trigger", "-n", &namespace.name, ""]).await, ["orders", ":4"]);
    let sessions = complete(&["trigger", "orders", "-n", &namespace.name, "--sessions", ""]).await;
    assert_eq!(sessions, ["nightly", ":4"]);
    assert!(complete(&["pass"]).await[0].starts_with("password\t"));
    namespace.remove().await;
}

/// `kubectl __complete kubestash …`, as a shell asks it when TAB is pressed.
async fn kubectl_completes(namespace: &Namespace, shim: &Path, words: &[&str]) -> Vec<String> {
    let environment = &namespace.cluster.environment;
    let usual = std::env::var_os("PATH").unwrap_or_default();
    let folders = [shim.to_owned(), environment.binaries.clone()].into_iter();
    let path = std::env::join_paths(folders.chain(std::env::split_paths(&usual))).expect("a search path");
    let output = Command::new("kubectl")
        .args(["__complete", "kubestash"])
        .args(words)
        .env("KUBECONFIG", &environment.kubeconfig)
        .env("PATH", path)
        .output()
        .await
        .expect("kubectl runs");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}
