//! The objects that a BackupSession makes.

use std::collections::BTreeMap;

use archive::coverage::{self, Coverage};
use crds::addons::Addon;
use crds::core::{BackupConfiguration, BackupSession};
use crds::label;
use crds::name;
use crds::reference::TypedObjectReference;
use crds::storage::snapshot::{FULL_BACKUP, LAYOUT_VERSION};
use crds::storage::{DeletionPolicy, Repository, Snapshot, SnapshotSpec};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};
use ulid::Ulid;

use crate::addon::{self, Purpose};
use crate::snapshot::first;

/// The Snapshot of `session` in `repository` (contract §8.4). Built again it is the same, so that a crash between its
/// creation and the record of it does no harm.
#[must_use]
pub fn snapshot(
    session: &BackupSession,
    configuration: &BackupConfiguration,
    repository: &Repository,
    addon: Option<&Addon>,
) -> Snapshot {
    let session_name = session.name_any();
    let app_ref = configuration.app_ref();
    let time = first::time(session);
    let mut snapshot = Snapshot::new(
        &name::snapshot(&repository.name_any(), &session_name),
        SnapshotSpec {
            snapshot_id: ulid(session, &repository.name_any(), time).to_string(),
            type_: Some(FULL_BACKUP.to_owned()),
            repository: repository.name_any(),
            session: session.spec.session.clone(),
            backup_session: session_name,
            version: LAYOUT_VERSION.to_owned(),
            app_ref: Some(app_ref.clone()),
            deletion_policy: Some(DeletionPolicy::Delete),
            paused: false,
        },
    );
    snapshot.metadata = ObjectMeta {
        name: snapshot.metadata.name,
        namespace: session.namespace(),
        labels: Some(labels(session, repository, &app_ref)),
        annotations: covers(session, configuration, addon)
            .map(|covers| BTreeMap::from([(coverage::ANNOTATION.to_owned(), covers.annotation())])),
        finalizers: Some(vec![name::FINALIZER.to_owned()]),
        owner_references: repository.controller_owner_ref(&()).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    };
    snapshot
}

/// What the backup is of, as the Snapshot will remember it; nothing where that takes more than one task.
fn covers(
    session: &BackupSession,
    configuration: &BackupConfiguration,
    addon: Option<&Addon>,
) -> Option<Coverage> {
    let info = configuration.session(&session.spec.session)?.addon.as_ref()?;
    let mut parameters = addon::parameters(Purpose::Backup, info, addon?)?;
    parameters.retain(|_, value| !value.is_empty());
    let target = configuration.spec.target.clone().map(|target| TypedObjectReference {
        namespace: target.namespace.filter(|namespace| !namespace.is_empty()).or_else(|| session.namespace()),
        ..target
    });
    Some(Coverage { target, parameters })
}

/// A ULID of that time. Its random part comes from the session's UID, which is random, and the repository's name,
/// by which the Snapshots of one session differ.
fn ulid(session: &BackupSession, repository: &str, time: Timestamp) -> Ulid {
    let uid = session.metadata.uid.clone().unwrap_or_default();
    let random = uid
        .bytes()
        .chain(repository.bytes())
        .fold(FNV_OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(FNV_PRIME));
    Ulid::from_parts(u64::try_from(time.as_millisecond()).unwrap_or(0), random)
}

/// Parameters of the 128-bit FNV-1a hash.
const FNV_OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// Longest value of a label.
const LONGEST_LABEL: usize = 63;

