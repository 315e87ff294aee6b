//! Every call to the API server: each with a limit, each retried a little, each named in its error.

mod bodies;
mod changes;
mod log;
mod rights;
mod visible;
mod written;

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use http::Request as HttpRequest;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{
    AttachParams, AttachedProcess, DeleteParams, GetParams, ListParams, Patch, PatchParams, PostParams,
    PropagationPolicy,
};
use kube::core::discovery::v2::APIGroupDiscoveryList;
use kube::core::{ObjectList, Request};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use snafu::Snafu;
use tokio::io::{AsyncRead, AsyncWrite};

pub use changes::Changed;
pub use rights::Right;
pub use written::Written;

use crate::discovery::{self, Served};
use crate::failure::Failure;
use crate::object::{self, Kind, Object};

/// How often a request is repeated that the server refused for being busy.
const TRIES: u32 = 4;
/// The field manager of changes to single fields.
const EDITOR: &str = "kubectl-kubestash-edit";

/// What was asked of the API server: for messages, and for the advice in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The RBAC verb.
    pub verb: &'static str,
    /// `plural.group`.
    pub resource: String,
    pub namespace: Option<String>,
    pub name: Option<String>,
}

/// A call that failed.
#[derive(Debug, Snafu)]
pub enum Error {
    #[snafu(display("failed to {} {}: {source}", asked.verb, asked.resource))]
    Refused { asked: Asked, context: String, source: Box<kube::Error> },
    #[snafu(display("failed to {} {}: no answer within {limit:?}", asked.verb, asked.resource))]
    NoAnswer { asked: Asked, context: String, limit: Duration },
    #[snafu(display("{failure:?}"))]
    Malformed { failure: Box<Failure> },
}

impl Error {
    /// The HTTP status that the API server answered, if it answered.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { source, .. } => match &**source {
                kube::Error::Api(status) => Some(status.code),
                _ => None,
            },
            Self::NoAnswer { .. } | Self::Malformed { .. } => None,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Malformed { failure: Box::new(failure) }
    }
}

/// Whether a write is real, and whether it takes over fields of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Apply {
    /// Let the server judge, and write nothing.
    pub dry_run: bool,
    /// Take over fields that another manager owns.
    pub force: bool,
}

/// Which objects of a kind are meant, as the API server judges it; none named, all are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection<'a> {
    /// `app=shop,tier!=web`
    pub labels: &'a str,
    /// `metadata.name=shop`
    pub fields: &'a str,
}

impl<'a> From<&'a str> for Selection<'a> {
    fn from(labels: &'a str) -> Self {
        Self { labels, fields: "" }
    }
}

impl<'a> From<&'a String> for Selection<'a> {
    fn from(labels: &'a String) -> Self {
        Self::from(labels.as_str())
    }
}

/// What a watch needs of a type.
pub trait Followed: Clone + std::fmt::Debug + DeserializeOwned + Send + 'static {}

impl<K: Clone + std::fmt::Debug + DeserializeOwned + Send + 'static> Followed for K {}

