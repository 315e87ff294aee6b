//! What one component reports, as numbers and as a part of the restore.

use std::time::Duration;

use archive::restore::report::Counts;
use crds::core::restore_session::{ComponentRestoreStatus, RestorePhase};
use jiff::Timestamp;

use crate::human;
use crate::progress::rate::Reports;
use crate::progress::{Part, State};

/// How many objects have their verdict.
pub(super) fn objects_done(component: &ComponentRestoreStatus) -> Option<u64> {
    let reported = component.progress.as_ref().and_then(|progress| progress.files_done);
    reported.and_then(|number| u64::try_from(number).ok())
}

/// How many objects became what; absent where an operator of upstream's did the work.
#[must_use]
pub fn counts(component: &ComponentRestoreStatus) -> Option<Counts> {
    let objects = component.objects?;
    let number = |value: i64| u64::try_from(value).unwrap_or_default();
    Some(Counts {
        created: number(objects.created),
        unchanged: number(objects.unchanged),
        updated: number(objects.updated),
        left: number(objects.left),
        skipped: number(objects.skipped),
        pruned: number(objects.pruned),
        failed: number(objects.failed),
    })
}

/// One component, as it reports itself.
pub(super) fn part(
    (name, snapshot): (&str, &str),
    component: &ComponentRestoreStatus,
    reports: Option<&Reports>,
    now: Timestamp,
) -> Part {
    let state = match component.phase {
        Some(RestorePhase::Succeeded) => State::Done,
        Some(RestorePhase::Failed | RestorePhase::Invalid | RestorePhase::Unknown) => State::Failed,
        Some(RestorePhase::Pending) | None => State::Todo,
        Some(RestorePhase::Running) => State::Active,
    };
    let progress = component.progress.clone().unwrap_or_default();
    let done = objects_done(component);
    let total = progress.total_files.and_then(|total| u64::try_from(total).ok()).filter(|total| *total > 0);
    #[expect(clippy::cast_precision_loss, reason = "a fraction for people")]
    let fraction = done.zip(total).map(|(done, total)| (done as f64 / total as f64).clamp(0.0, 1.0));
    let fraction = if state == State::Done { Some(1.0) } else { fraction };
    let is_last = fraction.is_some_and(|fraction| state == State::Active && fraction >= 0.999);
    let since_last = || reports.and_then(Reports::last).map(|last| human::between(last, now));
    Part {
        name: name.to_owned(),
        snapshot: snapshot.to_owned(),
        state,
        fraction,
        objects_done: done,
        objects_total: total,
        bytes_done: progress.restore_done.as_deref().and_then(human::parse_bytes),
        bytes_total: progress.total.as_deref().and_then(human::parse_bytes),
        bytes_per_second: None,
        left: total
            .zip(reports)
            .filter(|_| state == State::Active)
            .and_then(|(total, reports)| reports.left(total)),
        finishing: is_last.then(|| since_last().unwrap_or(Duration::ZERO)),
        added: None,
        counts: counts(component),
        error: component.error.clone(),
    }
}
