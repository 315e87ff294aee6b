//! `storage show`: one storage in full.

use crds::storage::BackupStorage;
use crds::storage::backup_storage::RepositoryInfo;
use jiff::Timestamp;

use super::list::usable_from;
use crate::card::Card;
use crate::cluster::Cluster;
use crate::commands::show::Shown;
use crate::commands::{list, lookup, removal};
use crate::context::Context;
use crate::failure::Failure;
use crate::glance::{self, problem};

impl Shown for BackupStorage {
    type Surroundings = ();

    async fn surroundings(_: &[Self], _: &Cluster, _: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn card(&self, (): &(), _: &Context, now: Timestamp) -> Card {
        card(self, now)
    }
}

fn card(storage: &BackupStorage, now: Timestamp) -> Card {
    let status = storage.status.clone().unwrap_or_default();
    let phase = list::phase(storage, status.phase);
    let default = if storage.spec.default { ", default" } else { "" };
    let backend = storage.spec.storage.clone().unwrap_or_default();
    let s3 = backend.s3.as_ref().filter(|_| backend.provider == "s3");
    let mut card = Card::default()
        .row("Storage", format!("{}   {phase}{default}", lookup::place(storage)))
        .row("Place", glance::backend(&backend))
        .row("Endpoint", s3.and_then(|s3| s3.endpoint.clone()).unwrap_or_default())
        .row("Region", s3.and_then(|s3| s3.region.clone()).unwrap_or_default())
        .row("TLS", if s3.is_some_and(|s3| s3.insecure_tls) { "certificate is not checked" } else { "" })
        .row("Credentials", backend.secret_name().map(|name| format!("Secret {name}")).unwrap_or_default())
        .row("Usable from", usable_from(storage.spec.usage_policy.as_ref()))
        .row("When deleted", removal::fate(storage.deletion_policy()))
        .row("Size", glance::size(status.total_size.as_ref()))
        .row("Age", list::age(storage, now));
    if let Some(problem) = problem::of_storage(storage) {
        let fix = if problem.fix.is_empty() { String::new() } else { format!("\nfix   {}", problem.fix) };
        card = card.row("Problem", format!("{}{fix}", problem.what));
    }
    let rows: Vec<Vec<String>> = status.repositories.iter().map(repository).collect();
    card.table(&["REPOSITORY", "PATH", "SIZE", "ERROR"], &rows)
}

fn repository(info: &RepositoryInfo) -> Vec<String> {
    vec![
        format!("{}/{}", info.namespace, info.name),
        info.path.clone(),
        glance::size(info.size.as_ref()),
        info.error.clone().unwrap_or_default(),
    ]
}
