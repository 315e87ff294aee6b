//! From a new session to its Snapshots (contract §8.3 steps 0 to 3).

use crds::condition::{self, NewCondition};
use crds::core::backup_session::{SnapshotReference, condition as word};
use crds::storage::Repository;
use crds::storage::repository::RepositoryPhase;
use crds::storage::snapshot::SnapshotPhase;
use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{Plan, Step, View};
use crate::backup_session::{build, prerequisites};
use crate::outcome::Next;

/// A Repository of a new configuration needs a moment; one that needs longer has a problem.
const PATIENCE_WITH_REPOSITORIES: SignedDuration = SignedDuration::from_secs(60);

/// Skips the session when it may not run.
pub(super) fn prerequisites(view: &View<'_>) -> Option<Plan> {
    if view.has(word::BACKUP_SKIPPED) || view.has(word::SNAPSHOTS_ENSURED) {
        return None;
    }
    let observed = view.observed;
    let unmet =
        prerequisites::unmet(view.session, observed.configuration.as_ref(), &observed.siblings, view.now)?;
    let skipped = NewCondition::new(word::BACKUP_SKIPPED, true, word::PRE_REQUISITES_NOT_SATISFIED);
    Some(view.step(Step::Record, skipped.message(unmet)))
}

/// One Snapshot per repository of the session, each owned by its Repository.
pub(super) fn snapshots(view: &View<'_>) -> Option<Plan> {
    if view.is_skipped() || view.has(word::SNAPSHOTS_ENSURED) {
        return None;
    }
    // Without a configuration or its session, `prerequisites` has spoken.
    let configuration = view.observed.configuration.as_ref()?;
    let session = configuration.session(&view.session.spec.session)?;
    let mut ready = Vec::new();
    for wanted in &session.repositories {
        match readiness(&wanted.name, view.observed.repositories.get(&wanted.name)) {
            Ok(repository) => ready.push(repository),
            Err(problem) => return Some(not_ready(view, problem)),
        }
    }
    let addon = view.observed.addon.as_ref();
    let snapshots: Vec<_> = ready
        .iter()
        .map(|repository| build::snapshot(view.session, configuration, repository, addon))
        .collect();
    let ensured = NewCondition::new(word::SNAPSHOTS_ENSURED, true, word::SUCCESSFULLY_ENSURED_SNAPSHOTS);
    let mut plan = view.step(Step::Record, ensured);
    plan.status.total_snapshots = i32::try_from(snapshots.len()).ok();
    plan.status.snapshots = snapshots
        .iter()
        .map(|snapshot| SnapshotReference {
            name: snapshot.metadata.name.clone().unwrap_or_default(),
            phase: Some(SnapshotPhase::Pending),
            app_ref: snapshot.spec.app_ref.clone(),
            repository: snapshot.spec.repository.clone(),
        })
        .collect();
    plan.step = Step::CreateSnapshots(snapshots);
    match timeout(view) {
        Ok(None) => {}
        Ok(Some(timeout)) => {
            plan.status.backup_deadline = view.now.checked_add(timeout).ok().map(Time);
        }
        Err(problem) => return Some(failed(view, problem)),
    }
    Some(plan)
}

/// How long the session may take.
fn timeout(view: &View<'_>) -> Result<Option<SignedDuration>, String> {
    let Some(text) = view.session.spec.backup_timeout.as_deref() else { return Ok(None) };
    match crds::duration::parse(text) {
        Ok(timeout) if timeout > SignedDuration::ZERO => Ok(Some(timeout)),
        Ok(_) => Err(format!("spec.backupTimeout is {text:?}, which is no time at all")),
        Err(error) => Err(format!("spec.backupTimeout: {error}")),
    }
}

fn readiness<'a>(name: &str, repository: Option<&'a Repository>) -> Result<&'a Repository, String> {
    let repository = repository.ok_or_else(|| format!("Repository {name:?} does not exist"))?;
    if repository.metadata.deletion_timestamp.is_some() {
        return Err(format!("Repository {name:?} is being deleted"));
    }
    let status = repository.status.as_ref();
    if status.and_then(|status| status.phase) == Some(RepositoryPhase::Ready) {
        return Ok(repository);
    }
    let reason = status
        .and_then(|status| condition::first_failure(&status.conditions))
        .and_then(|condition| condition.message.as_deref())
        .unwrap_or("it has not been initialized yet");
    Err(format!("Repository {name:?} is not Ready: {reason}"))
}

/// Waits while a Repository may still become ready.
fn not_ready(view: &View<'_>, problem: String) -> Plan {
    if view.now.duration_since(view.created()) < PATIENCE_WITH_REPOSITORIES {
        // A change of the Repository wakes us as well; this is for the end of the patience.
        return view.wait(Next::After(std::time::Duration::from_secs(5)));
    }
    failed(view, problem)
}

fn failed(view: &View<'_>, problem: String) -> Plan {
    let failed = NewCondition::new(word::SNAPSHOTS_ENSURED, false, word::FAILED_TO_ENSURE_SNAPSHOTS);
    view.step(Step::Record, failed.message(problem))
}
