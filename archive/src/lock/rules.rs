//! When two locks of a repository exclude each other, and when one no longer counts.
//!
//! The rules are restic's (design document, "Locks"): any number of shared locks, or one exclusive lock and no other. A
//! lock is refreshed every five minutes; one that is older than thirty belongs to a process that is gone. restic has a
//! further rule for locks of the same host, whose process it looks for; between containers that share a host name but
//! no process table it errs, so it is left out: such a lock goes after thirty minutes too.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Between two refreshes of a lock.
pub const REFRESH: Duration = Duration::from_mins(5);
/// From this age on a lock does not count.
pub const STALE: SignedDuration = SignedDuration::from_mins(30);
/// A lock that could not be refreshed for so long may soon be taken for stale: work under it stops.
pub const GIVE_UP: SignedDuration = SignedDuration::from_mins(20);
/// Between writing a lock and looking again for others, so that two that start together see each other.
pub const SETTLE: Duration = Duration::from_millis(200);

/// What a lock file says, in restic's format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// When it was written.
    pub time: Timestamp,
    /// Whether it excludes every other lock.
    pub exclusive: bool,
    /// The host of its owner.
    #[serde(default)]
    pub hostname: String,
    /// The user of its owner.
    #[serde(default)]
    pub username: String,
    /// The process of its owner.
    #[serde(default)]
    pub pid: i64,
}

/// Whether one needs the repository alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Adds or reads: backup, check, restore.
    Shared,
    /// Removes or rewrites: prune.
    Exclusive,
}

impl Content {
    /// Whether its owner is gone.
    #[must_use]
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.age(now) > STALE
    }

    /// Whether somebody who wants `mode` has to wait for this lock.
    #[must_use]
    pub const fn excludes(&self, mode: Mode) -> bool {
        self.exclusive || matches!(mode, Mode::Exclusive)
    }

    fn age(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.time)
    }

    /// The holder, for people, in words that stay the same while the lock is held and refreshed:
    /// `exclusive lock of root@node-1 (process 42)`.
    #[must_use]
    pub fn holder(&self) -> String {
        let kind = if self.exclusive { "exclusive" } else { "shared" };
        format!("{kind} lock of {}@{} (process {})", self.username, self.hostname, self.pid)
    }

    /// The owner, for people: `exclusive lock of root@node-1 (process 42), 3m 5s old`.
    #[must_use]
    pub fn describe(&self, now: Timestamp) -> impl fmt::Display {
        let age = self.age(now).as_secs().max(0);
        let age = if age < 60 { format!("{age}s") } else { format!("{}m {}s", age / 60, age % 60) };
        format!("{}, {age} old", self.holder())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(exclusive: bool, minutes_old: i64) -> (Content, Timestamp) {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let content = Content {
            time: now - SignedDuration::from_mins(minutes_old),
            exclusive,
            hostname: "node-1".to_owned(),
            username: "root".to_owned(),
            pid: 42,
        };
        (content, now)
    }

    #[test]
    fn an_exclusive_lock_excludes_all_and_a_shared_one_only_exclusive_work() {
        for (exclusive, mode, excludes) in [
            (false, Mode::Shared, false),
            (false, Mode::Exclusive, true),
            (true, Mode::Shared, true),
            (true, Mode::Exclusive, true),
        ] {
            assert_eq!(lock(exclusive, 0).0.excludes(mode), excludes, "{exclusive} {mode:?}");
        }
    }

    #[test]
    fn a_lock_is_stale_after_thirty_minutes_and_never_when_it_is_from_the_future() {
        for (minutes_old, stale) in
            [(-600, false), (0, false), (29, false), (30, false), (31, true), (9999, true)]
        {
            let (content, now) = lock(true, minutes_old);
            assert_eq!(content.is_stale(now), stale, "{minutes_old} min");
        }
    }

    #[test]
    fn a_lock_is_refreshed_and_given_up_long_before_it_is_stale() {
        let refresh = SignedDuration::try_from(REFRESH).unwrap();
        assert!(refresh * 3 < GIVE_UP && GIVE_UP + refresh < STALE);
    }

    #[test]
    fn a_lock_is_described_with_owner_and_age() {
        let (content, now) = lock(true, 3);
        assert_eq!(
            content.describe(now).to_string(),
            "exclusive lock of root@node-1 (process 42), 3m 0s old"
        );
    }

    #[test]
    fn a_lock_is_written_as_restic_reads_it() {
        let (content, _) = lock(true, 0);
        assert_eq!(
            serde_json::to_string(&content).unwrap(),
            r#"{"time":"2026-03-01T12:00:00Z","exclusive":true,"hostname":"node-1","username":"root","pid":42}"#
        );
    }

    #[test]
    fn a_lock_of_restic_is_read_with_its_time_zone_and_further_fields() {
        let text = r#"{"time":"2026-03-01T13:00:00.123456789+01:00","exclusive":false,"hostname":"node-1",
            "username":"root","pid":42,"uid":0,"gid":0}"#;
        let content: Content = serde_json::from_str(text).unwrap();
        assert_eq!(content.time, "2026-03-01T12:00:00.123456789Z".parse::<Timestamp>().unwrap());
    }
}
