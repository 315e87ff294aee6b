//! Reports of progress, as often as they are worth it.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use crate::cluster::Error;

/// Shortest time between two reports.
const SHORTEST: Duration = Duration::from_secs(2);
/// Longest time between two reports, also when nothing has happened: that too is worth knowing.
const LONGEST: Duration = Duration::from_secs(10);

/// Reports what `look` sees by `report` when it has changed, until it is dropped. A report that fails is logged: the next
/// one says more.
pub async fn tick<Seen, Report>(look: impl Fn() -> Seen, report: impl Fn(Seen) -> Report) -> Infallible
where
    Seen: Clone + PartialEq,
    Report: Future<Output = Result<(), Error>>,
{
    let (mut last, mut at) = (None, Instant::now());
    loop {
        tokio::time::sleep(SHORTEST).await;
        let seen = look();
        if last.as_ref() == Some(&seen) && at.elapsed() < LONGEST {
            continue;
        }
        if let Err(error) = report(seen.clone()).await {
            tracing::warn!(error = error.to_string(), "progress was not reported");
        }
        (last, at) = (Some(seen), Instant::now());
    }
}
