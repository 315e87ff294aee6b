//! What a RestoreSession needs next (contract §8.7).
//!
//! A session is a row of stages, as a BackupSession is: each looks at the conditions, which are the memory, and either
//! says what has to be done or lets the next stage speak. One step is performed, recorded, and then everything is
//! looked at again: so a process that dies between any two calls is continued by the next one.

mod ending;
pub mod hook;
mod pausing;
mod restore;
mod start;

use crds::condition::{self, NewCondition};
use crds::core::restore_session::condition as word;
use crds::core::restore_session::{RestorePhase, RestoreSessionStatus};
use crds::core::{BackupConfiguration, RestoreSession};
use jiff::Timestamp;

use super::observed::Observed;
use crate::hooks::Position;
use crate::outcome::Next;

/// What is done next. The status is written after the step was performed.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What to do.
    pub step: Step,
    /// What the status then is.
    pub status: RestoreSessionStatus,
}

/// One effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing but the status.
    Record,
    /// Pause these, for this session.
    Pause(Vec<BackupConfiguration>),
    /// Take the pause of this session back.
    Resume(Vec<BackupConfiguration>),
    /// Create the Job of a hook.
    StartHook(Position),
    /// Create the restore Job and its rights.
    StartRestore,
    /// Delete the restore Job, which is not worth waiting for any more.
    EndRestore,
    /// The session is over: take the rights of its Jobs away, and count it after the status is written.
    Finish,
    /// Nothing; look again then.
    Wait(Next),
}

/// What a stage looks at.
#[derive(Clone, Copy, Debug)]
struct View<'a> {
    session: &'a RestoreSession,
    status: &'a RestoreSessionStatus,
    observed: &'a Observed,
    now: Timestamp,
}

type Stage = fn(&View<'_>) -> Option<Plan>;

const STAGES: [Stage; 8] = [
    ending::after_the_end,
    start::validation,
    pausing::pause,
    hook::before,
    restore::executor,
    restore::completion,
    hook::after,
    pausing::resume,
];

/// What `session` needs next. `session.status` must be what the API server has now.
#[must_use]
pub fn decide(session: &RestoreSession, observed: &Observed, now: Timestamp) -> Plan {
    let status = session.status.clone().unwrap_or_default();
    let view = View { session, status: &status, observed, now };
    let plan = STAGES.iter().find_map(|stage| stage(&view));
    let mut plan = plan.unwrap_or_else(|| ending::finish(&view));
    plan.status.phase = Some(plan.status.phase());
    plan
}

/// Whether nothing will ever happen to this session again, so that nothing needs to be read. What its spec says later
/// makes no difference, unless it was Invalid: then it has done nothing, and another spec is another wish.
#[must_use]
pub fn is_at_rest(session: &RestoreSession) -> bool {
    let conditions = session.status.as_ref().map_or(&[][..], |status| &status.conditions);
    condition::exists(conditions, word::METRICS_PUSHED) && !ending::is_another_wish(session)
}

/// Whether the Job has said how the restore ended.
#[must_use]
pub fn is_restored(status: &RestoreSessionStatus) -> bool {
    matches!(status.components_phase(), RestorePhase::Succeeded | RestorePhase::Failed)
}

impl View<'_> {
    fn has(&self, type_: &str) -> bool {
        condition::exists(&self.status.conditions, type_)
    }

    fn is_false(&self, type_: &str) -> bool {
        condition::is_false(&self.status.conditions, type_)
    }

    /// A step before the restore failed, so that it will not take place, or no longer counts.
    fn is_called_off(&self) -> bool {
        self.is_invalid()
            || [word::PRE_RESTORE_HOOKS_EXECUTION_SUCCEEDED, word::RESTORE_EXECUTOR_ENSURED]
                .iter()
                .any(|type_| self.is_false(type_))
    }

    fn is_invalid(&self) -> bool {
        self.is_false(word::VALIDATION_PASSED)
    }

    fn created(&self) -> Timestamp {
        self.session.metadata.creation_timestamp.as_ref().map_or(self.now, |time| time.0)
    }

    fn wait(&self, next: Next) -> Plan {
        Plan { step: Step::Wait(next), status: self.status.clone() }
    }

    /// The step, and the status with one more condition.
    fn step(&self, step: Step, condition: NewCondition) -> Plan {
        let mut status = self.status.clone();
        condition::set(&mut status.conditions, condition, self.now);
        Plan { step, status }
    }
}

#[cfg(test)]
mod tests;
