//! `kubestash hook`: runs one hook of a BackupSession or RestoreSession, in a Job of its own (contract §8.5).
//!
//! Not in the operator: whoever may write a HookTemplate chooses commands and addresses, and they are not to be
//! executed, or reached, with the operator's rights and from its place in the network. The Job runs in the namespace of
//! the session, as a ServiceAccount that may look at the pods of that namespace and run commands in them.

mod act;
mod summary;
mod template;
mod wanted;

use std::time::Duration;

use archive::error::Permanence;
use crds::core::hook::HookInfo;
use crds::core::{BackupConfiguration, BackupSession, HookTemplate, RestoreSession};
use serde_json::Value;
use snafu::{OptionExt, ResultExt, Snafu};

use super::{Failure, permanence};
use crate::args::Hook;
use crate::cluster::{self, Cluster};
use crate::hooks::Lists;
use crate::{backup_session, context, restore_session};
use act::Action;
use wanted::Wanted;

/// Between two attempts.
const PAUSE: Duration = Duration::from_secs(2);

/// Why a hook failed.
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
    /// Something that is named does not exist.
    #[snafu(display("{kind} \"{name}\" does not exist"))]
    Missing {
        /// What.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The hook makes no sense.
    #[snafu(display("{source}"))]
    Meaning {
        /// Why.
        source: wanted::Error,
    },
    /// Every attempt failed.
    #[snafu(display("{last}{}", if *attempts > 1 { format!(" ({attempts} attempts)") } else { String::new() }))]
    Failed {
        /// What the last attempt met.
        last: act::Error,
        /// How many there were.
        attempts: u32,
    },
}

impl Failure for Error {
    fn permanence(&self) -> Permanence {
        match self {
            Self::Connect { .. } => Permanence::Temporary,
            Self::Cluster { source } => permanence(source),
            Self::Missing { .. } | Self::Meaning { .. } | Self::Failed { .. } => Permanence::Permanent,
        }
    }
}

/// Runs the hook until it succeeds or has used up its attempts.
pub async fn run(arguments: Hook) -> Result<(), Error> {
    let cluster = super::connect(None).await.context(ConnectSnafu)?;
    let Wanted { action, attempts, timeout } = read(&cluster, &arguments).await?;
    for attempt in 1..=attempts {
        let outcome = act::act(&cluster, &arguments.namespace, &action, timeout).await;
        match outcome {
            Ok(()) => {
                tracing::info!(attempt, "the hook has succeeded");
                return Ok(());
            }
            Err(last) if attempt == attempts => return FailedSnafu { last, attempts }.fail(),
            Err(error) => {
                tracing::warn!(attempt, error = error.to_string(), "the hook has failed and is tried again");
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn read(cluster: &Cluster, arguments: &Hook) -> Result<Wanted<Action>, Error> {
    let namespace = &arguments.namespace;
    let (hook, summary) = match (&arguments.backupsession, &arguments.restoresession) {
        (Some(name), _) => of_backup(cluster, arguments, name).await?,
        (None, name) => of_restore(cluster, arguments, name.as_deref().unwrap_or_default()).await?,
    };
    let reference = hook.hook_template.as_ref();
    let reference = reference.context(MissingSnafu { kind: "HookTemplate", name: "" })?.resolved(namespace);
    let found = cluster.find::<HookTemplate>(reference.namespace_or(namespace), &reference.name).await;
    let found = found.context(ClusterSnafu)?;
    let found = found.context(MissingSnafu { kind: "HookTemplate", name: reference.to_string() })?;
    wanted::wanted(&hook, &found.spec, &summary).context(MeaningSnafu)
}

/// The hook, and what it may be told about its BackupSession.
async fn of_backup(cluster: &Cluster, arguments: &Hook, name: &str) -> Result<(HookInfo, Value), Error> {
    let namespace = &arguments.namespace;
    let session = cluster.find::<BackupSession>(namespace, name).await.context(ClusterSnafu)?;
    let session = session.context(MissingSnafu { kind: "BackupSession", name })?;
    let name = session.spec.invoker.as_ref().map_or("", |invoker| &invoker.name);
    let configuration = cluster.find::<BackupConfiguration>(namespace, name).await.context(ClusterSnafu)?;
    let configuration = configuration.context(MissingSnafu { kind: "BackupConfiguration", name })?;
    let hook = of_place(backup_session::hooks(&session, Some(&configuration)), arguments)?;
    Ok((hook, summary::of(&session, &configuration, context::now())))
}

/// The same for a RestoreSession.
async fn of_restore(cluster: &Cluster, arguments: &Hook, name: &str) -> Result<(HookInfo, Value), Error> {
    let session = cluster.find::<RestoreSession>(&arguments.namespace, name).await.context(ClusterSnafu)?;
    let session = session.context(MissingSnafu { kind: "RestoreSession", name })?;
    let hook = of_place(restore_session::hooks(&session), arguments)?;
    Ok((hook, summary::of_restore(&session, context::now())))
}

fn of_place(lists: Lists<'_>, Hook { stage, index, .. }: &Hook) -> Result<HookInfo, Error> {
    let hook = lists.of(*stage).get(*index).cloned();
    hook.context(MissingSnafu { kind: "hook", name: format!("{stage:?} {index}") })
}
