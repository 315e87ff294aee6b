//! Which Snapshots a RetentionPolicy keeps, and which it removes.
//!
//! The rules are those of KubeStash's documentation, made exact (contract §6.6 and A25):
//! - the Snapshots of one repository **and** one session are judged together;
//! - of the succeeded ones the union of `last`, `hourly`, `daily`, `weekly`, `monthly` and `yearly` stays, where for
//!   example `daily: 3` is the newest of each of the three newest days that have one. Days are days in UTC, weeks
//!   are ISO weeks;
//! - of the failed ones the newest `failedSnapshots.last` stay;
//! - what is not finished is never removed;
//! - whatever is older than `maxRetentionPeriod` goes, whichever of the above wanted it.
//!
//! Two values that would remove everything are read as "not set", because nobody means them: counts of which none is
//! above zero, and a period that is not above zero.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::retention_period::{RetentionPeriod, RetentionPeriodError};
use crate::storage::retention_policy::RetentionPolicySpec;

/// How a Snapshot ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It can be restored.
    Succeeded,
    /// It failed.
    Failed,
    /// It is pending or running.
    Unfinished,
}

/// A Snapshot as far as retention is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Name of the Snapshot.
    pub name: String,
    /// `status.snapshotTime`.
    pub time: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
}

/// What to keep. The counts are numbers of Snapshots; zero keeps none by that rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// `spec.maxRetentionPeriod`; nothing is too old without it.
    pub period: Option<SignedDuration>,
    /// `spec.successfulSnapshots`; without a count above zero every succeeded Snapshot stays.
    pub succeeded: BTreeMap<Bucket, u32>,
    /// `spec.failedSnapshots.last`.
    pub failed: u32,
}

impl Rules {
    /// What a policy says; a count below zero keeps none.
    ///
    /// # Errors
    /// When `maxRetentionPeriod` is no period.
    pub fn of(policy: &RetentionPolicySpec) -> Result<Self, RetentionPeriodError> {
        let period = match policy.max_retention_period.as_deref() {
            None => None,
            Some(text) => Some(SignedDuration::from_mins(text.parse::<RetentionPeriod>()?.as_minutes())),
        };
        let count = |count: Option<i32>| count.and_then(|count| u32::try_from(count).ok()).unwrap_or(0);
        let succeeded = policy.successful_snapshots.clone().unwrap_or_default();
        Ok(Self {
            period,
            succeeded: BTreeMap::from([
                (Bucket::Last, count(succeeded.last)),
                (Bucket::Hourly, count(succeeded.hourly)),
                (Bucket::Daily, count(succeeded.daily)),
                (Bucket::Weekly, count(succeeded.weekly)),
                (Bucket::Monthly, count(succeeded.monthly)),
                (Bucket::Yearly, count(succeeded.yearly)),
            ]),
            failed: u32::try_from(policy.failed_to_keep()).unwrap_or(0),
        })
    }
}

/// One of the counts of `spec.successfulSnapshots`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// Each Snapshot by itself.
    Last,
    /// The newest of an hour.
    Hourly,
    /// The newest of a day.
    Daily,
    /// The newest of an ISO week.
    Weekly,
    /// The newest of a month.
    Monthly,
    /// The newest of a year.
    Yearly,
}

impl fmt::Display for Bucket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Last => "last",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
        })
    }
}

/// Why a Snapshot goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is older than `maxRetentionPeriod`.
    TooOld,
    /// No count of `successfulSnapshots` holds it.
    NotCounted,
    /// Newer failed Snapshots fill `failedSnapshots.last`.
    FailedBefore,
}

/// Every candidate, on one side or the other; newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// What stays.
    pub keep: Vec<String>,
    /// What goes, and why.
    pub remove: Vec<(String, Removal)>,
}

/// Judges the Snapshots of one repository and session at `now`.
#[must_use]
pub fn select(rules: &Rules, candidates: &[Candidate], now: Timestamp) -> Selection {
    let mut newest_first: Vec<&Candidate> = candidates.iter().collect();
    newest_first.sort_by(|one, other| other.time.cmp(&one.time).then_with(|| other.name.cmp(&one.name)));
    let counted = counted(rules, &newest_first);

    let mut selection = Selection::default();
    let mut failed = 0;
    for candidate in newest_first {
        let too_old = too_old(rules, candidate.time, now);
        let removal = match candidate.outcome {
            Outcome::Unfinished => None,
            _ if too_old => Some(Removal::TooOld),
            Outcome::Succeeded => (!counted.contains(candidate.name.as_str())).then_some(Removal::NotCounted),
            Outcome::Failed => {
                failed += 1;
                (failed > rules.failed).then_some(Removal::FailedBefore)
            }
        };
        match removal {
            None => selection.keep.push(candidate.name.clone()),
            Some(reason) => selection.remove.push((candidate.name.clone(), reason)),
        }
    }
    selection
}

/// Whether `time` lies before everything that the period covers.
fn too_old(rules: &Rules, time: Timestamp, now: Timestamp) -> bool {
    match rules.period {
        Some(period) if period > SignedDuration::ZERO => now.duration_since(time) > period,
        _ => false,
    }
}

