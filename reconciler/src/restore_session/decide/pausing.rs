//! The backups of the target rest while it is restored (contract §8.7 steps 4 and 7).

use crds::core::BackupConfiguration;
use crds::core::restore_session::condition as word;

use super::{Plan, Step, View};
use crate::restore_session::pause as rule;

/// Pauses what was decided to be paused, until the restore begins.
pub(super) fn pause(view: &View<'_>) -> Option<Plan> {
    let has_begun = view.has(word::PRE_RESTORE_HOOKS_EXECUTION_SUCCEEDED)
        || view.has(word::RESTORE_EXECUTOR_ENSURED)
        || view.status.hooks.is_some();
    if view.is_invalid() || has_begun {
        return None;
    }
    let is_decided = |one: &BackupConfiguration| view.status.paused_backups.contains(&rule::reference(one));
    let open: Vec<BackupConfiguration> = view
        .observed
        .configurations
        .iter()
        .filter(|one| {
            is_decided(one) && rule::concerns(one, view.session) && !rule::is_held(one, view.session)
        })
        .cloned()
        .collect();
    (!open.is_empty()).then(|| Plan { step: Step::Pause(open), status: view.status.clone() })
}

/// Resumes them, however the restore went.
pub(super) fn resume(view: &View<'_>) -> Option<Plan> {
    let held = view.observed.configurations.iter().filter(|one| rule::is_held(one, view.session));
    let held: Vec<BackupConfiguration> = held.cloned().collect();
    (!held.is_empty()).then(|| Plan { step: Step::Resume(held), status: view.status.clone() })
}
