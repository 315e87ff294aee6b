//! A backup at a glance: what it covers, where it goes, how it went, when it runs next, and whether that is as it should
//! be. Judged from the objects alone; time is an argument.

pub mod problem;
mod text;

use std::collections::BTreeMap;

use crds::core::backup_session::BackupSessionPhase;
use crds::core::{BackupConfiguration, BackupSession};
use crds::storage::snapshot::SnapshotPhase;
use crds::storage::{Repository, Snapshot};
use crds::{name, schedule};
use jiff::Timestamp;
use kube::ResourceExt as _;

pub use text::{backend, place, repository_size, retention, retention_words, size, target};

use crate::cluster::{Cluster, Error, Selection};
use crate::human;

/// Why somebody paused a backup, in their words.
pub const PAUSE_REASON: &str = "kubestash.com/pause-reason";

/// What is known of the backups of a namespace, or of all.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub configurations: Vec<BackupConfiguration>,
    pub sessions: Vec<BackupSession>,
    pub snapshots: Vec<Snapshot>,
    pub repositories: Vec<Repository>,
}

/// One backup, with the runs and snapshots that are its own.
#[derive(Clone, Debug)]
pub struct Glance<'a> {
    pub configuration: &'a BackupConfiguration,
    /// Its runs that are kept, the newest first.
    pub sessions: Vec<&'a BackupSession>,
    /// Its snapshots, the newest first.
    pub snapshots: Vec<&'a Snapshot>,
    pub repositories: Vec<&'a Repository>,
}

/// A run, told by its BackupSession while that is kept, and by its snapshots from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Name of the BackupSession.
    pub name: String,
    /// Name of the session.
    pub session: String,
    pub phase: BackupSessionPhase,
    pub started: Timestamp,
}

impl Run {
    /// `Succeeded 7h ago`, `Running for 2m`.
    #[must_use]
    pub fn told(&self, now: Timestamp) -> String {
        let age = human::age_at(self.started, now);
        match self.phase {
            BackupSessionPhase::Pending | BackupSessionPhase::Running => format!("{} for {age}", self.phase),
            _ => format!("{} {age} ago", self.phase),
        }
    }
}

impl World {
    /// Reads the backups that are selected, and all runs, snapshots and repositories.
    pub async fn observe<'a>(
        cluster: &Cluster,
        namespace: Option<&str>,
        selection: impl Into<Selection<'a>>,
    ) -> Result<Self, Error> {
        let (configurations, sessions, snapshots, repositories) = futures::try_join!(
            cluster.list(namespace, selection),
            cluster.list(namespace, ""),
            cluster.list(namespace, ""),
            cluster.list(namespace, ""),
        )?;
        Ok(Self { configurations, sessions, snapshots, repositories })
    }

    /// One backup of this world.
    #[must_use]
    pub fn glance<'a>(&'a self, configuration: &'a BackupConfiguration) -> Glance<'a> {
        let namespace = configuration.namespace();
        let mut sessions: Vec<&BackupSession> = self
            .sessions
            .iter()
            .filter(|session| session.namespace() == namespace && is_run_of(session, configuration))
            .collect();
        sessions.sort_by_key(|session| std::cmp::Reverse(started(session)));
        let mut snapshots: Vec<&Snapshot> = self
            .snapshots
            .iter()
            .filter(|snapshot| snapshot.namespace() == namespace && is_snapshot_of(snapshot, configuration))
            .collect();
        snapshots.sort_by_key(|snapshot| std::cmp::Reverse(taken(snapshot)));
        let used = repositories(configuration);
        let repositories = self.repositories.iter().filter(|repository| {
            repository.namespace() == namespace && used.contains(&repository.name_any().as_str())
        });
        Glance { configuration, sessions, snapshots, repositories: repositories.collect() }
    }
}