/// The names of the succeeded ones that some count holds; of all of them when there is no count.
fn counted<'a>(rules: &Rules, newest_first: &[&'a Candidate]) -> BTreeSet<&'a str> {
    let succeeded = || newest_first.iter().filter(|candidate| candidate.outcome == Outcome::Succeeded);
    if rules.succeeded.values().all(|count| *count == 0) {
        return succeeded().map(|candidate| candidate.name.as_str()).collect();
    }
    let mut held = BTreeSet::new();
    for (bucket, count) in &rules.succeeded {
        let mut seen = BTreeSet::new();
        for (position, candidate) in succeeded().enumerate() {
            if seen.len() >= *count as usize {
                break;
            }
            if seen.insert(interval(*bucket, candidate.time, position)) {
                held.insert(candidate.name.as_str());
            }
        }
    }
    held
}

/// The hour, day, week, month or year that `time` lies in; for `last` each Snapshot is one of its own.
fn interval(bucket: Bucket, time: Timestamp, position: usize) -> (i64, i64) {
    let moment = time.to_zoned(TimeZone::UTC).datetime();
    let date: Date = moment.date();
    let year = i64::from(date.year());
    match bucket {
        Bucket::Last => (0, i64::try_from(position).unwrap_or(i64::MAX)),
        Bucket::Hourly => (year, i64::from(date.day_of_year()) * 24 + i64::from(moment.hour())),
        Bucket::Daily => (year, i64::from(date.day_of_year())),
        Bucket::Weekly => {
            let week = date.iso_week_date();
            (i64::from(week.year()), i64::from(week.week()))
        }
        Bucket::Monthly => (year, i64::from(date.month())),
        Bucket::Yearly => (year, 0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("{text}Z").parse().unwrap()
    }

    fn candidate(time: &str, outcome: Outcome) -> Candidate {
        Candidate { name: time.to_owned(), time: at(time), outcome }
    }

    fn succeeded(times: &[&str]) -> Vec<Candidate> {
        times.iter().map(|time| candidate(time, Outcome::Succeeded)).collect()
    }

    fn rules(counts: &[(Bucket, u32)]) -> Rules {
        Rules { succeeded: counts.iter().copied().collect(), failed: 1, ..Rules::default() }
    }

    const NOW: &str = "2026-03-01T12:00:00";

    #[test]
    fn each_count_keeps_the_newest_of_its_intervals() {
        let timeline = succeeded(&[
            "2026-03-01T11:50:00",
            "2026-03-01T11:10:00",
            "2026-03-01T10:59:59",
            "2026-02-28T23:00:00", // a Saturday, as the first of March 2026 is a Sunday: the same ISO week
            "2026-02-22T23:59:59", // the Sunday of the week before
            "2026-01-01T00:00:00",
            "2025-12-31T23:59:59",
            "2024-05-05T05:05:05",
        ]);
        for (bucket, count, kept) in [
            (Bucket::Last, 2, vec![0, 1]),
            (Bucket::Hourly, 2, vec![0, 2]),
            (Bucket::Daily, 2, vec![0, 3]),
            (Bucket::Weekly, 2, vec![0, 4]),
            // The first of January 2026 and the last of December 2025 lie in one ISO week, the first of 2026.
            (Bucket::Weekly, 3, vec![0, 4, 5]),
            (Bucket::Monthly, 3, vec![0, 3, 5]),
            (Bucket::Yearly, 9, vec![0, 6, 7]),
            (Bucket::Last, 100, vec![0, 1, 2, 3, 4, 5, 6, 7]),
        ] {
            let selection = select(&rules(&[(bucket, count)]), &timeline, at(NOW));
            let expected: Vec<_> =
                kept.into_iter().map(|index: usize| timeline[index].name.clone()).collect();
            assert_eq!(selection.keep, expected, "{bucket}: {count}");
        }
    }

    #[test]
    fn counts_are_a_union() {
        let timeline = succeeded(&["2026-03-01T11:50:00", "2026-03-01T11:10:00", "2026-02-28T23:00:00"]);
        let selection = select(&rules(&[(Bucket::Last, 1), (Bucket::Daily, 2)]), &timeline, at(NOW));
        assert_eq!(selection.keep, ["2026-03-01T11:50:00", "2026-02-28T23:00:00"]);
        assert_eq!(selection.remove, [("2026-03-01T11:10:00".to_owned(), Removal::NotCounted)]);
    }

    #[test]
    fn nothing_older_than_the_period_stays_whatever_counts_it() {
        let timeline = succeeded(&["2026-03-01T11:00:00", "2026-02-28T12:00:00", "2026-02-28T11:59:59"]);
        let period = Some(SignedDuration::from_hours(24));
        for succeeded in [BTreeMap::new(), BTreeMap::from([(Bucket::Last, 9)])] {
            let selection = select(&Rules { period, succeeded, failed: 1 }, &timeline, at(NOW));
            assert_eq!(selection.keep.len(), 2);
            assert_eq!(selection.remove, [("2026-02-28T11:59:59".to_owned(), Removal::TooOld)]);
        }
    }

    #[test]
    fn without_counts_all_inside_the_period_stay() {
        let timeline = succeeded(&["2026-03-01T11:50:00", "2026-03-01T11:10:00"]);
        for counts in [&[][..], &[(Bucket::Last, 0)][..]] {
            assert_eq!(select(&rules(counts), &timeline, at(NOW)).keep.len(), 2);
        }
    }

    #[test]
    fn a_period_that_is_not_above_zero_removes_nothing() {
        let timeline = succeeded(&["2020-03-01T11:50:00"]);
        for period in [SignedDuration::ZERO, SignedDuration::from_hours(-1)] {
            let rules = Rules { period: Some(period), ..Rules::default() };
            assert!(select(&rules, &timeline, at(NOW)).remove.is_empty());
        }
    }

    #[test]
    fn failed_ones_are_counted_apart() {
        let timeline = [
            candidate("2026-03-01T11:00:00", Outcome::Failed),
            candidate("2026-03-01T10:00:00", Outcome::Failed),
            candidate("2026-03-01T09:00:00", Outcome::Succeeded),
        ];
        let selection = select(&rules(&[(Bucket::Last, 1)]), &timeline, at(NOW));
        assert_eq!(selection.keep, ["2026-03-01T11:00:00", "2026-03-01T09:00:00"]);
        assert_eq!(selection.remove, [("2026-03-01T10:00:00".to_owned(), Removal::FailedBefore)]);
    }

    fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
        let outcome = prop_oneof![Just(Outcome::Succeeded), Just(Outcome::Failed), Just(Outcome::Unfinished)];
        prop::collection::vec((0_i64..4_000_000, outcome), 0..60).prop_map(|drawn| {
            drawn
                .into_iter()
                .enumerate()
                .map(|(index, (minutes, outcome))| Candidate {
                    name: format!("s{index}"),
                    time: at(NOW) - SignedDuration::from_mins(minutes),
                    outcome,
                })
                .collect()
        })
    }

    fn any_rules() -> impl Strategy<Value = Rules> {
        let bucket = prop_oneof![
            Just(Bucket::Last),
            Just(Bucket::Hourly),
            Just(Bucket::Daily),
            Just(Bucket::Weekly),
            Just(Bucket::Monthly),
            Just(Bucket::Yearly)
        ];
        (prop::option::of(1_i64..4_000_000), prop::collection::btree_map(bucket, 0_u32..6, 0..4), 0_u32..4)
            .prop_map(|(minutes, succeeded, failed)| Rules {
                period: minutes.map(SignedDuration::from_mins),
                succeeded,
                failed,
            })
    }

    proptest! {
        #[test]
        fn every_candidate_is_judged_once(candidates in any_candidates(), rules in any_rules()) {
            let selection = select(&rules, &candidates, at(NOW));
            let mut judged: Vec<_> = selection.keep.into_iter()
                .chain(selection.remove.into_iter().map(|(name, _)| name)).collect();
            judged.sort();
            let mut all: Vec<_> = candidates.into_iter().map(|candidate| candidate.name).collect();
            all.sort();
            prop_assert_eq!(judged, all);
        }

        #[test]
        fn what_is_unfinished_is_never_removed(candidates in any_candidates(), rules in any_rules()) {
            for (name, _) in select(&rules, &candidates, at(NOW)).remove {
                let candidate = candidates.iter().find(|candidate| candidate.name == name).unwrap();
                prop_assert_ne!(candidate.outcome, Outcome::Unfinished);
            }
        }

        #[test]
        fn applying_it_again_changes_nothing(candidates in any_candidates(), rules in any_rules()) {
            let kept = select(&rules, &candidates, at(NOW)).keep;
            let left: Vec<_> = candidates.into_iter().filter(|candidate| kept.contains(&candidate.name)).collect();
            prop_assert!(select(&rules, &left, at(NOW)).remove.is_empty());
        }

        #[test]
        fn the_newest_success_stays_unless_it_is_too_old(candidates in any_candidates(), rules in any_rules()) {
            let rules = Rules { period: None, ..rules };
            let newest = candidates.iter().filter(|candidate| candidate.outcome == Outcome::Succeeded)
                .max_by(|one, other| one.time.cmp(&other.time).then_with(|| one.name.cmp(&other.name)));
            if let Some(newest) = newest {
                prop_assert!(select(&rules, &candidates, at(NOW)).keep.contains(&newest.name));
            }
        }

        #[test]
        fn a_larger_count_keeps_at_least_as_much(candidates in any_candidates(), rules in any_rules()) {
            let larger = Rules {
                succeeded: rules.succeeded.iter().map(|(bucket, count)| (*bucket, count + u32::from(*count > 0))).collect(),
                failed: rules.failed + 1,
                period: rules.period,
            };
            let less = select(&rules, &candidates, at(NOW)).keep;
            let more = select(&larger, &candidates, at(NOW)).keep;
            prop_assert!(less.iter().all(|name| more.contains(name)));
        }
    }
}
