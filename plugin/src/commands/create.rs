//! What every `create` does with the objects it made: export, dry run, or write them, and wait until they are ready.

use std::time::Duration;

use futures::Stream;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::Resource;
use kube::runtime::watcher;
use serde_json::Value;

use crate::apply::{self, Writing, Written};
use crate::args::DryRun;
use crate::cluster::{Asked, Cluster};
use crate::context::{self, Context};
use crate::exit::Exit;
use crate::failure::{Code, Failure};
use crate::human;
use crate::object::{Kind, Object};
use crate::output::{self, Format};
use crate::story::Glyph;
use crate::streams::Streams;
use crate::wait::{self, Verdict, Waited};

/// Flags of a command that writes objects.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Writing")]
#[group(id = "writing")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Flags {
    /// Print the YAML instead of applying it, without Secrets; the cluster is not asked
    #[arg(long, conflicts_with = "dry_run")]
    pub export: bool,
    /// Do not write: print what would be, judged by this plugin or by the API server
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_value = "none", default_missing_value = "client", value_name = "WHO")]
    pub dry_run: DryRun,
    /// Do not write: print what would change, as diff -u does; exit with 1 when something would, with more on an error
    #[arg(long, conflicts_with_all = ["export", "dry_run", "output"])]
    pub diff: bool,
    /// Output format of the objects
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    pub output: Format,
    /// Take over fields that another manager owns
    #[arg(long)]
    pub force_conflicts: bool,
    /// Do not wait until the objects are Ready
    #[arg(long, conflicts_with = "wait")]
    pub no_wait: bool,
    /// Wait until the objects are Ready; the default
    #[arg(long)]
    pub wait: bool,
    /// How long to wait until the objects are Ready
    #[arg(long, default_value = "2m", value_name = "DURATION")]
    pub timeout: String,
    /// Answer yes to every question
    #[arg(short, long)]
    pub yes: bool,
}

impl Flags {
    /// Whether the cluster is left alone.
    #[must_use]
    pub fn offline(&self) -> bool {
        self.export || self.dry_run == DryRun::Client
    }

    /// Whether anything is written.
    #[must_use]
    pub fn writes(&self) -> bool {
        !self.export && !self.diff && self.dry_run == DryRun::None
    }

    /// The limit of the wait.
    pub fn limit(&self) -> Result<Duration, Failure> {
        context::duration("--timeout", &self.timeout)
    }

    /// Prints the objects without asking the cluster.
    pub fn print_offline(&self, objects: &[Object], streams: &mut Streams<'_>) -> Result<(), Failure> {
        if self.export {
            streams.results.write_all(export(objects)?.as_bytes())?;
            return Ok(());
        }
        apply::print(&apply::as_planned(objects), DryRun::Client, &self.output, streams)
    }

    /// Has the API server judge the objects, writes them unless this is a dry run, and prints what happened. A difference
    /// that was asked for ends as one that was told.
    pub async fn write(
        &self,
        cluster: &Cluster,
        objects: &[Object],
        streams: &mut Streams<'_>,
    ) -> Result<Vec<Written>, Failure> {
        if self.diff {
            return print_differences(cluster, objects, self.force_conflicts, streams)
                .await
                .map(|()| Vec::new());
        }
        let writing = Writing { dry_run: self.dry_run, force: self.force_conflicts };
        let written = apply::write(cluster, objects, writing).await?;
        apply::print(&written, self.dry_run, &self.output, streams)?;
        Ok(written)
    }
}

/// Prints what applying the objects would change, and ends like `kubectl diff`: as done when nothing differs, with 1 when
/// something does, and with more than 1 when that cannot be told.
pub async fn print_differences(
    cluster: &Cluster,
    objects: &[Object],
    force: bool,
    streams: &mut Streams<'_>,
) -> Result<(), Failure> {
    let text = apply::differences(cluster, objects, force).await.map_err(|failure| match failure.exit() {
        Exit::Failed => failure.ending(Exit::Cluster),
        _ => failure,
    })?;
    if text.is_empty() {
        return Ok(());
    }
    streams.results.write_all(text.as_bytes())?;
    streams.results.flush()?;
    Err(Failure::told(Exit::Failed))
}

/// YAML for Git: everything but the Secrets, of which the command that makes them is told.
pub fn export(objects: &[Object]) -> Result<String, Failure> {
    let (secrets, others): (Vec<&Object>, Vec<&Object>) =
        objects.iter().partition(|object| object.is_secret());
    let mut text = String::new();
    for secret in secrets {
        let keys =
            secret.body.get("data").and_then(Value::as_object).into_iter().flat_map(|data| data.keys());
        let from: Vec<String> = keys.map(|key| format!("--from-file={key}=FILE")).collect();
        let namespace = secret.namespace.as_deref().unwrap_or_default();
        let make = format!("kubectl create secret generic {} -n {namespace} {}", secret.name, from.join(" "));
        text.push_str("# A Secret is not exported. Make it with:\n#   ");
        text.push_str(&make);
        text.push('\n');
    }
    let bodies: Vec<Value> = others.iter().map(|object| object.body.clone()).collect();
    text.push_str(&output::yaml(&bodies)?);
    Ok(text)
}

