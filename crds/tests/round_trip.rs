//! Objects read and written back lose nothing, and the fixtures leave no field out.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeSet;
use std::path::Path;

use crds::addons::{Addon, Function};
use crds::core::{BackupConfiguration, BackupSession, HookTemplate, RestoreSession};
use crds::storage::{BackupStorage, Repository, RetentionPolicy, Snapshot};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format!("{name}.yaml"));
    serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn passed<K: Serialize + DeserializeOwned>(given: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<K>(given.clone()).unwrap()).unwrap()
}

fn passed_as_its_kind(given: &Value) -> Value {
    match given["kind"].as_str().unwrap() {
        "Addon" => passed::<Addon>(given),
        "Function" => passed::<Function>(given),
        "BackupConfiguration" => passed::<BackupConfiguration>(given),
        "BackupSession" => passed::<BackupSession>(given),
        "HookTemplate" => passed::<HookTemplate>(given),
        "RestoreSession" => passed::<RestoreSession>(given),
        "BackupStorage" => passed::<BackupStorage>(given),
        "Repository" => passed::<Repository>(given),
        "RetentionPolicy" => passed::<RetentionPolicy>(given),
        "Snapshot" => passed::<Snapshot>(given),
        kind => panic!("a fixture of an unknown kind {kind}"),
    }
}

const KINDS: [&str; 10] = [
    "addon",
    "backup_configuration",
    "backup_session",
    "backup_storage",
    "function",
    "hook_template",
    "repository",
    "restore_session",
    "retention_policy",
    "snapshot",
];

#[test]
fn every_fixture_comes_back_as_it_was() {
    for kind in KINDS {
        for size in ["minimal", "full"] {
            let given = fixture(&format!("{kind}.{size}"));
            assert_eq!(passed_as_its_kind(&given), given, "{kind}.{size}");
        }
    }
}

/// Parts that are Kubernetes' own: their fields need not all be in the fixtures.
const FOREIGN: &[&str] = &[
    "affinity",
    "containerSecurityContext",
    "dnsConfig",
    "env",
    "envFrom",
    "ephemeral",
    "exec",
    "httpGet",
    "httpHeaders",
    "imagePullSecrets",
    "initContainers",
    "lifecycle",
    "livenessProbe",
    "metadata",
    "owner",
    "params",
    "ports",
    "readinessGates",
    "readinessProbe",
    "resources",
    "securityContext",
    "selector",
    "source",
    "tcpSocket",
    "tolerations",
    "topologySpreadConstraints",
    "variables",
    "volumeClaimTemplates",
    "volumeDevices",
    "volumeMounts",
    "volumes",
];

/// The volume sources that are inlined beside a local backend's own fields.
const OF_LOCAL: &[&str] = &["maxConnections", "mountPath", "subPath"];

fn fields(path: &str, schema: &Value, found: &mut BTreeSet<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if path == ".spec.storage.local" && !OF_LOCAL.contains(&name.as_str()) {
            continue;
        }
        let path = format!("{path}.{name}");
        if !FOREIGN.contains(&name.as_str()) || path.ends_with(".template.metadata") {
            fields(&path, property, found);
        }
        found.insert(path);
    }
    for (part, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
        if schema.get(part).is_some() {
            fields(&format!("{path}{mark}"), &schema[part], found);
        }
    }
}

fn has(value: &Value, path: &[&str]) -> bool {
    let Some((step, rest)) = path.split_first() else { return true };
    if let Some(name) = step.strip_suffix("[]") {
        value
            .get(name)
            .and_then(Value::as_array)
            .is_some_and(|items| items.iter().any(|item| has(item, rest)))
    } else if let Some(name) = step.strip_suffix("{}") {
        value.get(name).and_then(Value::as_object).is_some_and(|all| all.values().any(|one| has(one, rest)))
    } else {
        value.get(step).is_some_and(|value| has(value, rest))
    }
}

