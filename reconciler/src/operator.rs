//! `kubestash run`: the operator's process.

use std::io;
use std::sync::Arc;

use snafu::{ResultExt, Snafu};
use tokio::net::TcpListener;

use crate::admin::{self, Readiness};
use crate::args::Run;
use crate::cluster::{self, Cluster};
use crate::context::{self, Context, Settings};
use crate::leader::{self, Candidate};
use crate::metrics::Metrics;
use crate::{controllers, shutdown};

/// Who writes what the operator writes (server-side apply).
pub const FIELD_MANAGER: &str = "kubestash-operator";

/// The operator cannot run, or has to stop.
#[derive(Debug, Snafu)]
pub enum Error {
    /// No cluster.
    #[snafu(display("failed to find the API server: {source}"))]
    Connect {
        /// Why.
        source: kube::Error,
    },
    /// The address is taken, for example.
    #[snafu(display("failed to listen on {address}: {source}"))]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// No signal handler.
    #[snafu(display("failed to handle signals: {source}"))]
    Signals {
        /// Why.
        source: io::Error,
    },
    /// Another acts, or may soon; this one must not go on.
    #[snafu(display("{source}"))]
    Leadership {
        /// How.
        source: leader::Lost,
    },
}

/// Runs until SIGTERM, or until the Lease is lost.
pub async fn run(arguments: Run) -> Result<(), Error> {
    let (trigger, shutdown) = shutdown::on_signal().context(SignalsSnafu)?;
    let listener =
        TcpListener::bind(arguments.listen).await.context(ListenSnafu { address: arguments.listen })?;
    let (readiness, metrics) = (Readiness::default(), Metrics::default());
    let admin = tokio::spawn(admin::serve(listener, readiness.clone(), metrics.clone(), shutdown.clone()));

    let client = cluster::connect().await.context(ConnectSnafu)?;
    let cluster = Cluster::new(client, FIELD_MANAGER, Some(arguments.identity.clone()));
    let namespace = arguments.namespace.unwrap_or_else(|| cluster.own_namespace().to_owned());
    let mut candidate =
        Candidate::new(cluster.clone(), namespace.clone(), &arguments.identity, context::now());
    readiness.ready();
    if !candidate.acquire(&shutdown).await {
        return Ok(());
    }
    tracing::info!(identity = candidate.to_string(), "leading");
    metrics.leads(true);

    let settings = Settings {
        image: arguments.image,
        version: env!("CARGO_PKG_VERSION"),
        namespace,
        proxy: arguments.proxy,
    };
    let context = Arc::new(Context::new(cluster, settings, metrics.clone()));
    let lost = tokio::select! {
        () = controllers::run(context, shutdown) => None,
        lost = candidate.hold() => Some(lost),
    };
    metrics.leads(false);
    trigger.pull();
    let ended = if let Some(lost) = lost {
        // Another may act already: nothing is finished, the process ends at once.
        Err(lost).context(LeadershipSnafu)
    } else {
        if let Err(error) = candidate.release().await {
            tracing::warn!(
                error = error.to_string(),
                "the lease was not given up and will run out by itself"
            );
        }
        Ok(())
    };
    admin.abort();
    ended
}
