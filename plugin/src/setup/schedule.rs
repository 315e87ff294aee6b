//! When backups run: cron lines checked as Kubernetes checks them, sane defaults, the next runs.

use crds::schedule::{self, Schedule};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::failure::Failure;

/// A schedule as typed, checked.
pub fn check(line: &str) -> Result<Schedule, Failure> {
    schedule::parse(line).map_err(|error| {
        Failure::usage(format!("--schedule '{line}' is no schedule"))
            .why(error.to_string())
            .fix("--schedule '17 2 * * *'   (every day at 02:17 UTC), or @hourly, @daily, @weekly, @monthly")
    })
}

/// Once a night, in a minute that depends on the name: many backups of a cluster do not all start at once.
#[must_use]
pub fn nightly(namespace: &str, name: &str) -> String {
    // FNV-1a: any hash does, as long as it stays the same.
    let hash =
        namespace.bytes().chain([b'/']).chain(name.bytes()).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{} 2 * * *", hash % 60)
}

/// What a session that runs like this is called when nobody named it.
#[must_use]
pub fn session_name(line: &str) -> &'static str {
    match line.trim() {
        "@hourly" => return "hourly",
        "@daily" | "@midnight" => return "nightly",
        "@weekly" => return "weekly",
        "@monthly" => return "monthly",
        "@yearly" | "@annually" => return "yearly",
        _ => {}
    }
    let fields: Vec<&str> = line.split_whitespace().collect();
    let single = |field: &str| field.chars().all(|character| character.is_ascii_digit());
    match fields.as_slice() {
        [minute, "*", "*", "*", "*"] if single(minute) => "hourly",
        [minute, hour, "*", "*", "*"] if single(minute) && single(hour) => "nightly",
        [minute, hour, "*", "*", day] if single(minute) && single(hour) && single(day) => "weekly",
        [minute, hour, day, "*", "*"] if single(minute) && single(hour) && single(day) => "monthly",
        _ => "scheduled",
    }
}

/// The next runs, in UTC and, where it differs, in local time:
/// `Mon 23 Nov 02:17 UTC (03:17 here), Tue 24, Wed 25`.
#[must_use]
pub fn next_runs(schedule: &Schedule, now: Timestamp, zone: &TimeZone, number: usize) -> String {
    let slots = std::iter::successors(schedule.next(now, now), |slot| schedule.next(*slot, now)).take(number);
    let mut parts: Vec<String> = Vec::new();
    let mut before: Option<jiff::Zoned> = None;
    for slot in slots {
        let utc = slot.to_zoned(TimeZone::UTC);
        let same_time = before.as_ref().is_some_and(|before| before.time() == utc.time());
        let same_month = before.as_ref().is_some_and(|before| before.month() == utc.month());
        parts.push(if same_time {
            utc.strftime(if same_month { "%a %-d" } else { "%a %-d %b" }).to_string()
        } else {
            let local = slot.to_zoned(zone.clone());
            let here = if local.time() == utc.time() {
                String::new()
            } else {
                format!(" ({} here)", local.strftime("%H:%M"))
            };
            format!("{} UTC{here}", utc.strftime("%a %-d %b %H:%M"))
        });
        before = Some(utc);
    }
    if parts.is_empty() { "never".into() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(line: &str, zone: &TimeZone) -> String {
        let now: Timestamp = "2026-11-22T14:00:00Z".parse().unwrap();
        next_runs(&check(line).unwrap(), now, zone, 3)
    }

    #[test]
    fn the_next_runs_are_told_in_utc_and_local_time() {
        assert_eq!(runs("17 2 * * *", &TimeZone::UTC), "Mon 23 Nov 02:17 UTC, Tue 24, Wed 25");
        let berlin = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(runs("17 2 * * *", &berlin), "Mon 23 Nov 02:17 UTC (03:17 here), Tue 24, Wed 25");
        assert_eq!(runs("0 0 30 2 *", &TimeZone::UTC), "never");
    }

    #[test]
    fn the_default_is_a_minute_of_the_night_that_stays_the_same() {
        let line = nightly("shop", "orders");
        assert_eq!(line, nightly("shop", "orders"));
        assert_ne!(line, nightly("shop", "catalog"));
        assert!(check(&line).is_ok() && line.ends_with(" 2 * * *"), "{line}");
    }

    #[test]
    fn sessions_are_named_after_their_rhythm() {
        let cases = [
            ("17 2 * * *", "nightly"),
            ("@daily", "nightly"),
            ("5 * * * *", "hourly"),
            ("0 3 * * 0", "weekly"),
            ("0 3 1 * *", "monthly"),
            ("*/5 * * * *", "scheduled"),
        ];
        for (line, name) in cases {
            assert_eq!(session_name(line), name, "{line}");
        }
    }

    #[test]
    fn a_bad_line_is_refused_with_the_reason() {
        let failure = check("61 * * * *").unwrap_err();
        assert!(failure.render(false).contains("minute \"61\" is not within 0 and 59"), "{failure:?}");
    }
}