/// Waits until an object is ready, telling what it waits for; says what is in the way otherwise.
pub async fn ready<K: Resource<DynamicType = ()>>(
    cluster: &Cluster,
    (namespace, name): (&str, &str),
    (objects, judge): (
        impl Stream<Item = Result<Option<K>, watcher::Error>>,
        impl FnMut(Option<&K>) -> Verdict<()>,
    ),
    limit: Duration,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(), Failure> {
    let kind = Kind::of::<K>();
    let what = format!("{} {namespace}/{name}", kind.kind);
    let started = context.environment.now();
    streams.story.line(Glyph::Waiting, &format!("waiting for {what}, at most {}", human::duration(limit)));
    let asked = Asked {
        verb: "watch",
        resource: kind.resource(),
        namespace: Some(namespace.into()),
        name: Some(name.into()),
    };
    match wait::until(objects, (cluster, asked), Some(limit), judge).await? {
        Waited::Reached(()) => {
            streams.story.line(
                Glyph::Done,
                &format!("Ready ({})", human::duration(human::between(started, context.environment.now()))),
            );
            Ok(())
        }
        Waited::TimedOut(reason) => Err(Failure::new(Code::TimedOut, format!("{what} is not Ready yet"))
            .why(reason)
            .fix("is the operator running?   kubectl kubestash version")),
        Waited::Interrupted(exit) => Err(Failure::stopped(exit, "interrupted; what was written stays")),
    }
}

/// An error where the cluster has none of KubeStash's kinds: nothing that was looked for can be there.
pub async fn installed(cluster: &Cluster) -> Result<(), Failure> {
    let served: Option<Value> = cluster.get_path("/apis/core.kubestash.com/v1alpha1").await?;
    if served.is_some() {
        return Ok(());
    }
    let what = format!("KubeStash is not installed in cluster \"{}\"", cluster.context());
    Err(Failure::new(Code::NotInstalled, what).fix("kubectl kubestash install"))
}

/// What must be there before anything of KubeStash can be written: its kinds, and the namespace.
pub async fn preconditions(cluster: &Cluster, namespace: &str) -> Result<(), Failure> {
    installed(cluster).await?;
    if cluster.get::<Namespace>(None, namespace).await?.is_none() {
        return Err(Failure::new(Code::ObjectMissing, format!("namespace \"{namespace}\" does not exist"))
            .fix(format!("kubectl create namespace {namespace}")));
    }
    Ok(())
}

/// What is wrong with a Secret that must exist and hold a key.
pub async fn lacking_secret(
    cluster: &Cluster,
    (namespace, name): (&str, &str),
    key: &str,
) -> Result<Option<Failure>, Failure> {
    let found: Option<Secret> = cluster.get(Some(namespace), name).await?;
    Ok(secret_problem(found.as_ref(), (namespace, name), key))
}

fn secret_problem(found: Option<&Secret>, (namespace, name): (&str, &str), key: &str) -> Option<Failure> {
    let make = format!("kubectl create secret generic {name} -n {namespace} --from-file={key}=FILE");
    let Some(secret) = found else {
        return Some(
            Failure::new(Code::SecretIncomplete, format!("Secret {namespace}/{name} does not exist"))
                .fix(make),
        );
    };
    let value = secret.data.as_ref().and_then(|data| data.get(key));
    match value {
        Some(value) if !value.0.is_empty() => None,
        _ => Some(
            Failure::new(Code::SecretIncomplete, format!("Secret {namespace}/{name} has no {key}"))
                .fix(format!("put it there, or make another Secret:  {}", make.replace(name, "NAME"))),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::setup::credentials;

    #[test]
    fn an_export_leaves_secrets_out_and_says_how_to_make_them() {
        let data = [("AWS_ACCESS_KEY_ID", "id".into()), ("AWS_SECRET_ACCESS_KEY", "s3cr3t".into())].into();
        let secret = Object::typed(&credentials::secret("shop", "minio-credentials", &data)).unwrap();
        let storage =
            Object::with_kind(Kind::of::<crds::storage::BackupStorage>(), json!({"kind": "BackupStorage"}));
        let text = export(&[secret, storage]).unwrap();
        assert_eq!(
            text,
            "# A Secret is not exported. Make it with:\n\
             #   kubectl create secret generic minio-credentials -n shop --from-file=AWS_ACCESS_KEY_ID=FILE \
             --from-file=AWS_SECRET_ACCESS_KEY=FILE\n\
             kind: BackupStorage\n"
        );
    }

    #[test]
    fn a_secret_must_exist_and_hold_the_key() {
        let secret = |data: Value| -> Secret { serde_json::from_value(json!({"data": data})).unwrap() };
        let problem = |found: Option<&Secret>| secret_problem(found, ("shop", "enc"), "RESTIC_PASSWORD");
        assert!(problem(None).unwrap().what().contains("does not exist"));
        assert!(
            problem(Some(&secret(json!({"PASSWORD": "eA=="}))))
                .unwrap()
                .what()
                .contains("has no RESTIC_PASSWORD")
        );
        assert!(problem(Some(&secret(json!({"RESTIC_PASSWORD": ""})))).is_some());
        assert!(problem(Some(&secret(json!({"RESTIC_PASSWORD": "eA=="})))).is_none());
    }
}
