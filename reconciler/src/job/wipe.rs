//! Removes the data of Snapshots that are being deleted with `deletionPolicy: WipeOut` (contract §6.4, §6.6).
//!
//! The Snapshots to remove are those that are being deleted; the others are the witnesses, whose restic snapshots must
//! all be in the listing before anything goes (DESIGN §4 rule 7). So a run that dies is simply run again: what is gone
//! already is not asked for, and a Snapshot is let go only when its data is gone.

use std::collections::BTreeSet;
use std::sync::Arc;

use archive::bucket;
use archive::error::Permanence;
use archive::repository::{self, Site};
use archive::store::ObjectStore;
use crds::storage::snapshot::COMPONENT_MANIFEST;
use crds::storage::{DeletionPolicy, Repository, Snapshot};
use kube::ResourceExt;
use snafu::{ResultExt, Snafu};
use tokio_util::sync::CancellationToken;

use super::target::{self, Target};
use crate::cluster::{self, Cluster};
use crate::finalizer;

/// The tag by which a restic snapshot says of which BackupSession it is.
pub const SESSION_TAG: &str = "backup-session=";

/// Why data could not be removed.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The API server said no, or nothing.
    #[snafu(display("{source}"))]
    Cluster {
        /// Why.
        source: cluster::Error,
    },
    /// The repository cannot be reached.
    #[snafu(display("{source}"))]
    Reach {
        /// Why.
        source: target::Error,
    },
    /// The repository refused.
    #[snafu(display("{source}"))]
    Forget {
        /// Why.
        source: repository::Error,
    },
    /// The file of a Snapshot could not be removed.
    #[snafu(display("{source}"))]
    File {
        /// Why.
        source: bucket::Error,
    },
}

impl Error {
    /// Whether trying again can help.
    pub const fn permanence(&self) -> Permanence {
        match self {
            Self::Cluster { source } => super::permanence(source),
            Self::Reach { source } => source.permanence(),
            Self::Forget { source } => source.permanence(),
            Self::File { source } => source.permanence(),
        }
    }
}

/// A repository whose Snapshots are judged together: those of one session share a restic repository.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The Repository.
    pub repository: &'a Repository,
    /// The session.
    pub session: &'a str,
}

/// Removes the data of all Snapshots that are being deleted with their data, and lets them go. Gives their number.
pub async fn wipe(
    cluster: &Cluster,
    ground: Ground<'_>,
    pod: Option<&str>,
    cancel: &CancellationToken,
) -> Result<usize, Error> {
    let namespace = ground.repository.namespace().unwrap_or_default();
    let all = cluster.list::<Snapshot>(Some(&namespace), "").await.context(ClusterSnafu)?;
    let (leaving, staying) = sorted(all, ground);
    let Some(first) = leaving.first() else { return Ok(0) };
    let target = target::of(cluster, first, ground.repository).await.context(ReachSnafu)?;
    let store = Arc::clone(&target.store);
    forget(target, (&leaving, &staying), pod, cancel).await?;
    for snapshot in &leaving {
        let path = &ground.repository.spec.path;
        remove_file(&*store, path, &snapshot.name_any()).await?;
        let_go(cluster, snapshot).await.context(ClusterSnafu)?;
        tracing::info!(namespace, snapshot = snapshot.name_any(), "a Snapshot and its data are gone");
    }
    Ok(leaving.len())
}

/// As it is now: pruning takes its time.
async fn let_go(cluster: &Cluster, snapshot: &Snapshot) -> Result<(), cluster::Error> {
    let namespace = snapshot.namespace().unwrap_or_default();
    match cluster.find::<Snapshot>(&namespace, &snapshot.name_any()).await? {
        Some(now) if now.metadata.uid == snapshot.metadata.uid => finalizer::release(cluster, &now).await,
        _ => Ok(()),
    }
}

async fn remove_file(store: &dyn ObjectStore, path: &str, name: &str) -> Result<(), Error> {
    bucket::delete_snapshot(store, path, name).await.context(FileSnafu)
}

/// Those that are being deleted with their data, and all others of the same restic repository.
fn sorted(all: Vec<Snapshot>, ground: Ground<'_>) -> (Vec<Snapshot>, Vec<Snapshot>) {
    let repository = ground.repository.name_any();
    all.into_iter()
        .filter(|snapshot| snapshot.spec.repository == repository && snapshot.spec.session == ground.session)
        .partition(is_leaving)
}

fn is_leaving(snapshot: &Snapshot) -> bool {
    finalizer::is_leaving(snapshot)
        && finalizer::is_held(snapshot)
        && snapshot.deletion_policy() == DeletionPolicy::WipeOut
}

