//! The wish to stop, seen by everything that runs.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Tells whether the process should stop. Clones see the same wish.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

/// Expresses the wish.
#[derive(Debug)]
pub struct Trigger(watch::Sender<bool>);

impl Trigger {
    /// From now on everything stops.
    pub fn pull(&self) {
        self.0.send_replace(true);
    }
}

/// A wish that SIGTERM and SIGINT express.
pub fn on_signal() -> io::Result<(Trigger, Shutdown)> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (sender, receiver) = watch::channel(false);
    let by_signal = sender.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        by_signal.send_replace(true);
    });
    Ok((Trigger(sender), Shutdown(receiver)))
}

impl Shutdown {
    /// Returns when the process should stop; at once when that is already so.
    pub async fn requested(mut self) {
        // An error means that nobody is left who could ask, which is the end as well.
        let _ = self.0.wait_for(|requested| *requested).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wish_reaches_every_clone_also_later() {
        let (sender, receiver) = watch::channel(false);
        let (trigger, shutdown) = (Trigger(sender), Shutdown(receiver));
        let early = tokio::spawn(shutdown.clone().requested());
        trigger.pull();
        early.await.expect("the waiting task ends");
        shutdown.requested().await;
    }
}
