//! `repository`: what a storage holds for one target.

pub mod unlock;

use crate::context::Context;
use crate::failure::Failure;
use crate::streams::Streams;

/// The repositories in a storage
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show who holds the locks of a Repository, and remove those of work that is gone
    Unlock(unlock::Args),
}

impl Command {
    /// Runs the verb.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        match self {
            Self::Unlock(args) => args.run(context, streams).await,
        }
    }
}
