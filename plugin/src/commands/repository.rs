//! `repository`: the directories of storages that hold backups.

pub mod check;
pub mod delete;
pub mod list;
pub mod show;
pub mod unlock;

use crds::storage::Repository;

use crate::commands::list::Alone;
use crate::commands::{self as verbs, removal};
use crate::context::Context;
use crate::failure::Failure;
use crate::streams::Streams;

/// The directories of storages that hold backups
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List repositories
    #[command(alias = "get")]
    List(verbs::list::Flags),
    /// Show repositories in full: place, encryption, newest snapshots, and what is wrong
    Show(verbs::show::Args),
    /// Delete repositories; their data stays unless their deletionPolicy is WipeOut
    Delete(removal::Args),
    /// Check that snapshots, index and packs of a Repository fit each other, from here
    Check(check::Args),
    /// Show who holds the locks of a Repository, and remove those of work that is gone
    Unlock(unlock::Args),
}

impl Command {
    /// Runs the verb.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        match self {
            Self::List(flags) => flags.run(|_: &Alone<Repository>, _| true, (context, streams)).await,
            Self::Show(args) => args.run::<Repository>(context, streams).await,
            Self::Delete(args) => args.run::<Repository>(context, streams).await,
            Self::Check(args) => args.run(context, streams).await,
            Self::Unlock(args) => args.run(context, streams).await,
        }
    }
}
