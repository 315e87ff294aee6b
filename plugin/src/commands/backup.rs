//! `backup`: what is backed up, when, and how a run goes.

pub mod create;
pub mod delete;
pub mod follow;
pub mod list;
pub mod logs;
pub mod status;
pub mod suspension;
pub mod trigger;
pub mod watch;

use crds::core::BackupConfiguration;

use crate::commands::{removal, show};
use crate::context::Context;
use crate::failure::Failure;
use crate::streams::Streams;

/// What is backed up, when, and how a run goes
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create or change a backup: its schedule, its storage, who reads, how long it is kept
    Create(Box<create::Args>),
    /// List backups: target, schedule, storage, last and next run
    #[command(alias = "get")]
    List(list::Args),
    /// Show backups in full: target, storage, encryption, retention, runs, and what is wrong
    #[command(alias = "show")]
    Status(show::Args),
    /// Run a backup now
    Trigger(trigger::Args),
    /// Pause backups: no run is started until they are resumed
    Pause(suspension::Pause),
    /// Resume backups that were paused
    Resume(suspension::Resume),
    /// Delete backups; their repositories stay unless the backup says Delete or WipeOut of them
    Delete(removal::Args),
    /// Show how a run goes, and exit with how it ended
    Watch(watch::Args),
    /// Print what the pods of a run said
    Logs(logs::Args),
}

impl Command {
    /// Runs the verb.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        match self {
            Self::Create(args) => args.run(context, streams).await,
            Self::List(args) => args.run(context, streams).await,
            Self::Status(args) => args.run::<BackupConfiguration>(context, streams).await,
            Self::Trigger(args) => args.run(context, streams).await,
            Self::Pause(args) => args.run(context, streams).await,
            Self::Resume(args) => args.run(context, streams).await,
            Self::Delete(args) => args.run::<BackupConfiguration>(context, streams).await,
            Self::Watch(args) => args.run(context, streams).await,
            Self::Logs(args) => args.run(context, streams).await,
        }
    }
}
