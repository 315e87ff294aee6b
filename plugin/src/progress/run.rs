//! What is known of one run, from its BackupSession, its Snapshots, its pods and their warnings.

mod part;
mod work;

use std::collections::BTreeMap;
use std::time::Duration;

use crds::condition;
use crds::core::BackupSession;
use crds::core::backup_session::{
    BackupSessionPhase, BackupSessionStatus, RetentionPolicyPhase, condition as session_condition,
};
use crds::label;
use crds::storage::Snapshot;
use crds::storage::snapshot::{Component, ComponentPhase};
use jiff::Timestamp;
use kube::ResourceExt as _;

pub use super::change::Change;
use super::outcome::{self, Outcome};
use super::pods::Pods;
use super::rate::Reports;
use super::{Part, Stage, State, Subject, View, hooks};
use crate::failure::Code;
use crate::human;

use self::part::{Numbers, part};

/// A run and all that was seen of it.
#[derive(Clone, Debug, Default)]
pub struct Run {
    namespace: String,
    name: String,
    session: Option<BackupSession>,
    snapshots: BTreeMap<String, Snapshot>,
    pods: Pods,
    reports: BTreeMap<String, Reports>,
    /// When the first and the last change came.
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    ended: Option<Timestamp>,
    gone: bool,
}

/// How long the end of a run is held back for a Snapshot that was not seen yet.
const GRACE: Duration = Duration::from_secs(2);

