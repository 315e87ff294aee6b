//! What a BackupSession needs next (contract §8.3).
//!
//! A session is a row of stages. Each looks at the conditions, which are the memory, and either says what has to be
//! done or lets the next stage speak. One step is performed, recorded, and then everything is looked at again: so a
//! process that dies between any two calls is continued by the next one.

mod backup;
mod ending;
pub mod hook;
mod start;

use crds::condition::{self, NewCondition};
use crds::core::backup_session::{BackupSessionPhase, condition as word};
use crds::core::{BackupSession, BackupSessionStatus};
use crds::storage::Snapshot;
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
    pub status: BackupSessionStatus,
}

/// One effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing but the status.
    Record,
    /// Create the Snapshots that are not there.
    CreateSnapshots(Vec<Snapshot>),
    /// Create the Job of a hook.
    StartHook(Position),
    /// Create the backup Job and its rights.
    StartBackup,
    /// Delete the backup Job, which is not worth waiting for any more.
    EndBackup,
    /// Create the retention Job and its rights.
    StartRetention,
    /// Delete these sessions, which the history has no room for.
    Forget(Vec<BackupSession>),
    /// The session is over: count it, after the status is written.
    Finish,
    /// Create the session that tries again, before the status is written.
    TryAgain(Box<BackupSession>),
    /// Nothing; look again then.
    Wait(Next),
}

/// What a stage looks at.
#[derive(Clone, Copy, Debug)]
struct View<'a> {
    session: &'a BackupSession,
    status: &'a BackupSessionStatus,
    observed: &'a Observed,
    now: Timestamp,
}

type Stage = fn(&View<'_>) -> Option<Plan>;

const STAGES: [Stage; 9] = [
    ending::after_the_end,
    start::prerequisites,
    start::snapshots,
    hook::before,
    backup::executor,
    backup::completion,
    ending::retention,
    hook::after,
    ending::history,
];

/// What `session` needs next. `session.status` must be what the API server has now.
#[must_use]
pub fn decide(session: &BackupSession, observed: &Observed, now: Timestamp) -> Plan {
    let status = session.status.clone().unwrap_or_default();
    let view = View { session, status: &status, observed, now };
    let plan = STAGES.iter().find_map(|stage| stage(&view));
    let mut plan = plan.unwrap_or_else(|| ending::finish(&view));
    plan.status.phase = Some(plan.status.phase());
    plan
}

/// Whether nothing will ever happen to this session again, so that nothing needs to be read. The phase alone does
/// not say so: a session is Skipped before it has cleaned up.
#[must_use]
pub fn is_at_rest(session: &BackupSession) -> bool {
    let conditions = session.status.as_ref().map_or(&[][..], |status| &status.conditions);
    is_completed(session) && condition::exists(conditions, word::METRICS_PUSHED)
}

/// Whether the session has come to its end, no other attempt being due.
#[must_use]
pub fn is_completed(session: &BackupSession) -> bool {
    let Some(status) = &session.status else { return false };
    let retry_is_due = status.next_retry.is_some() && status.retried != Some(true);
    status.phase.is_some_and(BackupSessionPhase::is_completed) && !retry_is_due
}

impl View<'_> {
    fn has(&self, type_: &str) -> bool {
        condition::exists(&self.status.conditions, type_)
    }

    fn is_true(&self, type_: &str) -> bool {
        condition::is_true(&self.status.conditions, type_)
    }

    fn is_false(&self, type_: &str) -> bool {
        condition::is_false(&self.status.conditions, type_)
    }

    fn is_skipped(&self) -> bool {
        self.is_true(word::BACKUP_SKIPPED)
    }

    /// A step before the backup failed, so that it will not take place, or no longer counts.
    fn is_called_off(&self) -> bool {
        [word::SNAPSHOTS_ENSURED, word::PRE_BACKUP_HOOKS_EXECUTION_SUCCEEDED, word::BACKUP_EXECUTOR_ENSURED]
            .iter()
            .any(|type_| self.is_false(type_))
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
