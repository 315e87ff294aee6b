//! Who works on a repository, and by which clock.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// Tells the time. It is an argument, so that tests can set it; the caller owns the only real one.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The process that works on a repository, as others see it in a lock file and in a key file.
#[derive(Clone)]
pub struct Worker {
    /// The host; for a Job the name of its pod.
    pub hostname: String,
    /// The user, or what the process does.
    pub username: String,
    /// The process id.
    pub process: u32,
    /// Its clock.
    pub clock: Clock,
}

impl fmt::Debug for Worker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Worker({}@{} pid {})", self.username, self.hostname, self.process)
    }
}
