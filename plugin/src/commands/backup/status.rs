//! `backup status`: all there is to know of some backups, and what is wrong with them.

use std::collections::BTreeMap;

use crds::condition;
use crds::core::BackupConfiguration;
use crds::core::backup_session::BackupSessionPhase;
use crds::storage::{BackupStorage, RetentionPolicy};
use futures::future::join_all;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use k8s_openapi::api::core::v1::Secret;
use kube::{Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use super::list::{phase, storages};
use crate::card::Card;
use crate::cluster::Cluster;
use crate::commands::lookup;
use crate::commands::show::Shown;
use crate::context::Context;
use crate::failure::Failure;
use crate::glance::{self, Glance, Run, World, problem};
use crate::human;
use crate::progress::outcome;

/// How many runs are drawn.
const DRAWN: usize = 7;

/// What a backup needs beside itself, as far as it can be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Needs {
    storage: String,
    encryption: String,
    retention: String,
}

/// The namespace of some backups, and what each of them needs.
#[derive(Debug)]
pub struct Surroundings {
    world: World,
    /// By the name of the backup.
    needs: BTreeMap<String, Needs>,
}

impl Shown for BackupConfiguration {
    type Surroundings = Surroundings;

    async fn surroundings(
        backups: &[Self],
        cluster: &Cluster,
        namespace: &str,
    ) -> Result<Surroundings, Failure> {
        let world = World::observe(cluster, Some(namespace), "").await?;
        let needs = backups.iter().map(async |backup| (backup.name_any(), needs(cluster, backup).await));
        Ok(Surroundings { world, needs: join_all(needs).await.into_iter().collect() })
    }

    fn card(&self, surroundings: &Surroundings, context: &Context, now: Timestamp) -> Card {
        let needs = surroundings.needs.get(&self.name_any()).cloned().unwrap_or_default();
        card(&surroundings.world.glance(self), needs, (now, &context.environment.time_zone))
    }
}

async fn needs(cluster: &Cluster, configuration: &BackupConfiguration) -> Needs {
    let own = configuration.namespace().unwrap_or_default();
    let mut needs = Needs::default();
    for name in storages(configuration) {
        let said = seen(cluster, &name, |storage: &BackupStorage| {
            let backend = storage.spec.storage.as_ref().map(glance::backend).unwrap_or_default();
            let phase = storage.status.as_ref().and_then(|status| status.phase);
            format!("{backend}   {}", phase.map_or_else(|| "Unknown".into(), |phase| phase.to_string()))
        });
        line(&mut needs.storage, &format!("{name}   {}", said.await));
    }
    for name in encryption_secrets(configuration) {
        let said = seen(cluster, &name, |_: &Secret| "present".to_owned()).await;
        line(&mut needs.encryption, &format!("Secret {name}   {said}"));
    }
    for backend in &configuration.spec.backends {
        let Some(reference) = &backend.retention_policy else { continue };
        let name = reference.resolved(&own).to_string();
        let words = |policy: &RetentionPolicy| glance::retention_words(&policy.spec);
        line(&mut needs.retention, &format!("{name}   {}", seen(cluster, &name, words).await));
    }
    needs
}

/// What an object says; a problem in seeing it is no reason to show nothing.
async fn seen<K>(cluster: &Cluster, name: &str, said: impl FnOnce(&K) -> String) -> String
where
    K: Resource<DynamicType = ()> + DeserializeOwned,
{
    let (namespace, name) = name.split_once('/').unwrap_or_default();
    match cluster.get::<K>(Some(namespace), name).await {
        Ok(Some(object)) => said(&object),
        Ok(None) => "does not exist".into(),
        Err(error) => format!("not seen: {}", Failure::from(error).what()),
    }
}

fn line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}

fn encryption_secrets(configuration: &BackupConfiguration) -> Vec<String> {
    let own = configuration.namespace().unwrap_or_default();
    let repositories = configuration.spec.sessions.iter().flat_map(|session| session.repositories.iter());
    let mut names: Vec<String> = repositories
        .filter_map(|repository| Some(repository.encryption_secret.as_ref()?.resolved(&own).to_string()))
        .collect();
    names.sort();
    names.dedup();
    names
}