#[test]
fn the_full_fixtures_have_every_field_of_their_kinds() {
    for kind in KINDS {
        let object = fixture(&format!("{kind}.full"));
        let definition = crds::all()
            .into_iter()
            .find(|definition| object["kind"] == definition.spec.names.kind.as_str())
            .unwrap();
        let version = serde_json::to_value(&definition.spec.versions[0]).unwrap();
        let mut wanted = BTreeSet::new();
        fields("", &version["schema"]["openAPIV3Schema"], &mut wanted);
        assert!(wanted.len() > 10, "{kind} has {} fields", wanted.len());
        let missing: Vec<_> = wanted
            .iter()
            .filter(|path| !has(&object, &path.split('.').skip(1).collect::<Vec<_>>()))
            .collect();
        assert!(missing.is_empty(), "{kind}.full lacks {missing:#?}");
    }
}

#[test]
fn unknown_parts_of_a_pod_template_and_of_volumes_survive() {
    let mut given = fixture("backup_configuration.full");
    let session = &mut given["spec"]["sessions"][0];
    let template = &mut session["addon"]["jobTemplate"]["spec"];
    template["resourceClaims"] = json!([{"name": "gpu"}]);
    template["sinceKubernetes99"] = json!({"deep": [1, {"er": null}]});
    template["initContainers"][0]["sinceKubernetes99"] = json!(true);
    template["volumes"][0] = json!({"name": "new", "sinceKubernetes99": {"size": "1Gi"}});
    template["affinity"]["sinceKubernetes99"] = json!("x");
    session["addon"]["tasks"][0]["addonVolumes"][0]["source"] = json!({"sinceKubernetes99": {"size": "1Gi"}});
    session["addon"]["tasks"][0]["params"]["anything"] = json!([{"at": "all"}]);
    assert_eq!(passed::<BackupConfiguration>(&given), given);

    let mut given = fixture("backup_storage.full");
    given["spec"]["storage"]["local"] = json!({"mountPath": "/backups", "sinceKubernetes99": {"path": "/"}});
    given["spec"]["runtimeSettings"]["container"]["livenessProbe"]["sinceKubernetes99"] = json!(1);
    assert_eq!(passed::<BackupStorage>(&given), given);
}

#[test]
fn flat_restic_statistics_are_read_and_written_nested() {
    let flat = json!({"id": "cb64", "hostPath": "/source/data", "size": "10.240 MiB", "uploaded": "10.242 MiB",
                      "startTime": "2023-12-14T08:40:10Z", "endTime": "2023-12-14T08:40:20Z"});
    let mut given = fixture("snapshot.full");
    given["status"]["components"]["manifest"]["resticStats"] = json!([flat]);
    let snapshot: Snapshot = serde_json::from_value(given).unwrap();
    let stats = &snapshot.status.as_ref().unwrap().components["manifest"].restic_stats[0];
    assert_eq!(stats.summary.as_ref().unwrap().id.as_deref(), Some("cb64"));
    assert_eq!(serde_json::to_value(stats).unwrap(), json!({"summary": flat}));
}

#[test]
fn progress_without_a_summary_has_none() {
    let given = json!([{"progress": {"secondsElapsed": 3, "totalFiles": 10, "backupDone": "0B"}}, {}]);
    let mut object = fixture("snapshot.full");
    object["status"]["components"]["manifest"]["resticStats"] = given.clone();
    let written = passed::<Snapshot>(&object);
    assert_eq!(written["status"]["components"]["manifest"]["resticStats"], given);
}

#[test]
fn an_object_without_a_spec_is_read_as_one_with_an_empty_spec() {
    let object: Repository = serde_json::from_value(json!({"metadata": {"name": "repo"}})).unwrap();
    assert_eq!(object, Repository { metadata: object.metadata.clone(), ..Repository::default() });
    let object: BackupConfiguration =
        serde_json::from_value(json!({"metadata": {"name": "bk"}, "spec": {"sessions": [
            {"name": "a", "scheduler": {"schedule": "* * * * *"}}]}}))
        .unwrap();
    let written = serde_json::to_value(&object).unwrap();
    assert_eq!(
        written["spec"]["sessions"][0]["scheduler"],
        json!({"schedule": "* * * * *", "jobTemplate": {}})
    );
}
