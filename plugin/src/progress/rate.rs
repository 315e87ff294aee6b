//! How fast, and how long still: from the last few reports, and only when they are ground for it.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::human;

/// How many reports count.
const KEPT: usize = 7;

/// The shortest remaining time that is told, and the shortest history that it may follow from.
const LEAST: Duration = Duration::from_secs(20);

/// Reports of one part of a run: when, and how much was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    reports: VecDeque<(Timestamp, u64)>,
}

impl Reports {
    /// Takes note of a report. One that says the same as the last changes nothing; one that says less began anew.
    pub fn note(&mut self, now: Timestamp, done: u64) {
        match self.reports.back() {
            Some((_, before)) if *before == done => return,
            Some((_, before)) if *before > done => self.reports.clear(),
            _ => {}
        }
        self.reports.push_back((now, done));
        if self.reports.len() > KEPT {
            self.reports.pop_front();
        }
    }

    /// When the last report came that said something new.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.reports.back().map(|(when, _)| *when)
    }

    /// The time that is left, if at least three reports over at least twenty seconds say so.
    #[must_use]
    pub fn left(&self, total: u64) -> Option<Duration> {
        let ((first, from), (last, to)) = (self.reports.front()?, self.reports.back()?);
        let span = human::between(*first, *last);
        if self.reports.len() < 3 || span < LEAST || to <= from {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let seconds = (total.saturating_sub(*to)) as f64 * span.as_secs_f64() / (to - from) as f64;
        let left = Duration::try_from_secs_f64(seconds).ok()?;
        (left > Duration::ZERO).then_some(left)
    }
}

/// A remaining time as honestly as it is known: `about 50s left`, `about 3m left`, `over 1h left`.
#[must_use]
pub fn spoken(left: Duration) -> String {
    let seconds = left.as_secs();
    if seconds < 60 {
        format!("about {}s left", seconds.div_ceil(10).max(1) * 10)
    } else if seconds < 3600 {
        format!("about {}m left", seconds.div_ceil(60))
    } else {
        format!("over {}h left", seconds / 3600)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_763_806_800 + second).unwrap()
    }

    #[test]
    fn time_left_needs_three_reports_over_twenty_seconds() {
        let mut reports = Reports::default();
        for (second, done, expected) in
            [(0, 0, None), (10, 100, None), (20, 200, Some(80)), (30, 300, Some(70))]
        {
            reports.note(at(second), done);
            assert_eq!(reports.left(1000), expected.map(Duration::from_secs), "after {second} s");
        }
        assert_eq!(reports.left(300), None, "never 0s");
    }

    #[test]
    fn a_repeated_report_counts_once_and_a_smaller_one_begins_anew() {
        let mut reports = Reports::default();
        for second in 0..30 {
            reports.note(at(second), 100);
        }
        assert_eq!(reports.left(1000), None);
        reports.note(at(40), 50);
        assert_eq!(reports, {
            let mut fresh = Reports::default();
            fresh.note(at(40), 50);
            fresh
        });
    }

    #[test]
    fn remaining_times_are_rounded_up() {
        for (seconds, text) in
            [(3, "about 10s left"), (41, "about 50s left"), (130, "about 3m left"), (4000, "over 1h left")]
        {
            assert_eq!(spoken(Duration::from_secs(seconds)), text);
        }
    }
}
