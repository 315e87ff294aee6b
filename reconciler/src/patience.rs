//! How long a Job is waited for: until its pod has started, and until it is over. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::executor::Waiting;
use crate::outcome::Next;

/// A Job stops by itself at its deadline and tells so; later than this it is stopped.
pub const LATE: SignedDuration = SignedDuration::from_secs(30);

/// A pod that waits longer than this is spoken of (`PodHasBeenInPendingStateForLongerThanExpected`).
const WORTH_TELLING: SignedDuration = SignedDuration::from_secs(60);

/// What is to be thought of a container that does not run yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Nothing; look again then.
    Silent(Next),
    /// It is worth telling; look again then.
    Speaking(Next),
    /// It is not waited for any longer.
    Exhausted,
}

impl Patience {
    /// How much patience is left with `waiting`.
    #[must_use]
    pub fn with(waiting: &Waiting, now: Timestamp) -> Self {
        let waited = now.duration_since(waiting.since);
        if waited >= waiting.patience {
            Self::Exhausted
        } else if waited < WORTH_TELLING {
            Self::Silent(after(WORTH_TELLING.min(waiting.patience) - waited))
        } else {
            Self::Speaking(after(waiting.patience - waited))
        }
    }
}

/// When a Job that has a deadline is to be looked at, whatever happens until then.
#[must_use]
pub fn until(deadline: Option<Timestamp>, now: Timestamp) -> Next {
    deadline.map_or(Next::AwaitChange, |deadline| {
        after(deadline.duration_since(now) + LATE + SignedDuration::from_secs(1))
    })
}

/// A little later than asked, so that the moment has passed then.
fn after(duration: SignedDuration) -> Next {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(0);
    Next::After(Duration::from_millis(milliseconds + 50))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_silent_then_speaks_and_ends() {
        let since = Timestamp::UNIX_EPOCH;
        let look = |seconds: u64| Next::After(Duration::from_millis(seconds * 1000 + 50));
        for (patience, waited, expected) in [
            (180, 0, Patience::Silent(look(60))),
            (180, 59, Patience::Silent(look(1))),
            (180, 60, Patience::Speaking(look(120))),
            (180, 180, Patience::Exhausted),
            (20, 5, Patience::Silent(look(15))),
            (0, 0, Patience::Exhausted),
        ] {
            let patience = SignedDuration::from_secs(patience);
            let waiting = Waiting { since, reason: "no node".to_owned(), patience };
            assert_eq!(
                Patience::with(&waiting, since + SignedDuration::from_secs(waited)),
                expected,
                "{waited}"
            );
        }
    }

    #[test]
    fn a_job_is_looked_at_when_it_is_late() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(until(None, now), Next::AwaitChange);
        let deadline = now + SignedDuration::from_secs(10);
        assert_eq!(until(Some(deadline), now), Next::After(Duration::from_millis(41_050)));
        assert_eq!(until(Some(deadline), deadline + LATE * 9), Next::After(Duration::from_millis(50)));
    }
}
