//! The API server: the only file that reads and writes objects.
//!
//! Every call has a deadline. Writes are idempotent: server-side apply with one field manager, creation under
//! deterministic names, deletion of the very object that was seen (by its UID).

mod error;
mod exec;
mod target;
mod unchanged;

use std::fmt::{Debug, Write as _};
use std::future::Future;
use std::time::Duration;

use futures::Stream;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy};
use kube::core::{ApiResource, DynamicObject, PartialObjectMeta, Request};
use kube::runtime::events::{Event, Recorder, Reporter};
use kube::runtime::watcher;
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use snafu::ResultExt;

pub use error::Error;
use error::{EncodeSnafu, RequestSnafu};
pub use target::Target;
pub use unchanged::is_unchanged;

/// How long one call may take, its repetitions included.
const DEADLINE: Duration = Duration::from_secs(30);

/// Objects asked for at once.
const PAGE: u32 = 250;

/// A kind that is known at compile time.
pub trait Kind:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Serialize + Send + Sync + 'static
{
}

impl<K> Kind for K where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Serialize + Send + Sync + 'static
{
}

/// What an apply did.
#[derive(Clone, Debug)]
pub enum Applied<K> {
    /// The object had been like this before; nothing was sent.
    Unchanged(K),
    /// The object as it is now.
    Written(K),
}

impl<K> Applied<K> {
    /// The object as it is now.
    pub fn into_object(self) -> K {
        match self {
            Self::Unchanged(object) | Self::Written(object) => object,
        }
    }
}

/// The API server, on behalf of one field manager. Clones share the connection.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    manager: &'static str,
    recorder: Recorder,
}

impl Debug for Cluster {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Cluster").field("manager", &self.manager).finish_non_exhaustive()
    }
}

/// The client's configuration, from the pod or from a kubeconfig, with time-outs and few repetitions: the defaults
/// wait for ever, and repeat a refused call for half an hour.
pub async fn connect() -> Result<Client, kube::Error> {
    let mut config = kube::Config::infer().await.map_err(kube::Error::InferConfig)?;
    // A watch is silent for at most 290 s (kube asks for that), so this is a connection that died.
    config.read_timeout = Some(Duration::from_secs(295));
    config.reset_reader_on_write = true;
    config.default_retry = false;
    Client::try_from(config)
}

impl Cluster {
    /// Speaks through `client` as `manager`; `instance` is the name of this pod in Events.
    #[must_use]
    pub fn new(client: Client, manager: &'static str, instance: Option<String>) -> Self {
        let recorder = Recorder::new(client.clone(), Reporter { controller: manager.to_owned(), instance });
        Self { client, manager, recorder }
    }

    /// The same API server, on behalf of another field manager.
    #[must_use]
    pub fn on_behalf_of(&self, manager: &'static str) -> Self {
        Self { manager, ..self.clone() }
    }

