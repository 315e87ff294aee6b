//! `uninstall`: the operator goes; kinds, objects and data stay unless told otherwise.

mod plan;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crds::core::{BackupConfiguration, BackupSession, HookTemplate, RestoreSession};
use crds::storage::{BackupStorage, Repository, RetentionPolicy, Snapshot};
use futures::StreamExt as _;
use futures::future::try_join_all;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::runtime::watcher;
use kube::{Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::plan::{Observed, Plan, Wish};
use crate::apply::owner;
use crate::cluster::{Asked, Cluster, Followed};
use crate::commands::install::{bundle, checks};
use crate::commands::version::{OPERATOR_LABEL, VERSION};
use crate::context::{self, Context};
use crate::exit::Exit;
use crate::failure::{Code, Failure};
use crate::human;
use crate::object::{Kind, Object};
use crate::prompt;
use crate::story::Glyph;
use crate::streams::Streams;
use crate::wait::{self, Verdict, Waited};

/// Remove the operator; kinds, objects and all backup data stay unless told otherwise
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Args {
    /// Namespace of the operator; the default is where it is found
    #[arg(long, env = "KUBESTASH_OPERATOR_NAMESPACE", value_name = "NAMESPACE")]
    operator_namespace: Option<String>,
    /// Print what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Remove the CRDs as well, and with them every object of KubeStash; data in buckets stays
    #[arg(long)]
    delete_crds: bool,
    /// Remove the operator's namespace as well, if nothing else is in it
    #[arg(long)]
    delete_namespace: bool,
    /// The name of the context, to confirm --delete-crds
    #[arg(long, value_name = "CONTEXT")]
    confirm: Option<String>,
    /// Remove in spite of runs that go on, and what Helm, Argo CD or Flux manages
    #[arg(long)]
    force: bool,
    /// Remove without asking; --delete-crds needs --confirm all the same
    #[arg(short, long)]
    yes: bool,
    /// How long to wait for objects to go
    #[arg(long, default_value = "5m", value_name = "DURATION")]
    timeout: String,
}

impl Args {
    /// Uninstalls.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let until = Instant::now() + context::duration("--timeout", &self.timeout)?;
        let cluster = context.cluster().await?;
        let namespace = self.namespace(&cluster).await?;
        let bundled = bundle::bundle(&bundle::Settings {
            namespace: &namespace,
            image: bundle::IMAGE,
            version: VERSION,
        })?;
        let observed = observe(&cluster, &bundled).await?;
        let (objects, name) = (plan::inventory(&observed.objects), cluster.context().to_owned());
        let definitions = existing(&cluster, bundled, |kind| kind == "CustomResourceDefinition").await?;
        let wish = Wish { delete_crds: self.delete_crds, force: self.force };
        let plan = plan::plan(observed, definitions, wish)?;
        streams
            .story
            .line(Glyph::Here, &format!("context {name} ({}), namespace {namespace}", cluster.server()));
        streams.story.line(Glyph::Plan, &self.announcement(&plan, &objects));
        if self.dry_run {
            return print(&plan, streams);
        }
        self.confirmed(&name, (context, streams)).await?;
        perform(&cluster, plan, &namespace, (until, streams)).await?;
        if self.delete_namespace {
            delete_namespace(&cluster, &namespace, streams).await?;
        }
        if self.delete_crds {
            streams
                .story
                .plain("Kept: all data in the buckets. A BackupStorage on the same bucket finds it again.");
        } else {
            streams.story.plain(&format!(
                "Kept: all kinds, {objects}, and all data. They go on with:  kubectl kubestash install"
            ));
        }
        Ok(())
    }

    async fn namespace(&self, cluster: &Cluster) -> Result<String, Failure> {
        if let Some(namespace) = &self.operator_namespace {
            return Ok(namespace.clone());
        }
        let installed = checks::installed(cluster).await?;
        match installed.as_slice() {
            [] => Ok(bundle::NAMESPACE.to_owned()),
            [one] => Ok(one.namespace.clone()),
            several => {
                let names: Vec<&str> = several.iter().map(|installed| installed.namespace.as_str()).collect();
                Err(Failure::new(Code::SeveralOperators, "several operators are installed")
                    .row("found", names.join(", "))
                    .fix("--operator-namespace NAMESPACE"))
            }
        }
    }

    fn announcement(&self, plan: &Plan, objects: &str) -> String {
        let machinery = plan.operator.len() + plan.rest.len();
        let mut text = format!("removes {} of the installation", human::counted(machinery, "object"));
        if self.delete_crds {
            text = format!(
                "{text}, {}, {objects}; data in buckets stays",
                human::counted(plan.definitions.len(), "CRD")
            );
        } else {
            text.push_str("; kinds, objects and data stay");
        }
        text
    }

    /// Removing the operator is a mild thing: it can be installed again. Removing all objects takes the name of the
    /// context, which is what gets mixed up.
    async fn confirmed(
        &self,
        name: &str,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        if self.delete_crds {
            let typed = match &self.confirm {
                Some(typed) => typed.clone(),
                None if prompt::possible(context) => {
                    let question =
                        format!("Type the name of the context ({name}) to remove every object of KubeStash");
                    prompt::line(&question, (context, streams)).await?
                }
                None => String::new(),
            };
            if typed == name {
                return Ok(());
            }
            return Err(Failure::new(Code::NotConfirmed, "not confirmed; nothing was changed")
                .why("--delete-crds removes every object of KubeStash from the cluster")
                .fix(format!("--confirm {name}")));
        }
        if self.yes {
            return Ok(());
        }
        if !prompt::possible(context) {
            return Err(Failure::new(Code::NotConfirmed, "not confirmed; nothing was changed").fix("--yes"));
        }
        if prompt::confirm(&format!("Remove from cluster \"{name}\"?"), (context, streams)).await? {
            return Ok(());
        }
        streams.story.plain("Nothing was changed.");
        Err(Failure::told(Exit::Usage))
    }
}

