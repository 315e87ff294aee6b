//! `retention delete`: a policy goes; nothing is removed from storages by that.

use crds::core::BackupConfiguration;
use crds::storage::RetentionPolicy;

use super::show::followers;
use crate::cluster::Cluster;
use crate::commands::lookup;
use crate::commands::removal::{Deletable, Doomed};
use crate::failure::Failure;

impl Deletable for RetentionPolicy {
    async fn doomed(chosen: &[Self], cluster: &Cluster, namespace: &str) -> Result<Vec<Doomed>, Failure> {
        let backups: Vec<BackupConfiguration> = cluster.list(Some(namespace), "").await?;
        chosen.iter().map(|policy| doomed(policy, &backups)).collect()
    }
}

fn doomed(policy: &RetentionPolicy, backups: &[BackupConfiguration]) -> Result<Doomed, Failure> {
    let mut fate = vec!["all backups stay; none is removed".to_owned()];
    let used: Vec<String> = followers(policy, backups).into_iter().map(lookup::place).collect();
    if !used.is_empty() {
        fate.push(format!("backups of this namespace that name it and stop: {}", used.join(", ")));
    }
    if policy.spec.default {
        fate.push("backups that name no policy lose their default".to_owned());
    }
    Doomed::of(policy, fate)
}
