//! Cron lines as Kubernetes' CronJobs read them, and when they are due next.
//!
//! The dialect is that of the CronJob controller (robfig/cron v3, `ParseStandard`, and the API server's own check):
//! five fields, `*` and `?` in any of them, names of months and days but as numbers Sunday is only 0, `N/step` up to
//! the field's end, `@hourly` and its like, `@every DURATION`; a time zone in the line is refused. A line that
//! another cron takes (`L`, `#`, 7 for Sunday, seconds) would be refused by the API server later, so it is refused
//! here, where it can be said together with everything else. Times are UTC, the zone of a controller manager.

use std::fmt::Write as _;

use crate::duration;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use snafu::{OptionExt, ResultExt, Snafu, ensure};

/// Why a line is no schedule.
#[derive(Debug, PartialEq, Eq, Snafu)]
pub enum Error {
    /// Nothing there.
    #[snafu(display("a cron line is missing, for example \"0 2 * * *\""))]
    Empty,
    /// `TZ=` or `CRON_TZ=`.
    #[snafu(display("a time zone in the cron line is not supported by Kubernetes; times are UTC"))]
    TimeZone,
    /// Not five.
    #[snafu(display(
        "expected 5 fields (minute, hour, day of month, month, day of week) in \"{line}\", found {found}"
    ))]
    Fields {
        /// The line.
        line: String,
        /// How many it has.
        found: usize,
    },
    /// A word with `@` that is none.
    #[snafu(display(
        "unknown schedule \"{line}\"; there are @yearly, @monthly, @weekly, @daily, @hourly and @every DURATION"
    ))]
    Descriptor {
        /// The line.
        line: String,
    },
    /// `@every` with something else behind it.
    #[snafu(display("\"{line}\": {source}"))]
    Every {
        /// The line.
        line: String,
        /// Why.
        source: duration::DurationError,
    },
    /// A part of a field.
    #[snafu(display("{field} \"{part}\" {problem}"))]
    Field {
        /// Which field.
        field: &'static str,
        /// The part that is wrong.
        part: String,
        /// What is wrong.
        problem: String,
    },
}

/// A line that Kubernetes takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Minutes that match.
    Calendar(Calendar),
    /// Again and again after this long, at least a second.
    Every(SignedDuration),
}

/// The values that match, a bit for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    minute: u64,
    hour: u64,
    day: u64,
    month: u64,
    weekday: u64,
    /// Whether days are given by day of month, by day of week, or by either.
    any_day: bool,
    any_weekday: bool,
}

struct Bounds {
    name: &'static str,
    least: u32,
    most: u32,
    words: &'static [&'static str],
}

