//! `backup`: what is backed up, when, and how a run goes.

pub mod create;
pub mod follow;
pub mod logs;
pub mod trigger;
pub mod watch;

use crate::context::Context;
use crate::failure::Failure;
use crate::streams::Streams;

/// What is backed up, when, and how a run goes
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create or change a backup: its schedule, its storage, who reads, how long it is kept
    Create(Box<create::Args>),
    /// Run a backup now
    Trigger(trigger::Args),
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
            Self::Trigger(args) => args.run(context, streams).await,
            Self::Watch(args) => args.run(context, streams).await,
            Self::Logs(args) => args.run(context, streams).await,
        }
    }
}
