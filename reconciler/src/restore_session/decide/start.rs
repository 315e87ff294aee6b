//! From a new session to a valid one, with its Snapshot chosen and its deadline set (contract §8.7 steps 1 to 5).

use std::time::Duration;

use crds::condition::{self, NewCondition};
use crds::core::restore_session::{RestoreSessionStatus, condition as word};
use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{Plan, Step, View};
use crate::cluster::Target;
use crate::outcome::Next;
use crate::restore_session::observed::Found;
use crate::restore_session::pause;
use crate::restore_session::validate::{self, Verdict};

/// What is missing may be on its way; what needs longer is a problem.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// Not everything that is waited for tells when it comes.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The components that a restore of manifests has.
const COMPONENTS: i32 = 1;

/// Validates the session once, and records what was decided: its Snapshot, and the backups that are to be paused.
pub(super) fn validation(view: &View<'_>) -> Option<Plan> {
    if view.has(word::VALIDATION_PASSED) {
        return None;
    }
    let found = view.observed.found.as_deref()?;
    let Verdict { dependencies, mut problems, missing } = validate::validate(view.session, found);
    let mut status = view.status.clone();
    status.dependencies = dependencies;
    status.total_components = Some(COMPONENTS);
    target(found, &mut status, view);
    let is_hopeless = !problems.is_empty() || view.now.duration_since(view.created()) >= PATIENCE;
    if !missing.is_empty() && !is_hopeless {
        let step = Step::Wait(Next::After(LOOK_AGAIN));
        return Some(Plan { step, status });
    }
    problems.extend(missing);
    let generation = view.session.metadata.generation;
    if problems.is_empty() {
        let passed = NewCondition::new(word::VALIDATION_PASSED, true, word::RESOURCE_VALIDATION_PASSED);
        condition::set(&mut status.conditions, passed.observed(generation), view.now);
        status.restore_deadline = deadline(view);
        let configurations = view.observed.configurations.iter();
        let concerned = configurations.filter(|configuration| pause::concerns(configuration, view.session));
        status.paused_backups = concerned.map(pause::reference).collect();
    } else {
        let failed = NewCondition::new(word::VALIDATION_PASSED, false, word::RESOURCE_VALIDATION_FAILED);
        let failed = failed.observed(generation).message(problems.join("; "));
        condition::set(&mut status.conditions, failed, view.now);
    }
    Some(Plan { step: Step::Record, status })
}

/// A target that is missing is no problem: a restore may bring it back.
fn target(found: &Found, status: &mut RestoreSessionStatus, view: &View<'_>) {
    let Some(target) = found.target else { return };
    status.target_found = Some(target == Target::Found);
    let checked = match target {
        Target::Missing => return,
        Target::Found => NewCondition::new(word::RESTORE_TARGET_FOUND, true, word::RESTORE_TARGET_FOUND),
        Target::Unknown => {
            NewCondition::new(word::RESTORE_TARGET_FOUND, false, word::UNABLE_TO_CHECK_TARGET_AVAILABILITY)
                .message("the operator may not look at objects of this kind; the restore itself will see")
        }
    };
    condition::set(&mut status.conditions, checked, view.now);
}

/// When the restore must be over.
fn deadline(view: &View<'_>) -> Option<Time> {
    let timeout = crds::duration::parse(view.session.spec.restore_timeout.as_deref()?).ok()?;
    view.now.checked_add(timeout).ok().map(Time)
}
