//! `retention delete`: a policy goes; nothing is removed from storages by that.

use crds::core::BackupConfiguration;
use crds::storage::RetentionPolicy;

use super::show::followers;
use crate::commands::lookup;
use crate::commands::removal::{self, Doomed};
use crate::context::Context;
use crate::failure::Failure;
use crate::streams::Streams;

/// Delete retention policies; no backup is removed by that
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    choice: lookup::Choice,
    #[command(flatten)]
    delete: removal::Flags,
}

impl Args {
    /// Deletes.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let chosen: Vec<RetentionPolicy> = self.choice.objects(&cluster, &namespace).await?;
        let backups: Vec<BackupConfiguration> = cluster.list(Some(&namespace), "").await?;
        let doomed: Result<Vec<Doomed>, Failure> =
            chosen.iter().map(|policy| doomed(policy, &backups)).collect();
        self.delete.delete(&cluster, &doomed?, (context, streams)).await
    }
}

fn doomed(policy: &RetentionPolicy, backups: &[BackupConfiguration]) -> Result<Doomed, Failure> {
    let mut fate = vec!["all backups stay; none is removed".to_owned()];
    let used: Vec<String> = followers(policy, backups).into_iter().map(lookup::place).collect();
    if !used.is_empty() {
        fate.push(format!("backups of this namespace that name it and stop: {}", used.join(", ")));
    }
    if policy.spec.default {
        fate.push("backups that name no policy lose their default".to_owned());
    }
    Doomed::of(policy, fate)
}
