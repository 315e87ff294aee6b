//! Who works on a repository, and by which clock.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
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

/// Knows what has become of the other workers with the same user name.
///
/// A process that is killed leaves its lock behind, and nobody may take it for stale for half an hour. Who can tell
/// that the process is gone does not have to wait: as restic looks for the process of a lock of its own host. The user
/// name must be one that nobody else can have, who might use the same host names.
#[async_trait]
pub trait Peers: fmt::Debug + Send + Sync {
    /// Whether the worker on that host has ended for certain. When in doubt it has not.
    async fn has_ended(&self, hostname: &str) -> bool;
}
