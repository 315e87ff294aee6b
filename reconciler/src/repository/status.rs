//! What a Repository's status says: the sum of its Snapshots (contract §1.4, §2.3).

use std::collections::{BTreeMap, BTreeSet};

use crds::size;
use crds::storage::repository::{RECENT_SNAPSHOTS, SnapshotInfo};
use crds::storage::snapshot::{Component, SnapshotPhase};
use crds::storage::{Repository, RepositoryStatus, Snapshot};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

/// The status with everything that follows from `snapshots`; the conditions stay as they were.
#[must_use]
pub fn summary(repository: &Repository, snapshots: &[Snapshot]) -> RepositoryStatus {
    let mut status = repository.status.clone().unwrap_or_default();
    let mut newest_first: Vec<&Snapshot> = snapshots.iter().collect();
    newest_first.sort_by_key(|snapshot| std::cmp::Reverse((time_of(snapshot), snapshot.name_any())));
    let components = newest_components(&newest_first);
    status.last_backup_time = last_success(&newest_first).or(status.last_backup_time);
    status.integrity = integrity(&components).or(status.integrity);
    status.snapshot_count = i32::try_from(snapshots.len()).ok();
    status.size = total_size(&components).or(status.size);
    status.recent_snapshots =
        newest_first.iter().take(RECENT_SNAPSHOTS).map(|snapshot| info(snapshot)).collect();
    // A repository stays when its last Snapshot goes: the paths are only added to.
    let mut paths: BTreeSet<String> = status.component_paths.drain(..).collect();
    paths.extend(components.into_keys().map(str::to_owned));
    status.component_paths = paths.into_iter().collect();
    status.phase = Some(status.phase());
    status
}

fn time_of(snapshot: &Snapshot) -> Option<Timestamp> {
    let time = snapshot.status.as_ref().and_then(|status| status.snapshot_time.as_ref());
    time.or(snapshot.metadata.creation_timestamp.as_ref()).map(|time| time.0)
}

fn last_success(newest_first: &[&Snapshot]) -> Option<Time> {
    let succeeded = newest_first.iter().find(|snapshot| phase_of(snapshot) == SnapshotPhase::Succeeded)?;
    time_of(succeeded).map(Time)
}

fn phase_of(snapshot: &Snapshot) -> SnapshotPhase {
    snapshot.status.as_ref().map_or(SnapshotPhase::Pending, crds::storage::SnapshotStatus::phase)
}

/// Of every restic repository the newest component that says something about it, by path.
fn newest_components<'a>(newest_first: &[&'a Snapshot]) -> BTreeMap<&'a str, &'a Component> {
    let mut newest = BTreeMap::new();
    let statuses = newest_first.iter().filter_map(|snapshot| snapshot.status.as_ref());
    for component in statuses.flat_map(|status| status.components.values()) {
        let Some(path) = component.path.as_deref() else { continue };
        if component.size.is_some() || component.restic_stats.iter().any(|stats| stats.summary.is_some()) {
            newest.entry(path).or_insert(component);
        }
    }
    newest
}

/// The size of a component is that of its whole restic repository, so the newest of each counts.
fn total_size(components: &BTreeMap<&str, &Component>) -> Option<String> {
    let sizes = components.values().filter_map(|component| size::parse(component.size.as_deref()?).ok());
    sizes.reduce(u64::saturating_add).map(size::format)
}

fn integrity(components: &BTreeMap<&str, &Component>) -> Option<bool> {
    components.values().filter_map(|component| component.integrity).reduce(|all, one| all && one)
}

