//! The end of a session, and what comes after it.

use crds::condition::{self, NewCondition};
use crds::core::RestoreSession;
use crds::core::restore_session::{RestoreSessionStatus, condition as word};

use super::{Plan, Step, View};
use crate::outcome::Next;

/// A session that is over is left alone, unless it has done nothing and wishes for something else now.
pub(super) fn after_the_end(view: &View<'_>) -> Option<Plan> {
    if !view.has(word::METRICS_PUSHED) {
        return None;
    }
    if is_another_wish(view.session) {
        return Some(Plan { step: Step::Record, status: RestoreSessionStatus::default() });
    }
    Some(view.wait(Next::AwaitChange))
}

/// Whether a session that was found to be invalid has got another spec since.
#[must_use]
pub fn is_another_wish(session: &RestoreSession) -> bool {
    let conditions = session.status.as_ref().map_or(&[][..], |status| &status.conditions);
    let invalid = condition::find(conditions, word::VALIDATION_PASSED)
        .filter(|condition| condition.status == condition::FALSE);
    invalid.is_some_and(|invalid| invalid.observed_generation != session.metadata.generation)
}

/// The last condition, and the duration. No backup is paused any more: what says so need not go for the session to end,
/// as another field manager may hold it.
pub(super) fn finish(view: &View<'_>) -> Plan {
    let pushed = NewCondition::new(word::METRICS_PUSHED, true, word::SUCCESSFULLY_PUSHED_METRICS);
    let mut plan = view.step(Step::Finish, pushed);
    plan.status.paused_backups.clear();
    plan.status.duration = Some(crds::duration::format_seconds(view.now.duration_since(view.created())));
    plan
}
