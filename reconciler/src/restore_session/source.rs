//! Which Snapshot is restored (contract §1.9, §8.7 step 2). Pure.

use crds::core::RestoreSession;
use crds::core::restore_session::{LATEST, RestoreDataSource};
use crds::reference::ObjectReference;
use crds::storage::snapshot::{COMPONENT_MANIFEST, SnapshotPhase};
use crds::storage::{Repository, Snapshot};
use jiff::Timestamp;
use kube::ResourceExt;

/// What kind of objects `status.dependencies` names.
pub const SNAPSHOT: &str = "Snapshot";

/// What the session says about the Snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish<'a> {
    /// This one.
    Named(&'a str),
    /// The newest one of the Repository that succeeded.
    Latest,
    /// The newest one that had succeeded at that time; at an earlier one with `exclusive`.
    At {
        /// The time.
        time: Timestamp,
        /// Whether that very moment is too late.
        exclusive: bool,
    },
}

/// The data of a Snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Id of the restic snapshot.
    pub id: String,
    /// The path in it below which the manifests are.
    pub root: String,
}

/// What `source` wishes for, or what it lacks.
pub fn wish(source: &RestoreDataSource) -> Result<Wish<'_>, String> {
    let needs_repository = |wish: Wish<'static>| {
        if source.repository.is_empty() {
            return Err("spec.dataSource.repository is missing: say of which Repository".to_owned());
        }
        Ok(wish)
    };
    match (&source.pitr, source.snapshot.as_str()) {
        (Some(pitr), _) => {
            let time = pitr.target_time.as_ref().map(|time| time.0);
            let time = time.ok_or_else(|| "spec.dataSource.pitr.targetTime is missing".to_owned())?;
            needs_repository(Wish::At { time, exclusive: pitr.exclusive })
        }
        (None, "") => {
            Err("spec.dataSource.snapshot is missing: name a Snapshot, or say \"latest\"".to_owned())
        }
        (None, LATEST) => needs_repository(Wish::Latest),
        (None, name) => Ok(Wish::Named(name)),
    }
}

/// The Snapshot that is wished for, among those that exist. One that is being deleted is not there any more.
#[must_use]
pub fn choose<'a>(wish: Wish<'_>, repository: &str, snapshots: &'a [Snapshot]) -> Option<&'a Snapshot> {
    let mut there = snapshots.iter().filter(|snapshot| snapshot.metadata.deletion_timestamp.is_none());
    if let Wish::Named(name) = wish {
        return there.find(|snapshot| snapshot.metadata.name.as_deref() == Some(name));
    }
    let is_in_time = |snapshot: &Snapshot| match wish {
        Wish::At { time: limit, exclusive: true } => time(snapshot) < limit,
        Wish::At { time: limit, exclusive: false } => time(snapshot) <= limit,
        Wish::Named(_) | Wish::Latest => true,
    };
    there
        .filter(|snapshot| {
            snapshot.spec.repository == repository && phase(snapshot) == Some(SnapshotPhase::Succeeded)
        })
        .filter(|snapshot| stored(snapshot).is_some() && is_in_time(snapshot))
        .max_by_key(|snapshot| (time(snapshot), snapshot.metadata.name.clone()))
}

/// The phase of a Snapshot, once it has one.
#[must_use]
pub fn phase(snapshot: &Snapshot) -> Option<SnapshotPhase> {
    snapshot.status.as_ref().and_then(|status| status.phase)
}

/// When the Snapshot was taken.
#[must_use]
pub fn time(snapshot: &Snapshot) -> Timestamp {
    let taken = snapshot.status.as_ref().and_then(|status| status.snapshot_time.as_ref());
    taken.or(snapshot.metadata.creation_timestamp.as_ref()).map_or(Timestamp::UNIX_EPOCH, |time| time.0)
}

/// The manifests that a Snapshot has, if it has any.
#[must_use]
pub fn stored(snapshot: &Snapshot) -> Option<Stored> {
    let component = snapshot.status.as_ref()?.components.get(COMPONENT_MANIFEST)?;
    let summary = component.restic_stats.iter().find_map(|stats| stats.summary.as_ref())?;
    let root = summary.host_path.clone().unwrap_or_else(|| format!("/kubestash-tmp/{COMPONENT_MANIFEST}"));
    Some(Stored { id: summary.id.clone()?, root })
}

/// What opens the Repository: what the session says, else what the Repository says; its namespace written out.
#[must_use]
pub fn encryption(session: &RestoreSession, repository: &Repository) -> Option<ObjectReference> {
    let named = session.spec.data_source.as_ref().and_then(|source| source.encryption_secret.as_ref());
    if let Some(named) = named {
        return Some(named.resolved(&session.namespace().unwrap_or_default()));
    }
    let own = repository.spec.encryption_secret.as_ref()?;
    Some(own.resolved(&repository.namespace().unwrap_or_default()))
}

