//! What follows from a pass: the one place that decides when an object is looked at again, and that logs.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::runtime::events::{Event, EventType};

use crate::announce;
use crate::dependents::Key;
use crate::disposition::Disposition;

/// When to look at an object again after a pass that succeeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Next {
    /// When it, or something that it depends on, changes.
    #[default]
    AwaitChange,
    /// After this long, and on a change.
    After(Duration),
}

impl Next {
    /// The earlier of the two.
    #[must_use]
    pub fn or_sooner(self, other: Self) -> Self {
        match (self, other) {
            (Self::After(one), Self::After(two)) => Self::After(one.min(two)),
            (Self::After(one), Self::AwaitChange) | (Self::AwaitChange, Self::After(one)) => Self::After(one),
            (Self::AwaitChange, Self::AwaitChange) => Self::AwaitChange,
        }
    }
}

/// An error of a driver.
pub trait Failure: std::error::Error + Send + Sync + 'static {
    /// And now?
    fn disposition(&self) -> Disposition;
    /// The step that failed, as Event reason and metric label: `ObserveFailed`, for example.
    fn category(&self) -> &'static str;
}

/// First pause after an error.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Longest pause after an error.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// The pause before attempt `failures + 1`: doubling, capped, and spread by a fifth over the objects, so that what
/// failed together does not come back together.
#[must_use]
pub fn pause(failures: u32, key: &Key) -> Duration {
    let doubled =
        FIRST_PAUSE.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    let capped = doubled.min(LONGEST_PAUSE);
    let mut hasher = DefaultHasher::new();
    (failures, &key.kind, &key.namespace, &key.name).hash(&mut hasher);
    let percent = u32::try_from(hasher.finish() % 21).unwrap_or_default();
    capped * (90 + percent) / 100
}

/// The Event of a failed pass.
#[must_use]
pub fn event(failure: &dyn Failure) -> Event {
    Event {
        type_: EventType::Warning,
        reason: failure.category().to_owned(),
        note: Some(announce::shortened(&failure.to_string())),
        action: "Reconcile".to_owned(),
        secondary: None,
    }
}

/// How often each object has failed in a row.
#[derive(Debug, Default)]
pub struct Failures(Mutex<BTreeMap<Key, u32>>);

impl Failures {
    /// One more; gives the number.
    pub fn count(&self, key: &Key) -> u32 {
        let mut failures = self.lock();
        let count = failures.entry(key.clone()).or_default();
        *count = count.saturating_add(1);
        *count
    }

    /// A pass succeeded, or the object is gone. Whether it had failed before.
    pub fn clear(&self, key: &Key) -> bool {
        self.lock().remove(key).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When to look again after an error.
#[must_use]
pub fn after_error(disposition: Disposition, failures: u32, key: &Key) -> Next {
    match disposition {
        Disposition::Retry => Next::After(pause(failures, key)),
        Disposition::AwaitChange | Disposition::Stall => Next::AwaitChange,
    }
}

/// Logs a failed pass: once, here. A first failure is mostly somebody else's write that came in between, and over a
/// second later; a repetition of the same trouble is not worth more than a debug line each time.
pub fn log_failure(controller: &str, key: &Key, failure: &dyn Failure, failures: u32) {
    let (category, disposition) = (failure.category(), failure.disposition());
    let error = failure.to_string();
    if failures == 1 && disposition == Disposition::Retry {
        tracing::info!(
            controller,
            namespace = key.namespace,
            name = key.name,
            category,
            ?disposition,
            error,
            "a pass failed and is tried again"
        );
    } else if failures.is_power_of_two() {
        tracing::warn!(
            controller,
            namespace = key.namespace,
            name = key.name,
            category,
            ?disposition,
            failures,
            error,
            "a pass failed"
        );
    } else {
        tracing::debug!(
            controller,
            namespace = key.namespace,
            name = key.name,
            category,
            ?disposition,
            failures,
            error,
            "a pass failed again"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key { kind: "Secret.".to_owned(), namespace: "shop".to_owned(), name: name.to_owned() }
    }

    #[test]
    fn pauses_double_up_to_five_minutes() {
        for (failures, seconds) in [(1, 1), (2, 2), (4, 8), (9, 256), (10, 300), (40, 300), (u32::MAX, 300)] {
            let pause = pause(failures, &key("a")).as_secs_f64();
            let exact = f64::from(seconds);
            assert!(pause >= exact * 0.9 && pause <= exact * 1.1, "{failures}: {pause}");
        }
    }

    #[test]
    fn what_failed_together_does_not_come_back_together() {
        let pauses: std::collections::BTreeSet<_> = (0..50).map(|n| pause(5, &key(&n.to_string()))).collect();
        assert!(pauses.len() > 10, "{pauses:?}");
    }

    #[test]
    fn a_success_forgets_the_failures() {
        let failures = Failures::default();
        assert_eq!(
            (failures.count(&key("a")), failures.count(&key("a")), failures.count(&key("b"))),
            (1, 2, 1)
        );
        assert!(failures.clear(&key("a")));
        assert!(!failures.clear(&key("a")));
        assert_eq!(failures.count(&key("a")), 1);
    }

    #[test]
    fn only_what_may_get_better_by_itself_is_tried_again() {
        for (disposition, again) in
            [(Disposition::Retry, true), (Disposition::AwaitChange, false), (Disposition::Stall, false)]
        {
            assert_eq!(after_error(disposition, 1, &key("a")) != Next::AwaitChange, again);
        }
    }

    #[test]
    fn the_sooner_of_two_wins() {
        let second = |seconds| Next::After(Duration::from_secs(seconds));
        for (one, two, sooner) in [
            (second(1), second(2), second(1)),
            (second(1), Next::AwaitChange, second(1)),
            (Next::AwaitChange, Next::AwaitChange, Next::AwaitChange),
        ] {
            assert_eq!((one.or_sooner(two), two.or_sooner(one)), (sooner, sooner));
        }
    }
}
