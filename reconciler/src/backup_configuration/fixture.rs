//! Objects that the tests of this folder start from.

use crds::addons::{Addon, Function};
use crds::core::BackupConfiguration;
use crds::reference::ObjectReference;
use crds::storage::{BackupStorage, Repository, RetentionPolicy};
use serde_json::{Value, json};

use super::observe::Observed;
use crate::secret::Encryption;

/// Replaces the parts of `into` that `change` names; null removes nothing but is written.
pub fn merge(into: &mut Value, change: &Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (key, value) in change {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change.clone(),
    }
}

/// A configuration with which nothing is wrong, changed.
pub fn configuration(change: &Value) -> BackupConfiguration {
    let mut object = json!({
        "metadata": {"name": "shop", "namespace": "demo", "uid": "u-1", "generation": 3},
        "spec": {
            "backends": [{
                "name": "s3", "storageRef": {"name": "store", "namespace": "infra"},
                "retentionPolicy": {"name": "keep", "namespace": "infra"},
            }],
            "sessions": [session(&json!({}))],
        },
    });
    merge(&mut object, change);
    serde_json::from_value(object).unwrap()
}

/// The session of that configuration, changed.
pub fn session(change: &Value) -> Value {
    let mut session = json!({
        "name": "nightly",
        "scheduler": {"schedule": "0 2 * * *", "jobTemplate": {}},
        "addon": {"name": "kubedump-addon", "tasks": [{"name": "manifest-backup"}]},
        "repositories": [repository_wish(&json!({}))],
    });
    merge(&mut session, change);
    session
}

/// The repository of that session, changed.
pub fn repository_wish(change: &Value) -> Value {
    let mut wish = json!({
        "name": "repo", "backend": "s3", "directory": "/shop", "encryptionSecret": {"name": "encryption"},
    });
    merge(&mut wish, change);
    wish
}

/// A Repository at that place.
pub fn repository(namespace: &str, name: &str, storage: &str, path: &str) -> Repository {
    serde_json::from_value(json!({
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"appRef": {"apiGroup": "na", "name": "na"}, "path": path,
                 "storageRef": {"name": storage, "namespace": "infra"}},
        "status": {"conditions": [{"type": "RepositoryInitialized", "status": "True", "lastTransitionTime": "2026-11-22T10:00:00Z"}]},
    }))
    .unwrap()
}

/// The storage, as it is when all is well, changed.
pub fn storage(change: &Value) -> BackupStorage {
    let mut object = json!({
        "metadata": {"name": "store", "namespace": "infra"},
        "spec": {"usagePolicy": {"allowedNamespaces": {"from": "All"}}},
        "status": {"conditions": [{"type": "BackendInitialized", "status": "True", "lastTransitionTime": "2026-11-22T10:00:00Z"}]},
    });
    merge(&mut object, change);
    serde_json::from_value(object).unwrap()
}

/// The policy, changed.
pub fn policy(change: &Value) -> RetentionPolicy {
    let mut object = json!({
        "metadata": {"name": "keep", "namespace": "infra"},
        "spec": {"usagePolicy": {"allowedNamespaces": {"from": "All"}}, "maxRetentionPeriod": "1mo"},
    });
    merge(&mut object, change);
    serde_json::from_value(object).unwrap()
}

fn addon() -> Addon {
    serde_json::from_value(json!({
        "metadata": {"name": "kubedump-addon"},
        "spec": {"backupTasks": [{"name": "manifest-backup", "function": "kubedump-backup", "executor": "Job",
                                  "parameters": [{"name": "IncludeNamespaces"}]}]},
    }))
    .unwrap()
}

fn function() -> Function {
    serde_json::from_value(json!({"metadata": {"name": "kubedump-backup"}, "spec": {"image": "kubestash"}}))
        .unwrap()
}

/// Everything that the configuration needs is there, and its Repository is not yet.
pub fn observed() -> Observed {
    Observed {
        storages: [(ObjectReference::new("infra", "store"), Some(storage(&json!({}))))].into(),
        policies: [(ObjectReference::new("infra", "keep"), Some(policy(&json!({}))))].into(),
        encryption: [(ObjectReference::new("demo", "encryption"), Encryption::Usable)].into(),
        addons: [("kubedump-addon".to_owned(), Some(addon()))].into(),
        functions: [("kubedump-backup".to_owned(), function())].into(),
        ..Observed::default()
    }
}
