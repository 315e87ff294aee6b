//! `backup delete`: a backup runs no more; what becomes of its repositories is written in it.

use crds::core::BackupConfiguration;
use crds::core::backup_configuration::RepositoryDeletionPolicy;
use crds::core::backup_session::BackupSessionPhase;
use kube::ResourceExt as _;

use crate::cluster::Cluster;
use crate::commands::removal::{Deletable, Doomed};
use crate::failure::Failure;
use crate::glance::{self, Glance, World};

impl Deletable for BackupConfiguration {
    async fn doomed(chosen: &[Self], cluster: &Cluster, namespace: &str) -> Result<Vec<Doomed>, Failure> {
        let world = World::observe(cluster, Some(namespace), "").await?;
        // A repository that only doomed backups share is nobody's when the last of them goes.
        let stays = |other: &&Self| {
            other.metadata.deletion_timestamp.is_none()
                && !chosen.iter().any(|one| one.name_any() == other.name_any())
        };
        let staying: Vec<&Self> = world.configurations.iter().filter(stays).collect();
        chosen.iter().map(|backup| doomed(&world.glance(backup), &staying)).collect()
    }
}

/// What a backup says of a repository; where its sessions differ, the gravest of it.
fn policy(backup: &BackupConfiguration, name: &str) -> Option<RepositoryDeletionPolicy> {
    let repositories = backup.spec.sessions.iter().flat_map(|session| &session.repositories);
    let said: Vec<RepositoryDeletionPolicy> = repositories
        .filter(|repository| repository.name == name)
        .filter_map(|one| one.deletion_policy)
        .collect();
    let gravest = [RepositoryDeletionPolicy::WipeOut, RepositoryDeletionPolicy::Delete];
    gravest.into_iter().find(|grave| said.contains(grave)).or_else(|| said.first().copied())
}

/// What the backup says of its repositories (contract §6.4): without a word, or with Retain, they stay; so do those that
/// another backup uses.
fn doomed(backup: &Glance<'_>, staying: &[&BackupConfiguration]) -> Result<Doomed, Failure> {
    let is_shared = |name: &str| staying.iter().any(|other| glance::repositories(other).contains(&name));
    let mut fate = vec!["its sessions run no more; its CronJobs and BackupSessions go with it".to_owned()];
    let going = backup.sessions.iter().filter(|session| {
        let phase = session.status.as_ref().and_then(|status| status.phase);
        !phase.is_some_and(BackupSessionPhase::is_completed)
    });
    fate.extend(going.map(|session| format!("a run that goes on is broken off: {}", session.name_any())));
    let mut erases = false;
    for name in glance::repositories(backup.configuration) {
        let held = backup.repositories.iter().find(|repository| repository.name_any() == name);
        let size = glance::size(held.and_then(|held| held.status.as_ref()?.size.as_ref()));
        let size = if size.is_empty() { size } else { format!(" ({size})") };
        fate.push(match policy(backup.configuration, name) {
            _ if is_shared(name) => format!("Repository {name}{size} stays: another backup uses it"),
            Some(RepositoryDeletionPolicy::WipeOut) => {
                erases = true;
                format!("ALL DATA of Repository {name}{size} is erased, with its Snapshots (deletionPolicy WipeOut)")
            }
            Some(RepositoryDeletionPolicy::Delete) => {
                format!("Repository {name} and its Snapshots leave the cluster; the data{size} stays in the storage")
            }
            Some(RepositoryDeletionPolicy::Retain) | None => {
                format!("Repository {name}{size}, its Snapshots and its data stay")
            }
        });
    }
    Ok(Doomed::of(backup.configuration, fate)?.erasing(erases))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::glance::World;

    fn backup(name: &str, policies: &[Value]) -> BackupConfiguration {
        let session = |(index, policy): (usize, &Value)| {
            json!({"name": format!("s{index}"), "repositories": [
                {"name": "repo", "backend": "minio", "directory": "d", "deletionPolicy": policy}]})
        };
        let sessions: Vec<Value> = policies.iter().enumerate().map(session).collect();
        let metadata = json!({"name": name, "namespace": "shop"});
        serde_json::from_value(json!({"metadata": metadata, "spec": {"sessions": sessions}})).unwrap()
    }

    #[test]
    fn data_is_erased_when_any_session_says_so_and_no_other_backup_stays() {
        let world = World::default();
        let erases = |policies: &[Value], staying: &[&BackupConfiguration]| {
            doomed(&world.glance(&backup("shop", policies)), staying).unwrap().erases
        };
        assert!(erases(&[json!("WipeOut")], &[]));
        assert!(erases(&[json!("Delete"), json!("WipeOut")], &[]), "the gravest counts");
        let other = backup("other", &[json!("Retain")]);
        assert!(!erases(&[json!("WipeOut")], &[&other]), "it is shared");
        for kept in [json!("Delete"), json!("Retain"), Value::Null] {
            assert!(!erases(std::slice::from_ref(&kept), &[]), "{kept}");
        }
    }
}
