//! The restore itself: its Job, and the component that the Job completes (contract §8.7 steps 5 and 6).

use crds::condition::{self, NewCondition};
use crds::core::backup_session::condition::POD_PENDING_TOO_LONG;
use crds::core::restore_session::condition as word;

use super::{Plan, Step, View, is_restored};
use crate::executor::{State, Waiting};
use crate::outcome::Next;
use crate::patience::{LATE, Patience, until};

/// Starts the restore Job.
pub(super) fn executor(view: &View<'_>) -> Option<Plan> {
    if view.is_called_off() || view.has(word::RESTORE_EXECUTOR_ENSURED) {
        return None;
    }
    let ensured =
        NewCondition::new(word::RESTORE_EXECUTOR_ENSURED, true, word::SUCCESSFULLY_ENSURED_RESTORE_EXECUTOR);
    Some(view.step(Step::StartRestore, ensured))
}

/// Waits for the Job to say how the restore ended, or for it to be known that it will not.
pub(super) fn completion(view: &View<'_>) -> Option<Plan> {
    if view.is_called_off() || view.has(word::RESTORE_INCOMPLETE) {
        return None;
    }
    if is_restored(view.status) {
        return recovered(view);
    }
    let deadline = view.status.restore_deadline.as_ref().map(|deadline| deadline.0);
    let is_late = deadline.is_some_and(|deadline| view.now.duration_since(deadline) > LATE);
    let until_deadline = until(deadline, view.now);
    Some(match view.observed.restore.state() {
        Some(State::Waiting(_) | State::Running) if is_late => {
            incomplete(view, Step::EndRestore, "deadline exceeded")
        }
        Some(State::Waiting(waiting)) => wait_for_pod(view, &waiting, until_deadline),
        Some(State::Running) => recovered(view).unwrap_or_else(|| view.wait(until_deadline)),
        Some(State::Failed(why)) => incomplete(view, Step::Record, &why),
        Some(State::Succeeded) => incomplete(view, Step::Record, "the restore Job ended without reporting"),
        None if deadline.is_some_and(|deadline| deadline < view.now) => {
            incomplete(view, Step::Record, "deadline exceeded")
        }
        None => incomplete(view, Step::Record, "the restore Job was deleted before the restore was complete"),
    })
}

fn incomplete(view: &View<'_>, step: Step, why: &str) -> Plan {
    let incomplete = NewCondition::new(
        word::RESTORE_INCOMPLETE,
        true,
        word::RESTORE_EXECUTOR_TERMINATED_BEFORE_COMPLETION,
    );
    view.step(step, incomplete.message(why))
}

/// A pod that does not start is given time, then spoken of, then given up.
fn wait_for_pod(view: &View<'_>, waiting: &Waiting, until_deadline: Next) -> Plan {
    match Patience::with(waiting, view.now) {
        Patience::Exhausted => {
            let failed = NewCondition::new(
                word::RESTORE_EXECUTOR_ENSURED,
                false,
                word::FAILED_TO_ENSURE_RESTORE_EXECUTOR,
            );
            view.step(Step::EndRestore, failed.message(waiting.reason.clone()))
        }
        Patience::Silent(next) => view.wait(until_deadline.or_sooner(next)),
        Patience::Speaking(next) => {
            let pending = NewCondition::new(POD_PENDING_TOO_LONG, true, POD_PENDING_TOO_LONG);
            let mut plan = view.wait(until_deadline.or_sooner(next));
            if condition::set(&mut plan.status.conditions, pending.message(waiting.reason.clone()), view.now)
            {
                plan.step = Step::Record;
            }
            plan
        }
    }
}

/// A pod that runs, or has run, is not spoken of any more.
fn recovered(view: &View<'_>) -> Option<Plan> {
    view.has(POD_PENDING_TOO_LONG).then(|| {
        let mut status = view.status.clone();
        status.conditions.retain(|condition| condition.type_ != POD_PENDING_TOO_LONG);
        Plan { step: Step::Record, status }
    })
}
