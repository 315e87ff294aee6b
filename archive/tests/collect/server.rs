//! An API server in this process: it serves types and objects from memory, in pages, and fails as it is told to.

mod discovery;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

/// One type.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is set by itself in some test")]
pub struct Type {
    pub group: &'static str,
    /// The preferred one first.
    pub versions: Vec<&'static str>,
    pub plural: &'static str,
    pub kind: &'static str,
    pub namespaced: bool,
    pub verbs: Vec<&'static str>,
    /// By namespace (empty for the cluster) and name.
    pub objects: BTreeMap<(String, String), Value>,
    /// Answered for by another server, which does not sort.
    pub aggregated: bool,
    /// Its group does not answer.
    pub stale: bool,
    /// Lists are sorted as etcd's keys are.
    pub sorted: bool,
}

impl Type {
    pub fn new(group: &'static str, plural: &'static str, kind: &'static str, namespaced: bool) -> Self {
        Self {
            group,
            versions: vec!["v1"],
            plural,
            kind,
            namespaced,
            verbs: vec!["create", "delete", "get", "list", "patch", "update", "watch"],
            objects: BTreeMap::new(),
            aggregated: false,
            stale: false,
            sorted: true,
        }
    }

    /// Adds an object whose metadata has `more` besides its name.
    pub fn object(&mut self, namespace: &str, name: &str, more: &Value) {
        let mut metadata = json!({
            "name": name, "uid": format!("uid-{}-{namespace}-{name}", self.plural), "resourceVersion": "7",
            "creationTimestamp": "2026-11-22T10:00:00Z", "managedFields": [{"manager": "x"}]
        });
        if self.namespaced {
            metadata["namespace"] = json!(namespace);
        }
        for (field, value) in more.as_object().into_iter().flatten() {
            metadata[field] = value.clone();
        }
        let object = json!({"metadata": metadata, "spec": {"of": name}});
        self.objects.insert((namespace.to_owned(), name.to_owned()), object);
    }

    pub fn with(mut self, places: &[(&str, &str)]) -> Self {
        for (namespace, name) in places {
            self.object(namespace, name, &json!({}));
        }
        self
    }

    fn root(&self, version: &str) -> String {
        if self.group.is_empty() {
            format!("/api/{version}/")
        } else {
            format!("/apis/{}/{version}/", self.group)
        }
    }

    pub fn group_resource(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }
}

/// A request, as a fault sees it.
#[derive(Clone, Debug, Default)]
pub struct Call {
    pub path: String,
    pub plural: String,
    pub version: String,
    pub namespace: Option<String>,
    pub name: Option<String>,
    pub limit: usize,
    pub selector: Option<String>,
    pub token: Option<String>,
    pub metadata_only: bool,
    /// How many requests of this path, whatever the query, came before.
    pub earlier: usize,
}

/// What a fault does.
pub enum Fault {
    /// An answer instead of the true one.
    Answer(u16, Value),
    /// As `Answer`, with a time after which to come again.
    Later(u16, u64),
    /// No answer at all.
    Silence,
}

/// A Status object.
pub fn status(code: u16, reason: &str, message: &str) -> Fault {
    Fault::Answer(code, json!({"kind": "Status", "code": code, "reason": reason, "message": message}))
}

type Faults = Box<dyn Fn(&Call, &mut Vec<Type>) -> Option<Fault> + Send + Sync>;

/// The server.
pub struct Server {
    types: Mutex<Vec<Type>>,
    faults: Faults,
    calls: Mutex<Vec<Call>>,
    /// Whether it knows aggregated discovery.
    modern: bool,
    /// Whether APIServices may be listed.
    services: bool,
}

impl Server {
    pub fn new(types: Vec<Type>) -> Arc<Self> {
        Self::failing(types, |_, _| None)
    }

