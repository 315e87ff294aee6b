//! `storage`: where backups are kept.

pub mod create;

use crate::context::Context;
use crate::failure::Failure;
use crate::streams::Streams;

/// Where backups are kept
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create or change a BackupStorage, with a Secret for its credentials
    Create(Box<create::Args>),
}

impl Command {
    /// Runs the verb.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        match self {
            Self::Create(args) => args.run(context, streams).await,
        }
    }
}
