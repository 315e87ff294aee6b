//! What the API server refuses, and what it says.

use serde_json::{Value, json};

use super::{Server, changed};

/// An object, and a part of what is said about it.
type Row = (Value, &'static str);

async fn all_are_refused(story: &str, table: Vec<Row>) {
    let server = Server::new(story).await;
    for (object, advice) in table {
        match server.try_out(&object).await {
            Ok(_) => panic!("accepted, though \"{advice}\": {object}"),
            Err(error) => assert!(error.to_string().contains(advice), "\"{advice}\" is not in: {error}"),
        }
    }
    server.namespace.remove().await;
}

fn configuration(pointer: &str, value: Value) -> Value {
    changed("backup_configuration.full", &format!("/spec{pointer}"), value)
}

fn session(name: &str, repository: &str, backend: &str, directory: &str) -> Value {
    json!({
        "name": name,
        "scheduler": {"schedule": "0 2 * * *"},
        "addon": {"name": "kubedump-addon", "tasks": [{"name": "manifest-backup"}]},
        "repositories": [{"name": repository, "backend": backend, "directory": directory}],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_can_never_run_is_refused_with_advice() {
    let repository =
        |field: &str, value| configuration(&format!("/sessions/0/repositories/0/{field}"), value);
    let table = vec![
        (changed("backup_configuration.full", "/spec", Value::Null), "spec is missing"),
        (configuration("/sessions", json!([])), "sessions is empty: add at least one"),
        (configuration("/sessions", Value::Null), "sessions is empty: add at least one"),
        (
            configuration("/backends/-", json!({"name": "s3", "storageRef": {"name": "x"}})),
            "names must be unique",
        ),
        (
            configuration("/backends", json!([{"storageRef": {"name": "x"}}, {"storageRef": {"name": "y"}}])),
            "names must be unique",
        ),
        (configuration("/backends/0/storageRef", Value::Null), "name the BackupStorage to use"),
        (configuration("/sessions/-", session("full", "other", "s3", "/other")), "names must be unique"),
        (configuration("/sessions/0/name", json!("")), "give the session a name"),
        (configuration("/sessions/0/scheduler", Value::Null), "add scheduler.schedule with a cron line"),
        (configuration("/sessions/0/addon", Value::Null), "name the Addon that makes the backup"),
        (configuration("/sessions/0/addon/tasks", json!([])), "needs at least one task"),
        (configuration("/sessions/0/addon/tasks/-", json!({"params": {}})), "every task a name"),
        (configuration("/sessions/0/repositories", json!([])), "repositories is empty"),
        (
            configuration(
                "/sessions/0/repositories/-",
                json!({"name": "redis-repo", "backend": "s3", "directory": "/x"}),
            ),
            "names must be unique",
        ),
        (repository("name", Value::Null), "name the Repository to back up into"),
        (repository("directory", json!("")), "name the directory of the storage"),
        (repository("backend", json!("azure")), "names a backend that is not in spec.backends"),
        (configuration("/backends", json!([])), "names a backend that is not in spec.backends"),
        (
            configuration("/sessions/-", session("b", "other", "s3", "/shop/redis")),
            "give each repository its own directory",
        ),
        (
            configuration("/backends/-", json!({"name": "gcs", "storageRef": {"name": "x"}}))
                .with_session(session("b", "redis-repo", "gcs", "/shop/redis")),
            "give each repository its own directory",
        ),
        (
            repository("deletionPolicy", json!("Keep")),
            "supported values: \"Delete\", \"WipeOut\", \"Retain\"",
        ),
        (configuration("/sessions/0/retryConfig/maxRetry", json!(0)), "greater than or equal to 1"),
        (configuration("/sessions/0/hooks/preBackup/0/maxRetry", json!(-1)), "greater than or equal to 0"),
        (configuration("/sessions/0/scheduler/schedule", Value::Null), "schedule: Required value"),
    ];
    all_are_refused("refused-bc", table).await;
}

trait WithSession {
    fn with_session(self, session: Value) -> Value;
}

impl WithSession for Value {
    fn with_session(mut self, session: Value) -> Value {
        self["spec"]["sessions"].as_array_mut().expect("sessions").push(session);
        self
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_or_policy_that_can_never_be_used_is_refused_with_advice() {
    let storage = |pointer: &str, value| changed("backup_storage.minimal", &format!("/spec{pointer}"), value);
    let policy =
        |pointer: &str, value| changed("retention_policy.minimal", &format!("/spec{pointer}"), value);
    let selector = json!({"allowedNamespaces": {"from": "Selector"}});
    let mut table = vec![
        (changed("backup_storage.minimal", "/spec", Value::Null), "name a provider"),
        (storage("/storage", Value::Null), "name a provider"),
        (storage("/storage/provider", json!("S3")), "provider must be one of s3, gcs, azure, local"),
        (storage("/storage/provider", Value::Null), "provider must be one of s3, gcs, azure, local"),
        (storage("/storage/s3", Value::Null), "the provider s3 needs s3.bucket"),
        (storage("/storage/s3/bucket", json!("")), "the provider s3 needs s3.bucket"),
        (storage("/storage/provider", json!("gcs")), "the provider gcs needs gcs.bucket"),
        (storage("/storage/provider", json!("azure")), "the provider azure needs azure.container"),
        (storage("/storage/provider", json!("local")), "the provider local needs local with a volume source"),
        (storage("/usagePolicy", selector.clone()), "say which, or use Same or All"),
        (
            storage("/usagePolicy", json!({"allowedNamespaces": {"from": "Some"}})),
            "supported values: \"All\", \"Selector\", \"Same\"",
        ),
        (storage("/deletionPolicy", json!("Retain")), "supported values: \"Delete\", \"WipeOut\""),
        (policy("/usagePolicy", selector.clone()), "say which, or use Same or All"),
        (policy("/maxRetentionPeriod", Value::Null), "set maxRetentionPeriod, successfulSnapshots or both"),
        (policy("/maxRetentionPeriod", json!("")), "set maxRetentionPeriod, successfulSnapshots or both"),
        (changed("retention_policy.minimal", "/spec", Value::Null), "say which snapshots to keep"),
        (changed("hook_template.minimal", "/spec/usagePolicy", selector), "say which, or use Same or All"),
    ];
    for period in ["30", "30 d", "1.5d", "30days", "d", "5s", "30D", "1mo x"] {
        table.push((policy("/maxRetentionPeriod", json!(period)), "for example 30d or 1y6mo"));
    }
    all_are_refused("refused-storage", table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_or_restore_that_can_never_run_is_refused_with_advice() {
    let hook = |executor: Value| changed("hook_template.minimal", "/spec/executor", executor);
    let source = |value: Value| changed("restore_session.minimal", "/spec/dataSource", value);
    let table = vec![
        (changed("hook_template.minimal", "/spec", Value::Null), "spec is missing"),
        (hook(Value::Null), "set executor.type"),
        (
            changed("hook_template.minimal", "/spec/action", Value::Null),
            "add exec, httpGet, httpPost or tcpSocket",
        ),
        (changed("hook_template.minimal", "/spec/action/httpPost/port", Value::Null), "port: Required value"),
        (hook(json!({"type": "Function"})), "needs function.name"),
        (hook(json!({"type": "Pod"})), "needs pod.selector"),
        (hook(json!({"type": "Pod", "pod": {"selector": ""}})), "needs pod.selector"),
        (hook(json!({"type": "Pod", "pod": {"selector": "app=web,tier"}})), "needs pod.selector"),
        (hook(json!({"type": "Somebody"})), "supported values: \"Function\", \"Pod\", \"Operator\""),
        (changed("restore_session.minimal", "/spec", Value::Null), "spec is missing"),
        (source(Value::Null), "name the snapshot to restore"),
        (source(json!({"repository": "repo"})), "name a Snapshot, or say `latest`"),
        (source(json!({"snapshot": "latest"})), "repository is missing"),
        (
            source(json!({"repository": "repo", "pitr": {"exclusive": true}})),
            "a point in time needs pitr.targetTime",
        ),
        (
            source(json!({"snapshot": "one", "pitr": {"targetTime": "2025-08-19T09:00:00Z"}})),
            "a point in time needs pitr.targetTime and repository",
        ),
        (changed("backup_session.minimal", "/spec/invoker/kind", Value::Null), "kind: Required value"),
    ];
    all_are_refused("refused-hook", table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_change_cannot_be_changed() {
    let server = Server::new("immutable").await;
    let with_repositories = json!({"status": {"repositories": [{"name": "repo", "path": "/a"}]}});
    let table = [
        ("backup_session.full", None, json!({"spec": {"retryLeft": 0}}), "create another one"),
        ("backup_session.full", None, json!({"spec": {"backupTimeout": null}}), "create another one"),
        ("backup_session.full", None, json!({"spec": null}), "create another one"),
        ("repository.full", None, json!({"spec": {"path": "/elsewhere"}}), "create another Repository"),
        ("repository.full", None, json!({"spec": {"path": null}}), "create another Repository"),
        ("repository.full", None, json!({"spec": null}), "spec cannot be removed"),
        (
            "backup_storage.full",
            Some(&with_repositories),
            json!({"spec": {"storage": {"s3": {"bucket": "other"}}}}),
            "while repositories are kept in it",
        ),
        ("backup_storage.full", None, json!({"spec": {"storage": null}}), "name a provider"),
    ];
    for name in ["backup_session.full", "repository.full", "backup_storage.full"] {
        server.create(&changed(name, "/metadata/name", json!("kept"))).await.expect("it is created");
    }
    for (name, status, change, advice) in table {
        let object = changed(name, "/metadata/name", json!("kept"));
        if let Some(status) = status {
            server.merge_status(&object, status).await.expect("status is taken");
        }
        let error = server.merge(&object, &change).await.expect_err(advice).to_string();
        assert!(error.contains(advice), "\"{advice}\" is not in: {error}");
    }
    let repository = changed("repository.full", "/metadata/name", json!("kept"));
    server
        .merge(&repository, &json!({"spec": {"deletionPolicy": "Delete"}}))
        .await
        .expect("the rest may change");
    let storage = changed("backup_storage.full", "/metadata/name", json!("kept"));
    server
        .merge(&storage, &json!({"spec": {"deletionPolicy": "Delete"}}))
        .await
        .expect("the rest may change");
    let empty = json!({"status": {"repositories": null}});
    server.merge_status(&storage, &empty).await.expect("status is taken");
    server
        .merge(&storage, &json!({"spec": {"storage": {"s3": {"bucket": "other"}}}}))
        .await
        .expect("an unused one may");
    server.namespace.remove().await;
}
