//! Ctrl-C and SIGTERM while something is waited for: the wait ends, the work in the cluster goes on.

use crate::exit::Exit;

/// Waits until the process is asked to end, and says how it then ends. It is listened from the call on, not only from the
/// first poll: a question may be answered with Ctrl-C as soon as it is seen.
#[cfg(unix)]
pub fn interrupted() -> impl Future<Output = Exit> {
    use tokio::signal::unix::SignalKind;
    let (interrupt, terminate, quit) =
        (heard(SignalKind::interrupt()), heard(SignalKind::terminate()), heard(SignalKind::quit()));
    async {
        tokio::select! {
            () = interrupt => Exit::Interrupted,
            () = terminate => Exit::Terminated,
            // Ctrl-\ would leave a terminal without echo or cursor.
            () = quit => Exit::Terminated,
        }
    }
}

/// Waits until the process is asked to end.
#[cfg(not(unix))]
pub async fn interrupted() -> Exit {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler Ctrl-C ends the process by itself.
        std::future::pending::<()>().await;
    }
    Exit::Interrupted
}

#[cfg(unix)]
fn heard(kind: tokio::signal::unix::SignalKind) -> impl Future<Output = ()> {
    let signals = tokio::signal::unix::signal(kind);
    async {
        match signals {
            Ok(mut signals) => {
                signals.recv().await;
            }
            // Without a handler the signal ends the process by itself.
            Err(_) => std::future::pending::<()>().await,
        }
    }
}

/// Ctrl-Z while something is redrawn: whoever listens gives the terminal back, and calls [`stop`].
#[derive(Debug)]
pub struct Suspended {
    #[cfg(unix)]
    signals: Option<tokio::signal::unix::Signal>,
}

impl Suspended {
    /// Listens from now on, if it is wished: without, Ctrl-Z stops the process by itself.
    #[must_use]
    #[cfg_attr(not(unix), expect(unused_variables, reason = "only Unix stops processes"))]
    pub fn listen(wished: bool) -> Self {
        Self {
            #[cfg(unix)]
            signals: wished.then(|| tokio::signal::unix::signal(suspension()).ok()).flatten(),
        }
    }

    /// Waits for Ctrl-Z.
    pub async fn wished(&mut self) {
        #[cfg(unix)]
        if let Some(signals) = &mut self.signals {
            signals.recv().await;
            return;
        }
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
fn suspension() -> tokio::signal::unix::SignalKind {
    tokio::signal::unix::SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw())
}

/// Stops this process until the shell lets it go on.
pub fn stop() {
    #[cfg(unix)]
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
}
