//! Durations as Go writes and reads them: `1h30m`, `22s`, `1m3.5s` (metav1.Duration).

use jiff::SignedDuration;
use snafu::Snafu;

const NANOSECONDS: [(&str, i128); 8] = [
    ("h", 3_600_000_000_000),
    ("ms", 1_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ns", 1),
];

/// A text that is no duration.
#[derive(Debug, Snafu, PartialEq, Eq)]
#[snafu(display(
    "failed to read the duration \"{text}\": expected numbers with units h, m, s, ms, us or ns, for example 1h30m"
))]
pub struct DurationError {
    pub text: String,
}

/// Reads a duration by the rules of Go's `time.ParseDuration`: an optional sign, then numbers, fractions allowed, each
/// with a unit; a lone `0` needs none. The range is that of Go: about ±292 years.
///
/// # Errors
///
/// When the text is not of that form or out of range.
pub fn parse(text: &str) -> Result<SignedDuration, DurationError> {
    let error = || DurationError { text: text.to_owned() };
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return Err(error());
    }
    let mut total = 0_i128;
    while !rest.is_empty() {
        let (nanoseconds, after) = term(rest).ok_or_else(error)?;
        total = total.checked_add(nanoseconds).ok_or_else(error)?;
        rest = after;
    }
    let total = if negative { -total } else { total };
    i64::try_from(total).map(SignedDuration::from_nanos).map_err(|_| error())
}

/// One number with its unit, in nanoseconds, and what follows it. A fraction of a nanosecond is dropped.
fn term(text: &str) -> Option<(i128, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, rest) = text.split_at(digits(text));
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(digits(rest)),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let unit_length = rest.bytes().take_while(|byte| !byte.is_ascii_digit() && *byte != b'.').count();
    let (unit, rest) = rest.split_at(unit_length);
    let (_, factor) = NANOSECONDS.into_iter().find(|(name, _)| *name == unit)?;
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse::<i64>().ok()?.into() };
    // More digits than nanoseconds can show are dropped, as in Go.
    let fraction = &fraction[..fraction.len().min(18)];
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let part: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    Some((whole * factor + part * factor / scale, rest))
}

/// Writes a duration as Go does: `0s`, `1.5s`, `250ms`, `1h0m5s`.
#[must_use]
pub fn format(duration: SignedDuration) -> String {
    let nanoseconds = duration.as_nanos();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let magnitude = nanoseconds.unsigned_abs();
    if magnitude == 0 {
        return "0s".to_owned();
    }
    if magnitude < 1_000_000_000 {
        let (unit, digits) = match magnitude {
            1_000_000.. => ("ms", 6),
            1_000.. => ("µs", 3),
            _ => ("ns", 0),
        };
        return format!("{sign}{}{unit}", decimal(magnitude, digits));
    }
    let minutes = magnitude / 60_000_000_000;
    let seconds = decimal(magnitude % 60_000_000_000, 9);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// Writes a duration rounded to whole seconds, as `status.duration` shows it: `22s`, `1m3s`.
#[must_use]
pub fn format_seconds(duration: SignedDuration) -> String {
    let nanoseconds = duration.as_nanos();
    let rounded = (nanoseconds.abs() + 500_000_000) / 1_000_000_000 * nanoseconds.signum();
    i64::try_from(rounded)
        .map_or_else(|_| format(duration), |seconds| format(SignedDuration::from_secs(seconds)))
}

/// `value` divided by ten to the power of `digits`, without trailing zeros.
fn decimal(value: u128, digits: u32) -> String {
    let scale = 10_u128.pow(digits);
    let (whole, fraction) = (value / scale, value % scale);
    if fraction == 0 {
        return whole.to_string();
    }
    let padded = format!("{fraction:0width$}", width = digits as usize);
    format!("{whole}.{}", padded.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::{format, format_seconds, parse};

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let millisecond = 1_000_000_i64;
        let table = [
            ("0", 0),
            ("-0", 0),
            ("0s", 0),
            ("30m", 1_800_000 * millisecond),
            ("30m0s", 1_800_000 * millisecond),
            ("1h30m", 5_400_000 * millisecond),
            ("1.5h", 5_400_000 * millisecond),
            (".5s", 500 * millisecond),
            ("5.s", 5_000 * millisecond),
            ("1m3.5s", 63_500 * millisecond),
            ("-1.5h", -5_400_000 * millisecond),
            ("+5s", 5_000 * millisecond),
            ("100ms", 100 * millisecond),
            ("1us", 1_000),
            ("1µs", 1_000),
            ("1μs", 1_000),
            ("15ns", 15),
            ("1m1m", 120_000 * millisecond),
            ("0.3333333333333333333h", 1_199_999_999_999),
        ];
        for (text, nanoseconds) in table {
            assert_eq!(parse(text), Ok(SignedDuration::from_nanos(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_an_error_that_names_it() {
        for text in [
            "", "3", "-", "s", ".s", "1d", "1 h", "1h ", " 1h", "1,5h", "1H", "h1", "1h30", "9999999h",
            "+-5s",
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn durations_are_written_as_go_writes_them() {
        let table = [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (8_200_000_000, "8.2s"),
            (22_000_000_000, "22s"),
            (63_000_000_000, "1m3s"),
            (245_015_000_000, "4m5.015s"),
            (1_800_000_000_000, "30m0s"),
            (3_600_000_000_000, "1h0m0s"),
            (18_367_001_000_000, "5h6m7.001s"),
            (-1_500_000_000, "-1.5s"),
        ];
        for (nanoseconds, text) in table {
            assert_eq!(format(SignedDuration::from_nanos(nanoseconds)), text);
        }
    }

    #[test]
    fn a_status_shows_whole_seconds() {
        let table = [(0, "0s"), (499, "0s"), (500, "1s"), (8_200, "8s"), (62_700, "1m3s"), (-1_600, "-2s")];
        for (milliseconds, text) in table {
            assert_eq!(format_seconds(SignedDuration::from_millis(milliseconds)), text);
        }
    }

    proptest! {
        #[test]
        fn reading_what_was_written_gives_the_same(nanoseconds: i64) {
            let duration = SignedDuration::from_nanos(nanoseconds);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+0-9.hmsnuµ ]{0,24}|.{0,12}") {
            let _ = parse(&text);
        }
    }
}
