//! Figures of a run, as a status tells them (contract §8.6).

use std::time::Duration;

use crds::duration;
use jiff::SignedDuration;

/// Figures of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Files done.
    pub files: u64,
    /// Files expected, when known.
    pub total_files: Option<u64>,
    /// Bytes done, as they were read.
    pub bytes: u64,
    /// Since the run began.
    pub elapsed: Duration,
}

/// The same in the words of a status. Progress counts files where it can: how many bytes there will be is known only at
/// the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whole seconds.
    pub seconds_elapsed: Option<i64>,
    /// `33.33%`, once it is more than nothing.
    pub percent_done: Option<String>,
    /// When known.
    pub total_files: Option<i64>,
    /// So far.
    pub files_done: Option<i64>,
    /// Bytes so far, `5.35MB`.
    pub done: String,
    /// Bytes in all, at the end.
    pub total: Option<String>,
    /// `668.7kB/s`.
    pub speed: Option<String>,
}

impl Figures {
    /// The figures in the words of a status.
    #[must_use]
    pub fn told(&self) -> Told {
        let Self { files, total_files, bytes, elapsed } = *self;
        let is_over = total_files == Some(files);
        let percent = total_files.filter(|total| *total > 0).map(|total| hundredths(files.min(total), total));
        let seconds = elapsed.as_secs();
        Told {
            seconds_elapsed: i64::try_from(seconds).ok(),
            percent_done: percent
                .filter(|(whole, hundredths)| whole + hundredths > 0)
                .map(|(whole, hundredths)| format!("{whole}.{hundredths:02}%")),
            total_files: total_files.and_then(|total| i64::try_from(total).ok()),
            files_done: i64::try_from(files).ok(),
            done: decimal(bytes),
            total: (is_over && bytes > 0).then(|| decimal(bytes)),
            speed: (seconds > 0).then(|| format!("{}/s", decimal(bytes / seconds))),
        }
    }
}

/// Percent and hundredths of a percent.
fn hundredths(done: u64, total: u64) -> (u64, u64) {
    let share = u64::try_from(u128::from(done) * 10_000 / u128::from(total)).unwrap_or(10_000);
    (share / 100, share % 100)
}

/// A size as progress shows it: decimal units, four significant digits, `393.9MB`.
fn decimal(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let mut unit = 0;
    let mut scale = 1_u64;
    while unit + 1 < UNITS.len() && bytes / scale >= 1000 {
        scale *= 1000;
        unit += 1;
    }
    let whole = bytes / scale;
    // Four digits in all, the last ones dropped rather than rounded up to another unit.
    let digits = 4 - whole.to_string().len();
    let fraction =
        u128::from(bytes % scale) * 10_u128.pow(u32::try_from(digits).unwrap_or(0)) / u128::from(scale);
    let fraction = format!("{fraction:0digits$}");
    let fraction = fraction.trim_end_matches('0');
    let point = if digits == 0 || fraction.is_empty() { "" } else { "." };
    format!("{whole}{point}{}{}", if point.is_empty() { "" } else { fraction }, UNITS[unit])
}

/// A duration in tenths of a second, as `8.2s`.
#[must_use]
pub fn tenths(elapsed: Duration) -> String {
    let tenths = i64::try_from(elapsed.as_millis().div_ceil(100)).unwrap_or(i64::MAX / 100);
    duration::format(SignedDuration::from_millis(tenths * 100))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Without what is not told.
    fn told(figures: &Figures) -> Value {
        let Told { seconds_elapsed, percent_done, total_files, files_done, done, total, speed } =
            figures.told();
        let mut all = json!({
            "secondsElapsed": seconds_elapsed, "percentDone": percent_done, "totalFiles": total_files,
            "filesDone": files_done, "done": done, "total": total, "speed": speed,
        });
        all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        all
    }

    #[test]
    fn sizes_of_progress_are_decimal_with_four_digits() {
        for (bytes, text) in [
            (0, "0B"),
            (999, "999B"),
            (1000, "1kB"),
            (1024, "1.024kB"),
            (1_500_000, "1.5MB"),
            (393_940_000, "393.9MB"),
            (999_999, "999.9kB"),
            (1_000_000_000, "1GB"),
            (u64::MAX, "18.44EB"),
        ] {
            assert_eq!(decimal(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn progress_says_what_is_known() {
        let figures = |files, total_files, bytes, seconds| Figures {
            files,
            total_files,
            bytes,
            elapsed: Duration::from_secs(seconds),
        };
        for (figures, expected) in [
            (figures(0, None, 0, 0), json!({"secondsElapsed": 0, "filesDone": 0, "done": "0B"})),
            (
                figures(5, None, 5000, 2),
                json!({"secondsElapsed": 2, "filesDone": 5, "done": "5kB", "speed": "2.5kB/s"}),
            ),
            (
                figures(1, Some(3), 100, 0),
                json!({"secondsElapsed": 0, "percentDone": "33.33%", "totalFiles": 3, "filesDone": 1, "done": "100B"}),
            ),
            (
                figures(0, Some(3), 0, 1),
                json!({"secondsElapsed": 1, "totalFiles": 3, "filesDone": 0, "done": "0B", "speed": "0B/s"}),
            ),
            (
                figures(3, Some(3), 300, 1),
                json!({"secondsElapsed": 1, "percentDone": "100.00%", "totalFiles": 3, "filesDone": 3, "done": "300B", "total": "300B", "speed": "300B/s"}),
            ),
        ] {
            assert_eq!(told(&figures), expected);
        }
    }
}
