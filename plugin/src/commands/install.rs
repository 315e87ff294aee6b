//! `install`: CRDs, RBAC, operator and catalog by server-side apply. Run again, it upgrades.

pub mod bundle;
pub mod checks;
pub mod rollout;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt as _;
use kube::runtime::watcher;

use crate::apply::{self, Effect, Judged, Written};
use crate::args::DryRun;
use crate::cluster::{Asked, Cluster};
use crate::commands::create;
use crate::commands::version::{OPERATOR_LABEL, VERSION};
use crate::context::{self, Context};
use crate::exit::Exit;
use crate::failure::{Code, Failure};
use crate::human;
use crate::object::{Kind, Object};
use crate::output::{self, Format};
use crate::pods;
use crate::prompt;
use crate::story::Glyph;
use crate::streams::Streams;
use crate::wait::{self, Waited};

/// Install the operator, its CRDs, RBAC and catalog into the cluster; run again to upgrade
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Args {
    /// Namespace of the operator; the default is where one runs already, else `kubestash`
    #[arg(long, env = "KUBESTASH_OPERATOR_NAMESPACE", value_name = "NAMESPACE")]
    operator_namespace: Option<String>,
    /// Image of the operator and of its Jobs
    #[arg(long, default_value = bundle::IMAGE, value_name = "REF")]
    image: String,
    /// Print the YAML instead of applying it; the cluster is not asked
    #[arg(long, conflicts_with = "dry_run")]
    export: bool,
    /// Do not write: print what would be, judged by this plugin or by the API server
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_value = "none", default_missing_value = "client", value_name = "WHO")]
    dry_run: DryRun,
    /// Do not write: print what would change, as diff -u does; exit with 1 when something would, with more on an error
    #[arg(long, conflicts_with_all = ["export", "dry_run", "output"])]
    diff: bool,
    /// Install over what Helm, Argo CD or Flux manages, over a newer version, and take over fields of others
    #[arg(long, visible_alias = "force-conflicts")]
    force: bool,
    /// Install without asking
    #[arg(short, long)]
    yes: bool,
    /// Do not wait until the operator is available
    #[arg(long)]
    no_wait: bool,
    /// How long to wait until the operator is available
    #[arg(long, default_value = "5m", value_name = "DURATION")]
    timeout: String,
    /// Output format of the objects; by default a summary is told
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    output: Format,
}

impl Args {
    /// Installs.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let limit = context::duration("--timeout", &self.timeout)?;
        if self.export || self.dry_run == DryRun::Client {
            return self.print(streams);
        }
        let cluster = context.cluster().await?;
        let namespace = match &self.operator_namespace {
            Some(namespace) => namespace.clone(),
            None => present_namespace(&cluster).await?,
        };
        let objects = self.objects(&namespace)?;
        let observed = checks::observe(&cluster, &objects).await?;
        if let Some(failure) = checks::problems(&observed, &namespace, VERSION, self.force) {
            return Err(failure);
        }
        if self.diff {
            return create::print_differences(&cluster, &objects, self.force, streams).await;
        }
        let (mut judged, would_be) = apply::judge(&cluster, &objects, self.force).await?;
        announce(&cluster, &namespace, &judged, streams);
        streams.story.remark(Glyph::Done, "pre-checks", &format!("{} passed", checks::NUMBER + 1));
        streams.story.line(Glyph::Plan, &bundle::inventory(&objects));
        if self.dry_run == DryRun::Server {
            return apply::print(&would_be, self.dry_run, &self.output, streams);
        }
        if !self.yes && prompt::possible(context) {
            let question = format!("Apply to cluster \"{}\"?", cluster.context());
            if !prompt::confirm(&question, (context, streams)).await? {
                streams.story.plain("Nothing was changed.");
                return Err(Failure::told(Exit::Usage));
            }
        }
        let until = Instant::now() + limit;
        write(&cluster, &mut judged, until, streams).await?;
        if !self.no_wait {
            operator_available(&cluster, &namespace, until, streams).await?;
        }
        if self.output != Format::Table {
            apply::print(judged.written(), self.dry_run, &self.output, streams)?;
        }
        streams.story.plain("Next: kubectl kubestash backup create");
        Ok(())
    }

    fn objects(&self, namespace: &str) -> Result<Vec<Object>, Failure> {
        bundle::bundle(&bundle::Settings { namespace, image: &self.image, version: VERSION })
    }

    /// The installation as text, without asking the cluster.
    fn print(&self, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let objects = self.objects(self.operator_namespace.as_deref().unwrap_or(bundle::NAMESPACE))?;
        if self.export {
            let bodies: Vec<_> = objects.into_iter().map(|object| object.body).collect();
            streams.results.write_all(output::yaml(&bodies)?.as_bytes())?;
            return Ok(());
        }
        apply::print(&apply::as_planned(&objects), DryRun::Client, &self.output, streams)
    }
}

fn announce(cluster: &Cluster, namespace: &str, judged: &Judged<'_>, streams: &mut Streams<'_>) {
    let new = if judged.existed("Namespace", namespace) { "" } else { " (new)" };
    let (name, server) = (cluster.context(), cluster.server());
    let text = format!("context {name} ({server}), namespace {namespace}{new}, version {VERSION}");
    streams.story.line(Glyph::Here, &text);
}

