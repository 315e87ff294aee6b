//! What most stories begin with, as the YAML a person would write, and the questions they ask afterwards.

use std::time::Duration;

use crds::core::{BackupConfiguration, BackupSession};
use crds::storage::{BackupStorage, Snapshot};
use harness::namespace::Namespace;
use harness::plugin::Said;
use harness::restic::Restic;
use harness::wait;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleRef, Subject};
use kube::api::{Api, ListParams, ObjectMeta, Patch, PatchParams};
use tokio::sync::{Mutex, MutexGuard};

/// Long enough for a busy machine of two cores; a story never sleeps, so that this bounds failures only.
pub const SOON: Duration = Duration::from_mins(2);

pub const PASSWORD: &str = "a-password-of-the-stories";

/// Secret and BackupStorage `minio`, and the encryption Secret `encryption`.
pub const STORAGE: &str = r"
apiVersion: v1
kind: Secret
metadata: {name: minio, namespace: NAMESPACE}
stringData:
  AWS_ACCESS_KEY_ID: STORY_KEY_ID
  AWS_SECRET_ACCESS_KEY: STORY_KEY_SECRET
---
apiVersion: v1
kind: Secret
metadata: {name: encryption, namespace: NAMESPACE}
stringData:
  RESTIC_PASSWORD: a-password-of-the-stories
---
apiVersion: storage.kubestash.com/v1alpha1
kind: BackupStorage
metadata: {name: minio, namespace: NAMESPACE}
spec:
  storage:
    provider: s3
    s3:
      endpoint: ENDPOINT
      bucket: BUCKET
      prefix: NAMESPACE
      region: us-east-1
      secretName: minio
  usagePolicy: {allowedNamespaces: {from: Same}}
  deletionPolicy: Delete
---
apiVersion: storage.kubestash.com/v1alpha1
kind: RetentionPolicy
metadata: {name: keep-some, namespace: NAMESPACE}
spec:
  successfulSnapshots: {last: 5}
  failedSnapshots: {last: 2}
";

/// A BackupConfiguration `orders` of the story's namespace, read by ServiceAccount `reader`, run only by hand.
pub const NAMESPACE_BACKUP: &str = r#"
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: NAMESPACE}
---
apiVersion: core.kubestash.com/v1alpha1
kind: BackupConfiguration
metadata: {name: orders, namespace: NAMESPACE}
spec:
  target: {kind: Namespace, name: NAMESPACE}
  backends:
    - name: s3
      storageRef: {name: minio, namespace: NAMESPACE}
      retentionPolicy: {name: keep-some, namespace: NAMESPACE}
  sessions:
    - name: nightly
      sessionHistoryLimit: 5
      scheduler: {schedule: "17 2 31 12 *", jobTemplate: {backoffLimit: 0}}
      repositories:
        - name: orders
          backend: s3
          directory: /orders
          encryptionSecret: {name: encryption, namespace: NAMESPACE}
      addon:
        name: kubedump-addon
        tasks: [{name: manifest-backup}]
        jobTemplate: {spec: {serviceAccountName: reader}}
"#;

static OPERATOR: Mutex<()> = Mutex::const_new(());

/// Held by stories that kill the operator, change how many there are, ask it what it remembers, or judge it.
pub async fn the_operator_alone() -> MutexGuard<'static, ()> {
    OPERATOR.lock().await
}

/// The same without a target: the whole cluster.
#[must_use]
pub fn cluster_backup() -> String {
    NAMESPACE_BACKUP.replace("  target: {kind: Namespace, name: NAMESPACE}\n", "")
}

/// Lets ServiceAccount `reader` of the story read the whole cluster, by the ClusterRole that `install` ships.
pub async fn a_reader_of_the_cluster(namespace: &Namespace) {
    let bindings: Api<ClusterRoleBinding> = Api::all(namespace.cluster.client.clone());
    let name = format!("{}-reads-the-cluster", namespace.name);
    let binding = ClusterRoleBinding {
        metadata: ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() },
        role_ref: RoleRef {
            api_group: "rbac.authorization.k8s.io".to_owned(),
            kind: "ClusterRole".to_owned(),
            name: "kubestash-cluster-reader".to_owned(),
        },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: "reader".to_owned(),
            namespace: Some(namespace.name.clone()),
            api_group: None,
        }]),
    };
    bindings
        .patch(&name, &PatchParams::apply("stories"), &Patch::Apply(&binding))
        .await
        .expect("the ClusterRoleBinding is accepted");
}

/// Waits until the BackupStorage says this phase, and returns it.
pub async fn storage_is(namespace: &Namespace, name: &str, phase: &str) -> BackupStorage {
    wait::until(namespace.api::<BackupStorage>(), name, SOON, |storage| {
        let storage = storage.ok_or("not there yet")?;
        let said = storage.status.as_ref().and_then(|status| status.phase.as_ref()).map(ToString::to_string);
        if said.as_deref() == Some(phase) { Ok(storage.clone()) } else { Err(format!("phase is {said:?}")) }
    })
    .await
}

