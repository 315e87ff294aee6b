//! What the process is told: the only place where arguments and environment enter.

mod restore;

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::hooks::Stage;
use crate::proxy::Proxy;
pub use restore::Restore;

/// KubeStash's operator and the Jobs that it starts.
#[derive(Debug, Parser)]
#[command(name = "kubestash", version, about)]
pub struct Arguments {
    /// How logs are written.
    #[command(flatten)]
    pub log: Log,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How logs are written.
#[derive(Args, Debug)]
pub struct Log {
    /// Which log lines are written, for example `info` or `info,kube=debug`.
    #[arg(long = "log-level", env = "KUBESTASH_LOG_LEVEL", default_value = "info", global = true)]
    pub level: String,
    /// One JSON object or one line of text per log line.
    #[arg(long = "log-format", env = "KUBESTASH_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json, global = true)]
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For collectors.
    Json,
    /// For eyes.
    Text,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the operator.
    Run(Run),
    /// Create the BackupSession of a slot (what a CronJob runs).
    TriggerBackup(TriggerBackup),
    /// Back up manifests into the repositories of a BackupSession (what a backup Job runs).
    ///
    /// Ends with 0 when every repository has a complete backup, with 75 when trying again may help, else with 1.
    Backup(Box<Backup>),
    /// Bring back what a RestoreSession names (what a restore Job runs).
    ///
    /// Ends with 0 when no object failed, with 75 when trying again may help, else with 1.
    Restore(Box<Restore>),
    /// Apply the retention policies of a BackupSession (what a retention Job runs).
    Retain(Retain),
    /// Remove the data of Snapshots that are being deleted with it (what a cleanup Job runs).
    Cleanup(Cleanup),
    /// Run a hook of a BackupSession or RestoreSession (what a hook Job runs).
    Hook(Hook),
    /// Pass standard input on to a server, and its answers to standard output (what the plugin runs in the operator's pod to
    /// reach a bucket that only pods reach).
    Relay(Relay),
}

/// Where to.
#[derive(Args, Clone, Debug)]
pub struct Relay {
    /// Host and port.
    #[arg(long, value_name = "HOST:PORT")]
    pub to: String,
    /// Only connect, to know whether the server can be reached.
    #[arg(long)]
    pub check: bool,
}

/// The operator's settings.
#[derive(Args, Clone, Debug)]
pub struct Run {
    /// The image of the Jobs and CronJobs that the operator creates: its own.
    #[arg(long, env = "KUBESTASH_IMAGE")]
    pub image: String,
    /// Where the operator keeps its Lease; its own namespace unless given.
    #[arg(long, env = "POD_NAMESPACE")]
    pub namespace: Option<String>,
    /// The name under which the operator holds its Lease: the name of its pod.
    #[arg(long, env = "POD_NAME", default_value = "kubestash-operator")]
    pub identity: String,
    /// Where `/healthz`, `/readyz` and `/metrics` are served.
    #[arg(long, env = "KUBESTASH_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// How the Jobs reach the outside.
    #[command(flatten)]
    pub proxy: Proxy,
}

/// What a CronJob's container is told (contract §3.4).
#[derive(Args, Clone, Debug)]
pub struct TriggerBackup {
    /// Name of the BackupConfiguration.
    #[arg(long)]
    pub invoker_name: String,
    /// Kind of the invoker.
    #[arg(long, default_value = "BackupConfiguration")]
    pub invoker_kind: String,
    /// Name of the session.
    #[arg(long)]
    pub session_name: String,
    /// Namespace of the invoker; the pod's own unless given.
    #[arg(long, env = "POD_NAMESPACE")]
    pub namespace: Option<String>,
    /// Name of the Job that runs this, by which the slot is known: a second pod of it makes no second session.
    #[arg(long, env = "JOB_NAME")]
    pub job_name: Option<String>,
}

/// What a backup Job's container is told: the arguments of KubeStash's Functions of both generations (contract §7.2,
/// §7.8). An empty value is no value.
#[derive(Args, Clone, Debug)]
pub struct Backup {
    /// Namespace of the BackupSession.
    #[arg(long)]
    pub namespace: String,
    /// Name of the BackupSession.
    #[arg(long)]
    pub backupsession: String,
    /// Name of the pod, by which others know whose lock they meet.
    #[arg(long, env = "HOSTNAME", hide = true)]
    pub pod: Option<String>,
    /// Accepted and without effect: there is no cache.
    #[arg(long, default_value = "")]
    pub enable_cache: String,
    /// The manifests are at `<scratch-dir>/manifest` in the snapshot. Nothing is written there.
    #[arg(long, default_value = "/kubestash-tmp")]
    pub scratch_dir: String,
    /// Which objects.
    #[command(flatten)]
    pub filters: Filters,
    /// Whether fields that the API server sets are left out.
    #[arg(long, default_value = "")]
    pub sanitize: String,
    /// A label selector of Kubernetes.
    #[arg(long, default_value = "")]
    pub label_selector: String,
    /// Whether what the target owns is taken as well.
    #[arg(long, default_value = "")]
    pub include_dependants: String,
}

/// Which objects a backup or a restore takes: the filters of both Functions (contract §7.1, §7.4). An empty value is no
/// value.
#[derive(Args, Clone, Debug, Default)]
pub struct Filters {
    /// Labels that an object must all have, as `key`, `key=value` or `key:value`, separated by commas.
    #[arg(long, default_value = "")]
    pub and_label_selectors: String,
    /// Labels of which an object must have one.
    #[arg(long, default_value = "")]
    pub or_label_selectors: String,
    /// Whether objects without namespace are taken.
    #[arg(long, default_value = "")]
    pub include_cluster_resources: String,
    /// Namespaces that are taken, separated by commas.
    #[arg(long, default_value = "")]
    pub include_namespaces: String,
    /// Namespaces that are left out.
    #[arg(long, default_value = "")]
    pub exclude_namespaces: String,
    /// Types that are taken, as `plural` or `plural.group`.
    #[arg(long, default_value = "")]
    pub include_resources: String,
    /// Types that are left out.
    #[arg(long, default_value = "")]
    pub exclude_resources: String,
}

impl Filters {
    /// The values under the names that the Addon gives them.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let Self {
            and_label_selectors,
            or_label_selectors,
            include_cluster_resources,
            include_namespaces,
            exclude_namespaces,
            include_resources,
            exclude_resources,
        } = self;
        [
            ("ANDedLabelSelectors", and_label_selectors),
            ("ORedLabelSelectors", or_label_selectors),
            ("IncludeClusterResources", include_cluster_resources),
            ("IncludeNamespaces", include_namespaces),
            ("ExcludeNamespaces", exclude_namespaces),
            ("IncludeResources", include_resources),
            ("ExcludeResources", exclude_resources),
        ]
        .into_iter()
    }
}

