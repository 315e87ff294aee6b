//! What can go wrong with a repository, told to the person who needs the backup.

use std::sync::Arc;

use snafu::Snafu;

use crate::error::Permanence;
use crate::lock;
use crate::store;

/// What a call to a repository gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a repository could not be used.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(super)))]
pub enum Error {
    /// The object store failed.
    #[snafu(display("{source}"))]
    Store {
        /// What happened.
        source: store::Error,
    },

    /// Somebody else works in the repository, or the lock cannot be taken.
    #[snafu(display("{source}"))]
    Lock {
        /// What happened.
        source: lock::Error,
    },

    /// The repository exists and was encrypted with another password.
    #[snafu(display(
        "the password in Secret {secret:?} does not open the existing repository {directory:?} in {place}: it was \
         encrypted with another one"
    ))]
    WrongPassword {
        /// The storage.
        place: Arc<store::Place>,
        /// The repository.
        directory: String,
        /// `namespace/name` of the encryption Secret.
        secret: String,
    },

    /// There is no repository.
    #[snafu(display("there is no repository {directory:?} in {place}"))]
    Missing {
        /// The storage.
        place: Arc<store::Place>,
        /// The repository.
        directory: String,
    },

    /// Something is there that is no complete repository. It is left as it is.
    #[snafu(display("{directory:?} in {place} is neither empty nor a repository: {reason}"))]
    Damaged {
        /// The storage.
        place: Arc<store::Place>,
        /// The repository.
        directory: String,
        /// What is there and what is missing.
        reason: &'static str,
    },

    /// Somebody else is initialising the repository.
    #[snafu(display("repository {directory:?} in {place} is being initialised by somebody else: {reason}"))]
    BeingInitialised {
        /// The storage.
        place: Arc<store::Place>,
        /// The repository.
        directory: String,
        /// How that is known.
        reason: &'static str,
    },

    /// The run was told to stop.
    #[snafu(display("cancelled: the run was told to stop"))]
    Cancelled,

    /// The lock could not be refreshed for so long that others may work in the repository.
    #[snafu(display("stopped: the lock of repository {directory:?} could not be refreshed"))]
    LostLock {
        /// The repository.
        directory: String,
    },

    /// The files did not come in the order of the tree, or a path is none.
    #[snafu(display("file {path:?} cannot be stored: {reason}"))]
    Entry {
        /// The path.
        path: String,
        /// What is wrong.
        reason: &'static str,
    },

    /// What is in the repository is not what was handed over. The snapshot was removed.
    #[snafu(display("the snapshot does not hold what was read from the cluster: {reason}"))]
    Differs {
        /// What differs.
        reason: String,
    },

    /// The listing lacks snapshots that must be there: nothing is removed.
    #[snafu(display(
        "repository {directory:?} in {place} does not show {missing} snapshots that should be in it, {first} among \
         them: nothing was removed"
    ))]
    Witness {
        /// The storage.
        place: Arc<store::Place>,
        /// The repository.
        directory: String,
        /// How many.
        missing: usize,
        /// One of them.
        first: String,
    },

    /// There is no such snapshot or file.
    #[snafu(display("{what} is not in repository {directory:?}"))]
    NotFound {
        /// The repository.
        directory: String,
        /// What was looked for.
        what: String,
    },

    /// The repository is open with this key, which is the one that must stay.
    #[snafu(display("key {id:?} of repository {directory:?} is the one in use: it cannot be removed"))]
    KeyInUse {
        /// The repository.
        directory: String,
        /// The id of the key.
        id: String,
    },

    /// Anything else that the repository engine says.
    #[snafu(display("failed to {action} repository {directory:?}: {reason}"))]
    Engine {
        /// What was attempted.
        action: &'static str,
        /// The repository.
        directory: String,
        /// What it says.
        reason: String,
    },
}

impl Error {
    /// Whether trying again can help.
    #[must_use]
    pub const fn permanence(&self) -> Permanence {
        match self {
            Self::Store { source } => source.permanence(),
            Self::Lock { source } => source.permanence(),
            Self::BeingInitialised { .. }
            | Self::Cancelled
            | Self::LostLock { .. }
            | Self::Differs { .. } => Permanence::Temporary,
            Self::WrongPassword { .. }
            | Self::Missing { .. }
            | Self::Damaged { .. }
            | Self::Entry { .. }
            | Self::Witness { .. }
            | Self::NotFound { .. }
            | Self::KeyInUse { .. }
            | Self::Engine { .. } => Permanence::Permanent,
        }
    }
}