/// Everything that [`plan::plan`] decides upon.
async fn observe(cluster: &Cluster, bundled: &[Object]) -> Result<Observed, Failure> {
    let machinery = |kind: &str| !matches!(kind, "CustomResourceDefinition" | "Namespace");
    let mut objects = Vec::new();
    objects.extend(all::<BackupSession>(cluster).await?);
    objects.extend(all::<RestoreSession>(cluster).await?);
    objects.extend(all::<BackupConfiguration>(cluster).await?);
    objects.extend(all::<Snapshot>(cluster).await?);
    objects.extend(all::<Repository>(cluster).await?);
    objects.extend(all::<BackupStorage>(cluster).await?);
    objects.extend(all::<RetentionPolicy>(cluster).await?);
    objects.extend(all::<HookTemplate>(cluster).await?);
    let cron_jobs: Vec<CronJob> = cluster.list(None, "app.kubernetes.io/managed-by=kubestash.com").await?;
    let mut installed = existing(cluster, bundled.to_vec(), machinery).await?;
    installed.retain(is_ours_or_marked);
    Ok(Observed {
        installed,
        objects,
        cron_jobs: cron_jobs.iter().map(Object::typed).collect::<Result<_, _>>()?,
    })
}

async fn all<K>(cluster: &Cluster) -> Result<Vec<Object>, Failure>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Serialize + Clone,
{
    cluster.list::<K>(None, "").await?.iter().map(Object::typed).collect()
}

