//! `backup watch`, `watch`: how a run goes, and how it ended.

use std::time::Duration;

use crds::core::backup_session::BackupSessionPhase;
use crds::core::{BackupConfiguration, BackupSession};
use futures::{StreamExt as _, TryStreamExt as _};
use kube::ResourceExt as _;
use kube::runtime::watcher;

use super::follow;
use super::trigger::not_found;
use crate::cluster::{Asked, Cluster};
use crate::commands::create;
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::object::Kind;
use crate::output::Format;
use crate::story::Glyph;
use crate::streams::Streams;
use crate::suggest;
use crate::wait::{self, Verdict, Waited};

/// Show how a run goes, and exit with how it ended
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The backup whose newest runs to watch; may be left out when only one is running
    name: Option<String>,
    /// Watch this BackupSession
    #[arg(long, value_name = "BACKUPSESSION")]
    run: Option<String>,
    /// Only runs of these sessions, comma separated
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    sessions: Vec<String>,
    /// Watch every run of the namespace that is going on
    #[arg(long, conflicts_with_all = ["name", "run"])]
    all: bool,
    /// Output format of the result: name prints the snapshots, json and yaml the BackupSessions
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    output: Format,
    #[command(flatten)]
    follow: follow::Flags,
}

/// Which runs to watch.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    Runs(Vec<String>),
    /// The backup has not run yet.
    FirstOf(String),
    /// It is not clear which is meant; these are running.
    Unclear(Vec<String>),
}

impl Args {
    /// Watches.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let manner = self.follow.manner(context, false)?;
        let begun = self.begin(context, manner.limit, streams).await;
        let (namespace, cluster, runs) = follow::begun(begun, manner.mode, (context, streams))?;
        follow::to_the_end(&cluster, (&namespace, &runs), (manner, &self.output), (context, streams)).await
    }

    async fn begin(
        &self,
        context: &Context,
        limit: Option<Duration>,
        streams: &mut Streams<'_>,
    ) -> Result<(String, Cluster, Vec<String>), Failure> {
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let runs = self.runs(&cluster, &namespace, limit, streams).await?;
        Ok((namespace, cluster, runs))
    }

    async fn runs(
        &self,
        cluster: &Cluster,
        namespace: &str,
        limit: Option<Duration>,
        streams: &mut Streams<'_>,
    ) -> Result<Vec<String>, Failure> {
        let sessions: Vec<BackupSession> = cluster.list(Some(namespace), "").await?;
        if let Some(run) = &self.run {
            if sessions.iter().any(|session| session.name_any() == *run) {
                return Ok(vec![run.clone()]);
            }
            let failure =
                Failure::new(Code::ObjectMissing, format!("BackupSession {namespace}/{run} does not exist"));
            let names: Vec<String> = sessions.iter().map(kube::ResourceExt::name_any).collect();
            if let Some(nearest) = suggest::nearest(run, names.iter().map(String::as_str)) {
                return Err(failure.fix(format!("did you mean {nearest}?")));
            }
            return Err(failure
                .why("old runs are removed by sessionHistoryLimit; their snapshots stay")
                .fix(format!("kubectl kubestash snapshot list -n {namespace}")));
        }
        if sessions.is_empty() {
            create::installed(cluster).await?;
        }
        match choose(&sessions, self.name.as_deref(), &self.sessions, self.all) {
            Choice::Runs(runs) => Ok(runs),
            Choice::FirstOf(name) => {
                if cluster.get::<BackupConfiguration>(Some(namespace), &name).await?.is_none() {
                    return Err(not_found(cluster, namespace, &name).await?);
                }
                runs_of(cluster, (namespace, &name), limit, streams).await
            }
            Choice::Unclear(names) if names.is_empty() => Err(Failure::new(
                Code::NoRun,
                format!("nothing is running in namespace {namespace}"),
            )
            .fix(format!(
                "kubectl kubestash watch NAME -n {namespace}   shows how the newest run of a backup ended"
            ))),
            Choice::Unclear(names) => {
                Err(Failure::new(Code::Ambiguous, "it is not clear which backup is meant")
                    .row("found", names.join(", "))
                    .fix("name one of them, or --all"))
            }
        }
    }
}

/// The runs that go on, of this backup or of all; of a backup that does nothing now, its newest run.
fn choose(sessions: &[BackupSession], name: Option<&str>, only: &[String], all: bool) -> Choice {
    let invoker = |session: &BackupSession| {
        session.spec.invoker.as_ref().map_or("", |invoker| &invoker.name).to_owned()
    };
    let meant: Vec<&BackupSession> = sessions
        .iter()
        .filter(|session| name.is_none_or(|name| invoker(session) == name))
        .filter(|session| only.is_empty() || only.contains(&session.spec.session))
        .collect();
    let is_open = |session: &&&BackupSession| {
        let phase = session.status.as_ref().and_then(|status| status.phase);
        !phase.is_some_and(BackupSessionPhase::is_completed)
    };
    let open: Vec<String> = meant.iter().filter(is_open).map(|session| session.name_any()).collect();
    let mut backups: Vec<String> = meant.iter().filter(is_open).map(|session| invoker(session)).collect();
    backups.sort();
    backups.dedup();
    match name {
        _ if all && !open.is_empty() => Choice::Runs(open),
        Some(_) if !open.is_empty() => Choice::Runs(open),
        None if backups.len() == 1 => Choice::Runs(open),
        None => Choice::Unclear(backups),
        Some(name) => {
            match meant.iter().max_by_key(|session| (session.creation_timestamp(), session.name_any())) {
                Some(newest) => Choice::Runs(vec![newest.name_any()]),
                None => Choice::FirstOf(name.to_owned()),
            }
        }
    }
}

