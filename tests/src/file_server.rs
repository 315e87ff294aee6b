//! A web server for the files of a folder, as a page of releases is.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::State;
use http::{StatusCode, Uri};
use tokio::sync::oneshot;

/// A running server on the loopback address; dropping it stops it.
pub struct FileServer {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl FileServer {
    /// Serves `folder` on a free port.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start(folder: &Path) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(file).with_state(folder.to_owned());
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(async move {
            let serving = axum::serve(listener, router);
            tokio::select! {
                _ = async { serving.await } => {}
                _ = stopped => {}
            }
        });
        Self { address, _stop: stop }
    }

    /// For example `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn file(State(folder): State<PathBuf>, uri: Uri) -> Result<Vec<u8>, StatusCode> {
    let path = uri.path().trim_start_matches('/');
    if path.split('/').any(|part| part == "..") {
        return Err(StatusCode::FORBIDDEN);
    }
    tokio::fs::read(folder.join(path)).await.map_err(|_| StatusCode::NOT_FOUND)
}