    /// With a say in every request to a type. It may change the types before they are looked at.
    pub fn failing(
        types: Vec<Type>,
        faults: impl Fn(&Call, &mut Vec<Type>) -> Option<Fault> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            types: Mutex::new(types),
            faults: Box::new(faults),
            calls: Mutex::new(Vec::new()),
            modern: true,
            services: true,
        })
    }

    /// Without aggregated discovery.
    pub fn old(types: Vec<Type>) -> Arc<Self> {
        Self::new(types).changed(|server| server.modern = false)
    }

    /// APIServices may not be listed.
    pub fn without_services(self: Arc<Self>) -> Arc<Self> {
        self.changed(|server| server.services = false)
    }

    fn changed(self: Arc<Self>, change: impl FnOnce(&mut Self)) -> Arc<Self> {
        let Some(mut server) = Arc::into_inner(self) else { panic!("a server in use is not changed") };
        change(&mut server);
        Arc::new(server)
    }

    pub fn client(self: &Arc<Self>) -> Client {
        let server = Arc::clone(self);
        let service = tower::service_fn(move |request: Request<Body>| {
            let answer = server.answer(&request);
            async move {
                let answer = match answer {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                };
                ready(Ok::<_, Infallible>(answer)).await
            }
        });
        Client::new(service, "default")
    }

    /// The requests for types so far.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    fn answer(&self, request: &Request<Body>) -> Option<Response<Body>> {
        let path = request.uri().path();
        let mut types = self.types.lock().unwrap();
        match path {
            "/api" | "/apis" => return Some(reply(200, &discovery::groups(self.modern, path, &types))),
            "/apis/apiregistration.k8s.io/v1/apiservices" if self.services => {
                return Some(reply(200, &discovery::services(&types)));
            }
            "/apis/apiregistration.k8s.io/v1/apiservices" => {
                return Some(reply(403, &json!({"kind": "Status", "reason": "Forbidden", "message": "no"})));
            }
            _ => {}
        }
        let Some(mut call) = Self::call(request, &types) else {
            return Some(discovery::resources(path, &types));
        };
        call.earlier = self.calls.lock().unwrap().iter().filter(|earlier| earlier.path == call.path).count();
        self.calls.lock().unwrap().push(call.clone());
        match (self.faults)(&call, &mut types) {
            Some(Fault::Answer(code, body)) => Some(reply(code, &body)),
            Some(Fault::Later(code, seconds)) => {
                let mut response = reply(code, &json!({"kind": "Status", "message": "later"}));
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
                Some(response)
            }
            Some(Fault::Silence) => None,
            None => Some(serve(&call, &types)),
        }
    }

    /// None for a path that is not of a type.
    fn call(request: &Request<Body>, types: &[Type]) -> Option<Call> {
        let path = request.uri().path().to_owned();
        let (version, rest) = types.iter().find_map(|of| {
            let version = of.versions.iter().find(|version| path.starts_with(&of.root(version)))?;
            Some(((*version).to_owned(), path.strip_prefix(&of.root(version))?.to_owned()))
        })?;
        let accept =
            request.headers().get("accept").and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        let mut call = Call {
            path: path.clone(),
            version,
            metadata_only: accept.contains("PartialObjectMetadata"),
            ..Call::default()
        };
        let parts: Vec<String> = rest.split('/').map(decoded).collect();
        match &parts[..] {
            [scope, namespace, plural, name @ ..] if scope == "namespaces" => {
                call.namespace = Some(namespace.clone());
                call.plural.clone_from(plural);
                call.name = name.first().cloned();
            }
            [plural, name @ ..] => {
                call.plural.clone_from(plural);
                call.name = name.first().cloned();
            }
            [] => return None,
        }
        for pair in request.uri().query().unwrap_or_default().split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "limit" => call.limit = value.parse().unwrap(),
                "labelSelector" => call.selector = Some(decoded(value)),
                "continue" if !value.is_empty() => call.token = Some(decoded(value)),
                _ => {}
            }
        }
        Some(call)
    }
}

fn serve(call: &Call, types: &[Type]) -> Response<Body> {
    let of = types.iter().find(|of| {
        of.plural == call.plural
            && of.versions.contains(&call.version.as_str())
            && call.path.starts_with(&of.root(&call.version))
    });
    let Some(of) = of else {
        return reply(404, &json!({"kind": "Status", "reason": "NotFound", "message": "no such type"}));
    };
    match &call.name {
        Some(name) => one(call, of, name),
        None => list(call, of),
    }
}

fn one(call: &Call, of: &Type, name: &str) -> Response<Body> {
    let place = (call.namespace.clone().unwrap_or_default(), name.to_owned());
    match of.objects.get(&place) {
        Some(object) => reply(200, &shown(object, call)),
        None => reply(404, &json!({"kind": "Status", "reason": "NotFound", "message": "no such object"})),
    }
}

fn list(call: &Call, of: &Type) -> Response<Body> {
    let mut found: Vec<(String, &Value)> = of
        .objects
        .iter()
        .filter(|((namespace, _), _)| call.namespace.as_ref().is_none_or(|wanted| wanted == namespace))
        .filter(|(_, object)| call.selector.as_ref().is_none_or(|selector| is_selected(object, selector)))
        .map(|((namespace, name), object)| (format!("{namespace}/{name}"), object))
        .collect();
    found.sort_by_key(|(key, _)| if of.sorted { key.clone() } else { key.chars().rev().collect() });
    let key = |key: &str| if of.sorted { key.to_owned() } else { key.chars().rev().collect() };
    let rest: Vec<&(String, &Value)> = found
        .iter()
        .filter(|(found, _)| call.token.as_ref().is_none_or(|token| key(found) > key(token)))
        .collect();
    let limit = if call.limit == 0 { rest.len() } else { call.limit };
    let page: Vec<Value> = rest.iter().take(limit).map(|(_, object)| shown(object, call)).collect();
    let mut metadata = json!({"resourceVersion": "7"});
    if rest.len() > limit {
        metadata["continue"] = json!(rest[limit - 1].0);
        if call.selector.is_none() {
            metadata["remainingItemCount"] = json!(rest.len() - limit);
        }
    }
    reply(
        200,
        &json!({"kind": format!("{}List", of.kind), "apiVersion": call.version, "metadata": metadata, "items": page}),
    )
}

fn shown(object: &Value, call: &Call) -> Value {
    if call.metadata_only { json!({"metadata": object["metadata"]}) } else { object.clone() }
}

/// `key=value` only.
fn is_selected(object: &Value, selector: &str) -> bool {
    let (key, value) = selector.split_once('=').unwrap();
    object["metadata"]["labels"][key] == json!(value)
}

fn reply(code: u16, body: &Value) -> Response<Body> {
    let body = Bytes::from(serde_json::to_vec(body).unwrap());
    Response::builder().status(code).body(Body::from(body)).unwrap()
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