/// The runs of a backup that go on, or its newest one; of one that never ran, its first.
pub async fn runs_of(
    cluster: &Cluster,
    (namespace, name): (&str, &str),
    limit: Option<Duration>,
    streams: &mut Streams<'_>,
) -> Result<Vec<String>, Failure> {
    let sessions: Vec<BackupSession> = cluster.list(Some(namespace), "").await?;
    if let Choice::Runs(runs) = choose(&sessions, Some(name), &[], false) {
        return Ok(runs);
    }
    streams.story.line(Glyph::Waiting, &format!("waiting for the first run of {namespace}/{name}"));
    first_run(cluster, (namespace, name), limit).await.map(|run| vec![run])
}

/// Waits until a backup runs for the first time: the operator starts it once the backup is ready.
async fn first_run(
    cluster: &Cluster,
    (namespace, name): (&str, &str),
    limit: Option<Duration>,
) -> Result<String, Failure> {
    let kind = Kind::of::<BackupSession>();
    let asked =
        Asked { verb: "watch", resource: kind.resource(), namespace: Some(namespace.into()), name: None };
    let sessions = cluster.watch::<BackupSession>(namespace, "").try_filter_map(async |event| match event {
        watcher::Event::Apply(session) | watcher::Event::InitApply(session) => Ok(Some(Some(session))),
        watcher::Event::Init | watcher::Event::InitDone | watcher::Event::Delete(_) => Ok(None),
    });
    let waited = wait::until(sessions.boxed(), (cluster, asked), limit, |session: Option<&BackupSession>| {
        let is_meant = |session: &&BackupSession| {
            session.spec.invoker.as_ref().is_some_and(|invoker| invoker.name == name)
        };
        match session.filter(is_meant) {
            Some(session) => Verdict::Reached(session.name_any()),
            None => Verdict::NotYet("it has not run yet".into()),
        }
    });
    match waited.await? {
        Waited::Reached(run) => Ok(run),
        Waited::TimedOut(why) => {
            Err(Failure::new(Code::TimedOut, format!("backup {namespace}/{name} did not start"))
                .why(why)
                .fix(format!("kubectl kubestash trigger {name} -n {namespace} --watch")))
        }
        Waited::Interrupted(exit) => Err(Failure::stopped(exit, "stopped watching; nothing was running")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn session(backup: &str, name: &str, phase: Option<&str>, created: &str) -> BackupSession {
        serde_json::from_value(json!({
            "metadata": {"name": name, "creationTimestamp": created},
            "spec": {"invoker": {"kind": "BackupConfiguration", "name": backup}, "session": "nightly"},
            "status": {"phase": phase},
        }))
        .unwrap()
    }

    fn chosen(sessions: &[BackupSession], name: Option<&str>, all: bool) -> Choice {
        choose(sessions, name, &[], all)
    }

    fn runs(names: &[&str]) -> Choice {
        Choice::Runs(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn what_runs_is_watched_else_the_newest_run() {
        let old = session("orders", "orders-1", Some("Succeeded"), "2026-11-22T10:00:00Z");
        let newer = session("orders", "orders-2", Some("Failed"), "2026-11-22T11:00:00Z");
        let going = session("orders", "orders-3", Some("Running"), "2026-11-22T09:00:00Z");
        let other = session("media", "media-1", None, "2026-11-22T12:00:00Z");
        assert_eq!(chosen(&[old.clone(), newer.clone()], Some("orders"), false), runs(&["orders-2"]));
        assert_eq!(chosen(&[old.clone(), going.clone(), newer], Some("orders"), false), runs(&["orders-3"]));
        assert_eq!(chosen(&[old.clone(), going.clone()], None, false), runs(&["orders-3"]));
        assert_eq!(chosen(&[going.clone(), other.clone()], None, true), runs(&["orders-3", "media-1"]));
        assert_eq!(
            chosen(&[going, other], None, false),
            Choice::Unclear(vec!["media".into(), "orders".into()])
        );
        assert_eq!(chosen(&[old], None, true), Choice::Unclear(Vec::new()));
        assert_eq!(chosen(&[], Some("orders"), false), Choice::FirstOf("orders".into()));
    }

    #[test]
    fn sessions_can_be_chosen() {
        let going = session("orders", "orders-3", Some("Running"), "2026-11-22T09:00:00Z");
        assert_eq!(
            choose(std::slice::from_ref(&going), Some("orders"), &["weekly".into()], false),
            Choice::FirstOf("orders".into())
        );
        assert_eq!(choose(&[going], Some("orders"), &["nightly".into()], false), runs(&["orders-3"]));
    }
}
