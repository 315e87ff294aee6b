//! `repository delete`: a repository and its snapshots leave the cluster; the data only when it says so.

use crds::core::BackupConfiguration;
use crds::storage::{DeletionPolicy, Repository};
use kube::ResourceExt as _;

use crate::cluster::Cluster;
use crate::commands::lookup;
use crate::commands::removal::{Deletable, Doomed};
use crate::failure::Failure;
use crate::glance;
use crate::human;

impl Deletable for Repository {
    async fn doomed(chosen: &[Self], cluster: &Cluster, namespace: &str) -> Result<Vec<Doomed>, Failure> {
        let backups: Vec<BackupConfiguration> = cluster.list(Some(namespace), "").await?;
        chosen.iter().map(|repository| doomed(repository, &backups)).collect()
    }
}

fn doomed(repository: &Repository, backups: &[BackupConfiguration]) -> Result<Doomed, Failure> {
    let own = repository.namespace().unwrap_or_default();
    let status = repository.status.clone().unwrap_or_default();
    let name = repository.name_any();
    let storage = repository.spec.storage_ref.as_ref().map(|storage| storage.resolved(&own).to_string());
    let place = format!("{} of BackupStorage {}", repository.spec.path, storage.unwrap_or_default());
    let snapshots = human::counted(
        status.snapshot_count.and_then(|number| usize::try_from(number).ok()).unwrap_or_default(),
        "snapshot",
    );
    let size = glance::size(status.size.as_ref());
    let held = if size.is_empty() { snapshots } else { format!("{size} in {snapshots}") };
    let erases = repository.deletion_policy() == DeletionPolicy::WipeOut;
    let mut fate = vec!["its Snapshots leave the cluster with it".to_owned()];
    if erases {
        fate.push(format!("ALL DATA in {place} is erased: {held} (deletionPolicy WipeOut)"));
        fate.push(format!(
            "to keep it:  kubectl patch repository.storage.kubestash.com {name} -n {own} --type merge -p '{{\"spec\":{{\"deletionPolicy\":\"Delete\"}}}}'"
        ));
    } else {
        fate.push(format!("the data in {place} stays: {held}"));
    }
    let used: Vec<String> = backups
        .iter()
        .filter(|backup| glance::repositories(backup).contains(&name.as_str()))
        .map(lookup::place)
        .collect();
    if !used.is_empty() {
        fate.push(format!("made again, for the next run, by: {}", used.join(", ")));
    }
    Ok(Doomed::of(repository, fate)?.erasing(erases))
}