const MINUTE: Bounds = Bounds { name: "minute", least: 0, most: 59, words: &[] };
const HOUR: Bounds = Bounds { name: "hour", least: 0, most: 23, words: &[] };
const DAY: Bounds = Bounds { name: "day of month", least: 1, most: 31, words: &[] };
const MONTH: Bounds = Bounds {
    name: "month",
    least: 1,
    most: 12,
    words: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAY: Bounds = Bounds {
    name: "day of week",
    least: 0,
    most: 6,
    words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

/// Reads a line.
pub fn parse(line: &str) -> Result<Schedule, Error> {
    ensure!(!line.trim().is_empty(), EmptySnafu);
    ensure!(!line.contains("TZ"), TimeZoneSnafu);
    if line.starts_with('@') {
        return descriptor(line);
    }
    let fields: Vec<&str> = line.split_whitespace().collect();
    let &[minute, hour, day, month, weekday] = fields.as_slice() else {
        return FieldsSnafu { line, found: fields.len() }.fail();
    };
    let ((minute, _), (hour, _)) = (field(minute, &MINUTE)?, field(hour, &HOUR)?);
    let ((day, any_day), (month, _)) = (field(day, &DAY)?, field(month, &MONTH)?);
    let (weekday, any_weekday) = field(weekday, &WEEKDAY)?;
    Ok(Schedule::Calendar(Calendar { minute, hour, day, month, weekday, any_day, any_weekday }))
}

fn descriptor(line: &str) -> Result<Schedule, Error> {
    match line {
        "@yearly" | "@annually" => parse("0 0 1 1 *"),
        "@monthly" => parse("0 0 1 * *"),
        "@weekly" => parse("0 0 * * 0"),
        "@daily" | "@midnight" => parse("0 0 * * *"),
        "@hourly" => parse("0 * * * *"),
        _ => {
            let pause = line.strip_prefix("@every ").context(DescriptorSnafu { line })?;
            let pause = duration::parse(pause).context(EverySnafu { line })?;
            let seconds = pause.as_secs().max(1);
            Ok(Schedule::Every(SignedDuration::from_secs(seconds)))
        }
    }
}

/// The values of a field, and whether a `*` stands in it: then it does not restrict the days.
fn field(text: &str, bounds: &Bounds) -> Result<(u64, bool), Error> {
    text.split(',').filter(|part| !part.is_empty()).try_fold((0, false), |(bits, any), part| {
        let (more, is_any) = range(part, bounds)?;
        Ok((bits | more, any | is_any))
    })
}

fn range(part: &str, bounds: &Bounds) -> Result<(u64, bool), Error> {
    let wrong = |problem: String| Error::Field { field: bounds.name, part: part.to_owned(), problem };
    let (values, step) = match part.split('/').collect::<Vec<_>>()[..] {
        [values] => (values, None),
        [values, step] => (values, Some(step)),
        _ => return Err(wrong("has too many slashes".to_owned())),
    };
    let ends: Vec<&str> = values.split('-').collect();
    let any = matches!(ends[0], "*" | "?");
    let number = |text: &str| value(text, bounds).ok_or_else(|| wrong(expectation(text, bounds)));
    let (first, mut last) = match ends[..] {
        _ if any => (bounds.least, bounds.most),
        [one] => (number(one)?, number(one)?),
        [first, last] => (number(first)?, number(last)?),
        _ => return Err(wrong("has too many hyphens".to_owned())),
    };
    let every: u32 = match step {
        None => 1,
        Some(step) => {
            if ends.len() == 1 {
                last = bounds.most;
            }
            step.parse().map_err(|_| wrong(format!("has the step {step:?}, which is no number")))?
        }
    };
    let Bounds { least, most, .. } = bounds;
    if first < *least || last > *most {
        return Err(wrong(format!("is not within {least} and {most}")));
    }
    if first > last {
        return Err(wrong("ends before it begins".to_owned()));
    }
    if every == 0 {
        return Err(wrong("has the step 0".to_owned()));
    }
    let bits = (first..=last).step_by(every as usize).fold(0, |bits, value| bits | 1_u64 << value);
    Ok((bits, any && every == 1))
}

/// A number or a name.
fn value(text: &str, bounds: &Bounds) -> Option<u32> {
    let word = text.to_ascii_lowercase();
    if let Some(position) = bounds.words.iter().position(|known| *known == word) {
        return u32::try_from(position).ok().map(|position| position + bounds.least);
    }
    // A sign is none of the digits, but Go's reader takes a plus.
    let digits = text.strip_prefix('+').unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn expectation(text: &str, bounds: &Bounds) -> String {
    let mut problem = format!("has {text:?}, which is no number");
    if let [first, .., last] = bounds.words {
        // Writing to a String does not fail.
        let _ = write!(problem, " and no name from {first} to {last}");
    }
    problem
}

impl Schedule {
    /// The first slot after `now`; `anchor` is when the last one was, or when all began. None when there will not be
    /// one within five years, like 30 February.
    #[must_use]
    pub fn next(&self, now: Timestamp, anchor: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Calendar(calendar) => calendar.next(now),
            Self::Every(pause) => {
                let since = now.duration_since(anchor).as_secs().max(0);
                let slots = since / pause.as_secs() + 1;
                anchor.checked_add(SignedDuration::from_secs(pause.as_secs().checked_mul(slots)?)).ok()
            }
        }
    }
}

impl Calendar {
    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let start = now.to_zoned(TimeZone::UTC).datetime();
        let mut date = start.date();
        for _ in 0..5 * 366 {
            if self.matches_day(date) {
                let from = if date == start.date() {
                    i32::from(start.hour()) * 60 + i32::from(start.minute()) + 1
                } else {
                    0
                };
                if let Some(minute) = self.next_minute(u32::try_from(from).ok()?) {
                    let midnight = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
                    return midnight.checked_add(SignedDuration::from_mins(i64::from(minute))).ok();
                }
            }
            date = date.checked_add(1.day()).ok()?;
        }
        None
    }

    /// The first minute of a day, counted from midnight, that matches and is not before `from`.
    fn next_minute(&self, from: u32) -> Option<u32> {
        (from..24 * 60).find(|minute| has(self.hour, minute / 60) && has(self.minute, minute % 60))
    }

    /// A day matches by its day of month or by its day of week when both are restricted.
    fn matches_day(&self, date: Date) -> bool {
        let weekday = match date.weekday() {
            Weekday::Sunday => 0,
            other => other.to_monday_one_offset().unsigned_abs().into(),
        };
        let day = has(self.day, date.day().unsigned_abs().into());
        let weekday = has(self.weekday, weekday);
        let matches = if self.any_day || self.any_weekday { day && weekday } else { day || weekday };
        matches && has(self.month, date.month().unsigned_abs().into())
    }
}

const fn has(bits: u64, value: u32) -> bool {
    bits & (1 << value) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn next(line: &str, now: &str) -> Option<String> {
        let anchor = at("2026-11-22T10:00:00Z");
        parse(line).unwrap().next(at(now), anchor).map(|slot| slot.to_string())
    }

    #[test]
    fn the_next_slot_is_the_first_that_matches() {
        for (line, now, slot) in [
            ("* * * * *", "2026-11-22T10:00:00Z", "2026-11-22T10:01:00Z"),
            ("*/5 * * * *", "2026-11-22T10:02:59Z", "2026-11-22T10:05:00Z"),
            ("*/5 * * * *", "2026-11-22T10:05:00Z", "2026-11-22T10:10:00Z"),
            ("7/20 * * * *", "2026-11-22T10:00:00Z", "2026-11-22T10:07:00Z"),
            ("0 2 * * *", "2026-11-22T10:00:00Z", "2026-11-23T02:00:00Z"),
            ("59 23 31 12 ?", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"),
            ("0 0 29 2 *", "2026-11-22T10:00:00Z", "2028-02-29T00:00:00Z"),
            ("0 0 * * mon-FRI", "2026-11-21T00:00:00Z", "2026-11-23T00:00:00Z"),
            ("0 0 * * 0", "2026-11-22T10:00:00Z", "2026-11-29T00:00:00Z"),
            // Both restricted: the 1st or a Monday.
            ("0 0 1 * 1", "2026-11-22T10:00:00Z", "2026-11-23T00:00:00Z"),
            ("0 0 1 * 1", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"),
            // A step takes the star away, so this is "odd days or Mondays".
            ("0 0 */2 * 1", "2026-11-29T00:00:00Z", "2026-11-30T00:00:00Z"),
            ("@hourly", "2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z"),
            ("@weekly", "2026-11-22T10:00:00Z", "2026-11-29T00:00:00Z"),
            ("@every 90m", "2026-11-22T10:00:00Z", "2026-11-22T11:30:00Z"),
            ("@every 90m", "2026-11-22T14:30:01Z", "2026-11-22T16:00:00Z"),
            ("@every 90m", "2026-11-22T09:00:00Z", "2026-11-22T11:30:00Z"),
        ] {
            assert_eq!(next(line, now).as_deref(), Some(slot), "{line} after {now}");
        }
        assert_eq!(next("0 0 30 2 *", "2026-11-22T10:00:00Z"), None);
    }

    #[test]
    fn what_kubernetes_refuses_is_refused() {
        for (line, problem) in [
            ("", "a cron line is missing"),
            ("0 2 * *", "expected 5 fields"),
            ("0 0 2 * * *", "expected 5 fields"),
            ("TZ=Europe/Berlin 0 2 * * *", "a time zone"),
            ("CRON_TZ=UTC 0 2 * * *", "a time zone"),
            ("60 * * * *", "minute \"60\" is not within 0 and 59"),
            ("* 24 * * *", "hour \"24\" is not within 0 and 23"),
            ("* * 0 * *", "day of month \"0\" is not within 1 and 31"),
            ("* * * 13 *", "month \"13\""),
            ("* * * * 7", "day of week \"7\" is not within 0 and 6"),
            ("* * * * mon-sun", "ends before it begins"),
            ("* * L * *", "has \"L\", which is no number"),
            ("* * * * 1#2", "which is no number and no name from sun to sat"),
            ("* * * januar *", "no name from jan to dec"),
            ("*/0 * * * *", "has the step 0"),
            ("*/x * * * *", "which is no number"),
            ("1-2-3 * * * *", "too many hyphens"),
            ("1/2/3 * * * *", "too many slashes"),
            ("-5 * * * *", "which is no number"),
            ("@reboot", "unknown schedule"),
            ("@every often", "@every often"),
            ("every day", "expected 5 fields"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains(problem), "{line:?}: {error}");
        }
    }

    #[test]
    fn what_kubernetes_takes_is_taken() {
        for line in [
            "? ? ? ? ?",
            "1,2,,3 * * * *",
            "0-59/7 * * * *",
            " 0  2 * * * ",
            "@every 1h30m10s",
            "@annually",
            "+5 * * * *",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
    }
}