    /// The field manager of everything that is applied.
    #[must_use]
    pub const fn manager(&self) -> &'static str {
        self.manager
    }

    /// The client itself, for what is not an object (discovery, collection).
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The namespace of the pod, or of the kubeconfig.
    #[must_use]
    pub fn own_namespace(&self) -> &str {
        self.client.default_namespace()
    }

    /// The object, uncached. `namespace` is empty for cluster-scoped kinds.
    pub async fn find<K: Kind>(&self, namespace: &str, name: &str) -> Result<Option<K>, Error> {
        // An empty name would be the list.
        if name.is_empty() {
            return Ok(None);
        }
        let action = describe::<K>("get", namespace, name);
        let request = path::<K>(namespace).get(name, &kube::api::GetParams::default());
        absent_as_none(self.send(&action, request).await)
    }

    /// All objects of a namespace (of all namespaces: `None`) that have these labels (`a=b,c=d`; empty: all).
    ///
    /// An object that does not decode is left out and logged.
    pub async fn list<K: Kind>(&self, namespace: Option<&str>, labels: &str) -> Result<Vec<K>, Error> {
        let scope =
            namespace.map_or_else(|| "all namespaces".to_owned(), |name| format!("namespace {name:?}"));
        let action = format!("list {} of {scope}", K::plural(&()));
        let request = path::<K>(namespace.unwrap_or_default());
        let mut objects = Vec::new();
        let mut parameters = ListParams::default().labels(labels).limit(PAGE);
        loop {
            let page: Page = self.send(&action, request.list(&parameters)).await?;
            for item in page.items {
                match serde_json::from_str::<K>(item.get()) {
                    Ok(object) => objects.push(object),
                    Err(error) => left_out::<K>(&item, &error),
                }
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => parameters = parameters.continue_token(&token),
                None => return Ok(objects),
            }
        }
    }

    /// The changes of a kind: metadata only, without managed fields, which nobody needs in a cache.
    pub fn watch<K: Kind>(
        &self,
        labels: &str,
    ) -> impl Stream<Item = watcher::Result<watcher::Event<PartialObjectMeta<K>>>> + Send + use<K> {
        use kube::runtime::WatchStreamExt;
        let api: Api<PartialObjectMeta<K>> = Api::all(self.client.clone());
        let config = watcher::Config::default().labels(labels).page_size(PAGE);
        watcher(api, config).modify(|object| {
            object.metadata.managed_fields = None;
            object.metadata.annotations = None;
        })
    }

    /// The changes of a kind, whole objects, not decoded: one that does not decode must not end the watch.
    pub fn watch_whole<K: Kind>(
        &self,
        labels: &str,
    ) -> impl Stream<Item = watcher::Result<watcher::Event<DynamicObject>>> + Send + use<K> {
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &ApiResource::erase::<K>(&()));
        watcher(api, watcher::Config::default().labels(labels).page_size(PAGE))
    }

    /// Makes the object so, by server-side apply, unless it is so.
    ///
    /// Fields that this manager applied earlier and that `desired` lacks are removed. Fields that somebody else
    /// owns are taken over.
    pub async fn apply<K: Kind>(&self, desired: &K) -> Result<Applied<K>, Error> {
        let (namespace, name) = identity(desired);
        let action = describe::<K>("apply", namespace, name);
        let mut body =
            with_type::<K>(serde_json::to_value(desired).context(EncodeSnafu { action: &action })?);
        if let Some(body) = body.as_object_mut() {
            body.remove("status");
        }
        self.apply_json(&body).await
    }

    /// [`Self::apply`] for an object that has fields which this build does not know.
    pub async fn apply_json<K: Kind>(&self, desired: &Value) -> Result<Applied<K>, Error> {
        let field = |name: &str| desired["metadata"][name].as_str().unwrap_or_default();
        let (namespace, name) = (field("namespace"), field("name"));
        let action = describe::<K>("apply", namespace, name);
        if let Some(live) = self.find::<K>(namespace, name).await? {
            let live_value =
                with_type::<K>(serde_json::to_value(&live).context(EncodeSnafu { action: &action })?);
            if is_unchanged(desired, &live_value, self.manager, None) {
                return Ok(Applied::Unchanged(live));
            }
        }
        let mut pauses = [50, 150, 500].into_iter();
        loop {
            let request = path::<K>(namespace).patch(name, &self.applying(), &Patch::Apply(desired));
            match self.send(&action, request.map(escaped)).await {
                // The API server looks at the Role that is bound in a cache of its own, which may not have it yet.
                Err(error) if error.is_not_found() && K::kind(&()) == "RoleBinding" => {
                    let Some(pause) = pauses.next() else { return Err(error) };
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                applied => return applied.map(Applied::Written),
            }
        }
    }

    /// Makes the status of the very object that was read so, by server-side apply, unless it is so.
    pub async fn apply_status<K: Kind, S: Serialize + Sync>(
        &self,
        live: &K,
        status: &S,
    ) -> Result<Applied<K>, Error> {
        let (namespace, name) = identity(live);
        let action = describe::<K>("apply the status of", namespace, name);
        let status = serde_json::to_value(status).context(EncodeSnafu { action: &action })?;
        // The UID makes this fail when the object is another one of the same name meanwhile.
        let mut metadata = json!({"name": name, "uid": live.meta().uid});
        if !namespace.is_empty() {
            metadata["namespace"] = json!(namespace);
        }
        let body = with_type::<K>(json!({"metadata": metadata, "status": status}));
        let live_value = with_type::<K>(serde_json::to_value(live).context(EncodeSnafu { action: &action })?);
        if is_unchanged(&body, &live_value, self.manager, Some("status")) {
            return Ok(Applied::Unchanged(live.clone()));
        }
        let request =
            path::<K>(namespace).patch_subresource("status", name, &self.applying(), &Patch::Apply(&body));
        self.send(&action, request.map(escaped)).await.map(Applied::Written)
    }

    /// Creates the object; `None` when one of that name exists.
    pub async fn create<K: Kind>(&self, object: &K) -> Result<Option<K>, Error> {
        let (namespace, name) = identity(object);
        let action = describe::<K>("create", namespace, name);
        let body = serde_json::to_value(object).context(EncodeSnafu { action })?;
        self.create_json(&with_type::<K>(body)).await
    }

    /// Creates an object that has fields which this build does not know; `None` when one of that name exists.
    pub async fn create_json<K: Kind>(&self, object: &Value) -> Result<Option<K>, Error> {
        let field = |name: &str| object["metadata"][name].as_str().unwrap_or_default();
        let namespace = field("namespace");
        let action = describe::<K>("create", namespace, field("name"));
        let body = serde_json::to_vec(object).context(EncodeSnafu { action: &action })?;
        let parameters = PostParams { field_manager: Some(self.manager.to_owned()), ..PostParams::default() };
        match self.send(&action, path::<K>(namespace).create(&parameters, body)).await {
            Ok(object) => Ok(Some(object)),
            Err(Error::Refused { reason, .. }) if reason == "AlreadyExists" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the object as it was read; a conflict when it changed meanwhile.
    pub async fn replace<K: Kind>(&self, object: &K) -> Result<K, Error> {
        let (namespace, name) = identity(object);
        let action = describe::<K>("replace", namespace, name);
        let body = serde_json::to_vec(object).context(EncodeSnafu { action: &action })?;
        let parameters = PostParams { field_manager: Some(self.manager.to_owned()), ..PostParams::default() };
        self.send(&action, path::<K>(namespace).replace(name, &parameters, body)).await
    }

    /// Merges `patch` into the very object that was read (RFC 7386).
    pub async fn merge<K: Kind>(&self, live: &K, mut patch: Value) -> Result<K, Error> {
        let (namespace, name) = identity(live);
        let action = describe::<K>("patch", namespace, name);
        patch["metadata"]["uid"] = json!(live.meta().uid);
        let parameters =
            PatchParams { field_manager: Some(self.manager.to_owned()), ..PatchParams::default() };
        self.send(&action, path::<K>(namespace).patch(name, &parameters, &Patch::Merge(&patch))).await
    }

    /// Gives the object these finalizers; a conflict when it changed since it was read. Not by apply: the next
    /// apply of the object itself would take them away.
    pub async fn set_finalizers<K: Kind>(&self, live: &K, finalizers: &[String]) -> Result<K, Error> {
        let version = &live.meta().resource_version;
        self.merge(live, json!({"metadata": {"finalizers": finalizers, "resourceVersion": version}})).await
    }

    /// Deletes the very object that was read; its dependants follow in the background. Gone already is deleted.
    pub async fn delete<K: Kind>(&self, live: &K) -> Result<(), Error> {
        let (namespace, name) = identity(live);
        let action = describe::<K>("delete", namespace, name);
        let parameters = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            preconditions: Some(Preconditions { uid: live.meta().uid.clone(), resource_version: None }),
            ..DeleteParams::default()
        };
        // The answer is the object or a Status, as the server likes.
        let deleted: Result<Value, Error> =
            self.send(&action, path::<K>(namespace).delete(name, &parameters)).await;
        absent_as_none(deleted).map(drop)
    }

    /// Publishes an Event about `regarding`. What is said twice within minutes becomes one Event with a count.
    pub async fn publish(&self, event: &Event, regarding: &ObjectReference) -> Result<(), Error> {
        let name = regarding.name.clone().unwrap_or_default();
        let action = format!("publish Event {:?} about {name:?}", event.reason);
        within_deadline(&action, self.recorder.publish(event, regarding)).await
    }

    fn applying(&self) -> PatchParams {
        PatchParams::apply(self.manager).force()
    }

    /// Sends one request and decodes the answer, repeating what the server asks to repeat.
    async fn send<T: DeserializeOwned>(
        &self,
        action: &str,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<T, Error> {
        let request = request.context(RequestSnafu { action })?;
        within_deadline(action, async {
            let mut pauses = [100, 400, 1600].into_iter();
            loop {
                match self.client.request::<T>(request.clone()).await {
                    Err(kube::Error::Api(status)) if matches!(status.code, 429 | 503 | 504) => {
                        let Some(pause) = pauses.next() else { return Err(kube::Error::Api(status)) };
                        let asked =
                            status.details.map_or(0, |details| u64::from(details.retry_after_seconds) * 1000);
                        tokio::time::sleep(Duration::from_millis(asked.max(pause))).await;
                    }
                    other => return other,
                }
            }
        })
        .await
    }
}

async fn within_deadline<T>(
    action: &str,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(answer) => answer.map_err(|error| Error::from_kube(action, error)),
        Err(_) => Err(Error::TimedOut { action: action.to_owned(), seconds: DEADLINE.as_secs() }),
    }
}

/// A page of a list. Each object is decoded by itself: one that does not decode must not hide the others.
#[derive(serde::Deserialize)]
struct Page {
    metadata: ListMeta,
    #[serde(default)]
    items: Vec<Box<RawValue>>,
}

fn left_out<K: Kind>(item: &RawValue, error: &serde_json::Error) {
    let object: Value = serde_json::from_str(item.get()).unwrap_or_default();
    let field = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
    tracing::warn!(
        kind = %K::kind(&()),
        namespace = field("namespace"),
        name = field("name"),
        error = error.to_string(),
        "an object was left out because it does not decode"
    );
}

fn absent_as_none<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn path<K: Kind>(namespace: &str) -> Request {
    Request::new(K::url_path(&(), Some(namespace).filter(|namespace| !namespace.is_empty())))
}

fn identity<K: Kind>(object: &K) -> (&str, &str) {
    let meta = object.meta();
    (meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default())
}

fn describe<K: Kind>(verb: &str, namespace: &str, name: &str) -> String {
    let separator = if namespace.is_empty() { "" } else { "/" };
    format!("{verb} {} \"{namespace}{separator}{name}\"", K::kind(&()))
}

/// Types of k8s-openapi write these themselves, derived ones too; a body without them is refused.
fn with_type<K: Kind>(mut body: Value) -> Value {
    body["apiVersion"] = json!(K::api_version(&()));
    body["kind"] = json!(K::kind(&()));
    body
}

/// The API server reads the body of an apply as YAML, which takes NEL, LS and PS for line breaks and refuses other
/// control characters: they are sent as JSON escapes.
fn escaped(request: http::Request<Vec<u8>>) -> http::Request<Vec<u8>> {
    request.map(|body| match String::from_utf8(body) {
        Ok(text) => escape(&text).into_bytes(),
        Err(error) => error.into_bytes(),
    })
}

fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if matches!(character, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}') {
            // Writing to a String does not fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{Namespace, Secret};

    use super::*;

    #[test]
    fn an_action_names_the_object() {
        assert_eq!(describe::<Secret>("get", "shop", "keys"), r#"get Secret "shop/keys""#);
        assert_eq!(describe::<Namespace>("get", "", "shop"), r#"get Namespace "shop""#);
    }

    #[test]
    fn characters_that_yaml_mistakes_are_escaped() {
        let text = serde_json::to_string("a\u{85}b\u{2028}c\u{7f}d🦀").expect("a string is JSON");
        assert_eq!(escape(&text), r#""a\u0085b\u2028c\u007fd🦀""#);
        let back: String = serde_json::from_str(&escape(&text)).expect("still JSON");
        assert_eq!(back, "a\u{85}b\u{2028}c\u{7f}d🦀");
    }
}
