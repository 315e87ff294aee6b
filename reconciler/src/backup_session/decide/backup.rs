//! The backup itself: its Job, and the Snapshots that the Job completes (contract §8.3 steps 4 to 6).

use crds::condition::{self, NewCondition};
use crds::core::backup_session::condition as word;
use crds::storage::snapshot::SnapshotPhase;

use super::{Plan, Step, View};
use crate::executor::{State, Waiting};
use crate::outcome::Next;
use crate::patience::{LATE, Patience, until};

/// Starts the backup Job.
pub(super) fn executor(view: &View<'_>) -> Option<Plan> {
    if view.is_skipped() || view.is_called_off() || view.has(word::BACKUP_EXECUTOR_ENSURED) {
        return None;
    }
    let ensured =
        NewCondition::new(word::BACKUP_EXECUTOR_ENSURED, true, word::SUCCESSFULLY_ENSURED_BACKUP_EXECUTOR);
    Some(view.step(Step::StartBackup, ensured))
}

/// Waits for all Snapshots to come to an end, one way or the other, and mirrors their phases.
pub(super) fn completion(view: &View<'_>) -> Option<Plan> {
    if view.is_skipped() {
        return None;
    }
    let mirrored = mirrored(view);
    if mirrored.status != *view.status {
        return Some(mirrored);
    }
    let completed = |phase: Option<SnapshotPhase>| phase.is_some_and(SnapshotPhase::is_completed);
    if view.status.snapshots.iter().all(|snapshot| completed(snapshot.phase)) {
        return None;
    }
    if view.is_called_off() {
        // The Snapshots are told by their own driver, whose change wakes us.
        return Some(view.wait(Next::AwaitChange));
    }
    Some(wait_for_job(view))
}

/// The phases of the Snapshots as they are. One that was deleted meanwhile has failed.
fn mirrored(view: &View<'_>) -> Plan {
    let mut status = view.status.clone();
    for reference in &mut status.snapshots {
        if reference.phase.is_some_and(SnapshotPhase::is_completed) {
            continue;
        }
        reference.phase = match view.observed.snapshots.get(&reference.name) {
            None => Some(SnapshotPhase::Failed),
            Some(snapshot) => snapshot.status.as_ref().and_then(|status| status.phase).or(reference.phase),
        };
    }
    Plan { step: Step::Record, status }
}

fn wait_for_job(view: &View<'_>) -> Plan {
    let deadline = view.status.backup_deadline.as_ref().map(|deadline| deadline.0);
    if let Some(deadline) = deadline
        && view.now.duration_since(deadline) > LATE
        && view.observed.backup.job.is_some()
    {
        return Plan { step: Step::EndBackup, status: view.status.clone() };
    }
    let until_deadline = until(deadline, view.now);
    match view.observed.backup.state() {
        Some(State::Waiting(waiting)) => wait_for_pod(view, &waiting, until_deadline),
        // Its end, and its absence, are told to the Snapshots by their own driver.
        None | Some(State::Running | State::Succeeded | State::Failed(_)) => {
            let mut plan = view.wait(until_deadline);
            let conditions = &mut plan.status.conditions;
            let before = conditions.len();
            conditions.retain(|condition| condition.type_ != word::POD_PENDING_TOO_LONG);
            if conditions.len() != before {
                plan.step = Step::Record;
            }
            plan
        }
    }
}

/// A pod that does not start is given time, then spoken of, then given up.
fn wait_for_pod(view: &View<'_>, waiting: &Waiting, until_deadline: Next) -> Plan {
    match Patience::with(waiting, view.now) {
        Patience::Exhausted => {
            let failed = NewCondition::new(
                word::BACKUP_EXECUTOR_ENSURED,
                false,
                word::FAILED_TO_ENSURE_BACKUP_EXECUTOR,
            );
            view.step(Step::EndBackup, failed.message(waiting.reason.clone()))
        }
        Patience::Silent(next) => view.wait(until_deadline.or_sooner(next)),
        Patience::Speaking(next) => {
            let pending = NewCondition::new(word::POD_PENDING_TOO_LONG, true, word::POD_PENDING_TOO_LONG);
            let mut plan = view.wait(until_deadline.or_sooner(next));
            if condition::set(&mut plan.status.conditions, pending.message(waiting.reason.clone()), view.now)
            {
                plan.step = Step::Record;
            }
            plan
        }
    }
}
