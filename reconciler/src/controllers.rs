//! All controllers and what wakes them.
//!
//! A controller watches metadata only: its cache holds names, labels and owners, and each pass reads its object
//! fresh. So nothing is decided on stale data, an object that does not decode is one error and not a dead watch,
//! and the memory does not grow with what the objects contain.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use crds::addons::{Addon, Function};
use crds::core::{BackupConfiguration, BackupSession, HookTemplate, RestoreSession};
use crds::label;
use crds::storage::{BackupStorage, Repository, RetentionPolicy, Snapshot};
use futures::StreamExt;
use futures::future::join_all;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::core::{ApiResource, DynamicObject, PartialObjectMeta};
use kube::runtime::controller::{Action, Config};
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::{Controller, WatchStreamExt};
use kube::{Resource, ResourceExt};

use crate::cluster::{self, Kind};
use crate::context::Context;
use crate::dependents::Key;
use crate::disposition::Disposition;
use crate::outcome::{self, Failure, Next};
use crate::shutdown::Shutdown;
use crate::{backup_configuration, backup_session, backup_storage, repository, restore_session, snapshot};

/// Passes of one controller at a time. Mostly they wait: for the API server, or for a bucket that does not answer, which
/// must not keep the others waiting.
const CONCURRENCY: u16 = 16;

/// A controller that has not been started.
pub struct Prepared<K: Kind> {
    name: &'static str,
    controller: Controller<PartialObjectMeta<K>>,
    context: Arc<Context>,
}

type Watched<K> = PartialObjectMeta<K>;

/// A controller for all objects of kind `K`. `name` is its label in logs and metrics.
fn prepare<K: Kind>(name: &'static str, context: &Arc<Context>, shutdown: &Shutdown) -> Prepared<K> {
    let (store, writer) = reflector::store();
    let changes = context.cluster.watch::<K>("").default_backoff().reflect(writer).touched_objects();
    let controller = Controller::for_stream(changes, store)
        .with_config(Config::default().concurrency(CONCURRENCY))
        .graceful_shutdown_on(shutdown.clone().requested());
    Prepared { name, controller, context: Arc::clone(context) }
}

impl<K: Kind> Prepared<K> {
    /// Is woken by changes of the objects of kind `Other` that it owns as controller.
    #[must_use]
    pub fn owns<Other: Kind>(self, labels: &str) -> Self {
        let changes = self.context.cluster.watch::<Other>(labels).touched_objects();
        let controller = self.controller.owns_stream(changes);
        Self { controller, ..self }
    }

    /// Is woken by changes of the objects of kind `Other` that its last pass read ([`crate::dependents`]).
    #[must_use]
    pub fn reads<Other: Kind>(self, labels: &str) -> Self {
        let context = Arc::clone(&self.context);
        self.watches::<Other>(labels, move |changed| {
            let readers = context.dependents.of::<K>(&Key::from_object(changed));
            readers.into_iter().map(|reader| reference(&reader.namespace, &reader.name)).collect()
        })
    }

    /// Is woken by changes of kind `Other`, for the objects that `whom` names.
    #[must_use]
    pub fn watches<Other: Kind>(
        self,
        labels: &str,
        whom: impl Fn(&Watched<Other>) -> Vec<ObjectRef<Watched<K>>> + Send + Sync + 'static,
    ) -> Self {
        let changes = self.context.cluster.watch::<Other>(labels).touched_objects();
        let controller = self.controller.watches_stream(changes, move |other| whom(&other));
        Self { controller, ..self }
    }

    /// Is woken by changes of kind `Other`, for the objects that `whom` finds in the whole object. Nothing is cached.
    #[must_use]
    pub fn watches_whole<Other: Kind>(
        self,
        whom: impl Fn(&Other) -> Vec<ObjectRef<Watched<K>>> + Send + Sync + 'static,
    ) -> Self {
        let changes = self.context.cluster.watch_whole::<Other>("").touched_objects();
        let read = move |other: DynamicObject| {
            let other = other.try_parse::<Other>();
            other.as_ref().map(&whom).unwrap_or_default()
        };
        let controller = self.controller.watches_stream_with(changes, read, ApiResource::erase::<Other>(&()));
        Self { controller, ..self }
    }