/// One cluster as one user sees it.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    limit: Option<Duration>,
    context: String,
    server: String,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Cluster")
            .field("context", &self.context)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Cluster {
    /// A cluster behind this client. `limit` bounds every call that is not a watch.
    #[must_use]
    pub fn new(client: Client, limit: Option<Duration>, context: &str, server: &str) -> Self {
        Self { client, limit, context: context.into(), server: server.into() }
    }

    /// The name of the kubeconfig context.
    #[must_use]
    pub fn context(&self) -> &str {
        &self.context
    }

    /// The address of the API server.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The client itself, for what brings its own limits and its own retries.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Reads one object; `None` when it does not exist, or when its kind does not.
    pub async fn get<K>(&self, namespace: Option<&str>, name: &str) -> Result<Option<K>, Error>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned,
    {
        self.get_kind(&Kind::of::<K>(), namespace, name).await
    }

    /// Reads one object of a kind known by name only.
    pub async fn get_kind<T: DeserializeOwned>(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<T>, Error> {
        let asked = asked("get", kind, namespace, Some(name));
        let request = Request::new(kind.path(namespace)).get(name, &GetParams::default());
        match self.call(asked, request).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads any path of the API server, for example `/version`.
    pub async fn get_path<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Error> {
        let asked = Asked { verb: "get", resource: path.to_owned(), namespace: None, name: None };
        let request =
            HttpRequest::get(path).body(Vec::new()).map_err(kube::core::request::Error::BuildRequest);
        match self.call(asked, request).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All resource types that the cluster serves, by two requests (aggregated discovery, Kubernetes 1.26).
    pub async fn discover(&self) -> Result<Vec<Served>, Error> {
        const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                              application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
        let mut served = Vec::new();
        for path in ["/api", "/apis"] {
            let asked = Asked { verb: "get", resource: path.to_owned(), namespace: None, name: None };
            let request = HttpRequest::get(path).header(http::header::ACCEPT, ACCEPT).body(Vec::new());
            let list: APIGroupDiscoveryList =
                self.call(asked, request.map_err(kube::core::request::Error::BuildRequest)).await?;
            served.extend(discovery::served(&list));
        }
        Ok(served)
    }

    /// Reads all objects of a kind, page by page: of one namespace, or of all. A kind that does not exist has none.
    pub async fn list<'a, K>(
        &self,
        namespace: Option<&str>,
        selection: impl Into<Selection<'a>>,
    ) -> Result<Vec<K>, Error>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned + Clone,
    {
        let kind = Kind::of::<K>();
        let Selection { labels, fields } = selection.into();
        let mut page = ListParams::default().labels(labels).fields(fields).limit(500);
        let mut items = Vec::new();
        loop {
            let request = Request::new(kind.path(namespace)).list(&page);
            let list: ObjectList<K> = match self.call(asked("list", &kind, namespace, None), request).await {
                Ok(list) => list,
                Err(error) if error.status() == Some(404) => return Ok(items),
                Err(error) => return Err(error),
            };
            items.extend(list.items);
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => return Ok(items),
            }
        }
    }

    /// Reads the objects of a kind known by name only, of one namespace, without their contents. A kind that cannot be read
    /// (its API is down, or it is gone) is an error: nobody may take it for empty.
    pub async fn list_kind(&self, kind: &Kind, namespace: &str) -> Result<Vec<Value>, Error> {
        let asked = asked("list", kind, Some(namespace), None);
        let request = Request::new(kind.path(Some(namespace))).list_metadata(&ListParams::default());
        let list: Value = self.call(asked, request).await?;
        Ok(list.get("items").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// Writes an object by server-side apply as [`crds::name::manager::PLUGIN`].
    pub async fn apply(&self, object: &Object, how: Apply) -> Result<Value, Error> {
        let mut params = PatchParams::apply(crds::name::manager::PLUGIN);
        params.force = how.force;
        params.dry_run = how.dry_run;
        let namespace = object.namespace.as_deref();
        let request = Request::new(object.kind.path(namespace)).patch(
            &object.name,
            &params,
            &Patch::Apply(&Value::Null),
        );
        let body = object::apply_body(&object.body)?;
        let request = request.map(|request| request.map(|_| body));
        self.call(asked("patch", &object.kind, namespace, Some(&object.name)), request).await
    }

    /// Changes some fields of an object by a merge patch, as another manager than [`Self::apply`]: an apply later on
    /// must not take what it does not mention for removed.
    pub async fn merge(
        &self,
        kind: &Kind,
        (namespace, name): (Option<&str>, &str),
        change: &Value,
        dry_run: bool,
    ) -> Result<Value, Error> {
        let params = PatchParams { field_manager: Some(EDITOR.into()), dry_run, ..PatchParams::default() };
        let request = Request::new(kind.path(namespace)).patch(name, &params, &Patch::Merge(change));
        self.call(asked("patch", kind, namespace, Some(name)), request).await
    }

    /// Creates an object; `false` when one of that name exists already.
    pub async fn create<K>(&self, namespace: Option<&str>, object: &K) -> Result<bool, Error>
    where
        K: Resource<DynamicType = ()> + Serialize,
    {
        self.create_object(&Object { namespace: namespace.map(str::to_owned), ..Object::typed(object)? })
            .await
    }

    /// Creates an object; `false` when one of that name exists already.
    pub async fn create_object(&self, object: &Object) -> Result<bool, Error> {
        let namespace = object.namespace.as_deref();
        let params = PostParams { dry_run: false, field_manager: Some(crds::name::manager::PLUGIN.into()) };
        let body = serde_json::to_vec(&object.body).unwrap_or_default();
        let request = Request::new(object.kind.path(namespace)).create(&params, body);
        match self.call::<Value>(asked("create", &object.kind, namespace, Some(&object.name)), request).await
        {
            Ok(_) => Ok(true),
            Err(error) if error.status() == Some(409) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes an object; `false` when there was none. Dependants go with it, in the background.
    pub async fn delete(&self, object: &Object, dry_run: bool) -> Result<bool, Error> {
        let namespace = object.namespace.as_deref();
        let params = DeleteParams {
            dry_run,
            propagation_policy: Some(PropagationPolicy::Background),
            ..DeleteParams::default()
        };
        let request = Request::new(object.kind.path(namespace)).delete(&object.name, &params);
        match self.call::<Value>(asked("delete", &object.kind, namespace, Some(&object.name)), request).await
        {
            Ok(_) => Ok(true),
            Err(error) if error.status() == Some(404) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A connection to a port of a pod; `None` where there is none to be had.
    pub async fn forward(
        &self,
        (namespace, pod): (&str, &str),
        port: u16,
    ) -> Option<impl AsyncRead + AsyncWrite + Unpin + Send + use<>> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let opened = tokio::time::timeout(Duration::from_secs(5), pods.portforward(pod, &[port])).await;
        opened.ok()?.ok()?.take_stream(port)
    }

    /// A process in a container of a pod, with what it reads and what it writes; `None` where there is none to be had.
    pub async fn exec(
        &self,
        (namespace, pod, container): (&str, &str, &str),
        command: &[&str],
    ) -> Option<AttachedProcess> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let streams = AttachParams::default().container(container).stdin(true).stdout(true).stderr(false);
        let begun = pods.exec(pod, command.iter().copied(), &streams);
        tokio::time::timeout(Duration::from_secs(5), begun).await.ok()?.ok()
    }

    /// Follows one namespaced object; `None` while it does not exist.
    #[must_use]
    pub fn follow<K>(
        &self,
        namespace: &str,
        name: &str,
    ) -> BoxStream<'static, Result<Option<K>, watcher::Error>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Followed,
    {
        watcher::watch_object(Api::<K>::namespaced(self.client.clone(), namespace), name)
            .default_backoff()
            .boxed()
    }

    /// Follows the objects of a kind: of one namespace, restricted by labels.
    #[must_use]
    pub fn watch<K>(
        &self,
        namespace: &str,
        labels: &str,
    ) -> BoxStream<'static, Result<watcher::Event<K>, watcher::Error>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Followed,
    {
        let config = watcher::Config::default().labels(labels);
        watcher::watcher(Api::<K>::namespaced(self.client.clone(), namespace), config)
            .default_backoff()
            .boxed()
    }

    /// Follows the objects of a kind, of one namespace or of all: first all of them at once, then each that changes.
    #[must_use]
    pub fn changes<K>(
        &self,
        namespace: Option<&str>,
        selection: Selection<'_>,
    ) -> BoxStream<'static, Result<Changed<K>, watcher::Error>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Followed,
    {
        let config = watcher::Config::default().labels(selection.labels).fields(selection.fields);
        let objects = match namespace {
            Some(namespace) => Api::<K>::namespaced(self.client.clone(), namespace),
            None => Api::<K>::all(self.client.clone()),
        };
        changes::whole(watcher::watcher(objects, config).default_backoff()).boxed()
    }

    /// Follows the objects of a kind in the whole cluster, restricted by labels.
    #[must_use]
    pub fn watch_all<K>(&self, labels: &str) -> BoxStream<'static, Result<watcher::Event<K>, watcher::Error>>
    where
        K: Resource<DynamicType = ()> + Followed,
    {
        let config = watcher::Config::default().labels(labels);
        watcher::watcher(Api::<K>::all(self.client.clone()), config).default_backoff().boxed()
    }

    /// Sends a request and reads the answer. A server that is busy is asked again after the time it names: deterministic
    /// names and server-side apply make every request of ours safe to repeat.
    async fn call<T: DeserializeOwned>(
        &self,
        asked: Asked,
        request: Result<HttpRequest<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<T, Error> {
        let refused = |source: kube::Error| Error::Refused {
            asked: asked.clone(),
            context: self.context.clone(),
            source: Box::new(source),
        };
        let request = request.map_err(|error| refused(kube::Error::BuildRequest(error)))?;
        let mut tried = 1;
        loop {
            let sent = self.client.request::<T>(request.clone());
            let answer = match self.limit {
                None => sent.await,
                Some(limit) => tokio::time::timeout(limit, sent).await.map_err(|_| Error::NoAnswer {
                    asked: asked.clone(),
                    context: self.context.clone(),
                    limit,
                })?,
            };
            match answer {
                Err(error) if tried < TRIES => match pause_before_retry(&error, tried) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(refused(error)),
                },
                answer => return answer.map_err(refused),
            }
            tried += 1;
        }
    }
}

/// How long to wait before asking again, or `None` when asking again is of no use.
fn pause_before_retry(error: &kube::Error, tried: u32) -> Option<Duration> {
    let kube::Error::Api(status) = error else { return None };
    if !matches!(status.code, 429 | 503 | 504) {
        return None;
    }
    let told = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    let own = Duration::from_millis(250 * 2_u64.pow(tried));
    Some(Duration::from_secs(u64::from(told)).clamp(own, Duration::from_secs(10)))
}

fn asked(verb: &'static str, kind: &Kind, namespace: Option<&str>, name: Option<&str>) -> Asked {
    Asked {
        verb,
        resource: kind.resource(),
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;
    use serde_json::json;

    use super::*;

    fn answered(code: u16, retry_after_seconds: u32) -> kube::Error {
        let status = json!({"code": code, "details": {"retryAfterSeconds": retry_after_seconds}});
        kube::Error::Api(serde_json::from_value::<Status>(status).unwrap().boxed())
    }

    #[test]
    fn a_busy_server_is_asked_again_when_it_says_so() {
        assert_eq!(pause_before_retry(&answered(429, 3), 1), Some(Duration::from_secs(3)));
        assert_eq!(pause_before_retry(&answered(503, 0), 1), Some(Duration::from_millis(500)));
        assert_eq!(pause_before_retry(&answered(503, 3600), 1), Some(Duration::from_secs(10)));
    }

    #[test]
    fn a_refusal_is_final() {
        for code in [400, 401, 403, 404, 409, 422, 500] {
            assert_eq!(pause_before_retry(&answered(code, 0), 1), None, "{code}");
        }
    }
}
