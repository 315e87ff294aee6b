//! `status`: one screen that says how the backups of a namespace, or of all, are doing.

use std::time::Duration;

use crds::core::restore_session::RestorePhase;
use crds::core::{BackupConfiguration, RestoreSession};
use crds::storage::BackupStorage;
use jiff::Timestamp;
use kube::{Resource, ResourceExt as _};

use crate::commands::list;
use crate::commands::{backup, create, restore};
use crate::context::Context;
use crate::failure::Failure;
use crate::glance::problem::{self, Problem};
use crate::glance::{self, Glance, World};
use crate::human;
use crate::output;
use crate::progress;
use crate::streams::Streams;

/// How long a restore that failed is told of.
const RECENT: Duration = Duration::from_hours(24);

/// Show storages, backups, last and next runs, and problems on one screen
#[derive(Debug, clap::Args)]
pub struct Args {
    /// All namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
}

impl Args {
    /// Shows.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let now = context.environment.now();
        let namespace = if self.all_namespaces { None } else { Some(context.namespace()?) };
        let cluster = context.cluster().await?;
        let mut storages: Vec<BackupStorage> = cluster.list(namespace.as_deref(), "").await?;
        let mut world = World::observe(&cluster, namespace.as_deref(), "").await?;
        let restores: Vec<RestoreSession> = cluster.list_permitted(namespace.as_deref()).await?;
        if storages.is_empty() && world.configurations.is_empty() {
            create::installed(&cluster).await?;
            let place = namespace.map_or_else(String::new, |namespace| format!(" in {namespace} namespace"));
            streams.story.plain(&format!("No storages and no backups found{place}."));
            streams.story.plain("Next: kubectl kubestash backup create");
            return Ok(());
        }
        list::sort_by_name(&mut storages);
        list::sort_by_name(&mut world.configurations);
        let mut text = screen(&storages, &world, now, self.all_namespaces);
        text.push_str(&restored(&restores, now, self.all_namespaces));
        streams.results.write_all(text.as_bytes())?;
        Ok(())
    }
}

fn screen(storages: &[BackupStorage], world: &World, now: Timestamp, everywhere: bool) -> String {
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for storage in storages {
        let name = name(storage, everywhere);
        let phase = storage.status.as_ref().and_then(|status| status.phase);
        let phase = list::phase(storage, phase);
        rows.push(vec!["storage".into(), name.clone(), phase, told_storage(storage)]);
        problems.extend(problem::of_storage(storage).map(|problem| (name, problem)));
    }
    for configuration in &world.configurations {
        let name = name(configuration, everywhere);
        let glance = world.glance(configuration);
        let phase = backup::list::phase(configuration);
        rows.push(vec!["backup".into(), name.clone(), phase, told_backup(&glance, now)]);
        problems.extend(problem::of_backup(&glance, now).into_iter().map(|problem| (name.clone(), problem)));
    }
    let mut text = headless(&rows);
    if !problems.is_empty() {
        text.push('\n');
    }
    for (name, problem) in &problems {
        text.push_str(&told_problem(name, problem));
    }
    text
}

/// The restores that go on, and those that failed a short while ago.
fn restored(restores: &[RestoreSession], now: Timestamp, everywhere: bool) -> String {
    let mut shown: Vec<&RestoreSession> = restores
        .iter()
        .filter(|restore| {
            let made = restore.creation_timestamp().map_or(now, |made| made.0);
            let is_recent = human::between(made, now) < RECENT;
            let phase = restore.status.as_ref().and_then(|status| status.phase);
            phase != Some(RestorePhase::Succeeded) && (is_recent || !progress::restore::is_over(restore))
        })
        .collect();
    shown.sort_by_key(|restore| std::cmp::Reverse((restore.creation_timestamp(), restore.name_any())));
    let rows: Vec<Vec<String>> = shown
        .into_iter()
        .map(|restore| {
            let snapshot = restore.spec.data_source.as_ref().map_or("", |source| &source.snapshot);
            let made = list::age(restore, now);
            let phase = restore::list::told_phase(restore);
            vec![
                "restore".into(),
                name(restore, everywhere),
                phase,
                format!("from {snapshot}, made {made} ago"),
            ]
        })
        .collect();
    if rows.is_empty() { String::new() } else { format!("\n{}", headless(&rows)) }
}

/// A table that needs no headers.
fn headless(rows: &[Vec<String>]) -> String {
    let text = output::table(&["", "", "", ""], rows);
    text.split_once('\n').map_or(String::new(), |(_, rows)| rows.to_owned())
}

fn name<K: Resource>(object: &K, everywhere: bool) -> String {
    if everywhere { crate::commands::lookup::place(object) } else { object.name_any() }
}

/// `s3 backups/dev/shop, 312 kB in 1 repository`
fn told_storage(storage: &BackupStorage) -> String {
    let status = storage.status.clone().unwrap_or_default();
    let place = storage.spec.storage.as_ref().map(glance::backend).unwrap_or_default();
    let size = glance::size(status.total_size.as_ref());
    let repositories = human::counted(status.repositories.len(), "repository");
    match (status.repositories.len(), size.as_str()) {
        (0, _) => format!("{place}, nothing in it yet"),
        (_, "") => format!("{place}, {repositories}"),
        (_, size) => format!("{place}, {size} in {repositories}"),
    }
}

/// `nightly 17 2 * * *, last Failed 12m ago, next in 15h`
fn told_backup(backup: &Glance<'_>, now: Timestamp) -> String {
    let configuration: &BackupConfiguration = backup.configuration;
    let mut parts: Vec<String> = configuration
        .spec
        .sessions
        .iter()
        .map(|session| match &session.scheduler {
            Some(scheduler) => format!("{} {}", session.name, scheduler.schedule),
            None => format!("{} by hand", session.name),
        })
        .collect();
    parts.push(match backup.runs().first() {
        Some(run) => format!("last {}", run.told(now)),
        None => "never run".into(),
    });
    if !configuration.spec.paused {
        let next = backup::list::next(backup, now);
        if !next.is_empty() {
            parts.push(format!("next {next}"));
        }
    }
    parts.join(", ")
}

fn told_problem(name: &str, problem: &Problem) -> String {
    let mut text = format!("problem   {name}   {}\n", problem.what);
    for (index, line) in problem.fix.lines().enumerate() {
        let label = if index == 0 { "fix" } else { "" };
        text.push_str(format!("          {label:3}   {line}").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn restores_are_told_while_they_go_on_and_for_a_day_when_they_failed() {
        let restore = |name: &str, phase: &str, made: &str| -> RestoreSession {
            serde_json::from_value(json!({
                "metadata": {"name": name, "namespace": "shop", "creationTimestamp": made},
                "spec": {"dataSource": {"snapshot": "shop-repo-1"}}, "status": {"phase": phase},
            }))
            .unwrap()
        };
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let all = vec![
            restore("long", "Running", "2026-11-20T10:00:00Z"),
            restore("old", "Failed", "2026-11-20T10:00:00Z"),
            restore("new", "Failed", "2026-11-22T09:00:00Z"),
            restore("fine", "Succeeded", "2026-11-22T09:00:00Z"),
        ];
        assert_eq!(
            restored(&all, now, false),
            "\nrestore   new    Failed    from shop-repo-1, made 60m ago\n\
             restore   long   Running   from shop-repo-1, made 2d ago\n"
        );
        assert_eq!(restored(&all[3..], now, false), "");
    }
}
