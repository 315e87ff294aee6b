//! `storage delete`: a storage goes, and with it what the cluster knows of its backups; the data only when it says so.

use crds::core::BackupConfiguration;
use crds::storage::{BackupStorage, DeletionPolicy};
use kube::ResourceExt as _;

use crate::cluster::Cluster;
use crate::commands::backup::list::storages;
use crate::commands::lookup;
use crate::commands::removal::{Deletable, Doomed};
use crate::failure::Failure;
use crate::glance;
use crate::human;

impl Deletable for BackupStorage {
    async fn doomed(chosen: &[Self], cluster: &Cluster, namespace: &str) -> Result<Vec<Doomed>, Failure> {
        let backups = cluster.list_everywhere(namespace).await?;
        chosen.iter().map(|storage| doomed(storage, &backups)).collect()
    }
}

fn doomed(storage: &BackupStorage, backups: &[BackupConfiguration]) -> Result<Doomed, Failure> {
    let status = storage.status.clone().unwrap_or_default();
    let place = storage.spec.storage.as_ref().map(glance::backend).unwrap_or_default();
    let repositories = human::counted(status.repositories.len(), "repository");
    let size = glance::size(status.total_size.as_ref());
    let held = if size.is_empty() { repositories } else { format!("{size} in {repositories}") };
    let (name, namespace) = (storage.name_any(), storage.namespace().unwrap_or_default());
    let erases = storage.deletion_policy() == DeletionPolicy::WipeOut;
    let mut fate = vec!["its Repositories and Snapshots leave the cluster with it".to_owned()];
    if erases {
        fate.push(format!("ALL DATA in {place} is erased: {held} (deletionPolicy WipeOut)"));
        fate.push(format!(
            "to keep it:  kubectl patch backupstorage {name} -n {namespace} --type merge -p '{{\"spec\":{{\"deletionPolicy\":\"Delete\"}}}}'"
        ));
    } else {
        fate.push(format!(
            "the data in {place} stays: {held}; a BackupStorage on the same place finds it again"
        ));
    }
    let own = lookup::place(storage);
    let used: Vec<String> =
        backups.iter().filter(|backup| storages(backup).contains(&own)).map(lookup::place).collect();
    if !used.is_empty() {
        fate.push(format!("backups that need it and stop: {}", used.join(", ")));
    }
    Ok(Doomed::of(storage, fate)?.erasing(erases))
}
