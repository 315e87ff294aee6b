//! `restore`: what a restore would do, doing it, and how it went.

pub mod create;
pub mod delete;
pub mod list;
pub mod logs;
pub mod plan;
mod planned;
mod selected;
pub mod status;
pub mod watch;

use crate::commands::removal;
use crate::context::Context;
use crate::failure::Failure;
use crate::streams::Streams;
use crds::core::RestoreSession;

/// What a restore would do, doing it, and how it went
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show what a restore would do to each object; nothing is changed
    Plan(Box<plan::Args>),
    /// Bring back what a snapshot holds: all of it, a namespace, or single objects
    Create(Box<create::Args>),
    /// List restores, the newest first
    #[command(alias = "get")]
    List(list::Args),
    /// Show restores in full; with -v what became of each object
    #[command(alias = "show")]
    Status(status::Args),
    /// Show how restores go, and exit with how they ended
    Watch(watch::Args),
    /// Print what the pods of a restore said
    Logs(logs::Args),
    /// Delete restores: one that goes on is broken off; what was brought back stays
    Delete(removal::Args),
}

impl Command {
    /// Runs the verb.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        match self {
            Self::Plan(args) => Box::pin(args.run(context, streams)).await,
            Self::Create(args) => Box::pin(args.run(context, streams)).await,
            Self::List(args) => args.run(context, streams).await,
            Self::Status(args) => args.run(context, streams).await,
            Self::Watch(args) => args.run(context, streams).await,
            Self::Logs(args) => args.run(context, streams).await,
            Self::Delete(args) => args.run::<RestoreSession>(context, streams).await,
        }
    }
}