fn labels(
    session: &BackupSession,
    repository: &Repository,
    app_ref: &TypedObjectReference,
) -> BTreeMap<String, String> {
    let TypedObjectReference { api_group: _, kind, namespace, name } = app_ref;
    [
        (label::MANAGED_BY, label::MANAGED_BY_KUBESTASH.to_owned()),
        (label::SESSION_NAME, session.spec.session.clone()),
        (label::REPOSITORY_NAME, repository.name_any()),
        (label::APP_REF_KIND, kind.clone().unwrap_or_default()),
        (label::APP_REF_NAMESPACE, namespace.clone().unwrap_or_default()),
        (label::APP_REF_NAME, name.clone()),
    ]
    .into_iter()
    // A name may be longer than a label's value; the spec has it in any case.
    .filter(|(_, value)| !value.is_empty() && value.len() <= LONGEST_LABEL)
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

/// The session that tries again what `failed` did not manage, named after the moment of the attempt.
#[must_use]
pub fn next_attempt(
    failed: &BackupSession,
    configuration: &BackupConfiguration,
    due: Timestamp,
) -> BackupSession {
    let left = failed.spec.retry_left.unwrap_or(0).saturating_sub(1);
    BackupSession::for_run(configuration, &failed.spec.session, due.as_second(), left)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn session() -> BackupSession {
        serde_json::from_value(json!({
            "metadata": {"name": "cluster-bk-frequent-1755596627", "namespace": "demo", "uid": "0a7e5bb8-0b0e-4f0d-9ed5-3c7f2e6a1b11"},
            "spec": {"invoker": {"apiGroup": "core.kubestash.com", "kind": "BackupConfiguration", "name": "cluster-bk"}, "session": "frequent", "retryLeft": 2},
        }))
        .unwrap()
    }

    fn repository(name: &str) -> Repository {
        serde_json::from_value(
            json!({"metadata": {"name": name, "namespace": "demo", "uid": "u"}, "spec": {}}),
        )
        .unwrap()
    }

    fn configuration(target: &serde_json::Value) -> BackupConfiguration {
        serde_json::from_value(json!({
            "metadata": {"name": "cluster-bk", "namespace": "demo", "uid": "c"},
            "spec": {"target": target, "sessions": [{"name": "frequent", "backupTimeout": "30m"}]},
        }))
        .unwrap()
    }

    #[test]
    fn a_snapshot_is_what_kubestash_makes_of_it() {
        let snapshot = snapshot(&session(), &configuration(&json!(null)), &repository("cluster-repo"), None);
        let json = serde_json::to_value(&snapshot).unwrap();
        assert_eq!(json["metadata"]["name"], "cluster-repo-cluster-bk-frequent-1755596627");
        assert_eq!(json["metadata"]["finalizers"], json!(["kubestash.com/cleanup"]));
        let owner = &json["metadata"]["ownerReferences"][0];
        assert_eq!(
            (&owner["kind"], &owner["name"], &owner["controller"]),
            (&json!("Repository"), &json!("cluster-repo"), &json!(true))
        );
        assert_eq!(
            json["metadata"]["labels"],
            json!({"app.kubernetes.io/managed-by": "kubestash.com", "kubestash.com/session-name": "frequent",
                   "kubestash.com/repo-name": "cluster-repo", "kubestash.com/app-ref-name": "na"})
        );
        let mut spec = json["spec"].clone();
        let id = spec["snapshotID"].take();
        // The time part of the ULID in the contract's example for this very second.
        assert!(id.as_str().unwrap().starts_with("01K30"), "{id}");
        assert_eq!(
            spec,
            json!({"snapshotID": null, "type": "FullBackup", "repository": "cluster-repo", "session": "frequent",
                   "backupSession": "cluster-bk-frequent-1755596627", "version": "v1", "appRef": {"apiGroup": "na", "name": "na"}, "deletionPolicy": "Delete"})
        );
    }

    #[test]
    fn a_snapshot_built_again_is_the_same_and_one_of_another_repository_is_not() {
        let configuration = configuration(&json!(null));
        let one = snapshot(&session(), &configuration, &repository("a"), None);
        assert_eq!(one, snapshot(&session(), &configuration, &repository("a"), None));
        assert_ne!(
            one.spec.snapshot_id,
            snapshot(&session(), &configuration, &repository("b"), None).spec.snapshot_id
        );
    }

    #[test]
    fn a_target_is_in_the_labels_unless_its_name_is_too_long() {
        let target =
            json!({"apiGroup": "apps", "kind": "Deployment", "namespace": "shop", "name": "x".repeat(64)});
        let snapshot = snapshot(&session(), &configuration(&target), &repository("a"), None);
        let labels = snapshot.metadata.labels.unwrap();
        assert_eq!(labels.get(label::APP_REF_KIND).map(String::as_str), Some("Deployment"));
        assert_eq!(labels.get(label::APP_REF_NAME), None);
        assert_eq!(snapshot.spec.app_ref.unwrap().name.len(), 64);
    }

    #[test]
    fn a_snapshot_remembers_what_the_backup_was_of() {
        let addon: Addon = serde_json::from_value(json!({"spec": {"backupTasks": [
            {"name": "manifest-backup", "parameters": [{"name": "IncludeClusterResources", "default": "false"}, {"name": "x", "default": ""}]},
        ]}}))
        .unwrap();
        let info = json!({"name": "kubedump-addon", "tasks": [{"name": "manifest-backup", "params": {"IncludeNamespaces": "shop"}}]});
        let mut configuration = configuration(&json!({"kind": "Namespace", "name": "shop"}));
        configuration.spec.sessions[0].addon = serde_json::from_value(info).unwrap();
        let remembered = |addon: Option<&Addon>| {
            let annotations =
                snapshot(&session(), &configuration, &repository("a"), addon).metadata.annotations;
            annotations.map(|annotations| {
                serde_json::from_str::<serde_json::Value>(&annotations[coverage::ANNOTATION]).unwrap()
            })
        };
        assert_eq!(
            remembered(Some(&addon)),
            Some(json!({
                "target": {"kind": "Namespace", "namespace": "demo", "name": "shop"},
                "parameters": {"IncludeClusterResources": "false", "IncludeNamespaces": "shop"},
            }))
        );
        assert_eq!(remembered(None), None, "without the Addon its defaults are not known");
    }

    #[test]
    fn an_attempt_has_one_attempt_less_left() {
        let due = Timestamp::from_second(1_755_597_000).unwrap();
        let again = next_attempt(&session(), &configuration(&json!(null)), due);
        assert_eq!(again.name_any(), "cluster-bk-frequent-1755597000");
        assert_eq!(again.spec.retry_left, Some(1));
        assert_eq!(again.spec.backup_timeout.as_deref(), Some("30m"));
        assert_eq!(
            again.metadata.labels.unwrap().get(label::INVOKER_NAME).map(String::as_str),
            Some("cluster-bk")
        );
    }
}