/// CRDs first: the catalog needs them served.
async fn write(
    cluster: &Cluster,
    judged: &mut Judged<'_>,
    until: Instant,
    streams: &mut Streams<'_>,
) -> Result<(), Failure> {
    let started = Instant::now();
    let early =
        |object: &Object| matches!(object.kind.kind.as_str(), "Namespace" | "CustomResourceDefinition");
    judged.write(cluster, early).await?;
    definitions_served(cluster, judged, until).await?;
    streams.story.done_in("CRDs established", started.elapsed());
    judged.write(cluster, |object| !early(object)).await?;
    streams.story.remark(Glyph::Done, "applied", &summary(judged.written()));
    Ok(())
}

/// Where an operator runs already, so that running `install` again upgrades it.
async fn present_namespace(cluster: &Cluster) -> Result<String, Failure> {
    let installed = checks::installed(cluster).await?;
    Ok(installed
        .first()
        .map_or_else(|| bundle::NAMESPACE.to_owned(), |installed| installed.namespace.clone()))
}

/// `24 created, 3 configured, 2 unchanged`
fn summary(written: &[Written]) -> String {
    let parts = [Effect::Created, Effect::Configured, Effect::Unchanged].map(|effect| {
        let number = written.iter().filter(|one| one.effect == effect).count();
        (number > 0).then(|| format!("{number} {}", effect.word()))
    });
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

async fn definitions_served(cluster: &Cluster, judged: &Judged<'_>, until: Instant) -> Result<(), Failure> {
    let kind = Kind::of::<CustomResourceDefinition>();
    let plural = kind.lower_case();
    let mut missing: BTreeSet<String> = judged
        .written()
        .iter()
        .filter_map(|written| written.reference.strip_prefix(&format!("{plural}/")).map(str::to_owned))
        .collect();
    let asked = Asked { verb: "watch", resource: kind.resource(), namespace: None, name: None };
    let states = cluster.watch_all::<CustomResourceDefinition>("app.kubernetes.io/name=kubestash");
    let states = states.try_filter_map(async |event| match event {
        watcher::Event::Apply(definition) | watcher::Event::InitApply(definition) => {
            Ok(Some(Some(definition)))
        }
        watcher::Event::Init | watcher::Event::InitDone | watcher::Event::Delete(_) => Ok(None),
    });
    let waited = wait::until(states.boxed(), (cluster, asked), Some(left(until)), |definition| {
        let Some(definition): Option<&CustomResourceDefinition> = definition else {
            return wait::Verdict::NotYet(String::new());
        };
        match rollout::established(definition) {
            Err(failure) => return wait::Verdict::Never(failure),
            Ok(true) => drop(missing.remove(&definition.name_any())),
            Ok(false) => {}
        }
        if missing.is_empty() {
            wait::Verdict::Reached(())
        } else {
            wait::Verdict::NotYet(format!("{} not served yet", human::counted(missing.len(), "kind")))
        }
    });
    match waited.await? {
        Waited::Reached(()) => Ok(()),
        Waited::TimedOut(why) => {
            Err(Failure::new(Code::TimedOut, "the cluster does not serve the new kinds yet").why(why))
        }
        Waited::Interrupted(exit) => Err(interrupted(exit)),
    }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

fn interrupted(exit: Exit) -> Failure {
    Failure::stopped(exit, "interrupted; what was applied stays")
        .fix("kubectl kubestash install    (goes on from there)")
}

async fn operator_available(
    cluster: &Cluster,
    namespace: &str,
    until: Instant,
    streams: &mut Streams<'_>,
) -> Result<(), Failure> {
    let started = Instant::now();
    let name = "kubestash-operator";
    streams
        .story
        .line(Glyph::Waiting, &format!("waiting for the operator, at most {}", human::duration(left(until))));
    let kind = Kind::of::<Deployment>();
    let asked = Asked {
        verb: "watch",
        resource: kind.resource(),
        namespace: Some(namespace.into()),
        name: Some(name.into()),
    };
    let states = cluster.follow::<Deployment>(namespace, name);
    match wait::until(states, (cluster, asked), Some(left(until)), rollout::available).await? {
        Waited::Reached(()) => {
            streams.story.done_in("operator available", started.elapsed());
            Ok(())
        }
        Waited::Interrupted(exit) => Err(interrupted(exit)),
        Waited::TimedOut(reason) => {
            let pods = cluster.list::<Pod>(Some(namespace), OPERATOR_LABEL).await?;
            let trouble =
                pods.iter().find_map(|pod| Some(format!("pod {}: {}", pod.name_any(), pods::trouble(pod)?)));
            Err(Failure::new(Code::TimedOut, "the operator is not available yet")
                .why(trouble.unwrap_or(reason))
                .fix(format!("kubectl logs -n {namespace} deploy/{name}\nkubectl get pods -n {namespace}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_was_applied_is_summed_up() {
        let written = |effect| Written { reference: "a/b".into(), effect, shown: Value::Null };
        let all = [written(Effect::Created), written(Effect::Created), written(Effect::Unchanged)];
        assert_eq!(summary(&all), "2 created, 1 unchanged");
    }
}
