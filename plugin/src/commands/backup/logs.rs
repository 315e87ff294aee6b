//! `backup logs`: what the pods of a run say.

use crds::core::backup_session::BackupSessionPhase;
use crds::core::{BackupConfiguration, BackupSession};
use kube::ResourceExt as _;

use super::trigger::not_found;
use crate::cluster::Cluster;
use crate::commands::logs::{self, Run};
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::streams::Streams;

/// Print what the pods of a run said
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The backup; its newest run is shown
    #[arg(required_unless_present = "run", value_name = "NAME")]
    name: Option<String>,
    /// Show this BackupSession
    #[arg(long, value_name = "BACKUPSESSION")]
    run: Option<String>,
    #[command(flatten)]
    log: logs::Flags,
}

impl Args {
    /// Prints.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let run = self.session(&cluster, &namespace).await?;
        self.log.print(&cluster, (&namespace, &run), streams).await
    }

    /// The run that is meant.
    async fn session(&self, cluster: &Cluster, namespace: &str) -> Result<BackupSession, Failure> {
        if let Some(run) = &self.run {
            let found = cluster.get(Some(namespace), run).await?;
            return found.ok_or_else(|| {
                Failure::new(Code::ObjectMissing, format!("BackupSession {namespace}/{run} does not exist"))
                    .why("old runs are removed by sessionHistoryLimit; their snapshots stay")
                    .fix(format!("kubectl kubestash snapshot list -n {namespace}"))
            });
        }
        let name = self.name.as_deref().unwrap_or_default();
        let sessions: Vec<BackupSession> = cluster.list(Some(namespace), "").await?;
        let of_it = sessions.into_iter().filter(|session| is_of(session, name));
        if let Some(newest) = of_it.max_by_key(|session| (session.creation_timestamp(), session.name_any())) {
            return Ok(newest);
        }
        if cluster.get::<BackupConfiguration>(Some(namespace), name).await?.is_none() {
            return Err(not_found(cluster, namespace, name).await?);
        }
        Err(Failure::new(Code::NoRun, format!("backup {namespace}/{name} has no run to show"))
            .why("it has not run yet, or its runs were removed by sessionHistoryLimit")
            .fix(format!("kubectl kubestash trigger {name} -n {namespace} --watch")))
    }
}

impl Run for BackupSession {
    fn is_over(&self) -> bool {
        let phase = self.status.as_ref().and_then(|status| status.phase);
        phase.is_some_and(BackupSessionPhase::is_completed)
    }

    fn debug(namespace: &str) -> String {
        format!("kubectl kubestash debug backup -n {namespace}   tells why a run failed")
    }
}

fn is_of(session: &BackupSession, name: &str) -> bool {
    session.spec.invoker.as_ref().is_some_and(|invoker| invoker.name == name)
}
