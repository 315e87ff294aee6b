//! What one component reports, as numbers and as a part of the run.

use std::time::Duration;

use crds::storage::snapshot::{Component, ComponentPhase};
use jiff::Timestamp;

use crate::human;
use crate::progress::rate::Reports;
use crate::progress::{Part, State};

/// What a component reports, as numbers.
pub(super) struct Numbers {
    percent: Option<f64>,
    pub(super) objects_done: Option<u64>,
    objects_total: Option<u64>,
    pub(super) bytes_done: Option<u64>,
    bytes_total: Option<u64>,
    speed: Option<u64>,
}

impl Numbers {
    pub(super) fn of(component: &Component) -> Self {
        let progress =
            component.restic_stats.first().and_then(|stats| stats.progress.clone()).unwrap_or_default();
        let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
        let percent =
            progress.percent_done.as_deref().and_then(|text| text.trim_end_matches('%').trim().parse().ok());
        Self {
            percent,
            objects_done: number(progress.files_done),
            objects_total: number(progress.total_files).filter(|total| *total > 0),
            bytes_done: progress.backup_done.as_deref().and_then(human::parse_bytes),
            bytes_total: progress.total.as_deref().and_then(human::parse_bytes),
            speed: progress.speed.as_deref().and_then(|text| human::parse_bytes(text.trim_end_matches("/s"))),
        }
    }
}

/// One repository's part of a run, as its component reports it.
pub(super) fn part(
    (name, snapshot): (String, &str),
    component: &Component,
    reports: Option<&Reports>,
    now: Timestamp,
) -> Part {
    let numbers = Numbers::of(component);
    let state = match component.phase {
        Some(ComponentPhase::Succeeded) => State::Done,
        Some(ComponentPhase::Failed) => State::Failed,
        Some(ComponentPhase::Pending) | None => State::Todo,
        Some(ComponentPhase::Running) => State::Active,
    };
    #[expect(clippy::cast_precision_loss, reason = "a fraction for people")]
    let of_objects =
        numbers.objects_done.zip(numbers.objects_total).map(|(done, total)| done as f64 / total as f64);
    let fraction = match state {
        State::Done => Some(1.0),
        _ => numbers
            .percent
            .map(|percent| percent / 100.0)
            .or(of_objects)
            .map(|fraction| fraction.clamp(0.0, 1.0)),
    };
    let total = if numbers.objects_done.is_some() { numbers.objects_total } else { numbers.bytes_total };
    let summary = component.restic_stats.first().and_then(|stats| stats.summary.as_ref());
    Part {
        name,
        snapshot: snapshot.to_owned(),
        state,
        fraction,
        objects_done: numbers.objects_done,
        objects_total: numbers.objects_total,
        bytes_done: numbers.bytes_done,
        bytes_total: numbers.bytes_total,
        bytes_per_second: numbers.speed,
        left: total
            .zip(reports)
            .filter(|_| state == State::Active)
            .and_then(|(total, reports)| reports.left(total)),
        finishing: fraction.filter(|fraction| state == State::Active && *fraction >= 0.999).map(|_| {
            reports.and_then(Reports::last).map_or(Duration::ZERO, |last| human::between(last, now))
        }),
        added: summary.and_then(|summary| crds::size::parse(summary.uploaded.as_deref()?).ok()),
        counts: None,
        error: component.error.clone(),
    }
}