fn card(backup: &Glance<'_>, needs: Needs, (now, zone): (Timestamp, &TimeZone)) -> Card {
    let configuration = backup.configuration;
    let paused = if configuration.spec.paused { "" } else { ", not paused" };
    let found = match configuration.status.as_ref().and_then(|status| status.target_found) {
        Some(true) => "   found",
        Some(false) => "   not found",
        None => "",
    };
    let runs = backup.runs();
    let local = format!("NEXT RUN ({})", zone_name(zone));
    let mut headers = vec!["SESSION", "SCHEDULE", "NEXT RUN (UTC)"];
    if *zone != TimeZone::UTC {
        headers.push(&local);
    }
    headers.push("LAST RUNS");
    let sessions: Vec<Vec<String>> = configuration
        .spec
        .sessions
        .iter()
        .map(|session| {
            let next = backup.next_run(&session.name, now);
            let schedule = session.scheduler.as_ref().map(|scheduler| scheduler.schedule.clone());
            let mut row =
                vec![session.name.clone(), schedule.unwrap_or_default(), shown(next, &TimeZone::UTC)];
            if *zone != TimeZone::UTC {
                row.push(shown(next, zone));
            }
            row.push(history(runs.iter().filter(|run| run.session == session.name)));
            row
        })
        .collect();
    let mut card = Card::default()
        .row("Backup", format!("{}   {}{paused}", lookup::place(configuration), phase(configuration)))
        .row("Target", format!("{}{found}", glance::target(configuration)))
        .row("Storage", needs.storage)
        .row("Encryption", needs.encryption)
        .row("Retention", needs.retention)
        .row("Last run", last(backup, &runs, now));
    for problem in problem::of_backup(backup, now) {
        let fix = if problem.fix.is_empty() { String::new() } else { format!("\nfix   {}", problem.fix) };
        card = card.row("Problem", format!("{}{fix}", problem.what));
    }
    card.row("Conditions", conditions(configuration)).table(&headers, &sessions)
}

/// Conditions that do not hold and are told nowhere else.
fn conditions(configuration: &BackupConfiguration) -> String {
    let status = configuration.status.iter();
    let failed = status.filter_map(|status| condition::first_failure(&status.conditions));
    failed.map(|condition| condition.type_.clone()).collect::<Vec<_>>().join(", ")
}

fn shown(time: Option<Timestamp>, zone: &TimeZone) -> String {
    time.map(|time| time.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M").to_string()).unwrap_or_default()
}

fn zone_name(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("local").to_owned()
}

/// The runs that are known, the oldest first: `✔✔✘✔`.
fn history<'a>(runs: impl Iterator<Item = &'a Run>) -> String {
    let mut glyphs: Vec<char> = runs
        .take(DRAWN)
        .map(|run| match run.phase {
            BackupSessionPhase::Succeeded => '✔',
            BackupSessionPhase::Failed => '✘',
            BackupSessionPhase::Skipped => '–',
            BackupSessionPhase::Running => '●',
            BackupSessionPhase::Pending => '○',
        })
        .collect();
    glyphs.reverse();
    glyphs.into_iter().collect()
}

/// The newest run: how it went and what it stored.
fn last(backup: &Glance<'_>, runs: &[Run], now: Timestamp) -> String {
    let Some(run) = runs.first() else { return "none yet".into() };
    let mut text = format!("{}   {}", run.name, run.told(now));
    let session = backup.sessions.iter().find(|session| session.name_any() == run.name);
    if let Some(took) = session.and_then(|session| session.status.as_ref()?.duration.clone()) {
        text = format!("{text}, took {took}");
    }
    for snapshot in backup.snapshots.iter().filter(|snapshot| snapshot.spec.backup_session == run.name) {
        let stored = outcome::stored(snapshot);
        let bytes =
            |number: Option<u64>, word: &str| number.map(|number| format!("{}{word}", human::bytes(number)));
        let objects = stored.objects.map(|number| format!("{} objects", human::count(number)));
        let parts: Vec<String> =
            [objects, bytes(stored.bytes, ""), bytes(stored.added, " added")].into_iter().flatten().collect();
        line(&mut text, format!("{}   {}", stored.snapshot, parts.join(", ")).trim_end());
    }
    text
}