/// The Snapshot that was chosen when the session was found to be valid, as `namespace` and `name`.
#[must_use]
pub fn chosen(session: &RestoreSession) -> Option<(String, String)> {
    let dependencies = &session.status.as_ref()?.dependencies;
    let chosen = dependencies.iter().find(|one| one.object.kind.as_deref() == Some(SNAPSHOT))?;
    Some((chosen.object.namespace.clone()?, chosen.object.name.clone()))
}

/// The Repository of the session: the one that it names, or that of the Snapshot which was chosen.
#[must_use]
pub fn repository_of(session: &RestoreSession) -> Option<String> {
    let named = session.spec.data_source.as_ref().map(|source| source.repository.clone());
    named.filter(|name| !name.is_empty()).or_else(|| {
        let dependencies = &session.status.as_ref()?.dependencies;
        let found = dependencies.iter().find(|one| one.object.kind.as_deref() == Some("Repository"))?;
        Some(found.object.name.clone())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn snapshot(name: &str, time: &str, phase: &str) -> Snapshot {
        serde_json::from_value(json!({
            "metadata": {"name": name},
            "spec": {"repository": "repo"},
            "status": {"phase": phase, "snapshotTime": format!("2026-11-22T{time}:00Z"), "components": {"manifest": {
                "resticStats": [{"summary": {"id": name, "hostPath": "/kubestash-tmp/manifest"}}],
            }}},
        }))
        .unwrap()
    }

    fn source(value: Value) -> RestoreDataSource {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_source_that_says_too_little_is_told_what_it_lacks() {
        for (value, lacks) in [
            (json!({}), "spec.dataSource.snapshot"),
            (json!({"snapshot": "latest"}), "spec.dataSource.repository"),
            (json!({"pitr": {}, "repository": "repo"}), "spec.dataSource.pitr.targetTime"),
            (json!({"pitr": {"targetTime": "2026-11-22T10:00:00Z"}}), "spec.dataSource.repository"),
        ] {
            assert!(wish(&source(value.clone())).unwrap_err().starts_with(lacks), "{value}");
        }
    }

    #[test]
    fn the_newest_that_succeeded_in_time_is_chosen() {
        let mut foreign = snapshot("foreign", "13:00", "Succeeded");
        foreign.spec.repository = "other".to_owned();
        let mut leaving = snapshot("leaving", "12:30", "Succeeded");
        leaving.metadata.deletion_timestamp = foreign.status.as_ref().unwrap().snapshot_time.clone();
        let mut empty = snapshot("empty", "12:20", "Succeeded");
        empty.status.as_mut().unwrap().components.clear();
        let snapshots = [
            snapshot("ten", "10:00", "Succeeded"),
            snapshot("twelve", "12:00", "Succeeded"),
            snapshot("eleven", "11:00", "Succeeded"),
            snapshot("failed", "12:10", "Failed"),
            foreign,
            leaving,
            empty,
        ];
        for (value, expected) in [
            (json!({"snapshot": "latest", "repository": "repo"}), Some("twelve")),
            (json!({"snapshot": "failed"}), Some("failed")),
            (json!({"snapshot": "leaving"}), None),
            (json!({"snapshot": "nothing"}), None),
            (json!({"repository": "repo", "pitr": {"targetTime": "2026-11-22T11:00:00Z"}}), Some("eleven")),
            (
                json!({"repository": "repo", "pitr": {"targetTime": "2026-11-22T11:00:00Z", "exclusive": true}}),
                Some("ten"),
            ),
            (json!({"repository": "repo", "pitr": {"targetTime": "2026-11-22T09:59:59Z"}}), None),
            (json!({"snapshot": "latest", "repository": "none"}), None),
        ] {
            let source = source(value.clone());
            let found = choose(wish(&source).unwrap(), &source.repository, &snapshots);
            assert_eq!(found.and_then(|found| found.metadata.name.as_deref()), expected, "{value}");
        }
    }

    #[test]
    fn what_was_stored_is_found_without_a_path_too() {
        let mut snapshot = snapshot("id", "10:00", "Succeeded");
        let expected = Stored { id: "id".to_owned(), root: "/kubestash-tmp/manifest".to_owned() };
        assert_eq!(stored(&snapshot), Some(expected.clone()));
        let component = snapshot.status.as_mut().unwrap().components.get_mut("manifest").unwrap();
        component.restic_stats[0].summary.as_mut().unwrap().host_path = None;
        assert_eq!(stored(&snapshot), Some(expected));
        let component = snapshot.status.as_mut().unwrap().components.get_mut("manifest").unwrap();
        component.restic_stats.clear();
        assert_eq!(stored(&snapshot), None);
    }
}