/// Waits until the BackupConfiguration says this phase, and returns it.
pub async fn configuration_is(namespace: &Namespace, name: &str, phase: &str) -> BackupConfiguration {
    wait::until(namespace.api::<BackupConfiguration>(), name, SOON, |configuration| {
        let configuration = configuration.ok_or("not there yet")?;
        let said =
            configuration.status.as_ref().and_then(|status| status.phase.as_ref()).map(ToString::to_string);
        if said.as_deref() == Some(phase) {
            Ok(configuration.clone())
        } else {
            Err(format!("phase is {said:?}"))
        }
    })
    .await
}

/// Waits until the first completed BackupSession of this configuration that is none of `known`, and returns it.
pub async fn session_completed(
    namespace: &Namespace,
    configuration: &str,
    known: &[String],
) -> BackupSession {
    wait::until_any(namespace.api::<BackupSession>(), "a completed BackupSession", SOON * 2, |session| {
        let name = session.metadata.name.clone()?;
        let of_this = session.spec.invoker.as_ref().is_some_and(|invoker| invoker.name == configuration);
        let completed = session.status.as_ref().and_then(|status| status.phase.as_ref())?.is_completed();
        (of_this && completed && !known.contains(&name)).then(|| session.clone())
    })
    .await
}

/// The message of a condition, with its status.
pub fn condition<'a>(
    conditions: &'a [crds::condition::Condition],
    type_: &str,
) -> Option<(&'a str, &'a str)> {
    conditions
        .iter()
        .find(|condition| condition.type_ == type_)
        .map(|condition| (condition.status.as_str(), condition.message.as_deref().unwrap_or_default()))
}

/// The Snapshot of a session's only repository.
pub async fn snapshot_of(namespace: &Namespace, session: &BackupSession) -> Snapshot {
    let name = session
        .status
        .as_ref()
        .and_then(|status| status.snapshots.first())
        .map(|snapshot| snapshot.name.clone())
        .expect("the session lists its Snapshot");
    namespace.api::<Snapshot>().get(&name).await.expect("the Snapshot is there")
}

/// Stock restic on the repository of [`NAMESPACE_BACKUP`].
pub fn restic(namespace: &Namespace) -> Restic {
    let path = format!("{}/orders/repository/v1/nightly/manifest", namespace.name);
    Restic::new(&namespace.cluster.environment, &path, PASSWORD)
}

/// Triggers the configuration by the plugin and waits for the end of that very session.
pub async fn another_session(namespace: &Namespace, configuration: &str) -> BackupSession {
    let sessions =
        namespace.api::<BackupSession>().list(&ListParams::default()).await.expect("a list of sessions");
    let known: Vec<String> = sessions.items.into_iter().filter_map(|session| session.metadata.name).collect();
    trigger(namespace, configuration).await;
    session_completed(namespace, configuration, &known).await
}

/// The plugin in the story's namespace: a line as it is typed, and what is on standard input.
pub async fn plugin(namespace: &Namespace, line: &str, input: &str) -> Said {
    run(namespace, &line.split_whitespace().collect::<Vec<_>>(), input).await
}

/// The same with words that may hold blanks.
pub async fn run(namespace: &Namespace, words: &[&str], input: &str) -> Said {
    let arguments = [words, &["-n", &namespace.name]].concat();
    namespace.cluster.plugin.run_with_input(&arguments, input).await
}

/// The line, which must succeed.
pub async fn done(namespace: &Namespace, line: &str) -> Said {
    let said = plugin(namespace, line, "").await;
    assert_eq!(said.code, 0, "{line}: {said:?}");
    said
}

/// `kubectl kubestash trigger`.
pub async fn trigger(namespace: &Namespace, configuration: &str) {
    done(namespace, &format!("trigger {configuration}")).await;
}

/// A storage and a configuration of the story's namespace whose initial backup has succeeded.
pub async fn a_first_backup(namespace: &Namespace) -> BackupSession {
    a_first_backup_at(namespace, "ENDPOINT").await
}

/// The same, at a server of another name.
pub async fn a_first_backup_at(namespace: &Namespace, endpoint: &str) -> BackupSession {
    namespace.apply(&STORAGE.replace("ENDPOINT", endpoint)).await;
    namespace.apply(NAMESPACE_BACKUP).await;
    a_reader_of_the_cluster(namespace).await;
    let session = session_completed(namespace, "orders", &[]).await;
    assert_eq!(phase(&session), "Succeeded", "{session:#?}");
    session
}

/// The phase of a session.
pub fn phase(session: &BackupSession) -> String {
    let status = session.status.as_ref();
    status.and_then(|status| status.phase.as_ref()).map(ToString::to_string).unwrap_or_default()
}

/// Why the component of a Snapshot failed; empty when it did not.
pub fn error_of(snapshot: &Snapshot) -> String {
    let component = snapshot.status.as_ref().and_then(|status| status.components.get("manifest"));
    component.and_then(|component| component.error.clone()).unwrap_or_default()
}
