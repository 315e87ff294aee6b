//! The hooks around the restore (contract §8.7 steps 5 and 7).

use crds::core::restore_session::condition as word;

use super::{Plan, Step, View};
use crate::hooks::{self, Act, Around, Stage, Written};
use crate::restore_session;

/// Before the restore.
pub(super) fn before(view: &View<'_>) -> Option<Plan> {
    if view.is_called_off() || view.has(word::PRE_RESTORE_HOOKS_EXECUTION_SUCCEEDED) {
        return None;
    }
    stage(view, Stage::Pre, false)
}

/// After the restore, however it went; an invalid session has not even begun.
pub(super) fn after(view: &View<'_>) -> Option<Plan> {
    if view.is_invalid() || view.has(word::POST_RESTORE_HOOKS_EXECUTION_SUCCEEDED) {
        return None;
    }
    stage(view, Stage::Post, restore_session::has_failed(view.status))
}

fn stage(view: &View<'_>, stage: Stage, failed: bool) -> Option<Plan> {
    let lists = restore_session::hooks(view.session);
    if lists.of(stage).is_empty() {
        return None;
    }
    let mut status = view.status.clone();
    let written = Written { hooks: &mut status.hooks, conditions: &mut status.conditions };
    let hook = (&view.observed.hook, view.now);
    let step = match hooks::turn(Around::Restore, (stage, failed), lists, hook, written) {
        Act::Record => Step::Record,
        Act::Start(at) => Step::StartHook(at),
        Act::Wait(next) => Step::Wait(next),
    };
    Some(Plan { step, status })
}
