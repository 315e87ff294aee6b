//! Writes that a Job does not give up at the first refusal: its result is worth some patience.

use std::time::Duration;

use crate::cluster::Error;
use crate::disposition::Disposition;

/// Pauses between the attempts to write a status: five attempts, from 10 s on doubling (contract §8.6). The total
/// stays below five minutes.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(10), Duration::from_secs(20), Duration::from_secs(40), Duration::from_secs(80)];

/// Writes by `write`, and tries again what may pass.
pub async fn insist<Write>(write: impl Fn() -> Write) -> Result<(), Error>
where
    Write: Future<Output = Result<(), Error>>,
{
    let mut pauses = PAUSES.into_iter();
    loop {
        let error = match write().await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        // Forbidden is tried again as well: the right may just be on its way to the API server.
        let may_pass =
            error.disposition() == Disposition::Retry && !error.is_not_found() && !error.is_conflict();
        let Some(pause) = pauses.next().filter(|_| may_pass) else { return Err(error) };
        tracing::warn!(error = error.to_string(), "the status was not written, and is tried again");
        tokio::time::sleep(pause).await;
    }
}
