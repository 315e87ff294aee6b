//! What the process is told: the only place where arguments and environment enter.

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand, ValueEnum};

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

/// The proxy of the operator's own environment, which its Jobs are given as well (contract §3.5).
#[derive(Args, Clone, Debug, Default)]
pub struct Proxy {
    /// Proxy of plain HTTP requests.
    #[arg(long, env = "HTTP_PROXY")]
    pub http_proxy: Option<String>,
    /// Proxy of HTTPS requests.
    #[arg(long, env = "HTTPS_PROXY")]
    pub https_proxy: Option<String>,
    /// What is reached without a proxy.
    #[arg(long, env = "NO_PROXY")]
    pub no_proxy: Option<String>,
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }
}
