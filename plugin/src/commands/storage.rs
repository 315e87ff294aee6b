//! `storage`: where backups are kept.

pub mod create;
pub mod delete;
pub mod list;
pub mod show;

use crds::storage::BackupStorage;

use crate::commands::list::Alone;
use crate::commands::{self as verbs, debug, removal};
use crate::context::Context;
use crate::failure::Failure;
use crate::streams::Streams;

/// Where backups are kept
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create or change a BackupStorage, with a Secret for its credentials
    Create(Box<create::Args>),
    /// List storages
    #[command(alias = "get")]
    List(verbs::list::Flags),
    /// Show storages in full: place, state, repositories, and what is wrong
    Show(verbs::show::Args),
    /// Write, read, list and delete a small object in a storage, from here: the same as debug backupstorage
    Check(debug::storage::Args),
    /// Delete storages; their data stays unless their deletionPolicy is WipeOut
    Delete(removal::Args),
}

impl Command {
    /// Runs the verb.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        match self {
            Self::Create(args) => args.run(context, streams).await,
            Self::List(flags) => flags.run(|_: &Alone<BackupStorage>, _| true, (context, streams)).await,
            Self::Show(args) => args.run::<BackupStorage>(context, streams).await,
            Self::Check(args) => args.run(context, streams).await,
            Self::Delete(args) => args.run::<BackupStorage>(context, streams).await,
        }
    }
}
