//! `retention`: how long backups are kept.

pub mod create;
pub mod delete;
pub mod list;
pub mod show;

use crds::storage::RetentionPolicy;

use crate::commands::list::Alone;
use crate::commands::{self as verbs, removal};
use crate::context::Context;
use crate::failure::Failure;
use crate::streams::Streams;

/// How long backups are kept
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create or change a RetentionPolicy: which backups are kept, and for how long
    Create(Box<create::Args>),
    /// List retention policies
    #[command(alias = "get")]
    List(verbs::list::Flags),
    /// Show retention policies in full, and which backups of the namespace follow them
    Show(verbs::show::Args),
    /// Delete retention policies; no backup is removed by that
    Delete(removal::Args),
}

impl Command {
    /// Runs the verb.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        match self {
            Self::Create(args) => args.run(context, streams).await,
            Self::List(flags) => flags.run(|_: &Alone<RetentionPolicy>, _| true, (context, streams)).await,
            Self::Show(args) => args.run::<RetentionPolicy>(context, streams).await,
            Self::Delete(args) => args.run::<RetentionPolicy>(context, streams).await,
        }
    }
}
