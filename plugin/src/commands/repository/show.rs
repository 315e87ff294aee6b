//! `repository show`: one repository in full.

use crds::condition;
use crds::storage::Repository;
use crds::storage::repository::SnapshotInfo;
use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::card::Card;
use crate::cluster::Cluster;
use crate::commands::show::Shown;
use crate::commands::{list, lookup, removal};
use crate::context::Context;
use crate::failure::Failure;
use crate::glance;
use crate::human;

impl Shown for Repository {
    type Surroundings = ();

    async fn surroundings(_: &[Self], _: &Cluster, _: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn card(&self, (): &(), _: &Context, now: Timestamp) -> Card {
        card(self, now)
    }
}

fn card(repository: &Repository, now: Timestamp) -> Card {
    let own = repository.namespace().unwrap_or_default();
    let status = repository.status.clone().unwrap_or_default();
    let phase = list::phase(repository, status.phase);
    let storage = repository.spec.storage_ref.as_ref();
    let secret = repository.spec.encryption_secret.as_ref();
    let integrity = match status.integrity {
        Some(true) => "sound",
        Some(false) => "damaged at the last check",
        None => "not checked yet",
    };
    let failure = condition::first_failure(&status.conditions)
        .and_then(|condition| condition.message.clone().or_else(|| condition.reason.clone()));
    let last = status.last_backup_time.map(|time| format!("{} ago", human::age_at(time.0, now)));
    let rows: Vec<Vec<String>> = status.recent_snapshots.iter().map(|info| snapshot(info, now)).collect();
    Card::default()
        .row("Repository", format!("{}   {phase}", lookup::place(repository)))
        .row("Storage", storage.map(|storage| storage.resolved(&own).to_string()).unwrap_or_default())
        .row("Path", repository.spec.path.clone())
        .row(
            "Encryption",
            secret.map(|secret| format!("Secret {}", secret.resolved(&own))).unwrap_or_default(),
        )
        .row("When deleted", removal::fate(repository.deletion_policy()))
        .row("Snapshots", status.snapshot_count.map(|number| number.to_string()).unwrap_or_default())
        .row("Size", glance::size(status.size.as_ref()))
        .row("Integrity", integrity)
        .row("Last backup", last.unwrap_or_default())
        .row("Age", list::age(repository, now))
        .row("Problem", failure.unwrap_or_default())
        .table(&["RECENT SNAPSHOT", "SESSION", "TAKEN", "SIZE", "PHASE"], &rows)
}

fn snapshot(info: &SnapshotInfo, now: Timestamp) -> Vec<String> {
    vec![
        info.name.clone(),
        info.session.clone(),
        info.snapshot_time.as_ref().map(|time| human::age_at(time.0, now)).unwrap_or_default(),
        glance::size(info.size.as_ref()),
        info.phase.map(|phase| phase.to_string()).unwrap_or_default(),
    ]
}
