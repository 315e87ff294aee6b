//! `backup pause`, `backup resume`: no run is started by schedule, or again.

use crds::core::BackupConfiguration;
use jiff::Timestamp;
use kube::ResourceExt as _;
use serde_json::{Value, json};

use crate::apply::owner;
use crate::args::DryRun;
use crate::cluster::Cluster;
use crate::commands::lookup;
use crate::context::Context;
use crate::failure::Failure;
use crate::glance::{Glance, PAUSE_REASON};
use crate::human;
use crate::object::Object;
use crate::story::Glyph;
use crate::streams::Streams;

/// Pause backups: no run is started until they are resumed
#[derive(Debug, clap::Args)]
pub struct Pause {
    #[command(flatten)]
    choice: lookup::Choice,
    /// Why, for those who look at it later; shown in lists
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    manner: Manner,
}

/// Resume backups that were paused
#[derive(Debug, clap::Args)]
pub struct Resume {
    #[command(flatten)]
    choice: lookup::Choice,
    #[command(flatten)]
    manner: Manner,
}

/// Flags of both.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "suspending")]
struct Manner {
    /// Do not change: print what would be done
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_value = "none", default_missing_value = "client", value_name = "WHO")]
    dry_run: DryRun,
}

impl Pause {
    /// Pauses.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let wish = Wish { paused: true, reason: self.reason };
        set(&self.choice, &wish, self.manner.dry_run, (context, streams)).await
    }
}

impl Resume {
    /// Resumes.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let wish = Wish { paused: false, reason: None };
        set(&self.choice, &wish, self.manner.dry_run, (context, streams)).await
    }
}

/// What is wished.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Wish {
    paused: bool,
    reason: Option<String>,
}

async fn set(
    choice: &lookup::Choice,
    wish: &Wish,
    dry_run: DryRun,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(), Failure> {
    let namespace = context.namespace()?;
    let cluster = context.cluster().await?;
    let chosen: Vec<BackupConfiguration> = choice.objects(&cluster, &namespace).await?;
    let note = match dry_run {
        DryRun::None => "",
        DryRun::Client => " (dry run)",
        DryRun::Server => " (server dry run)",
    };
    for configuration in &chosen {
        let object = Object::typed(configuration)?;
        let line = match change(configuration, wish) {
            None => format!("already {}", state(configuration)),
            Some(change) => {
                warn(&object, wish.paused, streams);
                write(&cluster, &object, &change, dry_run).await?;
                let now = context.environment.now();
                let done = if wish.paused { "paused".to_owned() } else { resumed(configuration, now) };
                format!("{done}{note}")
            }
        };
        writeln!(streams.results, "{} {line}", object.reference())?;
    }
    streams.results.flush()?;
    Ok(())
}

async fn write(cluster: &Cluster, object: &Object, change: &Value, dry_run: DryRun) -> Result<(), Failure> {
    if dry_run != DryRun::Client {
        cluster
            .merge(
                &object.kind,
                (object.namespace.as_deref(), &object.name),
                change,
                dry_run == DryRun::Server,
            )
            .await?;
    }
    Ok(())
}

fn state(configuration: &BackupConfiguration) -> String {
    match configuration.annotations().get(PAUSE_REASON) {
        _ if !configuration.spec.paused => "running".into(),
        Some(reason) => format!("paused ({reason})"),
        None => "paused".into(),
    }
}

/// The merge patch that is needed, if any; another reason is a change.
fn change(configuration: &BackupConfiguration, wish: &Wish) -> Option<Value> {
    let reason = configuration.annotations().get(PAUSE_REASON);
    let same_reason = wish.reason.is_none() || reason == wish.reason.as_ref();
    if configuration.spec.paused == wish.paused && (!wish.paused || same_reason) {
        return None;
    }
    let paused = json!({"paused": wish.paused});
    let annotation = match (&wish.reason, reason) {
        (Some(text), _) => json!(text),
        // A reason without a pause would be one of the past.
        (None, Some(_)) => Value::Null,
        (None, None) => return Some(json!({"spec": paused})),
    };
    Some(json!({"metadata": {"annotations": {PAUSE_REASON: annotation}}, "spec": paused}))
}

/// A tool that looks after the object will write its own opinion again.
fn warn(object: &Object, paused: bool, streams: &mut Streams<'_>) {
    let Some(owner) = owner::of(&object.body) else { return };
    let verb = if paused { "pause" } else { "resumption" };
    let text = format!(
        "{} is managed by {}: the {verb} will be reverted unless spec.paused is set there",
        object.spoken(),
        owner.name
    );
    streams.story.line(Glyph::Warning, &text);
}

/// `resumed, next run in 12h`
fn resumed(configuration: &BackupConfiguration, now: Timestamp) -> String {
    let mut resumed = configuration.clone();
    resumed.spec.paused = false;
    let glance = Glance {
        configuration: &resumed,
        sessions: Vec::new(),
        snapshots: Vec::new(),
        repositories: Vec::new(),
    };
    match glance.next(now) {
        Some(next) => format!("resumed, next run in {}", human::age(human::between(now, next))),
        None => "resumed".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(paused: bool, reason: Option<&str>) -> BackupConfiguration {
        let annotations: serde_json::Map<String, Value> =
            reason.map(|reason| (PAUSE_REASON.to_owned(), json!(reason))).into_iter().collect();
        serde_json::from_value(json!({
            "metadata": {"name": "shop", "namespace": "shop", "annotations": annotations},
            "spec": {"paused": paused},
        }))
        .unwrap()
    }

    #[test]
    fn only_what_differs_is_changed() {
        let wish = |paused, reason: Option<&str>| Wish { paused, reason: reason.map(str::to_owned) };
        let changed = |configuration: &BackupConfiguration, wish: &Wish| change(configuration, wish);
        assert_eq!(changed(&configuration(true, None), &wish(true, None)), None);
        assert_eq!(changed(&configuration(true, Some("x")), &wish(true, Some("x"))), None);
        assert_eq!(changed(&configuration(false, None), &wish(false, None)), None);
        assert_eq!(
            changed(&configuration(false, None), &wish(true, None)),
            Some(json!({"spec": {"paused": true}}))
        );
        assert_eq!(
            changed(&configuration(true, Some("x")), &wish(false, None)),
            Some(json!({"metadata": {"annotations": {PAUSE_REASON: null}}, "spec": {"paused": false}}))
        );
        assert_eq!(
            changed(&configuration(true, Some("x")), &wish(true, Some("y"))),
            Some(json!({"metadata": {"annotations": {PAUSE_REASON: "y"}}, "spec": {"paused": true}}))
        );
    }
}
