//! `snapshot`: what was backed up.

pub mod cat;
pub mod delete;
pub mod diff;
pub mod download;
pub mod find;
pub mod list;
pub mod ls;
pub mod show;
pub mod watch;
pub mod which;

use crate::context::Context;
use crate::failure::Failure;
use crate::streams::Streams;

/// What was backed up
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List snapshots, the newest first
    #[command(alias = "get")]
    List(list::Args),
    /// Show snapshots in full: components, sizes, integrity, errors, and what deletion does
    Show(show::Args),
    /// Show how the run of a snapshot goes, and exit with how it ended
    Watch(watch::Args),
    /// List what a snapshot holds
    Ls(ls::Args),
    /// Print objects of snapshots, in YAML as they were stored
    Cat(cat::Args),
    /// Show what differs between two snapshots, or between a snapshot and the cluster
    Diff(diff::Args),
    /// Find objects in all snapshots
    Find(find::Args),
    /// Copy the files of a snapshot to this machine
    Download(download::Args),
    /// Delete snapshots; their data stays unless --wipe-data, or their deletionPolicy is WipeOut
    Delete(delete::Args),
}

impl Command {
    /// Runs the verb.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        match self {
            Self::List(args) => args.run(context, streams).await,
            Self::Show(args) => args.run(context, streams).await,
            Self::Watch(args) => args.run(context, streams).await,
            Self::Ls(args) => args.run(context, streams).await,
            Self::Cat(args) => args.run(context, streams).await,
            Self::Diff(args) => args.run(context, streams).await,
            Self::Find(args) => args.run(context, streams).await,
            Self::Download(args) => args.run(context, streams).await,
            Self::Delete(args) => args.run(context, streams).await,
        }
    }
}