impl Run {
    /// A run of which nothing but the name is known.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into(), ..Self::default() }
    }

    /// The BackupSession's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes note of a change, if it is one of this run. Says whether it is.
    pub fn note(&mut self, change: &Change, now: Timestamp) -> bool {
        let mine = match change {
            Change::Session(session) => session.metadata.name.as_deref() == Some(&self.name),
            Change::SessionGone(name) => *name == self.name,
            Change::Snapshot(snapshot) => snapshot.spec.backup_session == self.name,
            other => self.pods.concerns(other, &self.name),
        };
        if !mine {
            return false;
        }
        self.first.get_or_insert(now);
        match change {
            Change::Session(session) => self.session = Some((**session).clone()),
            Change::SessionGone(_) => self.gone = true,
            Change::Snapshot(snapshot) => self.note_snapshot(snapshot, now),
            other => self.pods.note(other),
        }
        // A warning is no report of the run.
        if matches!(change, Change::Warning(_)) {
            return true;
        }
        self.last = Some(now);
        if self.ended.is_none() && self.phase_is_final() {
            self.ended = Some(now);
        }
        true
    }

    fn note_snapshot(&mut self, snapshot: &Snapshot, now: Timestamp) {
        let name = snapshot.name_any();
        for (component, state) in snapshot.status.iter().flat_map(|status| &status.components) {
            if let Some(done) = Numbers::of(state).objects_done.or(Numbers::of(state).bytes_done) {
                self.reports.entry(format!("{name}/{component}")).or_default().note(now, done);
            }
        }
        self.snapshots.insert(name, snapshot.clone());
    }

    fn status(&self) -> BackupSessionStatus {
        self.session.as_ref().and_then(|session| session.status.clone()).unwrap_or_default()
    }

    fn phase_is_final(&self) -> bool {
        self.status().phase.is_some_and(BackupSessionPhase::is_completed)
    }

    /// Whether every Snapshot was seen as the session tells of it. The two are watched apart, so that the end of one may
    /// be seen before the end of the other.
    fn is_settled(&self) -> bool {
        self.status().snapshots.iter().all(|told| {
            let seen = self.snapshots.get(&told.name).and_then(|snapshot| snapshot.status.as_ref());
            seen.is_some_and(|status| status.phase == told.phase)
        })
    }

    /// How it ended, if it did, and if all of it was seen or did not come within [`GRACE`].
    #[must_use]
    pub fn outcome(&self, now: Timestamp) -> Option<Outcome> {
        let waited = self.ended.is_some_and(|ended| human::between(ended, now) >= GRACE);
        if self.phase_is_final() && !self.is_settled() && !waited {
            return None;
        }
        if self.gone && !self.phase_is_final() {
            let fix = "kubectl kubestash snapshot list   shows what was stored";
            return Some(Outcome::vanished("BackupSession", Code::RunFailed, fix));
        }
        let session = self.session.as_ref().filter(|_| self.phase_is_final())?;
        let snapshots: Vec<&Snapshot> = self.snapshots.values().collect();
        outcome::of(session, &snapshots, self.elapsed(self.ended.unwrap_or_default()))
    }

    /// The BackupConfiguration's name, once known.
    #[must_use]
    pub fn backup(&self) -> &str {
        let invoker = self.session.as_ref().and_then(|session| session.spec.invoker.as_ref());
        invoker.map_or("", |invoker| &invoker.name)
    }

    /// Everything that a reader is shown at this moment.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> View {
        View {
            namespace: self.namespace.clone(),
            subject: Subject::Backup {
                configuration: self.backup().to_owned(),
                session: self
                    .session
                    .as_ref()
                    .map(|session| session.spec.session.clone())
                    .unwrap_or_default(),
            },
            run: self.name.clone(),
            elapsed: self.elapsed(now),
            stages: self.stages(),
            parts: self.parts(now),
            waiting: self.waiting(),
            reported_ago: self.last.map(|last| human::between(last, now)),
            pod: self.pods.told(),
            outcome: self.outcome(now),
        }
    }

    /// Since the run was created; of one that ended, what its status says.
    fn elapsed(&self, now: Timestamp) -> Duration {
        let told = self.status().duration.and_then(|text| crds::duration::parse(&text).ok());
        if let Some(took) =
            told.and_then(|took| Duration::try_from(took).ok()).filter(|_| self.phase_is_final())
        {
            return took;
        }
        let created = self.session.as_ref().and_then(kube::ResourceExt::creation_timestamp);
        let since = created.map(|created| created.0).or(self.first).unwrap_or(now);
        human::between(since, self.ended.unwrap_or(now))
    }

    fn stages(&self) -> Vec<Stage> {
        let status = self.status();
        let mut stages = vec![self.prepared(&status)];
        stages.extend(hooks(
            &status.conditions,
            "pre-backup hooks",
            session_condition::PRE_BACKUP_HOOKS_EXECUTION_SUCCEEDED,
            status.hooks.as_ref().map_or(0, |hooks| hooks.pre_hooks.len()),
        ));
        let ensured = condition::find(&status.conditions, session_condition::BACKUP_EXECUTOR_ENSURED);
        stages.push(self.pods.stage(ensured, label::component::BACKUP, self.has_reported()));
        stages.push(self.storing(&status));
        stages.extend(self.retention(&status));
        stages.extend(hooks(
            &status.conditions,
            "post-backup hooks",
            session_condition::POST_BACKUP_HOOKS_EXECUTION_SUCCEEDED,
            status.hooks.as_ref().map_or(0, |hooks| hooks.post_hooks.len()),
        ));
        stages
    }

    fn prepared(&self, status: &BackupSessionStatus) -> Stage {
        let condition = condition::find(&status.conditions, session_condition::SNAPSHOTS_ENSURED);
        let created =
            self.session.as_ref().and_then(kube::ResourceExt::creation_timestamp).map(|time| time.0);
        Stage {
            detail: "storage, secrets, addon".into(),
            took: created
                .zip(condition.map(|condition| condition.last_transition_time.0))
                .map(|(from, to)| human::between(from, to)),
            ..Stage::new("prepared", condition.map_or(State::Active, State::of))
        }
    }

    fn has_reported(&self) -> bool {
        self.components().any(|(_, _, component)| component.phase.is_some())
    }

    fn components(&self) -> impl Iterator<Item = (&str, &str, &Component)> {
        self.snapshots.iter().flat_map(|(snapshot, object)| {
            let components = object.status.iter().flat_map(|status| &status.components);
            components.map(move |(name, component)| (snapshot.as_str(), name.as_str(), component))
        })
    }

    fn storing(&self, status: &BackupSessionStatus) -> Stage {
        let phases: Vec<Option<ComponentPhase>> =
            self.components().map(|(_, _, component)| component.phase).collect();
        let expected = status.snapshots.len().max(self.snapshots.len()).max(1);
        let ended = phases
            .iter()
            .filter(|phase| matches!(phase, Some(ComponentPhase::Succeeded | ComponentPhase::Failed)));
        let all_ended = ended.count() >= expected;
        let failed = phases.contains(&Some(ComponentPhase::Failed));
        let state = match () {
            () if all_ended && failed => State::Failed,
            () if all_ended => State::Done,
            () if phases.is_empty() => State::Todo,
            () => State::Active,
        };
        let done = phases.iter().filter(|phase| **phase == Some(ComponentPhase::Succeeded)).count();
        Stage {
            detail: if expected > 1 {
                format!("{done} of {expected} repositories done")
            } else {
                String::new()
            },
            has_parts: true,
            ..Stage::new("reading and storing", state)
        }
    }

    /// Shown until it is clear that the session ended without one.
    fn retention(&self, status: &BackupSessionStatus) -> Option<Stage> {
        let ensured =
            condition::find(&status.conditions, session_condition::RETENTION_POLICY_EXECUTOR_ENSURED);
        let phases: Vec<_> = status.retention_policy.iter().filter_map(|policy| policy.phase).collect();
        let state = if phases.contains(&RetentionPolicyPhase::FailedToApply) {
            State::Failed
        } else if !phases.is_empty() && phases.iter().all(|phase| *phase == RetentionPolicyPhase::Applied) {
            State::Done
        } else if self.phase_is_final() {
            return None;
        } else if ensured.is_some() || !phases.is_empty() {
            State::Active
        } else {
            State::Todo
        };
        Some(Stage::new("retention", state))
    }

    fn parts(&self, now: Timestamp) -> Vec<Part> {
        let several = self.snapshots.len() > 1;
        self.components()
            .map(|(snapshot, name, component)| {
                let repository = self.snapshots.get(snapshot).map(|object| object.spec.repository.clone());
                let shown = if several { repository.unwrap_or_default() } else { name.to_owned() };
                let reports = self.reports.get(&format!("{snapshot}/{name}"));
                part((shown, snapshot), component, reports, now)
            })
            .collect()
    }

    /// Why nothing moves: the newest pod's trouble, or a warning about it.
    #[must_use]
    pub fn waiting(&self) -> Option<String> {
        if self.phase_is_final() {
            return None;
        }
        if let Some(trouble) = self.pods.trouble() {
            return Some(trouble);
        }
        // A component that goes on and has an error waits for something: a lock, most likely.
        let held = self.components().find_map(|(_, _, component)| {
            let goes_on =
                !matches!(component.phase, Some(ComponentPhase::Succeeded | ComponentPhase::Failed));
            component.error.as_deref().filter(|error| goes_on && !error.is_empty())
        });
        if let Some(held) = held {
            return Some(held.lines().next().unwrap_or_default().to_owned());
        }
        self.pods.warning(&self.name)
    }
}

#[cfg(test)]
mod tests;