/// Those of the bundled objects that are there, as they are there.
async fn existing(
    cluster: &Cluster,
    bundled: Vec<Object>,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Object>, Failure> {
    let bundled: Vec<Object> = bundled.into_iter().filter(|object| wanted(&object.kind.kind)).collect();
    let found = bundled
        .iter()
        .map(|object| cluster.get_kind::<Value>(&object.kind, object.namespace.as_deref(), &object.name));
    let found = try_join_all(found).await?;
    Ok(bundled
        .into_iter()
        .zip(found)
        .filter_map(|(object, body)| Some(Object::with_kind(object.kind, body?)))
        .collect())
}

/// An object of the same name that somebody else made is left alone; one with another tool's marks must be told.
fn is_ours_or_marked(object: &Object) -> bool {
    let managed_by =
        object.body.pointer("/metadata/labels/app.kubernetes.io~1managed-by").and_then(Value::as_str);
    managed_by == Some(crds::name::manager::PLUGIN) || owner::of(&object.body).is_some()
}

fn print(plan: &Plan, streams: &mut Streams<'_>) -> Result<(), Failure> {
    for object in [&plan.objects, &plan.operator, &plan.rest, &plan.definitions].into_iter().flatten() {
        writeln!(streams.results, "{} deleted (dry run)", object.reference())?;
    }
    Ok(())
}

/// Removes in the order of the plan: objects while the operator serves their finalizers, then the operator, and what it
/// made only when it can make it no more.
async fn perform(
    cluster: &Cluster,
    plan: Plan,
    namespace: &str,
    (until, streams): (Instant, &mut Streams<'_>),
) -> Result<(), Failure> {
    let Plan { objects, operator, rest, definitions } = plan;
    if !objects.is_empty() {
        delete(cluster, &objects, streams).await?;
        gone::<BackupSession>(cluster, "", until, |_| true).await?;
        gone::<RestoreSession>(cluster, "", until, |_| true).await?;
        gone::<BackupConfiguration>(cluster, "", until, |_| true).await?;
        gone::<Snapshot>(cluster, "", until, |_| true).await?;
        gone::<Repository>(cluster, "", until, |_| true).await?;
        gone::<BackupStorage>(cluster, "", until, |_| true).await?;
        streams.story.remark(Glyph::Done, "objects removed", &plan::inventory(&objects));
    }
    delete(cluster, &operator, streams).await?;
    if cluster.get::<Namespace>(None, namespace).await?.is_some() {
        gone::<Pod>(cluster, OPERATOR_LABEL, until, |_| true).await?;
    }
    delete(cluster, &rest, streams).await?;
    streams.story.line(Glyph::Done, "operator removed");
    if !definitions.is_empty() {
        delete(cluster, &definitions, streams).await?;
        let ours = |definition: &CustomResourceDefinition| {
            definitions.iter().any(|object| object.name == definition.name_any())
        };
        gone::<CustomResourceDefinition>(cluster, "", until, ours).await?;
        streams.story.line(Glyph::Done, "CRDs removed");
    }
    Ok(())
}

async fn delete(cluster: &Cluster, objects: &[Object], streams: &mut Streams<'_>) -> Result<(), Failure> {
    for object in objects {
        if cluster.delete(object, false).await? {
            writeln!(streams.results, "{} deleted", object.reference())?;
        }
    }
    streams.results.flush()?;
    Ok(())
}

/// Waits until no object of a kind is left of those that are meant: finalizers take their time.
async fn gone<K>(
    cluster: &Cluster,
    labels: &str,
    until: Instant,
    meant: impl Fn(&K) -> bool,
) -> Result<(), Failure>
where
    K: Resource<DynamicType = ()> + Followed,
{
    let kind = Kind::of::<K>();
    let asked = Asked { verb: "watch", resource: kind.resource(), namespace: None, name: None };
    let mut left = BTreeSet::new();
    let mut listed = false;
    let events = cluster.watch_all::<K>(labels).map(|event| event.map(Some));
    let waited = wait::until(events.boxed(), (cluster, asked), Some(remaining(until)), |event| {
        let id = |object: &K| format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
        match event {
            Some(watcher::Event::Init) => left.clear(),
            Some(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) if meant(object) => {
                left.insert(id(object));
            }
            Some(watcher::Event::Delete(object)) => {
                left.remove(&id(object));
            }
            Some(watcher::Event::InitDone) => listed = true,
            Some(watcher::Event::Apply(_) | watcher::Event::InitApply(_)) | None => {}
        }
        match left.first() {
            None if listed => Verdict::Reached(()),
            None => Verdict::NotYet("nothing is known yet".into()),
            Some(first) => {
                Verdict::NotYet(format!("{} of kind {} left, {first} first", left.len(), kind.kind))
            }
        }
    });
    match waited.await {
        Ok(Waited::Reached(())) => Ok(()),
        Ok(Waited::TimedOut(why)) => Err(Failure::new(Code::TimedOut, "objects are still there")
            .why(why)
            .fix("their finalizers need the operator: look at its log, then run the same command again")),
        Ok(Waited::Interrupted(exit)) => Err(Failure::stopped(exit, "interrupted; what was removed is gone")),
        // The kind itself is gone, and its objects with it.
        Err(failure) if failure.code() == Some(Code::ObjectMissing) => Ok(()),
        Err(failure) => Err(failure),
    }
}

fn remaining(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

/// Removes a namespace in which nothing is left but what every namespace has.
async fn delete_namespace(
    cluster: &Cluster,
    namespace: &str,
    streams: &mut Streams<'_>,
) -> Result<(), Failure> {
    let types: Vec<Kind> = cluster
        .discover()
        .await?
        .into_iter()
        .filter(|served| served.namespaced && served.listable)
        .map(|served| served.kind)
        .collect();
    let lists = types.iter().map(|kind| cluster.list_kind(kind, namespace));
    let left: Vec<String> = types
        .iter()
        .zip(try_join_all(lists).await?)
        .flat_map(|(kind, bodies)| bodies.into_iter().map(|body| Object::with_kind(kind.clone(), body)))
        .filter(|object| !is_everywhere(object))
        .map(|object| object.reference())
        .collect();
    if !left.is_empty() {
        return Err(Failure::new(Code::UninstallHindered, format!("namespace {namespace} was not removed"))
            .why(format!("it holds {}", left.join(", ")))
            .fix(format!("kubectl delete namespace {namespace}   if all of that may go")));
    }
    let object = Object::typed(&Namespace {
        metadata: crate::setup::metadata(None, namespace),
        ..Namespace::default()
    })?;
    delete(cluster, &[object], streams).await
}

/// Objects that every namespace has, or that an operator which is gone left behind.
fn is_everywhere(object: &Object) -> bool {
    let label = object.body.pointer("/metadata/labels/app.kubernetes.io~1name").and_then(Value::as_str);
    match (object.kind.kind.as_str(), object.name.as_str()) {
        ("ConfigMap", "kube-root-ca.crt")
        | ("ServiceAccount", "default")
        | ("Lease", "kubestash-operator")
        | ("Event" | "Endpoints" | "EndpointSlice", _) => true,
        _ => label == Some("kubestash-operator"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_every_namespace_has_does_not_keep_it() {
        let object = |kind: &str, name: &str, labels: Value| {
            let kind =
                Kind { group: String::new(), version: "v1".into(), kind: kind.into(), plural: String::new() };
            Object::with_kind(kind, json!({"metadata": {"name": name, "labels": labels}}))
        };
        assert!(is_everywhere(&object("ConfigMap", "kube-root-ca.crt", json!({}))));
        assert!(is_everywhere(&object("Pod", "a", json!({"app.kubernetes.io/name": "kubestash-operator"}))));
        assert!(!is_everywhere(&object("ConfigMap", "mine", json!({}))));
        assert!(!is_everywhere(&object("Secret", "mine", json!({}))));
    }
}
