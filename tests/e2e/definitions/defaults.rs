//! Where upstream's schemas fill something in, ours do, and nowhere else.

use serde_json::{Value, json};

use super::{Server, changed, fixture};

/// An object, and what is at a place of it once it is stored.
type Row = (Value, &'static str, Value);

async fn are_filled_in(story: &str, table: Vec<Row>) {
    let server = Server::new(story).await;
    for (given, pointer, value) in table {
        let stored = server.try_out(&given).await.unwrap_or_else(|error| panic!("{pointer}: {error}"));
        assert_eq!(stored.pointer(pointer).unwrap_or(&Value::Null), &value, "{pointer} of {given}");
    }
    server.namespace.remove().await;
}

fn configuration(pointer: &str, value: Value) -> Value {
    changed("backup_configuration.minimal", &format!("/spec/sessions/0{pointer}"), value)
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_defaults_are_filled_in_where_their_parent_is_there() {
    let policy = json!({"allowedNamespaces": {}});
    let pods = json!({"type": "Pod", "pod": {"selector": "a=b"}});
    let redis =
        json!({"db": true, "authSecret": true, "archiver": false, "configSecret": true, "initScript": true});
    let table = vec![
        (fixture("backup_storage.minimal"), "/spec/deletionPolicy", json!("Delete")),
        (fixture("backup_storage.minimal"), "/spec/usagePolicy", Value::Null),
        (
            changed("backup_storage.minimal", "/spec/usagePolicy", policy),
            "/spec/usagePolicy/allowedNamespaces/from",
            json!("Same"),
        ),
        (fixture("repository.minimal"), "/spec/deletionPolicy", json!("Delete")),
        (fixture("snapshot.minimal"), "/spec/deletionPolicy", json!("Delete")),
        (fixture("retention_policy.minimal"), "/spec/failedSnapshots", Value::Null),
        (
            changed("retention_policy.minimal", "/spec/failedSnapshots", json!({})),
            "/spec/failedSnapshots/last",
            json!(1),
        ),
        (fixture("backup_configuration.minimal"), "/spec/sessions/0/sessionHistoryLimit", json!(1)),
        (fixture("backup_configuration.minimal"), "/spec/sessions/0/retryConfig", Value::Null),
        (configuration("/retryConfig", json!({})), "/spec/sessions/0/retryConfig/maxRetry", json!(1)),
        (
            configuration("/hooks", json!({"preBackup": [{"name": "a"}]})),
            "/spec/sessions/0/hooks/preBackup/0/executionPolicy",
            json!("Always"),
        ),
        (
            configuration("/repositories/0/deletionPolicy", Value::Null),
            "/spec/sessions/0/repositories/0/deletionPolicy",
            Value::Null,
        ),
        (
            changed("hook_template.minimal", "/spec/executor", pods),
            "/spec/executor/pod/strategy",
            json!("ExecuteOnOne"),
        ),
        (
            changed("restore_session.minimal", "/spec/manifestOptions", json!({"redis": {}})),
            "/spec/manifestOptions/redis",
            redis,
        ),
    ];
    are_filled_in("defaults", table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kubernetes_own_defaults_are_filled_in_as_kubernetes_does() {
    let volume = |source: &str, fields: Value| {
        let mut local = json!({"mountPath": "/backups"});
        local[source] = fields;
        changed("backup_storage.minimal", "/spec/storage/local", local)
    };
    let template = |part: Value| configuration("/addon/jobTemplate", json!({"spec": part}));
    let file_key = json!({"fileKeyRef": {"volumeName": "v", "path": "p", "key": "k"}});
    let table = vec![
        (
            volume("azureDisk", json!({"diskName": "d", "diskURI": "u"})),
            "/spec/storage/local/azureDisk/fsType",
            json!("ext4"),
        ),
        (
            volume("rbd", json!({"image": "i", "monitors": ["m"]})),
            "/spec/storage/local/rbd/pool",
            json!("rbd"),
        ),
        (
            volume("iscsi", json!({"iqn": "i", "lun": 1, "targetPortal": "t"})),
            "/spec/storage/local/iscsi/iscsiInterface",
            json!("default"),
        ),
        (volume("configMap", json!({})), "/spec/storage/local/configMap/name", json!("")),
        (
            template(json!({"imagePullSecrets": [{}]})),
            "/spec/sessions/0/addon/jobTemplate/spec/imagePullSecrets/0/name",
            json!(""),
        ),
        (
            template(json!({"podPlacementPolicy": {}})),
            "/spec/sessions/0/addon/jobTemplate/spec/podPlacementPolicy/name",
            json!(""),
        ),
        (
            template(json!({"livenessProbe": {"grpc": {"port": 1}}})),
            "/spec/sessions/0/addon/jobTemplate/spec/livenessProbe/grpc/service",
            json!(""),
        ),
        (
            template(json!({"initContainers": [{"name": "a", "ports": [{"containerPort": 1}]}]})),
            "/spec/sessions/0/addon/jobTemplate/spec/initContainers/0/ports/0/protocol",
            json!("TCP"),
        ),
        (
            template(json!({"env": [{"name": "a", "valueFrom": file_key}]})),
            "/spec/sessions/0/addon/jobTemplate/spec/env/0/valueFrom/fileKeyRef/optional",
            json!(false),
        ),
    ];
    are_filled_in("core-defaults", table).await;
}
