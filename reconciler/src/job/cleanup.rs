//! `kubestash cleanup`: removes the data of the Snapshots of a repository that are being deleted with it.

use archive::error::Permanence;
use crds::storage::Repository;
use snafu::{OptionExt, ResultExt, Snafu};

use super::wipe::{self, Ground};
use super::{Failure, permanence, retain};
use crate::args::Cleanup;
use crate::cluster;

/// Why data is still there.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The process cannot work at all.
    #[snafu(display("{source}"))]
    Start {
        /// Why.
        source: retain::Error,
    },
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
    /// No such Repository.
    #[snafu(display("Repository \"{name}\" does not exist"))]
    NoRepository {
        /// Its name.
        name: String,
    },
    /// The data could not be removed.
    #[snafu(display("{source}"))]
    Wipe {
        /// Why.
        source: wipe::Error,
    },
}

impl Failure for Error {
    fn permanence(&self) -> Permanence {
        match self {
            Self::Start { source } => source.permanence(),
            Self::Connect { .. } => Permanence::Temporary,
            Self::Cluster { source } => permanence(source),
            Self::NoRepository { .. } => Permanence::Permanent,
            Self::Wipe { source } => source.permanence(),
        }
    }
}

/// Removes what is to be removed now.
pub async fn run(arguments: Cleanup) -> Result<(), Error> {
    let Cleanup { namespace, repository: name, session, pod } = arguments;
    let cluster = super::connect(pod.clone()).await.context(ConnectSnafu)?;
    let cancel = retain::cancelled_on_signal().context(StartSnafu)?;
    let repository = cluster.find::<Repository>(&namespace, &name).await.context(ClusterSnafu)?;
    let repository = repository.context(NoRepositorySnafu { name })?;
    let ground = Ground { repository: &repository, session: &session };
    let removed = wipe::wipe(&cluster, ground, pod.as_deref(), &cancel).await.context(WipeSnafu)?;
    tracing::info!(removed, "clean");
    Ok(())
}
