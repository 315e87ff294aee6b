//! Times, spans and numbers as kubectl and people write them.

use std::time::Duration;

use jiff::Timestamp;

/// A span as kubectl prints an age: the largest one or two units (`9s`, `3m5s`, `3h12m`, `3d4h`, `400d`, `3y20d`).
///
/// The same thresholds as Kubernetes' own `HumanDuration`, so that a column looks as it does in `kubectl get`.
#[must_use]
pub fn age(span: Duration) -> String {
    let seconds = span.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let years = days / 365;
    if seconds < 120 {
        format!("{seconds}s")
    } else if minutes < 10 {
        two(minutes, "m", seconds % 60, "s")
    } else if minutes < 180 {
        format!("{minutes}m")
    } else if hours < 8 {
        two(hours, "h", minutes % 60, "m")
    } else if hours < 48 {
        format!("{hours}h")
    } else if days < 8 {
        two(days, "d", hours % 24, "h")
    } else if days < 730 {
        format!("{days}d")
    } else if years < 8 {
        two(years, "y", days % 365, "d")
    } else {
        format!("{years}y")
    }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large}{large_unit}")
    } else {
        format!("{large}{large_unit}{small}{small_unit}")
    }
}

/// The age of something made at `then`; the future counts as now.
#[must_use]
pub fn age_at(then: Timestamp, now: Timestamp) -> String {
    age(between(then, now))
}

/// The span between two instants, zero when they are in the wrong order.
#[must_use]
pub fn between(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or(Duration::ZERO)
}

/// A span of work: `340ms`, `9s`, `4m12s`, `1h3m`.
#[must_use]
pub fn duration(span: Duration) -> String {
    let seconds = span.as_secs();
    if span < Duration::from_secs(1) && span > Duration::ZERO {
        format!("{}ms", span.as_millis())
    } else if seconds < 60 {
        format!("{seconds}s")
    } else if seconds < 3600 {
        two(seconds / 60, "m", seconds % 60, "s")
    } else {
        two(seconds / 3600, "h", seconds / 60 % 60, "m")
    }
}

/// Bytes with a decimal unit and two to three digits: `312 kB`, `1.4 MB`, `0 B`.
#[must_use]
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if number < 1000 {
        return format!("{number} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let mut value = number as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// Reads a decimal size as restic and Docker's units print it (`393.9MB`, `1.1 kB`, `12B`), to the byte that it says.
#[must_use]
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let split =
        text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim() {
        "" | "B" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "PB" => 1e15,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok()? * factor;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a size is no larger and not negative"
    )]
    (0.0..1e19).contains(&bytes).then(|| bytes.round() as u64)
}

/// A count with thin groups of three: `1 204`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// `1 object`, `2 objects`: a count and its noun, with a plural in `s`.
#[must_use]
pub fn counted(number: usize, noun: &str) -> String {
    let number = number as u64;
    match (number, noun.ends_with('y')) {
        (1, _) => format!("1 {noun}"),
        (_, true) => format!("{} {}ies", count(number), &noun[..noun.len() - 1]),
        (_, false) => format!("{} {noun}s", count(number)),
    }
}

/// A text in lines of at most so many characters, broken between words; a longer word is broken where it must be.
#[must_use]
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    let mut room = width;
    for word in text.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        if room < width && rest.len() + 1 > room {
            lines.push(String::new());
            room = width;
        }
        if room < width {
            rest.insert(0, ' ');
        }
        for character in rest {
            if room == 0 {
                lines.push(String::new());
                room = width;
            }
            if let Some(last) = lines.last_mut() {
                last.push(character);
            }
            room -= 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_written_as_kubectl_writes_them() {
        let cases = [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (305, "5m5s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (11_520, "3h12m"),
            (28_800, "8h"),
            (172_799, "47h"),
            (273_600, "3d4h"),
            (691_200, "8d"),
            (34_560_000, "400d"),
            (63_072_000, "2y"),
            (94_608_000 + 20 * 86_400, "3y20d"),
        ];
        for (seconds, text) in cases {
            assert_eq!(age(Duration::from_secs(seconds)), text, "{seconds}");
        }
    }

    #[test]
    fn work_is_timed_in_one_or_two_units() {
        let cases = [
            (0, "0s"),
            (340, "340ms"),
            (9_900, "9s"),
            (252_000, "4m12s"),
            (3_780_000, "1h3m"),
            (120_000, "2m"),
        ];
        for (milliseconds, text) in cases {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text, "{milliseconds}");
        }
    }

    #[test]
    fn bytes_have_two_to_three_digits() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (2100, "2.1 kB"),
            (312_000, "312 kB"),
            (999_600, "1.0 MB"),
            (1_400_000, "1.4 MB"),
            (9_960_000, "10 MB"),
            (5_268_000_000, "5.3 GB"),
        ];
        for (number, text) in cases {
            assert_eq!(bytes(number), text, "{number}");
        }
    }

    #[test]
    fn sizes_in_decimal_units_are_read() {
        let cases = [
            ("40.07kB", Some(40_070)),
            ("393.9MB", Some(393_900_000)),
            ("1.1 GB", Some(1_100_000_000)),
            ("0B", Some(0)),
            ("7", Some(7)),
            ("1.5 MiB", None),
            ("x", None),
            ("", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_bytes(text), bytes, "{text}");
        }
    }

    #[test]
    fn counts_are_grouped_and_have_plurals() {
        assert_eq!(count(1204), "1 204");
        assert_eq!(count(12), "12");
        assert_eq!(count(1_234_567), "1 234 567");
        assert_eq!(counted(1, "object"), "1 object");
        assert_eq!(counted(2, "repository"), "2 repositories");
        assert_eq!(counted(0, "object"), "0 objects");
    }

    #[test]
    fn text_is_broken_between_words_and_long_words_where_they_must() {
        assert_eq!(wrapped("a quota of none", 7), ["a quota", "of none"]);
        assert_eq!(wrapped("to localhost/nobody:none", 9), ["to", "localhost", "/nobody:n", "one"]);
        assert_eq!(wrapped("", 9), [""]);
        assert_eq!(wrapped("ab", 0), ["a", "b"]);
    }
}
