//! `backup list`: what is backed up, where to, how it went, and when it runs next.

use crds::core::{BackupConfiguration, BackupSession};
use crds::storage::{Repository, Snapshot};
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::runtime::watcher;

use crate::cluster::{Changed, Cluster, Error, Selection};
use crate::commands::list::{self, Listed};
use crate::context::Context;
use crate::failure::Failure;
use crate::glance::{self, Glance, World, problem};
use crate::human;
use crate::streams::Streams;

/// List backups: target, schedule, storage, last and next run
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only backups that are not Ready, paused, failed or overdue
    #[arg(long)]
    problems: bool,
    /// Only backups to this BackupStorage, [NAMESPACE/]NAME
    #[arg(long, value_name = "NAME")]
    storage: Option<String>,
    /// Only backups of this target, as the list shows it
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    #[command(flatten)]
    list: list::Flags,
}

impl Args {
    /// Lists.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let now = context.environment.now();
        let wished = |world: &World, backup: &BackupConfiguration| self.is_wished(world, backup, now);
        self.list.run(wished, (context, streams)).await
    }

    fn is_wished(&self, world: &World, configuration: &BackupConfiguration, now: Timestamp) -> bool {
        let has_problem =
            || configuration.spec.paused || !problem::of_backup(&world.glance(configuration), now).is_empty();
        let has_storage = |wished: &String| {
            storages(configuration).iter().any(|storage| {
                storage == wished || storage.split_once('/').is_some_and(|(_, name)| name == wished)
            })
        };
        self.storage.as_ref().is_none_or(has_storage)
            && self
                .target
                .as_ref()
                .is_none_or(|wished| glance::target(configuration).eq_ignore_ascii_case(wished))
            && (!self.problems || has_problem())
    }
}

/// The storages of a backup, `shop/minio`: those it names, else those that the operator found for it.
#[must_use]
pub fn storages(configuration: &BackupConfiguration) -> Vec<String> {
    let own = configuration.namespace().unwrap_or_default();
    let references = configuration.spec.backends.iter().filter_map(|backend| backend.storage_ref.as_ref());
    let mut names: Vec<String> = references.map(|reference| reference.resolved(&own).to_string()).collect();
    if names.is_empty() {
        let backends = configuration.status.iter().flat_map(|status| &status.backends);
        names = backends
            .filter_map(|backend| Some(backend.storage.as_ref()?.ref_.as_ref()?.resolved(&own).to_string()))
            .collect();
    }
    names.dedup();
    names
}

/// Phase, and whether it is paused and why.
#[must_use]
pub fn phase(configuration: &BackupConfiguration) -> String {
    let phase = configuration.status.as_ref().and_then(|status| status.phase);
    let phase = list::phase(configuration, phase);
    if !configuration.spec.paused {
        return phase;
    }
    match configuration.annotations().get(glance::PAUSE_REASON) {
        Some(reason) => format!("{phase} (paused: {reason})"),
        None => format!("{phase} (paused)"),
    }
}

/// A step of the watch of a [`World`].
#[derive(Clone, Debug)]
pub enum Change {
    Configuration(Changed<BackupConfiguration>),
    Session(Changed<BackupSession>),
    Snapshot(Changed<Snapshot>),
    Repository(Changed<Repository>),
}

impl Listed for World {
    type Object = BackupConfiguration;
    type Change = Change;

    const HEADERS: &'static [&'static str] =
        &["NAMESPACE", "NAME", "TARGET", "SCHEDULE", "STORAGE", "LAST RUN", "NEXT RUN", "PHASE"];
    const WIDE: &'static [&'static str] =
        &["SESSIONS", "REPOSITORY", "SNAPSHOTS", "SIZE", "RETENTION", "AGE"];

    async fn read(
        cluster: &Cluster,
        namespace: Option<&str>,
        selection: Selection<'_>,
    ) -> Result<Self, Error> {
        Self::observe(cluster, namespace, selection).await
    }

    fn changes(
        cluster: &Cluster,
        namespace: Option<&str>,
        selection: Selection<'_>,
    ) -> BoxStream<'static, Result<Change, watcher::Error>> {
        let all = Selection::default();
        stream::select_all([
            cluster.changes(namespace, selection).map_ok(Change::Configuration).boxed(),
            cluster.changes(namespace, all).map_ok(Change::Session).boxed(),
            cluster.changes(namespace, all).map_ok(Change::Snapshot).boxed(),
            cluster.changes(namespace, all).map_ok(Change::Repository).boxed(),
        ])
        .boxed()
    }

    fn note(&mut self, change: Change) {
        match change {
            Change::Configuration(change) => change.apply_to(&mut self.configurations),
            Change::Session(change) => change.apply_to(&mut self.sessions),
            Change::Snapshot(change) => change.apply_to(&mut self.snapshots),
            Change::Repository(change) => change.apply_to(&mut self.repositories),
        }
    }

    fn objects(&self) -> &[BackupConfiguration] {
        &self.configurations
    }

    fn cells(&self, configuration: &BackupConfiguration, now: Timestamp) -> Vec<String> {
        let backup = self.glance(configuration);
        let sessions = &configuration.spec.sessions;
        let schedules: Vec<&str> = sessions
            .iter()
            .filter_map(|session| session.scheduler.as_ref())
            .map(|scheduler| scheduler.schedule.as_str())
            .collect();
        let names: Vec<&str> = sessions.iter().map(|session| session.name.as_str()).collect();
        vec![
            configuration.namespace().unwrap_or_default(),
            configuration.name_any(),
            glance::target(configuration),
            schedules.join(", "),
            storages(configuration).join(","),
            backup.runs().first().map(|run| run.told(now)).unwrap_or_default(),
            next(&backup, now),
            phase(configuration),
            names.join(","),
            glance::repositories(configuration).join(","),
            backup.snapshots.len().to_string(),
            stored(&backup).map(human::bytes).unwrap_or_default(),
            glance::retention(configuration),
            list::age(configuration, now),
        ]
    }

    fn size(&self, configuration: &BackupConfiguration) -> Option<u64> {
        stored(&self.glance(configuration))
    }
}

/// Bytes in all repositories of a backup, as far as it is known.
fn stored(backup: &Glance<'_>) -> Option<u64> {
    let bytes: Option<u64> = backup.repositories.iter().map(|one| glance::repository_size(one)).sum();
    bytes.filter(|_| !backup.repositories.is_empty())
}

/// `in 16h`, or why it is not known.
#[must_use]
pub fn next(backup: &Glance<'_>, now: Timestamp) -> String {
    if backup.configuration.spec.paused {
        return "paused".into();
    }
    backup.next(now).map(|next| format!("in {}", human::age(human::between(now, next)))).unwrap_or_default()
}
