//! `snapshot`: what was backed up.

pub mod list;

use crate::context::Context;
use crate::failure::Failure;
use crate::streams::Streams;

/// What was backed up
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List snapshots, the newest first
    #[command(alias = "get")]
    List(list::Args),
}

impl Command {
    /// Runs the verb.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        match self {
            Self::List(args) => args.run(context, streams).await,
        }
    }
}
