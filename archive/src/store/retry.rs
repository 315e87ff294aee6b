//! When to try again, and for how long.

use std::time::Duration;

use tokio::time::Instant;

use super::error::{Error, Result};

/// How long to wait for an object store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For one try of a small request; large ones get more, see [`Patience::limit`].
    pub attempt: Duration,
    /// From the first try of a call to the start of its last one.
    pub total: Duration,
    /// The wait after the first failure; it doubles, up to [`Patience::longest_wait`].
    pub first_wait: Duration,
    /// The longest wait between two tries.
    pub longest_wait: Duration,
}

/// A connection slower than this is as good as none.
const SLOWEST_BYTES_PER_SECOND: u64 = 64 * 1024;

impl Patience {
    /// For a Job: a server may restart below it.
    #[must_use]
    pub const fn job() -> Self {
        Self {
            attempt: Duration::from_secs(30),
            total: Duration::from_mins(3),
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(10),
        }
    }

    /// For the operator and for people who wait at a terminal: they ask again anyway.
    #[must_use]
    pub const fn brief() -> Self {
        Self {
            attempt: Duration::from_secs(10),
            total: Duration::from_secs(8),
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(2),
        }
    }

    /// The time limit of one try that moves `bytes`.
    #[must_use]
    pub fn limit(&self, bytes: u64) -> Duration {
        self.attempt + Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND)
    }

    /// The wait after `failures` failures (1, 2, ...). `jitter` lies in 0..1 and spreads those who failed together over
    /// the upper half of the wait.
    #[must_use]
    fn wait(&self, failures: u32, jitter: f64) -> Duration {
        let doubled = self.first_wait.saturating_mul(1_u32 << failures.saturating_sub(1).min(16));
        doubled.min(self.longest_wait).mul_f64(0.5 + jitter / 2.0)
    }
}

/// Repeats `attempt` until it succeeds, fails for good, or patience ends; the last error is returned.
///
/// `attempt` gets the number of failures so far. `jitter` gives numbers in 0..1.
pub async fn retry<T, F>(
    patience: Patience,
    jitter: impl Fn() -> f64,
    mut attempt: impl FnMut(u32) -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let start = Instant::now();
    let mut failures = 0;
    loop {
        let error = match attempt(failures).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        failures += 1;
        let wait = patience.wait(failures, jitter());
        if !error.permanence().is_temporary() || start.elapsed() + wait > patience.total {
            return Err(after(error, failures, start.elapsed()));
        }
        tracing::debug!(%error, failures, "object store failed, trying again");
        tokio::time::sleep(wait).await;
    }
}

/// Says of a temporary error how often it came.
fn after(mut error: Error, failures: u32, elapsed: Duration) -> Error {
    if failures > 1
        && let Error::Unreachable { reason, .. } | Error::Temporary { reason, .. } = &mut error
    {
        *reason = format!("{reason} ({failures} tries in {} s)", elapsed.as_secs());
    }
    error
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::ready;

    use super::*;
    use crate::store::memory::a_place;

    fn unreachable() -> Error {
        Error::Unreachable { place: a_place(), reason: "refused".to_owned() }
    }

    #[test]
    fn waits_double_up_to_a_limit_and_are_spread_over_their_upper_half() {
        let patience = Patience::job();
        for (failures, jitter, milliseconds) in
            [(1, 0.0, 100), (1, 1.0, 200), (2, 1.0, 400), (3, 1.0, 800), (30, 1.0, 10_000), (30, 0.0, 5_000)]
        {
            assert_eq!(patience.wait(failures, jitter), Duration::from_millis(milliseconds), "{failures}");
        }
    }

    #[test]
    fn a_large_upload_gets_more_time() {
        assert_eq!(Patience::job().limit(0), Duration::from_secs(30));
        assert_eq!(Patience::job().limit(32 * 1024 * 1024), Duration::from_secs(30 + 512));
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_is_repeated_until_it_succeeds() {
        let tries = Cell::new(0);
        let answer = retry(
            Patience::job(),
            || 0.5,
            async |failures| {
                assert_eq!(failures, tries.get());
                tries.set(tries.get() + 1);
                if tries.get() < 5 { Err(unreachable()) } else { Ok("there") }
            },
        )
        .await;
        assert_eq!((answer.unwrap(), tries.get()), ("there", 5));
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_pass_is_not_repeated() {
        let tries = Cell::new(0);
        let answer: Result<()> = retry(
            Patience::job(),
            || 0.5,
            async |_| {
                tries.set(tries.get() + 1);
                Err(Error::NoSuchBucket { place: a_place() })
            },
        )
        .await;
        assert!(matches!(answer, Err(Error::NoSuchBucket { .. })));
        assert_eq!(tries.get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends_and_the_last_error_says_how_often_it_was_tried() {
        let start = Instant::now();
        let answer: Result<()> = retry(Patience::job(), || 1.0, |_| ready(Err(unreachable()))).await;
        assert!(start.elapsed() <= Duration::from_mins(3), "{:?}", start.elapsed());
        let message = answer.unwrap_err().to_string();
        assert!(message.contains("tries in 17"), "{message}");
    }
}
