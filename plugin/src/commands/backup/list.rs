//! `backup list`: what is backed up, where to, how it went, and when it runs next.

use crds::core::BackupConfiguration;
use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::commands::create;
use crate::commands::list::{self, Order, Rows};
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
    /// What to sort by
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    sort_by: Order,
    #[command(flatten)]
    list: list::Flags,
}

impl Args {
    /// Lists.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let now = context.environment.now();
        let namespace = self.list.namespace(context)?;
        let cluster = context.cluster().await?;
        let world = World::observe(&cluster, namespace.as_deref(), &self.list.selector).await?;
        if world.configurations.is_empty() {
            create::installed(&cluster).await?;
        }
        let is_wished = |configuration: &&BackupConfiguration| self.is_wished(&world, configuration, now);
        let mut wished: Vec<BackupConfiguration> =
            world.configurations.iter().filter(is_wished).cloned().collect();
        self.sort_by.sort(&mut wished);
        let rows = |wished: &[BackupConfiguration], wide| rows(&world, wished, now, wide);
        self.list.print_objects(&wished, rows, (context, streams))
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

fn rows(world: &World, configurations: &[BackupConfiguration], now: Timestamp, wide: bool) -> Rows {
    let mut headers =
        vec!["NAMESPACE", "NAME", "TARGET", "SCHEDULE", "STORAGE", "LAST RUN", "NEXT RUN", "PHASE"];
    if wide {
        headers.extend(["SESSIONS", "REPOSITORY", "SNAPSHOTS", "SIZE", "RETENTION", "AGE"]);
    }
    let row = |configuration: &BackupConfiguration| row(&world.glance(configuration), now, wide);
    Rows { headers, rows: configurations.iter().map(row).collect() }
}

fn row(backup: &Glance<'_>, now: Timestamp, wide: bool) -> Vec<String> {
    let configuration = backup.configuration;
    let sessions = &configuration.spec.sessions;
    let schedules: Vec<&str> = sessions
        .iter()
        .filter_map(|session| session.scheduler.as_ref())
        .map(|scheduler| scheduler.schedule.as_str())
        .collect();
    let mut row = vec![
        configuration.namespace().unwrap_or_default(),
        configuration.name_any(),
        glance::target(configuration),
        schedules.join(", "),
        storages(configuration).join(","),
        backup.runs().first().map(|run| run.told(now)).unwrap_or_default(),
        next(backup, now),
        phase(configuration),
    ];
    if wide {
        let names: Vec<&str> = sessions.iter().map(|session| session.name.as_str()).collect();
        let bytes: Option<u64> = backup.repositories.iter().map(|one| glance::repository_size(one)).sum();
        row.push(names.join(","));
        row.push(glance::repositories(configuration).join(","));
        row.push(backup.snapshots.len().to_string());
        row.push(bytes.filter(|_| !backup.repositories.is_empty()).map(human::bytes).unwrap_or_default());
        row.push(glance::retention(configuration));
        row.push(list::age(configuration, now));
    }
    row
}

/// `in 16h`, or why it is not known.
#[must_use]
pub fn next(backup: &Glance<'_>, now: Timestamp) -> String {
    if backup.configuration.spec.paused {
        return "paused".into();
    }
    backup.next(now).map(|next| format!("in {}", human::age(human::between(now, next)))).unwrap_or_default()
}
