//! The hooks around the backup (contract §8.3 steps 3 and 8).

use crds::core::backup_session::condition as word;

use super::{Plan, Step, View};
use crate::hooks::{self, Act, Around, Stage, Written};

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
    let mut status = view.status.clone();
    let written = Written { hooks: &mut status.hooks, conditions: &mut status.conditions };
    let hook = (&view.observed.hook, view.now);
    let step = match hooks::turn(Around::Backup, (stage, failed), lists, hook, written) {
        Act::Record => Step::Record,
        Act::Start(at) => Step::StartHook(at),
        Act::Wait(next) => Step::Wait(next),
    };
    Some(Plan { step, status })
}
