//! `snapshot watch`: how the run goes that makes a snapshot, and how it ended.

use super::which;
use crate::commands::backup::follow;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Format;
use crate::streams::Streams;

/// Show how the run of a snapshot goes, and exit with how it ended
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of a snapshot, its beginning or that of a restic id, or latest
    #[arg(default_value = "latest", value_name = "NAME")]
    name: String,
    /// Only snapshots of this Repository
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// Output format of the result: name prints the snapshots, json and yaml the BackupSessions
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    output: Format,
    #[command(flatten)]
    follow: follow::Flags,
}

impl Args {
    /// Watches.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let manner = self.follow.manner(context, false)?;
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let names = std::slice::from_ref(&self.name);
        let meant = which::meant(&cluster, &namespace, (names, self.repository.as_deref())).await;
        let meant = follow::begun(meant, manner.mode, (context, streams))?;
        let runs: Vec<String> = meant.into_iter().map(|snapshot| snapshot.spec.backup_session).collect();
        follow::to_the_end(&cluster, (&namespace, &runs), (manner, &self.output), (context, streams)).await
    }
}