/// Removes the restic snapshots of `leaving`, `staying` being the witnesses.
async fn forget(
    target: Target,
    (leaving, staying): (&[Snapshot], &[Snapshot]),
    pod: Option<&str>,
    cancel: &CancellationToken,
) -> Result<(), Error> {
    let Target { store, directory, password, jobs, secrets: _ } = target;
    let site = Site { store, directory, worker: jobs.worker(pod), cancel: cancel.clone() };
    let repository = match repository::Repository::open(site, &password).await {
        // Nothing was ever written: a Snapshot that failed before.
        Err(repository::Error::Missing { .. }) if ids(staying).is_empty() => return Ok(()),
        opened => opened.context(ForgetSnafu)?.asking(Arc::new(jobs)),
    };
    let listed = repository.snapshots().await.context(ForgetSnafu)?;
    let doomed = doomed(&listed, leaving, staying);
    if doomed.is_empty() {
        return Ok(());
    }
    let witness = ids(staying).union(&doomed).cloned().collect();
    repository.forget_and_prune(doomed, witness).await.context(ForgetSnafu)
}

/// The restic snapshots that go: those that `leaving` name and, since a Job may die between writing one and reporting
/// it, those that bear the tag of their sessions; never one that a staying Snapshot names.
fn doomed(listed: &[repository::Snapshot], leaving: &[Snapshot], staying: &[Snapshot]) -> BTreeSet<String> {
    let (named, kept) = (ids(leaving), ids(staying));
    let tags: BTreeSet<String> =
        leaving.iter().map(|snapshot| format!("{SESSION_TAG}{}", snapshot.spec.backup_session)).collect();
    let is_doomed = |one: &&repository::Snapshot| {
        (named.contains(&one.id) || one.tags.iter().any(|tag| tags.contains(tag))) && !kept.contains(&one.id)
    };
    listed.iter().filter(is_doomed).map(|one| one.id.clone()).collect()
}

/// The restic snapshots that these Snapshots name.
fn ids(snapshots: &[Snapshot]) -> BTreeSet<String> {
    let components =
        snapshots.iter().filter_map(|snapshot| snapshot.status.as_ref()?.components.get(COMPONENT_MANIFEST));
    let stats = components.flat_map(|component| &component.restic_stats);
    stats.filter_map(|stats| stats.summary.as_ref()?.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;

    fn snapshot(name: &str, id: Option<&str>, change: &Value) -> Snapshot {
        let mut object = json!({
            "metadata": {"name": name, "namespace": "demo", "finalizers": ["kubestash.com/cleanup"]},
            "spec": {"repository": "repo", "session": "nightly", "backupSession": format!("session-{name}"), "deletionPolicy": "WipeOut"},
            "status": {"components": {"manifest": {"resticStats": id.map(|id| json!([{"summary": {"id": id}}])).unwrap_or(json!([]))}}},
        });
        for (pointer, value) in change.as_object().unwrap() {
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            object.pointer_mut(parent).unwrap()[field] = value.clone();
        }
        serde_json::from_value(object).unwrap()
    }

    fn leaving() -> Value {
        json!({"/metadata/deletionTimestamp": "2026-11-22T10:00:00Z"})
    }

    fn listed(id: &str, tag: &str) -> repository::Snapshot {
        repository::Snapshot {
            id: id.to_owned(),
            time: Timestamp::UNIX_EPOCH,
            host: "manifest".to_owned(),
            paths: Vec::new(),
            tags: vec![tag.to_owned()],
        }
    }

    #[test]
    fn only_what_is_being_deleted_with_its_data_leaves() {
        let repository = serde_json::from_value(json!({"metadata": {"name": "repo"}, "spec": {}})).unwrap();
        let mut kept_data = leaving();
        kept_data["/spec/deletionPolicy"] = json!("Delete");
        let mut elsewhere = leaving();
        elsewhere["/spec/repository"] = json!("other");
        let mut another_session = leaving();
        another_session["/spec/session"] = json!("weekly");
        let all = vec![
            snapshot("a", None, &leaving()),
            snapshot("b", None, &json!({})),
            snapshot("c", None, &kept_data),
            snapshot("d", None, &elsewhere),
            snapshot("e", None, &another_session),
        ];
        let (leaving, staying) = sorted(all, Ground { repository: &repository, session: "nightly" });
        let names = |list: &[Snapshot]| list.iter().map(ResourceExt::name_any).collect::<Vec<_>>();
        assert_eq!(
            (names(&leaving), names(&staying)),
            (vec!["a".to_owned()], vec!["b".to_owned(), "c".to_owned()])
        );
    }

    #[test]
    fn what_a_staying_snapshot_names_is_never_doomed() {
        let going = [snapshot("a", Some("1"), &leaving()), snapshot("killed", None, &leaving())];
        let staying = [snapshot("b", Some("2"), &json!({}))];
        let repository = [
            listed("1", "backup-session=session-a"),
            listed("2", "backup-session=session-a"),
            listed("3", "backup-session=session-killed"),
            listed("4", "backup-session=session-c"),
        ];
        let doomed = doomed(&repository, &going, &staying);
        assert_eq!(doomed.into_iter().collect::<Vec<_>>(), ["1", "3"]);
    }

    #[test]
    fn what_is_gone_already_is_not_asked_for() {
        let going = [snapshot("a", Some("1"), &leaving())];
        assert!(doomed(&[], &going, &[]).is_empty());
    }
}
