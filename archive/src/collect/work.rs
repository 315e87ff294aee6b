//! Work for the processor: away from the loop that waits for the network, unless it is over at once.

use snafu::Snafu;
use tokio::task::spawn_blocking;

/// Below this many bytes moving the work to another thread costs more than doing it.
const SMALL: usize = 16 * 1024;

/// The work panicked; what it said may hold a part of an object, and stays out.
#[derive(Debug, PartialEq, Eq, Snafu)]
#[snafu(display("internal error"))]
pub struct Panicked;

/// Runs `work` on `bytes` bytes.
pub async fn off_the_loop<T, F>(bytes: usize, work: F) -> Result<T, Panicked>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    if bytes < SMALL { Ok(work()) } else { spawn_blocking(work).await.map_err(|_| Panicked) }
}
