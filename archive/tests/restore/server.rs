//! An API server in this process: objects in memory, created, read, changed and deleted as a real one does it, and faults
//! where a test wants them. Watches answer with the first change and end, which a client has to be able to live with.

pub mod cluster;
mod discovery;
pub mod objects;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::Notify;

pub use cluster::Cluster;

/// A request, as a fault sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub method: Method,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub body: Value,
    /// Of a PATCH: it is a JSON merge patch, and no apply.
    pub merges: bool,
    /// How many requests that change something came before it.
    pub writes: usize,
}

impl Call {
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Of a DELETE with a body the query means nothing.
    pub fn is_dry(&self) -> bool {
        if self.method == Method::DELETE && self.body.is_object() {
            return self.body["dryRun"] == json!(["All"]);
        }
        self.query("dryRun") == Some("All")
    }

    /// Whether it changes something in the cluster.
    pub fn is_write(&self) -> bool {
        self.method != Method::GET && !self.path.contains("selfsubjectaccessreviews")
    }

    /// `POST /api/v1/namespaces/shop/secrets`, without the query.
    pub fn told(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// An answer: HTTP status and JSON.
pub type Answer = (u16, Value);

/// What a fault does.
pub enum Fault {
    /// An answer instead of the true one.
    Answer(u16, Value),
    /// As it should be, but nobody is told.
    DoneInSilence,
    /// An answer that has a `Warning` header besides.
    Warn(&'static str),
    /// Nothing happens, ever.
    Silence,
}

/// A Status object.
pub fn refuse(code: u16, reason: &str, message: &str) -> Answer {
    let status =
        json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message});
    (code, status)
}

/// The same as a fault.
pub fn fault(code: u16, reason: &str, message: &str) -> Fault {
    let (code, body) = refuse(code, reason, message);
    Fault::Answer(code, body)
}

type Faults = Box<dyn Fn(&Call, &mut Cluster) -> Option<Fault> + Send + Sync>;

/// The server.
pub struct Server {
    cluster: Mutex<Cluster>,
    faults: Mutex<Faults>,
    calls: Mutex<Vec<Call>>,
    changed: Notify,
}

impl Server {
    pub fn new(cluster: Cluster) -> Arc<Self> {
        Self::failing(cluster, |_, _| None)
    }

    /// With a say in every request; it may change the cluster before the request is looked at.
    pub fn failing(
        cluster: Cluster,
        faults: impl Fn(&Call, &mut Cluster) -> Option<Fault> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            cluster: Mutex::new(cluster),
            faults: Mutex::new(Box::new(faults)),
            calls: Mutex::new(Vec::new()),
            changed: Notify::new(),
        })
    }

    /// From now on with these faults.
    pub fn fail(&self, faults: impl Fn(&Call, &mut Cluster) -> Option<Fault> + Send + Sync + 'static) {
        *self.faults.lock().unwrap() = Box::new(faults);
    }

    pub fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.cluster.lock().unwrap()
    }

    /// Changes the cluster from outside, and tells those who watch.
    pub fn change(&self, change: impl FnOnce(&mut Cluster)) {
        change(&mut self.cluster());
        self.changed.notify_waiters();
    }

    /// The requests so far.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    pub fn client(self: &Arc<Self>) -> Client {
        let server = Arc::clone(self);
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = Arc::clone(&server);
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        Client::new(service, "default")
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let metadata_only = parts
            .headers
            .get("accept")
            .is_some_and(|accept| accept.to_str().unwrap().contains("PartialObject"));
        let merges = parts.headers.get("content-type").is_some_and(|of| of == "application/merge-patch+json");
        let call = self.note(&parts.method, &parts.uri, &body, merges);
        if call.query("watch").is_some() {
            return reply(200, &self.watch(&call).await);
        }
        let (fault, answer) = self.decide(&call);
        self.changed.notify_waiters();
        let warning = match fault {
            Some(Fault::Answer(code, body)) => return reply(code, body.to_string().as_bytes()),
            Some(Fault::Silence | Fault::DoneInSilence) => std::future::pending().await,
            Some(Fault::Warn(text)) => Some(text),
            None => None,
        };
        let (code, mut body) = answer.unwrap_or_else(|| refuse(500, "InternalError", "no answer"));
        if metadata_only && code == 200 {
            strip_to_metadata(&mut body);
        }
        let mut response = reply(code, body.to_string().as_bytes());
        if let Some(text) = warning {
            let value = format!("299 - \"{text}\"").parse().unwrap();
            response.headers_mut().insert("warning", value);
        }
        response
    }

    fn note(&self, method: &Method, uri: &http::Uri, body: &Bytes, merges: bool) -> Call {
        let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.to_owned(), decoded(value))
        });
        let mut calls = self.calls.lock().unwrap();
        let call = Call {
            method: method.clone(),
            path: decoded(uri.path()),
            query: query.collect(),
            body: serde_json::from_slice(body).unwrap_or_default(),
            merges,
            writes: calls.iter().filter(|call| call.is_write()).count(),
        };
        calls.push(call.clone());
        call
    }

    fn decide(&self, call: &Call) -> (Option<Fault>, Option<Answer>) {
        let mut cluster = self.cluster();
        let fault = (self.faults.lock().unwrap())(call, &mut cluster);
        let is_served = !matches!(fault, Some(Fault::Answer(..) | Fault::Silence));
        let answer = is_served.then(|| cluster.serve(call));
        (fault, answer)
    }

    /// Everything that has happened since, once something has.
    async fn watch(&self, call: &Call) -> Vec<u8> {
        let since: u64 = call.query("resourceVersion").unwrap().parse().unwrap();
        loop {
            let changed = self.changed.notified();
            let events = self.cluster().events(call, since);
            if !events.is_empty() {
                let lines = events.iter().map(|event| format!("{event}\n"));
                return lines.collect::<String>().into_bytes();
            }
            changed.await;
        }
    }
}

fn strip_to_metadata(body: &mut Value) {
    match body.get_mut("items").and_then(Value::as_array_mut) {
        Some(items) => {
            for item in items {
                *item = json!({"kind": "PartialObjectMetadata", "metadata": item["metadata"]});
            }
        }
        None => *body = json!({"kind": "PartialObjectMetadata", "metadata": body["metadata"]}),
    }
}

fn reply(code: u16, body: &[u8]) -> Response<Body> {
    Response::builder().status(code).body(Body::from(body.to_vec())).unwrap()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if let (b'%', [high, low, after @ ..]) = (first, tail) {
            let digits = [*high, *low];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            rest = after;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}
