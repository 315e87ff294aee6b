//! `restore logs`: what the pods of a restore say.

use crds::core::RestoreSession;

use crate::commands::logs::{self, Run};
use crate::commands::lookup;
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::restore;
use crate::streams::Streams;

/// Print what the pods of a restore said
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The restore
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    log: logs::Flags,
}

impl Args {
    /// Prints.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let session: RestoreSession = lookup::one(&cluster, &namespace, &self.name).await?;
        self.log.print(&cluster, (&namespace, &session), streams).await
    }
}

impl Run for RestoreSession {
    fn is_over(&self) -> bool {
        restore::is_over(self)
    }

    fn debug(namespace: &str) -> String {
        format!("kubectl kubestash debug restore -n {namespace}   tells why a restore failed")
    }
}
