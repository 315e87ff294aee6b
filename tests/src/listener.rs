//! A web server that keeps what it is sent, for hooks that tell somebody.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use http::Uri;
use tokio::sync::oneshot;

/// Path and body of each request, in the order of arrival.
type Kept = Arc<Mutex<Vec<(String, String)>>>;

/// A running server on the host's side of the cluster's network; dropping it stops it.
pub struct Listener {
    address: SocketAddr,
    kept: Kept,
    _stop: oneshot::Sender<()>,
}

impl Listener {
    /// Listens on a free port of `host`.
    ///
    /// # Panics
    /// When the port cannot be bound.
    pub async fn start(host: &str) -> Self {
        let listener = tokio::net::TcpListener::bind((host, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let kept = Kept::default();
        let router = Router::new().fallback(keep).with_state(kept.clone());
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(async move {
            let serving = axum::serve(listener, router);
            tokio::select! {
                _ = async { serving.await } => {}
                _ = stopped => {}
            }
        });
        Self { address, kept, _stop: stop }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Path and body of each request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<(String, String)> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn keep(State(kept): State<Kept>, uri: Uri, body: String) {
    kept.lock().unwrap_or_else(PoisonError::into_inner).push((uri.path().to_owned(), body));
}
