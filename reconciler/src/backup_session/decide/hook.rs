//! The hooks around the backup (contract §8.3 steps 3 and 8).

use std::time::Duration;

use crds::condition::{self, NewCondition};
use crds::core::backup_configuration::BackupHooks;
use crds::core::backup_session::condition as word;
use crds::core::hook::HookPhase;
use jiff::SignedDuration;

use super::{Plan, Step, View};
use crate::backup_session::hooks::{self, NextHook, Position, Stage};
use crate::executor::State;
use crate::outcome::Next;

/// Before the backup, once the Snapshots are there.
pub(super) fn before(view: &View<'_>) -> Option<Plan> {
    if view.is_skipped() || view.is_called_off() || view.has(word::PRE_BACKUP_HOOKS_EXECUTION_SUCCEEDED) {
        return None;
    }
    stage(view, Stage::Pre, false)
}

/// After the backup, however it went.
pub(super) fn after(view: &View<'_>) -> Option<Plan> {
    if view.is_skipped() || view.has(word::POST_BACKUP_HOOKS_EXECUTION_SUCCEEDED) {
        return None;
    }
    stage(view, Stage::Post, hooks::has_failed(view.status))
}

fn stage(view: &View<'_>, stage: Stage, failed: bool) -> Option<Plan> {
    let configuration = view.observed.configuration.as_ref()?;
    let list = configuration.session(&view.session.spec.session)?.hooks.as_ref()?;
    if stage.list(list).is_empty() {
        return None;
    }
    Some(match hooks::next(stage, list, view.status, failed) {
        NextHook::Done => view.step(Step::Record, succeeded(stage)),
        NextHook::Start(at) => {
            let mut plan = Plan { step: Step::StartHook(at), status: view.status.clone() };
            stage.write(&mut plan.status, hooks::key(stage.list(list), at.index), HookPhase::Pending);
            plan
        }
        NextHook::Await(at) => wait(view, list, at),
        // The record alone was written: the message is lost, the fact is not.
        NextHook::Failed(at) => fail(view, list, at, "it failed"),
    })
}

fn wait(view: &View<'_>, list: &BackupHooks, at: Position) -> Plan {
    match view.observed.hook.state() {
        Some(State::Running) => view.wait(Next::AwaitChange),
        Some(State::Waiting(waiting)) => {
            let left = waiting.patience - view.now.duration_since(waiting.since);
            if left <= SignedDuration::ZERO {
                return fail(view, list, at, &waiting.reason);
            }
            view.wait(Next::After(Duration::try_from(left).unwrap_or_default() + Duration::from_secs(1)))
        }
        Some(State::Succeeded) => {
            let mut plan = Plan { step: Step::Record, status: view.status.clone() };
            let key = hooks::key(at.stage.list(list), at.index);
            at.stage.write(&mut plan.status, key, HookPhase::Succeeded);
            plan
        }
        Some(State::Failed(why)) => fail(view, list, at, &why),
        None => fail(view, list, at, "its Job was deleted before it was done"),
    }
}

fn succeeded(stage: Stage) -> NewCondition {
    let (type_, reason) = match stage {
        Stage::Pre => {
            (word::PRE_BACKUP_HOOKS_EXECUTION_SUCCEEDED, word::SUCCESSFULLY_EXECUTED_PRE_BACKUP_HOOKS)
        }
        Stage::Post => {
            (word::POST_BACKUP_HOOKS_EXECUTION_SUCCEEDED, word::SUCCESSFULLY_EXECUTED_POST_BACKUP_HOOKS)
        }
    };
    NewCondition::new(type_, true, reason)
}

/// The condition of a stage of which a hook failed.
pub fn failed(stage: Stage, hook: &str, why: &str) -> NewCondition {
    let (type_, reason) = match stage {
        Stage::Pre => (word::PRE_BACKUP_HOOKS_EXECUTION_SUCCEEDED, word::FAILED_TO_EXECUTE_PRE_BACKUP_HOOKS),
        Stage::Post => {
            (word::POST_BACKUP_HOOKS_EXECUTION_SUCCEEDED, word::FAILED_TO_EXECUTE_POST_BACKUP_HOOKS)
        }
    };
    NewCondition::new(type_, false, reason).message(format!("hook \"{hook}\": {why}"))
}

/// The first hook that fails ends its list.
fn fail(view: &View<'_>, list: &BackupHooks, at: Position, why: &str) -> Plan {
    let key = hooks::key(at.stage.list(list), at.index);
    let mut status = view.status.clone();
    condition::set(&mut status.conditions, failed(at.stage, &key, why), view.now);
    at.stage.write(&mut status, key, HookPhase::Failed);
    Plan { step: Step::Record, status }
}
