//! A proxy in front of the real S3 server that does what the real one cannot be asked to do: answer 503, hang, or fail
//! the n-th listing. It listens on the host's side of the cluster's network and nowhere else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::oneshot;

/// What the proxy does with a request instead of passing it on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Answers with this status and an empty body.
    Status(u16),
    /// Accepts and never answers.
    Hang,
}

/// Which requests meet the fault: asked with method, path and query, and the number of the request (from 0).
pub type Rule = Arc<dyn Fn(&Seen<'_>) -> Option<Fault> + Send + Sync>;

/// A request as a rule sees it.
pub struct Seen<'a> {
    pub number: usize,
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
}

impl Seen<'_> {
    /// Whether this is a listing of keys.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.method == "GET" && self.query.contains("list-type=2")
    }
}

/// A running proxy; dropping it stops it.
pub struct S3Proxy {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

#[derive(Clone)]
struct Forward {
    target: String,
    rule: Rule,
    count: Arc<AtomicUsize>,
    client: Client<HttpConnector, Body>,
}

impl S3Proxy {
    /// Starts a proxy on a free port of `host` in front of `target` (`http://10.0.0.1:7070`).
    ///
    /// # Panics
    /// When the port cannot be bound.
    pub async fn start(host: &str, target: &str, rule: Rule) -> Self {
        let listener = tokio::net::TcpListener::bind((host, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let forward = Forward {
            target: target.trim_end_matches('/').to_owned(),
            rule,
            count: Arc::new(AtomicUsize::new(0)),
            client: Client::builder(TokioExecutor::new()).build_http(),
        };
        let (stop, stopped) = oneshot::channel();
        let router = Router::new().fallback(pass).with_state(forward);
        tokio::spawn(async move {
            let serving = axum::serve(listener, router);
            tokio::select! {
                _ = async { serving.await } => {}
                _ = stopped => {}
            }
        });
        Self { address, _stop: stop }
    }

    /// The endpoint to write into a BackupStorage.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn pass(State(forward): State<Forward>, mut request: Request) -> Response {
    let number = forward.count.fetch_add(1, Ordering::Relaxed);
    let seen = Seen {
        number,
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
    };
    match (forward.rule)(&seen) {
        Some(Fault::Status(status)) => {
            return StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE).into_response();
        }
        Some(Fault::Hang) => std::future::pending::<()>().await,
        None => {}
    }
    // The Host header stays as the client signed it; only where the bytes go changes.
    let uri =
        format!("{}{}", forward.target, request.uri().path_and_query().map_or("/", |both| both.as_str()));
    match uri.parse() {
        Ok(uri) => *request.uri_mut() = uri,
        Err(_) => return StatusCode::BAD_REQUEST.into_response(),
    }
    match forward.client.request(request).await {
        Ok(response) => response.into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
