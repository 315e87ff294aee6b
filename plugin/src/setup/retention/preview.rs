//! What a policy comes to: how many snapshots there will be once it has been in force for long, and how far back they
//! reach. Told by the very rules that the operator applies, over backups that run evenly.

use crds::retention::{self, Bucket, Candidate, Outcome, Rules};
use jiff::{SignedDuration, Timestamp};

use super::Flags;

/// Backups that run evenly, and how that is said.
pub const RHYTHMS: [(SignedDuration, &str); 3] = [
    (SignedDuration::from_hours(1), "one backup an hour"),
    (SignedDuration::from_hours(24), "one backup a day"),
    (SignedDuration::from_hours(7 * 24), "one backup a week"),
];

/// Nobody has looked further back than that, and an estimate must not take longer than a blink.
const HORIZON: SignedDuration = SignedDuration::from_hours(12 * 366 * 24);
const MANY: usize = 120_000;

/// What is there in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// How many snapshots of one repository and session.
    pub number: usize,
    /// Age of the oldest one.
    pub oldest: SignedDuration,
}

/// What stays of backups that ran every `pause` for long, at `now`. `None` where the flags are no policy, or keep
/// everything.
#[must_use]
pub fn kept(flags: &Flags, pause: SignedDuration, now: Timestamp) -> Option<Kept> {
    let rules = Rules::of(&flags.spec().ok()?).ok()?;
    let reach = reach(&rules, pause)?.min(HORIZON);
    let number = usize::try_from(reach.as_secs() / pause.as_secs().max(1)).ok()?.saturating_add(2).min(MANY);
    let slots = std::iter::successors(Some(now), |slot| slot.checked_sub(pause).ok()).take(number);
    let candidates: Vec<Candidate> = slots
        .enumerate()
        .map(|(index, time)| Candidate { name: index.to_string(), time, outcome: Outcome::Succeeded })
        .collect();
    let keep = retention::select(&rules, &candidates, now).keep;
    // Newest first: the name of the last one says how many pauses ago it ran.
    let oldest: i32 = keep.last()?.parse().ok()?;
    Some(Kept { number: keep.len(), oldest: pause.checked_mul(oldest)? })
}

/// How far back a policy can reach at most; `None` where nothing limits it.
fn reach(rules: &Rules, pause: SignedDuration) -> Option<SignedDuration> {
    let hours = |bucket: Bucket| match bucket {
        Bucket::Last => 0,
        Bucket::Hourly => 1,
        Bucket::Daily => 24,
        Bucket::Weekly => 7 * 24,
        Bucket::Monthly => 31 * 24,
        Bucket::Yearly => 366 * 24,
    };
    let counts = rules.succeeded.iter().filter(|(_, count)| **count > 0);
    let reached = counts.filter_map(|(bucket, count)| {
        let count = i32::try_from(*count).ok()?;
        // Where backups are rarer than the rule, each of them is one that counts.
        SignedDuration::from_hours(hours(*bucket)).max(pause).checked_mul(count)
    });
    let reached = reached.max();
    match (rules.period.filter(|period| *period > SignedDuration::ZERO), reached) {
        (Some(period), Some(reached)) => Some(period.min(reached)),
        (period, reached) => period.or(reached),
    }
}

impl Kept {
    /// `about 15 snapshots, the oldest 5 months old`
    #[must_use]
    pub fn spoken(self) -> String {
        match self.number {
            1 => "1 snapshot, the newest".to_owned(),
            number => format!("about {number} snapshots, the oldest {} old", age(self.oldest)),
        }
    }
}

/// An age in one round unit.
fn age(age: SignedDuration) -> String {
    let hours = age.as_hours();
    let nearest = |hours: i64, unit: i64| (hours + unit / 2) / unit;
    let (number, unit) = match hours {
        0..48 => (hours, "hour"),
        48..1_440 => (nearest(hours, 24), "day"),
        1_440..17_520 => (nearest(hours, 30 * 24), "month"),
        _ => (nearest(hours, 365 * 24), "year"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(flags: &Flags, rhythm: usize) -> Option<String> {
        let now: Timestamp = "2026-11-22T14:00:00Z".parse().unwrap();
        kept(flags, RHYTHMS[rhythm].0, now).map(Kept::spoken)
    }

    #[test]
    fn what_is_kept_is_counted_by_the_operators_rules() {
        let usual = Flags::usual();
        let last = Flags { keep_last: Some(10), ..Flags::default() };
        let week = Flags { max_retention: Some("1w".into()), ..Flags::default() };
        let hourly = Flags { keep_hourly: Some(24), ..Flags::default() };
        let both = Flags { keep_yearly: Some(3), max_retention: Some("1y".into()), ..Flags::default() };
        let cases = [
            (&usual, 0, "about 15 snapshots, the oldest 5 months old"),
            (&usual, 1, "about 15 snapshots, the oldest 5 months old"),
            (&usual, 2, "about 11 snapshots, the oldest 5 months old"),
            (&last, 0, "about 10 snapshots, the oldest 9 hours old"),
            (&last, 1, "about 10 snapshots, the oldest 9 days old"),
            (&week, 1, "about 8 snapshots, the oldest 7 days old"),
            (&hourly, 0, "about 24 snapshots, the oldest 23 hours old"),
            (&hourly, 1, "about 24 snapshots, the oldest 23 days old"),
            (&week, 2, "about 2 snapshots, the oldest 7 days old"),
            (&both, 1, "about 2 snapshots, the oldest 11 months old"),
        ];
        for (flags, rhythm, expected) in cases {
            assert_eq!(of(flags, rhythm).as_deref(), Some(expected), "{flags:?} {rhythm}");
        }
    }

    #[test]
    fn what_is_no_policy_keeps_nothing_that_could_be_told() {
        assert_eq!(of(&Flags { keep_failed: Some(3), ..Flags::default() }, 1), None);
        assert_eq!(of(&Flags { max_retention: Some("often".into()), ..Flags::default() }, 1), None);
    }

    #[test]
    fn a_policy_that_reaches_back_very_far_is_told_as_quickly() {
        let ages = Flags { keep_hourly: Some(i32::MAX), keep_yearly: Some(900), ..Flags::default() };
        assert!(of(&ages, 0).is_some());
    }
}
