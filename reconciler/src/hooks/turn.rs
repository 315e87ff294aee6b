//! What the hooks of a stage do next, and what the status then says of them: the same around a backup and a restore.

use crds::condition::{self, Condition, NewCondition};
use crds::core::hook::{HookPhase, HookStatus};
use crds::core::{backup_session, restore_session};
use jiff::Timestamp;

use super::{Around, Lists, Need, Position, Stage, need};
use crate::execution::Execution;
use crate::outcome::Next;

/// The condition of a stage (contract §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    type_: &'static str,
    succeeded: &'static str,
    failed: &'static str,
}

impl Around {
    /// The condition of `stage`.
    #[must_use]
    pub const fn words(self, stage: Stage) -> Words {
        use backup_session::condition as backup;
        use restore_session::condition as restore;
        match (self, stage) {
            (Self::Backup, Stage::Pre) => Words {
                type_: backup::PRE_BACKUP_HOOKS_EXECUTION_SUCCEEDED,
                succeeded: backup::SUCCESSFULLY_EXECUTED_PRE_BACKUP_HOOKS,
                failed: backup::FAILED_TO_EXECUTE_PRE_BACKUP_HOOKS,
            },
            (Self::Backup, Stage::Post) => Words {
                type_: backup::POST_BACKUP_HOOKS_EXECUTION_SUCCEEDED,
                succeeded: backup::SUCCESSFULLY_EXECUTED_POST_BACKUP_HOOKS,
                failed: backup::FAILED_TO_EXECUTE_POST_BACKUP_HOOKS,
            },
            (Self::Restore, Stage::Pre) => Words {
                type_: restore::PRE_RESTORE_HOOKS_EXECUTION_SUCCEEDED,
                succeeded: restore::SUCCESSFULLY_EXECUTED_PRE_RESTORE_HOOKS,
                failed: restore::FAILED_TO_EXECUTE_PRE_RESTORE_HOOKS,
            },
            (Self::Restore, Stage::Post) => Words {
                type_: restore::POST_RESTORE_HOOKS_EXECUTION_SUCCEEDED,
                succeeded: restore::SUCCESSFULLY_EXECUTED_POST_RESTORE_HOOKS,
                failed: restore::FAILED_TO_EXECUTE_POST_RESTORE_HOOKS,
            },
        }
    }
}

impl Words {
    /// All that were to run have succeeded.
    #[must_use]
    pub fn succeeded(self) -> NewCondition {
        NewCondition::new(self.type_, true, self.succeeded)
    }

    /// A hook failed: the first that fails ends its list.
    #[must_use]
    pub fn failed(self, hook: &str, why: &str) -> NewCondition {
        NewCondition::new(self.type_, false, self.failed).message(format!("hook \"{hook}\": {why}"))
    }
}

/// What is done next.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Nothing but the status.
    Record,
    /// Create the Job of this hook.
    Start(Position),
    /// Wait.
    Wait(Next),
}

/// The parts of a status that hooks write.
#[derive(Debug)]
pub struct Written<'a> {
    /// The record.
    pub hooks: &'a mut Option<HookStatus>,
    /// The conditions.
    pub conditions: &'a mut Vec<Condition>,
}

/// What comes next in a stage that has hooks. `failed` tells how it went so far, `execution` is that of the hook that runs.
pub fn turn(
    around: Around,
    (stage, failed): (Stage, bool),
    lists: Lists<'_>,
    (execution, now): (&Execution, Timestamp),
    written: Written<'_>,
) -> Act {
    let Written { hooks, conditions } = written;
    let words = around.words(stage);
    match need((stage, failed), lists, hooks.as_ref(), execution, now) {
        Need::Nothing => {
            condition::set(conditions, words.succeeded(), now);
        }
        Need::Wait(next) => return Act::Wait(next),
        Need::Start(at) => {
            stage.write(hooks, lists.key(at), HookPhase::Pending);
            return Act::Start(at);
        }
        Need::Succeeded(at) => stage.write(hooks, lists.key(at), HookPhase::Succeeded),
        Need::Failed(at, why) => {
            stage.write(hooks, lists.key(at), HookPhase::Failed);
            condition::set(conditions, words.failed(&lists.key(at), &why), now);
        }
    }
    Act::Record
}
