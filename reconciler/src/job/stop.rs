//! Why a Job has to stop before it is done: its deadline, or Kubernetes.

use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use archive::error::Permanence;
use jiff::SignedDuration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Failed;

/// Who stopped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The deadline in the status of its session has passed.
    Deadline,
    /// SIGTERM: the pod is being deleted or evicted.
    Terminated,
}

impl Reason {
    /// For a status; the words about a deadline are upstream's (contract §8.3).
    fn message(self, work: &str) -> String {
        match self {
            Self::Deadline => "deadline exceeded".to_owned(),
            Self::Terminated => format!("the {work} was terminated: its pod was told to stop (SIGTERM)"),
        }
    }
}

/// The wish to stop. Clones share it.
#[derive(Clone, Debug)]
pub struct Stop {
    work: &'static str,
    token: CancellationToken,
    reason: Arc<OnceLock<Reason>>,
}

impl Stop {
    /// Expresses the wish on SIGTERM and SIGINT, and once `remaining` has passed. `work` is what is stopped: `backup`.
    pub fn watch(work: &'static str, remaining: Option<SignedDuration>) -> std::io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = Self { work, token: CancellationToken::new(), reason: Arc::default() };
        let watched = stop.clone();
        tokio::spawn(async move {
            let reason = tokio::select! {
                _ = terminate.recv() => Reason::Terminated,
                _ = interrupt.recv() => Reason::Terminated,
                () = deadline(remaining) => Reason::Deadline,
            };
            watched.pull(reason);
        });
        Ok(stop)
    }

    fn pull(&self, reason: Reason) {
        // Who comes second finds it stopped already.
        let _ = self.reason.set(reason);
        self.token.cancel();
    }

    /// Cancelled when the work has to stop.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Whether the work has to stop.
    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// What is told about work that was stopped.
    pub fn failed(&self) -> Failed {
        let reason = self.reason.get().copied().unwrap_or(Reason::Terminated);
        Failed { message: reason.message(self.work), permanence: Permanence::Temporary }
    }
}

async fn deadline(remaining: Option<SignedDuration>) {
    match remaining {
        None => std::future::pending().await,
        Some(remaining) => tokio::time::sleep(Duration::try_from(remaining).unwrap_or_default()).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_deadline_that_has_passed_stops_at_once_and_is_called_a_deadline() {
        let stop = Stop::watch("backup", Some(SignedDuration::from_secs(-5))).unwrap();
        stop.token().cancelled().await;
        assert!(stop.is_requested());
        assert_eq!(stop.failed().message, "deadline exceeded");
    }

    #[tokio::test]
    async fn the_first_reason_counts() {
        let stop = Stop::watch("restore", None).unwrap();
        assert!(!stop.is_requested());
        stop.pull(Reason::Terminated);
        stop.pull(Reason::Deadline);
        assert_eq!(stop.failed().message, "the restore was terminated: its pod was told to stop (SIGTERM)");
    }
}
