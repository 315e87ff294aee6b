//! Ctrl-C and SIGTERM while something is waited for: the wait ends, the work in the cluster goes on.

use crate::exit::Exit;

/// Waits until the process is asked to end, and says how it then ends.
pub async fn interrupted() -> Exit {
    tokio::select! {
        () = interrupt() => Exit::Interrupted,
        () = terminate() => Exit::Terminated,
    }
}

async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler Ctrl-C ends the process by itself.
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn terminate() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        Err(_) => std::future::pending::<()>().await,
    }
}

#[cfg(not(unix))]
async fn terminate() {
    std::future::pending::<()>().await;
}
