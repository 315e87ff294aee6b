//! Work for the processor: away from the loop that waits for the network, unless it is over at once.

use tokio::task::{JoinError, spawn_blocking};

/// Below this many bytes moving the work to another thread costs more than doing it.
const SMALL: usize = 16 * 1024;

/// Runs `work` on `bytes` bytes; an error means that it panicked.
pub async fn off_the_loop<T, F>(bytes: usize, work: F) -> Result<T, JoinError>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    if bytes < SMALL { Ok(work()) } else { spawn_blocking(work).await }
}
