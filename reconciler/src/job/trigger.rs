//! `kubestash trigger-backup`: creates the BackupSession of a slot (contract §8.2). Runs in a CronJob's pod.

use archive::error::Permanence;
use crds::core::{BackupConfiguration, BackupSession};
use jiff::Timestamp;
use kube::ResourceExt;
use snafu::{OptionExt, ResultExt, Snafu};

use super::Failure;
use crate::args::TriggerBackup;
use crate::cluster;

/// Why there is no BackupSession.
#[derive(Debug, Snafu)]
pub enum Error {
    /// No cluster.
    #[snafu(display("failed to find the API server: {source}"))]
    Connect {
        /// Why.
        source: kube::Error,
    },
    /// The API server said no, or nothing.
    #[snafu(display("{source}"))]
    Cluster {
        /// Why.
        source: cluster::Error,
    },
    /// Only configurations invoke.
    #[snafu(display("{kind} \"{name}\" cannot be triggered; only a BackupConfiguration can"))]
    UnknownKind {
        /// Kind of the invoker.
        kind: String,
        /// Its name.
        name: String,
    },
    /// No such configuration.
    #[snafu(display("BackupConfiguration \"{name}\" does not exist"))]
    NoConfiguration {
        /// Its name.
        name: String,
    },
    /// No such session.
    #[snafu(display("BackupConfiguration \"{name}\" has no session \"{session}\""))]
    NoSession {
        /// Name of the configuration.
        name: String,
        /// Name of the session.
        session: String,
    },
}

impl Failure for Error {
    fn permanence(&self) -> Permanence {
        match self {
            Self::Connect { .. } => Permanence::Temporary,
            Self::Cluster { source } => super::permanence(source),
            Self::UnknownKind { .. } | Self::NoConfiguration { .. } | Self::NoSession { .. } => {
                Permanence::Permanent
            }
        }
    }
}

/// Creates the BackupSession, unless a pod of the same Job did so before.
pub async fn run(arguments: TriggerBackup, now: Timestamp) -> Result<(), Error> {
    let TriggerBackup { invoker_name: name, invoker_kind: kind, session_name: session, namespace, job_name } =
        arguments;
    if kind != BackupConfiguration::DEFINITION.kind {
        return UnknownKindSnafu { kind, name }.fail();
    }
    let cluster = super::connect(None).await.context(ConnectSnafu)?;
    let namespace = namespace.unwrap_or_else(|| cluster.own_namespace().to_owned());
    let configuration = cluster.find::<BackupConfiguration>(&namespace, &name).await.context(ClusterSnafu)?;
    let configuration = configuration.context(NoConfigurationSnafu { name: &name })?;
    let retries =
        configuration.session(&session).context(NoSessionSnafu { name, session: &session })?.retries();
    let second = slot(job_name.as_deref()).unwrap_or(now.as_second());
    let run = BackupSession::for_run(&configuration, &session, second, retries);
    let created = cluster.create(&run).await.context(ClusterSnafu)?.is_some();
    tracing::info!(namespace, name = run.name_any(), created, "BackupSession of the slot");
    Ok(())
}

/// The second of the slot. The CronJob's controller names a Job after the minute for which it was scheduled, so that
/// every pod of the Job names the same session. A Job that somebody made by hand has another name, and no slot.
fn slot(job_name: Option<&str>) -> Option<i64> {
    let (_, minutes) = job_name?.rsplit_once('-')?;
    let minutes: i64 = minutes.parse().ok()?;
    PLAUSIBLE_MINUTES.contains(&minutes).then(|| minutes * 60)
}

/// Minutes of Unix time from 2017, when CronJobs came to be, to 2223.
const PLAUSIBLE_MINUTES: std::ops::Range<i64> = 24_700_000..133_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slot_is_in_the_name_of_the_job() {
        for (name, second) in [
            (Some("trigger-shop-nightly-29396760"), Some(1_763_805_600)),
            (Some("trigger-shop-nightly-manual"), None),
            (Some("trigger-shop-nightly-2"), None),
            (Some("trigger-shop-nightly-99999999999999999999"), None),
            (Some("29396760"), None),
            (None, None),
        ] {
            assert_eq!(slot(name), second, "{name:?}");
        }
    }
}
