//! What is known of one restore, from its RestoreSession, its pods and their warnings.

mod outcome;
mod part;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use crds::condition;
use crds::core::RestoreSession;
use crds::core::restore_session::{RestorePhase, RestoreSessionStatus, condition as session_condition};
use crds::label;
use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::runtime::watcher::Event;

use super::change::Change;
use super::follow::{Changes, Work, of_pods, watched};
use super::outcome::Outcome;
use super::pods::Pods;
use super::rate::Reports;
use super::{Part, Stage, State, Subject, View, hooks};
use crate::cluster::Cluster;
use crate::failure::Code;
use crate::human;

pub use outcome::of;
pub use part::counts;

/// A restore and all that was seen of it.
#[derive(Clone, Debug, Default)]
pub struct Restore {
    namespace: String,
    name: String,
    session: Option<RestoreSession>,
    pods: Pods,
    reports: BTreeMap<String, Reports>,
    /// When the first and the last change came.
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    ended: Option<Timestamp>,
    gone: bool,
}

impl Work for Restore {
    fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into(), ..Self::default() }
    }

    fn changes(cluster: &Cluster, namespace: &str) -> Changes {
        let mut all = of_pods(cluster, namespace);
        all.push(watched::<RestoreSession>(cluster, namespace, "", true, |event| match event {
            Event::Delete(session) => Some(Change::RestoreGone(session.name_any())),
            Event::Apply(session) | Event::InitApply(session) => Some(Change::Restore(Box::new(session))),
            Event::Init | Event::InitDone => None,
        }));
        all
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn is_known(&self) -> bool {
        self.session.is_some()
    }

    fn note(&mut self, change: &Change, now: Timestamp) -> bool {
        let mine = match change {
            Change::Restore(session) => session.metadata.name.as_deref() == Some(&self.name),
            Change::RestoreGone(name) => *name == self.name,
            other => self.pods.concerns(other, &self.name),
        };
        if !mine {
            return false;
        }
        self.first.get_or_insert(now);
        match change {
            Change::Restore(session) => self.note_session(session, now),
            Change::RestoreGone(_) => self.gone = true,
            other => self.pods.note(other),
        }
        // A warning is no report of the restore.
        if !matches!(change, Change::Warning(_)) {
            self.last = Some(now);
        }
        true
    }

    fn waiting(&self) -> Option<String> {
        if self.is_over() {
            return None;
        }
        if let Some(trouble) = self.pods.trouble() {
            return Some(trouble);
        }
        // A component that goes on and has an error waits for something: a lock, most likely.
        let status = self.status();
        let mut open = status.components.values().filter(|component| !is_final(component.phase));
        let held = open.find_map(|component| component.error.clone().filter(|error| !error.is_empty()));
        match held {
            Some(held) => held.lines().next().map(str::to_owned),
            None => self.pods.warning(&self.name),
        }
    }

    fn view(&self, now: Timestamp) -> View {
        View {
            namespace: self.namespace.clone(),
            subject: Subject::Restore { snapshot: self.snapshot() },
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

    fn outcome(&self, now: Timestamp) -> Option<Outcome> {
        if self.gone && !self.is_over() {
            let fix = format!("kubectl kubestash snapshot diff latest --live -n {}", self.namespace);
            let fix = format!("{fix}   shows what is not as it was");
            return Some(Outcome::vanished("RestoreSession", Code::RestoreFailed, &fix));
        }
        let session = self.session.as_ref().filter(|_| self.is_over())?;
        outcome::of(session, self.elapsed(self.ended.unwrap_or(now)))
    }

    fn again(namespace: &str, open: &[&Self]) -> String {
        let names: Vec<&str> = open.iter().map(|restore| restore.name()).collect();
        let one = names.first().copied().unwrap_or_default();
        format!(
            "kubectl kubestash restore watch {} -n {namespace}\nstop it:  kubectl kubestash restore delete {one} -n {namespace}",
            names.join(" ")
        )
    }
}

impl Restore {
    fn note_session(&mut self, session: &RestoreSession, now: Timestamp) {
        for (name, component) in session.status.iter().flat_map(|status| &status.components) {
            if let Some(done) = part::objects_done(component) {
                self.reports.entry(name.clone()).or_default().note(now, done);
            }
        }
        self.session = Some(session.clone());
        if self.ended.is_none() && self.is_over() {
            self.ended = Some(now);
        }
    }

    fn status(&self) -> RestoreSessionStatus {
        self.session.as_ref().and_then(|session| session.status.clone()).unwrap_or_default()
    }

    fn is_over(&self) -> bool {
        self.session.as_ref().is_some_and(is_over)
    }

    /// The Snapshot, as the RestoreSession names it.
    fn snapshot(&self) -> String {
        let source = self.session.as_ref().and_then(|session| session.spec.data_source.as_ref());
        source.map(|source| source.snapshot.clone()).unwrap_or_default()
    }

    /// Since it was created; of one that ended, what its status says.
    fn elapsed(&self, now: Timestamp) -> Duration {
        let told = self.status().duration.and_then(|text| crds::duration::parse(&text).ok());
        if let Some(took) = told.and_then(|took| Duration::try_from(took).ok()).filter(|_| self.is_over()) {
            return took;
        }
        let created = self.session.as_ref().and_then(kube::ResourceExt::creation_timestamp);
        let since = created.map(|created| created.0).or(self.first).unwrap_or(now);
        human::between(since, self.ended.unwrap_or(now))
    }

    fn stages(&self) -> Vec<Stage> {
        let status = self.status();
        let conditions = &status.conditions;
        let hook_count = |pre: bool| {
            let wished = self.session.as_ref().and_then(|session| session.spec.hooks.as_ref());
            wished.map_or(0, |hooks| if pre { hooks.pre_restore.len() } else { hooks.post_restore.len() })
        };
        let validated = condition::find(conditions, session_condition::VALIDATION_PASSED);
        let mut stages = vec![Stage {
            detail: "snapshot, addon, account".into(),
            ..Stage::new("prepared", validated.map_or(State::Active, State::of))
        }];
        let before = session_condition::PRE_RESTORE_HOOKS_EXECUTION_SUCCEEDED;
        stages.extend(hooks(conditions, "pre-restore hooks", before, hook_count(true)));
        let ensured = condition::find(conditions, session_condition::RESTORE_EXECUTOR_ENSURED);
        let reported = status.components.values().any(|component| component.phase.is_some());
        stages.push(self.pods.stage(ensured, label::component::RESTORE, reported));
        stages.push(restoring(&status));
        let after = session_condition::POST_RESTORE_HOOKS_EXECUTION_SUCCEEDED;
        stages.extend(hooks(conditions, "post-restore hooks", after, hook_count(false)));
        stages
    }

    fn parts(&self, now: Timestamp) -> Vec<Part> {
        let snapshot = self.snapshot();
        let status = self.status();
        let components = status.components.iter();
        components
            .map(|(name, component)| {
                let reports = self.reports.get(name);
                part::part((name, &snapshot), component, reports, now)
            })
            .collect()
    }
}

fn restoring(status: &RestoreSessionStatus) -> Stage {
    let phases: Vec<Option<RestorePhase>> =
        status.components.values().map(|component| component.phase).collect();
    let state = match () {
        () if phases.is_empty() => State::Todo,
        () if phases.contains(&Some(RestorePhase::Failed)) => State::Failed,
        () if phases.iter().all(|phase| *phase == Some(RestorePhase::Succeeded)) => State::Done,
        () => State::Active,
    };
    Stage { has_parts: true, ..Stage::new("restoring", state) }
}

fn is_final(phase: Option<RestorePhase>) -> bool {
    phase.is_some_and(RestorePhase::is_completed)
}

/// Whether nothing more will happen.
#[must_use]
pub fn is_over(session: &RestoreSession) -> bool {
    is_final(session.status.as_ref().and_then(|status| status.phase))
}
