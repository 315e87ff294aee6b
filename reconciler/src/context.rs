//! What every pass may use. The only clock.

use jiff::Timestamp;

use crate::cluster::Cluster;
use crate::dependents::Dependents;
use crate::identity::Identity;
use crate::metrics::Metrics;
use crate::outcome::Failures;
use crate::proxy::Proxy;
use crate::stores::Stores;
use crate::uploaded::Uploaded;

/// What the operator was told at its start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Image of the Jobs and CronJobs that it creates.
    pub image: String,
    /// Written into `metadata.yaml`.
    pub version: &'static str,
    /// The namespace of the operator.
    pub namespace: String,
    /// The proxy that Jobs are given as well.
    pub proxy: Proxy,
}

/// What every pass may use.
#[derive(Debug)]
pub struct Context {
    /// The API server.
    pub cluster: Cluster,
    /// What the operator was told.
    pub settings: Settings,
    /// What is counted.
    pub metrics: Metrics,
    /// Who looked at what.
    pub dependents: Dependents,
    /// Who failed how often.
    pub failures: Failures,
    /// Connections to object stores.
    pub stores: Stores,
    /// Which cluster this is.
    pub identity: Identity,
    /// What was written to buckets last.
    pub uploaded: Uploaded,
    clock: fn() -> Timestamp,
}

impl Context {
    /// A context in which nothing has happened yet.
    #[must_use]
    pub fn new(cluster: Cluster, settings: Settings, metrics: Metrics) -> Self {
        Self {
            cluster,
            settings,
            metrics,
            dependents: Dependents::default(),
            failures: Failures::default(),
            stores: Stores::default(),
            identity: Identity::default(),
            uploaded: Uploaded::default(),
            clock: now,
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

/// The time, for entry points that have no context.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