    /// Runs until the process should stop: passes that have begun are finished.
    pub fn run<E, Pass>(
        self,
        reconcile: impl Fn(Arc<K>, Arc<Context>) -> Pass + Clone + Send + Sync + 'static,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>>
    where
        E: Failure,
        Pass: Future<Output = Result<Next, E>> + Send + 'static,
    {
        let Self { name, controller, context } = self;
        let passes = controller.run(
            move |object, context| pass(name, object, context, reconcile.clone()),
            |_, error: &std::convert::Infallible, _| match *error {},
            context,
        );
        Box::pin(passes.for_each(move |result| async move {
            match result {
                // Deleted between the event and the pass: nothing to do.
                Ok(_) | Err(kube::runtime::controller::Error::ObjectNotFound(_)) => {}
                Err(error) => tracing::warn!(controller = name, error = brief(&error), "a watch failed"),
            }
        }))
    }
}

/// The innermost cause, which says it all; kube's own message repeats it with every field of the answer.
fn brief(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Names an object of kind `K`.
#[must_use]
pub fn reference<K: Kind>(namespace: &str, name: &str) -> ObjectRef<Watched<K>> {
    let reference = ObjectRef::new(name);
    if namespace.is_empty() { reference } else { reference.within(namespace) }
}

/// One pass: reads the object, reconciles it, counts and logs what came of it.
async fn pass<K, E, Pass>(
    controller: &'static str,
    watched: Arc<Watched<K>>,
    context: Arc<Context>,
    reconcile: impl Fn(Arc<K>, Arc<Context>) -> Pass,
) -> Result<Action, std::convert::Infallible>
where
    K: Kind,
    E: Failure,
    Pass: Future<Output = Result<Next, E>>,
{
    let key = key_of(&*watched);
    let began = Instant::now();
    let outcome = match context.cluster.find::<K>(&key.namespace, &key.name).await {
        Ok(Some(object)) => match reconcile(Arc::new(object), Arc::clone(&context)).await {
            Ok(next) => Ok(next),
            Err(failure) => Err(failed(controller, &*watched, &failure, &context).await),
        },
        Ok(None) => {
            context.dependents.forget(&key);
            Ok(Next::AwaitChange)
        }
        Err(error) => Err(failed(controller, &*watched, &Unread(error), &context).await),
    };
    if outcome.is_ok() && context.failures.clear(&key) {
        tracing::info!(controller, namespace = key.namespace, name = key.name, "recovered");
    }
    let (next, result) = match outcome {
        Ok(Next::AwaitChange) => (Next::AwaitChange, "success"),
        Ok(next @ Next::After(_)) => (next, "requeue_after"),
        Err(next) => (next, "error"),
    };
    context.metrics.reconciled(controller, result, began.elapsed());
    Ok(match next {
        Next::AwaitChange => Action::await_change(),
        Next::After(pause) => Action::requeue(pause),
    })
}

/// Counts, logs and tells a failed pass. The Event comes with the second failure in a row: what passes at the next
/// try is nobody's business.
async fn failed<K: Kind>(
    controller: &str,
    watched: &Watched<K>,
    failure: &dyn Failure,
    context: &Context,
) -> Next {
    let key = key_of(watched);
    let failures = context.failures.count(&key);
    context.metrics.failed(controller, failure.category());
    outcome::log_failure(controller, &key, failure, failures);
    if failures >= 2 && failures.is_power_of_two() {
        let regarding = watched.object_ref(&());
        if let Err(error) = context.cluster.publish(&outcome::event(failure), &regarding).await {
            tracing::debug!(error = error.to_string(), "an event was not published");
        }
    }
    outcome::after_error(failure.disposition(), failures, &key)
}

fn key_of<K: Kind>(watched: &Watched<K>) -> Key {
    Key::of::<K>(&watched.namespace().unwrap_or_default(), &watched.name_any())
}

/// The object of the pass itself could not be read.
#[derive(Debug)]
struct Unread(cluster::Error);

impl std::fmt::Display for Unread {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl std::error::Error for Unread {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl Failure for Unread {
    fn disposition(&self) -> Disposition {
        self.0.disposition()
    }

    fn category(&self) -> &'static str {
        "ReadFailed"
    }
}

/// Selects what we made.
const OURS: &str = "app.kubernetes.io/managed-by=kubestash.com";

/// Runs every controller until the process should stop. Each is added here.
pub async fn run(context: Arc<Context>, shutdown: Shutdown) {
    let storages = prepare::<BackupStorage>("backupstorage", &context, &shutdown)
        .watches_whole::<Repository>(storage_of)
        .run(backup_storage::reconcile);
    let repositories = prepare::<Repository>("repository", &context, &shutdown)
        .owns::<Snapshot>("")
        .reads::<BackupStorage>("")
        .run(repository::reconcile);
    let configurations = prepare::<BackupConfiguration>("backupconfiguration", &context, &shutdown)
        .owns::<CronJob>(OURS)
        .reads::<BackupStorage>("")
        .reads::<RetentionPolicy>("")
        .reads::<Repository>("")
        .reads::<Addon>("")
        .reads::<Function>("")
        .reads::<HookTemplate>("")
        .reads::<Namespace>("")
        .run(backup_configuration::reconcile);
    let sessions = prepare::<BackupSession>("backupsession", &context, &shutdown)
        .owns::<Job>(OURS)
        .watches::<Pod>(OURS, session_of)
        .reads::<Snapshot>("")
        .reads::<Repository>("")
        .run(backup_session::reconcile);
    let snapshots = prepare::<Snapshot>("snapshot", &context, &shutdown)
        .reads::<Repository>("")
        .reads::<BackupSession>("")
        .reads::<Job>(OURS)
        .run(snapshot::reconcile);
    let restores = prepare::<RestoreSession>("restoresession", &context, &shutdown)
        .owns::<Job>(OURS)
        .watches::<Pod>(OURS, session_of)
        .reads::<Snapshot>("")
        .reads::<Repository>("")
        .reads::<BackupStorage>("")
        .reads::<Addon>("")
        .reads::<Function>("")
        .reads::<HookTemplate>("")
        .run(restore_session::reconcile);
    join_all([storages, repositories, configurations, sessions, snapshots, restores]).await;
}

/// The storage that a Repository is kept in.
fn storage_of(repository: &Repository) -> Vec<ObjectRef<Watched<BackupStorage>>> {
    let home = repository.namespace().unwrap_or_default();
    let storage = repository.spec.storage_ref.as_ref();
    storage.map(|storage| reference(storage.namespace_or(&home), &storage.name)).into_iter().collect()
}

/// The session whose Job a pod is of, if it is of that kind: the labels do not tell (contract §3.1).
fn session_of<K: Kind>(pod: &Watched<Pod>) -> Vec<ObjectRef<Watched<K>>> {
    let name = pod.labels().get(label::INVOKER_NAME);
    name.map(|name| reference(&pod.namespace().unwrap_or_default(), name)).into_iter().collect()
}
