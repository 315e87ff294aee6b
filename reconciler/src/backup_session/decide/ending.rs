//! What comes after the backup: retention, hooks, history, the end, and another attempt (contract §8.3 steps 7 to 11,
//! A28 to A32).

use std::time::Duration;

use crds::condition::{self, NewCondition};
use crds::core::backup_configuration::Session;
use crds::core::backup_session::{BackupSessionPhase, RetentionPolicyPhase, condition as word};
use crds::core::{BackupSession, BackupSessionStatus};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{Plan, Step, View};
use crate::backup_session::{build, retention as policies};
use crate::executor::State;
use crate::outcome::Next;

fn session<'a>(view: &View<'a>) -> Option<&'a Session> {
    view.observed.configuration.as_ref()?.session(&view.session.spec.session)
}

/// A session that is over is left alone, but for its next attempt.
pub(super) fn after_the_end(view: &View<'_>) -> Option<Plan> {
    if !view.has(word::METRICS_PUSHED) {
        return None;
    }
    let rest = view.wait(Next::AwaitChange);
    let (Some(Time(due)), None | Some(false)) = (&view.status.next_retry, view.status.retried) else {
        return Some(rest);
    };
    let Some(configuration) = &view.observed.configuration else { return Some(rest) };
    if *due > view.now {
        let seconds = u64::try_from(due.duration_since(view.now).as_secs()).unwrap_or(0);
        return Some(view.wait(Next::After(Duration::from_secs(seconds + 1))));
    }
    let again = build::next_attempt(view.session, configuration, *due);
    let mut status = view.status.clone();
    status.retried = Some(true);
    Some(Plan { step: Step::TryAgain(Box::new(again)), status })
}

/// The retention policies of the session's repositories. A Job is made only when there is something to remove.
pub(super) fn retention(view: &View<'_>) -> Option<Plan> {
    if view.is_skipped() || view.status.snapshots.is_empty() || is_settled(view.status) {
        return None;
    }
    let wanted = policies::of_session(view.session, view.observed, view.now);
    if !view.has(word::RETENTION_POLICY_EXECUTOR_ENSURED) {
        let ensured = NewCondition::new(
            word::RETENTION_POLICY_EXECUTOR_ENSURED,
            true,
            word::SUCCESSFULLY_ENSURED_RETENTION_POLICY_EXECUTOR,
        );
        if wanted.iter().any(|one| !one.remove.is_empty()) {
            return Some(view.step(Step::StartRetention, ensured));
        }
        let mut plan = view.step(Step::Record, ensured.message("no Snapshot has to be removed"));
        plan.status.retention_policy = wanted.into_iter().map(policies::Wanted::without_removal).collect();
        return Some(plan);
    }
    if view.is_false(word::RETENTION_POLICY_EXECUTOR_ENSURED) {
        return None;
    }
    let why = match view.observed.retention.state() {
        Some(State::Waiting(waiting)) => {
            let left = waiting.patience - view.now.duration_since(waiting.since);
            if left > SignedDuration::ZERO {
                let seconds = u64::try_from(left.as_secs()).unwrap_or(0);
                return Some(view.wait(Next::After(Duration::from_secs(seconds + 1))));
            }
            waiting.reason
        }
        Some(State::Running) => return Some(view.wait(Next::AwaitChange)),
        Some(State::Succeeded) => "the retention Job ended without reporting".to_owned(),
        Some(State::Failed(why)) => why,
        None => "the retention Job was deleted before it was done".to_owned(),
    };
    let incomplete = NewCondition::new(
        word::SNAPSHOT_CLEANUP_INCOMPLETE,
        true,
        word::SNAPSHOT_CLEANUP_TERMINATED_BEFORE_COMPLETION,
    );
    let mut plan = view.step(Step::Record, incomplete.message(why.clone()));
    plan.status.retention_policy = policies::unreported(&view.status.retention_policy, wanted, &why);
    Some(plan)
}

/// Whether every policy has been applied or has failed. A session whose retention was looked at and found nothing to
/// apply has no entries at all.
fn is_settled(status: &BackupSessionStatus) -> bool {
    let looked_at = condition::exists(&status.conditions, word::RETENTION_POLICY_EXECUTOR_ENSURED);
    let pending = |phase: Option<RetentionPolicyPhase>| {
        phase.is_none_or(|phase| phase == RetentionPolicyPhase::Pending)
    };
    let reported = !status.retention_policy.iter().any(|one| pending(one.phase));
    let none_running = !status.retention_policy.is_empty()
        || condition::find(&status.conditions, word::RETENTION_POLICY_EXECUTOR_ENSURED)
            .is_some_and(|condition| condition.message.is_some());
    looked_at && reported && none_running
}

/// Removes the oldest completed sessions beyond `sessionHistoryLimit`. This one counts, as it is all but over.
pub(super) fn history(view: &View<'_>) -> Option<Plan> {
    if view.has(word::SESSION_HISTORY_CLEANED) {
        return None;
    }
    let cleaned =
        NewCondition::new(word::SESSION_HISTORY_CLEANED, true, word::SUCCESSFULLY_CLEANED_SESSION_HISTORY);
    // Without its session the limit is not known; the sessions then go with their configuration.
    let superfluous =
        session(view).map(|session| beyond_history(view, session.history_limit())).unwrap_or_default();
    Some(view.step(Step::Forget(superfluous), cleaned))
}

fn beyond_history(view: &View<'_>, limit: i32) -> Vec<BackupSession> {
    let key = |session: &BackupSession| {
        (session.metadata.creation_timestamp.as_ref().map(|time| time.0), session.metadata.name.clone())
    };
    let ours = key(view.session);
    let mut completed: Vec<&BackupSession> = view
        .observed
        .siblings
        .iter()
        .filter(|session| super::is_completed(session) && session.metadata.deletion_timestamp.is_none())
        .collect();
    completed.sort_by_key(|session| std::cmp::Reverse(key(session)));
    // A limit below one would remove the session that is being looked at.
    let limit = usize::try_from(limit).unwrap_or(1).max(1);
    // This session takes one of the places; a younger one that was skipped meanwhile has its own.
    let mut places = limit.saturating_sub(1);
    completed
        .into_iter()
        .filter(|session| {
            if places > 0 || key(session) > ours {
                places = places.saturating_sub(1);
                return false;
            }
            true
        })
        .cloned()
        .collect()
}

/// The last condition, the duration, and the time of another attempt.
pub(super) fn finish(view: &View<'_>) -> Plan {
    let pushed = NewCondition::new(word::METRICS_PUSHED, true, word::SUCCESSFULLY_PUSHED_METRICS);
    let mut plan = view.step(Step::Finish, pushed);
    plan.status.duration = Some(crds::duration::format_seconds(view.now.duration_since(view.created())));
    let retry = session(view).and_then(|session| session.retry_config.as_ref());
    if let Some(retry) = retry {
        plan.status.retried = Some(false);
        let left = view.session.spec.retry_left.unwrap_or(0);
        if plan.status.phase() == BackupSessionPhase::Failed && left > 0 {
            plan.status.next_retry = next_retry(view.now, retry.delay.as_deref()).map(Time);
        }
    }
    plan
}

/// A delay that cannot be read is none: the attempt is worth more than the pause.
fn next_retry(now: Timestamp, delay: Option<&str>) -> Option<Timestamp> {
    let delay = delay.and_then(|delay| crds::duration::parse(delay).ok()).unwrap_or_default();
    now.checked_add(delay).ok()
}