fn info(snapshot: &Snapshot) -> SnapshotInfo {
    let status = snapshot.status.as_ref();
    SnapshotInfo {
        name: snapshot.name_any(),
        phase: Some(phase_of(snapshot)),
        session: snapshot.spec.session.clone(),
        size: status.and_then(|status| status.size.clone()),
        snapshot_time: time_of(snapshot).map(Time),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn snapshot(session: &str, minute: u32, component: &Value) -> Snapshot {
        let time = format!("2026-11-22T10:{minute:02}:00Z");
        let path = format!("repository/v1/{session}/manifest");
        let mut manifest = json!({"path": path});
        for (key, value) in component.as_object().unwrap() {
            manifest[key] = value.clone();
        }
        serde_json::from_value(json!({
            "metadata": {"name": format!("repo-{session}-{minute}"), "namespace": "demo"},
            "spec": {"repository": "repo", "session": session},
            "status": {
                "snapshotTime": time, "totalComponents": 1, "components": {"manifest": manifest},
                "conditions": [{"type": "SnapshotMetadataUploaded", "status": "True", "lastTransitionTime": time}],
            },
        }))
        .unwrap()
    }

    fn done(size: &str, integrity: bool) -> Value {
        json!({"phase": "Succeeded", "size": size, "integrity": integrity,
               "resticStats": [{"summary": {"id": "a"}}]})
    }

    fn repository(status: &Value) -> Repository {
        serde_json::from_value(json!({"metadata": {"name": "repo", "namespace": "demo"}, "status": status}))
            .unwrap()
    }

    #[test]
    fn the_newest_of_every_session_counts() {
        let snapshots = [
            snapshot("hourly", 1, &done("1.000 MiB", true)),
            snapshot("hourly", 3, &done("1.250 MiB", true)),
            snapshot("nightly", 2, &done("2.000 MiB", true)),
            snapshot("nightly", 4, &json!({"phase": "Running"})),
        ];
        let status = summary(&repository(&json!({})), &snapshots);
        assert_eq!(status.size.as_deref(), Some("3.250 MiB"));
        assert_eq!(status.snapshot_count, Some(4));
        assert_eq!(status.integrity, Some(true));
        assert_eq!(status.last_backup_time.unwrap().0.to_string(), "2026-11-22T10:03:00Z");
        assert_eq!(
            status.component_paths,
            ["repository/v1/hourly/manifest", "repository/v1/nightly/manifest"]
        );
        let recent: Vec<_> = status
            .recent_snapshots
            .iter()
            .map(|info| (info.name.as_str(), info.phase.unwrap().as_str()))
            .collect();
        assert_eq!(
            recent,
            [
                ("repo-nightly-4", "Running"),
                ("repo-hourly-3", "Succeeded"),
                ("repo-nightly-2", "Succeeded"),
                ("repo-hourly-1", "Succeeded"),
            ]
        );
    }

    #[test]
    fn five_are_recent() {
        let snapshots: Vec<_> =
            (1..9).map(|minute| snapshot("s", minute, &done("1.000 MiB", true))).collect();
        let status = summary(&repository(&json!({})), &snapshots);
        assert_eq!(status.recent_snapshots.len(), 5);
        assert_eq!(status.recent_snapshots[0].name, "repo-s-8");
    }

    #[test]
    fn one_damaged_repository_is_enough() {
        let snapshots =
            [snapshot("a", 1, &done("1.000 MiB", true)), snapshot("b", 2, &done("1.000 MiB", false))];
        assert_eq!(summary(&repository(&json!({})), &snapshots).integrity, Some(false));
    }

    #[test]
    fn what_is_known_of_the_data_outlives_the_last_snapshot() {
        let before = json!({"size": "1.000 MiB", "integrity": true, "lastBackupTime": "2026-11-22T10:00:00Z",
                            "snapshotCount": 1, "componentPaths": ["repository/v1/a/manifest"]});
        let status = summary(&repository(&before), &[]);
        assert_eq!(
            (status.size.as_deref(), status.integrity, status.snapshot_count),
            (Some("1.000 MiB"), Some(true), Some(0))
        );
        assert_eq!(status.component_paths, ["repository/v1/a/manifest"]);
        assert!(status.recent_snapshots.is_empty() && status.last_backup_time.is_some());
    }

    #[test]
    fn a_component_that_has_only_begun_says_nothing_about_the_repository() {
        let status = summary(&repository(&json!({})), &[snapshot("a", 1, &json!({"phase": "Running"}))]);
        assert_eq!((status.size, status.integrity, status.last_backup_time), (None, None, None));
        assert!(status.component_paths.is_empty());
    }
}
