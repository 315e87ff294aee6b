//! `maxRetentionPeriod`: `1y2mo3w4d5h6m` (contract §6.5).

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use snafu::{OptionExt, Snafu};

/// The grammar as a regular expression, as the schema checks it.
pub const PATTERN: &str = r"^\s*(-?[0-9]+(y|mo|w|d|h|m))*\s*$";

/// A period in calendar words, each of a fixed length: a month is 30 days, a year 365.
///
/// Written without spaces or fractions, units in any order; of a unit given twice the last counts. A number may be
/// negative. The empty text is the empty period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionPeriod {
    pub years: i64,
    pub months: i64,
    pub weeks: i64,
    pub days: i64,
    pub hours: i64,
    pub minutes: i64,
}

/// A text that is no period.
#[derive(Debug, Snafu, PartialEq, Eq)]
#[snafu(display("failed to read the retention period \"{text}\": {problem}"))]
pub struct RetentionPeriodError {
    pub text: String,
    problem: Problem,
}

#[derive(Debug, Snafu, PartialEq, Eq)]
enum Problem {
    #[snafu(display("\"{unit}\" is no unit; use y, mo, w, d, h or m"))]
    UnknownUnit { unit: char },
    #[snafu(display("the number {number} has no unit; use y, mo, w, d, h or m"))]
    NoUnit { number: String },
    #[snafu(display("the unit \"{unit}\" has no number"))]
    NoNumber { unit: char },
    #[snafu(display("the number {number} is too large"))]
    TooLarge { number: String },
}

impl RetentionPeriod {
    /// Length in minutes.
    #[must_use]
    pub fn as_minutes(&self) -> i64 {
        [
            (self.minutes, 1),
            (self.hours, 60),
            (self.days, 1_440),
            (self.weeks, 10_080),
            (self.months, 43_200),
            (self.years, 525_600),
        ]
        .into_iter()
        .fold(0_i64, |sum, (count, factor)| sum.saturating_add(count.saturating_mul(factor)))
    }

    /// The moment before which everything is older than the period; the earliest there is when the period reaches
    /// further back than time does.
    #[must_use]
    pub fn before(&self, now: Timestamp) -> Timestamp {
        now.checked_sub(SignedDuration::from_secs(self.as_minutes().saturating_mul(60)))
            .unwrap_or(if self.as_minutes() < 0 { Timestamp::MAX } else { Timestamp::MIN })
    }
}

impl FromStr for RetentionPeriod {
    type Err = RetentionPeriodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text.trim()).map_err(|problem| RetentionPeriodError { text: text.to_owned(), problem })
    }
}

fn read(text: &str) -> Result<RetentionPeriod, Problem> {
    let mut period = RetentionPeriod::default();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let sign = usize::from(first == '-');
        let length = sign + rest[sign..].bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(length);
        let unit = after.chars().next();
        if length == sign {
            let unit = if sign == 1 { unit.unwrap_or('-') } else { first };
            return Err(Problem::NoNumber { unit });
        }
        let unit = unit.context(NoUnitSnafu { number })?;
        let count = number.parse().map_err(|_| Problem::TooLarge { number: number.to_owned() })?;
        let (field, unit_length) = match unit {
            'y' => (&mut period.years, 1),
            'm' if after[1..].starts_with('o') => (&mut period.months, 2),
            'w' => (&mut period.weeks, 1),
            'd' => (&mut period.days, 1),
            'h' => (&mut period.hours, 1),
            'm' => (&mut period.minutes, 1),
            _ => return Err(Problem::UnknownUnit { unit }),
        };
        *field = count;
        rest = &after[unit_length..];
    }
    Ok(period)
}

impl std::fmt::Display for RetentionPeriod {
    /// The largest unit first, units of which there are none left out; the empty period is `0m`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            (self.years, "y"),
            (self.months, "mo"),
            (self.weeks, "w"),
            (self.days, "d"),
            (self.hours, "h"),
            (self.minutes, "m"),
        ];
        if parts.iter().all(|(count, _)| *count == 0) {
            return formatter.write_str("0m");
        }
        parts
            .iter()
            .filter(|(count, _)| *count != 0)
            .try_for_each(|(count, unit)| write!(formatter, "{count}{unit}"))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::{PATTERN, RetentionPeriod};

    #[test]
    fn periods_are_read_into_minutes() {
        let table = [
            ("", 0),
            ("  ", 0),
            ("5m", 5),
            ("2h", 120),
            ("4d", 5_760),
            ("1w", 10_080),
            ("1mo", 43_200),
            ("1y", 525_600),
            ("1y2mo3w4d5h6m", 525_600 + 86_400 + 30_240 + 5_760 + 300 + 6),
            ("6m1y", 525_606),
            (" 30d\n", 43_200),
            ("1d2d", 2_880),
            ("-1h90m", 30),
            ("1m1mo", 43_201),
            ("007d", 10_080),
        ];
        for (text, minutes) in table {
            assert_eq!(text.parse::<RetentionPeriod>().unwrap().as_minutes(), minutes, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_period_is_an_error_that_says_why() {
        let table = [
            ("5", "the number 5 has no unit"),
            ("1y5", "the number 5 has no unit"),
            ("d", "\"d\" has no number"),
            ("1dd", "\"d\" has no number"),
            ("-d", "\"d\" has no number"),
            ("-", "\"-\" has no number"),
            ("1s", "\"s\" is no unit"),
            ("1D", "\"D\" is no unit"),
            ("1 d", "\" \" is no unit"),
            ("1.5d", "\".\" is no unit"),
            ("1é", "\"é\" is no unit"),
            ("99999999999999999999d", "is too large"),
        ];
        for (text, problem) in table {
            let error = text.parse::<RetentionPeriod>().unwrap_err().to_string();
            assert!(error.contains(problem) && error.contains(&format!("\"{text}\"")), "{text}: {error}");
        }
    }

    #[test]
    fn a_period_ends_before_now() {
        let now: Timestamp = "2025-08-19T09:43:47Z".parse().unwrap();
        let before = |text: &str| text.parse::<RetentionPeriod>().unwrap().before(now).to_string();
        assert_eq!(before("1d"), "2025-08-18T09:43:47Z");
        assert_eq!(before("1mo"), "2025-07-20T09:43:47Z");
        assert_eq!(before("9223372036854775807y"), Timestamp::MIN.to_string());
    }

    #[test]
    fn what_the_pattern_matches_can_be_read() {
        let pattern = PATTERN.trim_start_matches('^').trim_end_matches('$').replace("[0-9]+", "[0-9]{1,12}");
        let texts = proptest::string::string_regex(&pattern.replace(r"\s", r"[ \t\n]")).unwrap();
        proptest!(|(text in texts)| {
            prop_assert!(text.parse::<RetentionPeriod>().is_ok(), "{text:?}");
        });
    }

    proptest! {
        #[test]
        fn reading_what_was_written_gives_the_same(
            years in 0_i64..999, months in 0_i64..999, weeks in 0_i64..999,
            days in 0_i64..999, hours in 0_i64..999, minutes in 0_i64..999,
        ) {
            let period = RetentionPeriod { years, months, weeks, days, hours, minutes };
            prop_assert_eq!(period.to_string().parse(), Ok(period));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-0-9ymowdh é]{0,16}|.{0,12}") {
            let _ = text.parse::<RetentionPeriod>();
        }
    }
}
