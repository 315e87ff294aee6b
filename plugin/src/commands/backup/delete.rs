//! `backup delete`: a backup runs no more; what becomes of its repositories is written in it.

use crds::core::BackupConfiguration;
use crds::core::backup_configuration::RepositoryDeletionPolicy;
use crds::core::backup_session::BackupSessionPhase;
use kube::ResourceExt as _;

use crate::commands::lookup;
use crate::commands::removal::{self, Doomed};
use crate::context::Context;
use crate::failure::Failure;
use crate::glance::{self, Glance, World};
use crate::streams::Streams;

/// Delete backups; their repositories stay unless the backup says Delete or WipeOut of them
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    choice: lookup::Choice,
    #[command(flatten)]
    delete: removal::Flags,
}

impl Args {
    /// Deletes.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let chosen: Vec<BackupConfiguration> = self.choice.objects(&cluster, &namespace).await?;
        let world = World::observe(&cluster, Some(&namespace), "").await?;
        let doomed: Result<Vec<Doomed>, Failure> =
            chosen.iter().map(|backup| doomed(&world.glance(backup), &world.configurations)).collect();
        self.delete.delete(&cluster, &doomed?, (context, streams)).await
    }
}

/// What the backup says of its repositories (contract §6.4): without a word, or with Retain, they stay; so do those that
/// another backup uses.
fn doomed(backup: &Glance<'_>, all: &[BackupConfiguration]) -> Result<Doomed, Failure> {
    let own = backup.configuration.name_any();
    let is_shared = |name: &str| {
        all.iter().any(|other| other.name_any() != own && glance::repositories(other).contains(&name))
    };
    let policy = |name: &str| {
        let sessions = backup.configuration.spec.sessions.iter();
        let repositories = sessions.flat_map(|session| &session.repositories);
        repositories.filter(|repository| repository.name == name).find_map(|one| one.deletion_policy)
    };
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
        fate.push(match policy(name) {
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