/// The names of the repositories of a backup, each once.
#[must_use]
pub fn repositories(configuration: &BackupConfiguration) -> Vec<&str> {
    let mut names: Vec<&str> = configuration
        .spec
        .sessions
        .iter()
        .flat_map(|session| session.repositories.iter().map(|repository| repository.name.as_str()))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn is_run_of(session: &BackupSession, configuration: &BackupConfiguration) -> bool {
    session.spec.invoker.as_ref().is_some_and(|invoker| {
        invoker.kind == "BackupConfiguration" && invoker.name == configuration.name_any()
    })
}

/// Two backups may share a repository, and their sessions a name: the name of the run tells them apart.
fn is_snapshot_of(snapshot: &Snapshot, configuration: &BackupConfiguration) -> bool {
    let Some(session) = configuration.session(&snapshot.spec.session) else { return false };
    let run = snapshot.spec.backup_session.as_str();
    session.repositories.iter().any(|repository| repository.name == snapshot.spec.repository)
        && name::epoch_of(run)
            .is_none_or(|epoch| name::backup_session(&configuration.name_any(), &session.name, epoch) == run)
}

fn started(session: &BackupSession) -> Option<Timestamp> {
    let slot = || name::epoch_of(&session.name_any()).and_then(|epoch| Timestamp::from_second(epoch).ok());
    session.creation_timestamp().map(|made| made.0).or_else(slot)
}

/// When the cluster was as a snapshot has it.
#[must_use]
pub fn taken(snapshot: &Snapshot) -> Option<Timestamp> {
    let time = snapshot.status.as_ref().and_then(|status| status.snapshot_time.clone());
    time.or_else(|| snapshot.creation_timestamp()).map(|time| time.0)
}

impl Glance<'_> {
    /// The runs that are known, the newest first.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        let mut runs: BTreeMap<String, Run> = BTreeMap::new();
        for snapshot in &self.snapshots {
            let Some(started) = taken(snapshot) else { continue };
            let phase = match snapshot.status.as_ref().and_then(|status| status.phase) {
                Some(SnapshotPhase::Succeeded) => BackupSessionPhase::Succeeded,
                Some(SnapshotPhase::Failed) => BackupSessionPhase::Failed,
                Some(SnapshotPhase::Running) => BackupSessionPhase::Running,
                Some(SnapshotPhase::Pending) | None => BackupSessionPhase::Pending,
            };
            let name = snapshot.spec.backup_session.clone();
            let run = Run { name: name.clone(), session: snapshot.spec.session.clone(), phase, started };
            // A run that failed in one of its repositories failed.
            let worse = |known: &mut Run| {
                if phase == BackupSessionPhase::Failed {
                    known.phase = phase;
                }
            };
            runs.entry(name).and_modify(worse).or_insert(run);
        }
        for session in &self.sessions {
            let Some(started) = started(session) else { continue };
            let phase = session.status.as_ref().and_then(|status| status.phase);
            let run = Run {
                name: session.name_any(),
                session: session.spec.session.clone(),
                phase: phase.unwrap_or(BackupSessionPhase::Pending),
                started,
            };
            runs.insert(run.name.clone(), run);
        }
        let mut runs: Vec<Run> = runs.into_values().collect();
        runs.sort_by(|left, right| right.started.cmp(&left.started).then_with(|| left.name.cmp(&right.name)));
        runs
    }

    /// When the backup, or one session of it, last succeeded.
    #[must_use]
    pub fn last_success(&self, session: &str) -> Option<Timestamp> {
        self.runs()
            .into_iter()
            .find(|run| run.session == session && run.phase == BackupSessionPhase::Succeeded)
            .map(|run| run.started)
    }

    /// When a session runs next: as the operator says, else by its schedule. `None` for one that is paused, or has no
    /// schedule.
    #[must_use]
    pub fn next_run(&self, session: &str, now: Timestamp) -> Option<Timestamp> {
        if self.configuration.spec.paused {
            return None;
        }
        let said = self.configuration.status.as_ref().and_then(|status| {
            let status = status.sessions.iter().find(|status| status.name == session)?;
            status.next_schedule.as_ref()?.parse::<Timestamp>().ok()
        });
        if let Some(said) = said.filter(|said| *said > now) {
            return Some(said);
        }
        self.schedule(session)?.next(now, self.anchor()?)
    }

    /// The soonest next run of any session.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.configuration.spec.sessions.iter().filter_map(|session| self.next_run(&session.name, now)).min()
    }

    /// Whether two slots have passed since a session last succeeded, or since the backup was made: one may be under way,
    /// or have met another run.
    #[must_use]
    pub fn is_overdue(&self, session: &str, now: Timestamp) -> bool {
        if self.configuration.spec.paused {
            return false;
        }
        let (Some(schedule), Some(anchor)) = (self.schedule(session), self.anchor()) else { return false };
        let since = self.last_success(session).unwrap_or(anchor);
        let second = schedule.next(since, anchor).and_then(|first| schedule.next(first, anchor));
        second.is_some_and(|second| second < now)
    }

    fn schedule(&self, session: &str) -> Option<schedule::Schedule> {
        let scheduler = self.configuration.session(session)?.scheduler.as_ref()?;
        schedule::parse(&scheduler.schedule).ok().filter(|_| scheduler.suspend != Some(true))
    }

    fn anchor(&self) -> Option<Timestamp> {
        self.configuration.creation_timestamp().map(|made| made.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T14:00:00Z".parse().unwrap()
    }

    fn world(sessions: &[Value], snapshots: &[Value]) -> World {
        let parsed = |value: &Value| serde_json::from_value(value.clone()).unwrap();
        World {
            configurations: vec![parsed_configuration(&json!({}))],
            sessions: sessions.iter().map(parsed).collect(),
            snapshots: snapshots.iter().map(|value| serde_json::from_value(value.clone()).unwrap()).collect(),
            repositories: Vec::new(),
        }
    }

    fn parsed_configuration(more: &Value) -> BackupConfiguration {
        let mut spec = json!({"sessions": [{"name": "nightly", "scheduler": {"schedule": "17 2 * * *",
            "jobTemplate": {}}, "repositories": [{"name": "repo", "backend": "minio", "directory": "d"}]}]});
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        serde_json::from_value(json!({"metadata": {"name": "shop", "namespace": "shop",
            "creationTimestamp": "2026-11-01T00:00:00Z"}, "spec": spec}))
        .unwrap()
    }

    fn session(name: &str, phase: &str, made: &str) -> Value {
        json!({"metadata": {"name": name, "namespace": "shop", "creationTimestamp": made},
            "spec": {"session": "nightly", "invoker": {"kind": "BackupConfiguration", "name": "shop"}},
            "status": {"phase": phase}})
    }

    fn snapshot(run: &str, phase: &str, taken: &str) -> Value {
        json!({"metadata": {"name": format!("repo-{run}"), "namespace": "shop"},
            "spec": {"repository": "repo", "session": "nightly", "backupSession": run},
            "status": {"phase": phase, "snapshotTime": taken}})
    }

    #[test]
    fn runs_are_known_by_their_snapshots_when_their_sessions_are_gone() {
        let world = world(
            &[session("shop-nightly-3", "Failed", "2026-11-22T02:17:00Z")],
            &[
                snapshot("shop-nightly-1", "Succeeded", "2026-11-20T02:17:00Z"),
                snapshot("shop-nightly-2", "Succeeded", "2026-11-21T02:17:00Z"),
                snapshot("other-nightly-2", "Failed", "2026-11-21T02:17:00Z"),
            ],
        );
        let glance = world.glance(&world.configurations[0]);
        let runs: Vec<_> = glance.runs().into_iter().map(|run| (run.name, run.phase)).collect();
        assert_eq!(
            runs,
            [
                ("shop-nightly-3".to_owned(), BackupSessionPhase::Failed),
                ("shop-nightly-2".to_owned(), BackupSessionPhase::Succeeded),
                ("shop-nightly-1".to_owned(), BackupSessionPhase::Succeeded),
            ]
        );
        let last = glance.last_success("nightly").unwrap();
        assert_eq!(last.to_string(), "2026-11-21T02:17:00Z");
    }

    #[test]
    fn a_backup_is_overdue_when_two_slots_passed_without_success() {
        let overdue = |taken: &str| {
            let world = world(&[], &[snapshot("shop-nightly-1", "Succeeded", taken)]);
            world.glance(&world.configurations[0]).is_overdue("nightly", now())
        };
        assert!(!overdue("2026-11-22T02:17:10Z"));
        assert!(!overdue("2026-11-21T02:17:10Z"), "one slot may have been missed");
        assert!(overdue("2026-11-20T02:17:10Z"));
        let never = world(&[], &[]);
        assert!(never.glance(&never.configurations[0]).is_overdue("nightly", now()), "it never succeeded");
    }

    #[test]
    fn a_paused_backup_has_no_next_run_and_is_never_overdue() {
        let world = World::default();
        let paused = parsed_configuration(&json!({"paused": true}));
        let glance = world.glance(&paused);
        assert_eq!(glance.next(now()), None);
        assert!(!glance.is_overdue("nightly", now()));
        let running = parsed_configuration(&json!({}));
        assert_eq!(world.glance(&running).next(now()).unwrap().to_string(), "2026-11-23T02:17:00Z");
    }
}
