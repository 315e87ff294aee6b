//! The hooks around the backup (contract §8.3 steps 3 and 8).

use crds::condition::{self, NewCondition};
use crds::core::backup_session::condition as word;
use crds::core::hook::HookPhase;

use super::{Plan, Step, View};
use crate::hooks::{self, Lists, Need, Position, Stage};

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
    stage(view, Stage::Post, crate::backup_session::has_failed(view.status))
}

fn stage(view: &View<'_>, stage: Stage, failed: bool) -> Option<Plan> {
    let lists = crate::backup_session::hooks(view.session, view.observed.configuration.as_ref());
    if lists.of(stage).is_empty() {
        return None;
    }
    let hook = &view.observed.hook;
    Some(match hooks::need((stage, failed), lists, view.status.hooks.as_ref(), hook, view.now) {
        Need::Nothing => view.step(Step::Record, succeeded(stage)),
        Need::Wait(next) => view.wait(next),
        Need::Start(at) => recorded(view, lists, (Step::StartHook(at), at, HookPhase::Pending)),
        Need::Succeeded(at) => recorded(view, lists, (Step::Record, at, HookPhase::Succeeded)),
        Need::Failed(at, why) => {
            let mut plan = recorded(view, lists, (Step::Record, at, HookPhase::Failed));
            let failed = self::failed(stage, &lists.key(at), &why);
            condition::set(&mut plan.status.conditions, failed, view.now);
            plan
        }
    })
}

fn recorded(view: &View<'_>, lists: Lists<'_>, (step, at, phase): (Step, Position, HookPhase)) -> Plan {
    let mut status = view.status.clone();
    at.stage.write(&mut status.hooks, lists.key(at), phase);
    Plan { step, status }
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

/// The condition of a stage of which a hook failed: the first that fails ends its list.
pub fn failed(stage: Stage, hook: &str, why: &str) -> NewCondition {
    let (type_, reason) = match stage {
        Stage::Pre => (word::PRE_BACKUP_HOOKS_EXECUTION_SUCCEEDED, word::FAILED_TO_EXECUTE_PRE_BACKUP_HOOKS),
        Stage::Post => {
            (word::POST_BACKUP_HOOKS_EXECUTION_SUCCEEDED, word::FAILED_TO_EXECUTE_POST_BACKUP_HOOKS)
        }
    };
    NewCondition::new(type_, false, reason).message(format!("hook \"{hook}\": {why}"))
}