/// What a retention Job's container is told.
#[derive(Args, Clone, Debug)]
pub struct Retain {
    /// Namespace of the BackupSession.
    #[arg(long)]
    pub namespace: String,
    /// Name of the BackupSession.
    #[arg(long)]
    pub backupsession: String,
    /// Name of the Job.
    #[arg(long)]
    pub job: String,
    /// Name of the pod, by which others know whose lock they meet.
    #[arg(long, env = "HOSTNAME", hide = true)]
    pub pod: Option<String>,
}

/// What a cleanup Job's container is told.
#[derive(Args, Clone, Debug)]
pub struct Cleanup {
    /// Namespace of the Repository.
    #[arg(long)]
    pub namespace: String,
    /// Name of the Repository.
    #[arg(long)]
    pub repository: String,
    /// Name of the session whose Snapshots are removed.
    #[arg(long)]
    pub session: String,
    /// Name of the pod, by which others know whose lock they meet.
    #[arg(long, env = "HOSTNAME", hide = true)]
    pub pod: Option<String>,
}

/// What a hook Job's container is told.
#[derive(Args, Clone, Debug)]
pub struct Hook {
    /// Namespace of the BackupSession.
    #[arg(long)]
    pub namespace: String,
    /// Name of the BackupSession.
    #[arg(long, required_unless_present = "restoresession")]
    pub backupsession: Option<String>,
    /// Name of the RestoreSession.
    #[arg(long, conflicts_with = "backupsession")]
    pub restoresession: Option<String>,
    /// Before or after it.
    #[arg(long, value_enum)]
    pub stage: Stage,
    /// Place in the list of hooks, from 0 on.
    #[arg(long)]
    pub index: usize,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }
}
