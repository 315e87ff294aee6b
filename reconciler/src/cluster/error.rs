//! What can go wrong between us and the API server.

use snafu::Snafu;

use crate::disposition::Disposition;

/// A call to the API server failed.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(super)))]
pub enum Error {
    /// The API server refused. `message` is its own sentence; a forbidden one names verb, resource and user.
    #[snafu(display("failed to {action}: {message}"))]
    Refused {
        /// What was attempted, for example `get Secret "shop/keys"`.
        action: String,
        /// HTTP status.
        code: u16,
        /// For example `Conflict`.
        reason: String,
        /// What the API server says.
        message: String,
    },
    /// No answer in time.
    #[snafu(display("failed to {action}: the API server gave no answer within {seconds} s"))]
    TimedOut {
        /// What was attempted.
        action: String,
        /// How long we waited.
        seconds: u64,
    },
    /// The answer, or the object in it, is not what it should be.
    #[snafu(display("failed to {action}: {message}"))]
    Undecodable {
        /// What was attempted.
        action: String,
        /// What is wrong.
        message: String,
    },
    /// The connection failed.
    #[snafu(display("failed to {action}: {source}"))]
    Unreachable {
        /// What was attempted.
        action: String,
        /// Why.
        #[snafu(source(from(kube::Error, Box::new)))]
        source: Box<kube::Error>,
    },
    /// The object could not be written as JSON.
    #[snafu(display("failed to {action}: {source}"))]
    Encode {
        /// What was attempted.
        action: String,
        /// Why.
        source: serde_json::Error,
    },
    /// The request could not be built: a name that is no name, for example.
    #[snafu(display("failed to {action}: {source}"))]
    Request {
        /// What was attempted.
        action: String,
        /// Why.
        source: kube::core::request::Error,
    },
}

impl Error {
    pub(super) fn from_kube(action: &str, error: kube::Error) -> Self {
        let action = action.to_owned();
        match error {
            kube::Error::Api(status) => Self::Refused {
                action,
                code: status.code,
                reason: status.reason.clone(),
                message: status.message.clone(),
            },
            kube::Error::SerdeError(error) => Self::Undecodable { action, message: error.to_string() },
            other => Self::Unreachable { action, source: Box::new(other) },
        }
    }

    const fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// 404: the object, or its whole type, does not exist.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self.code(), Some(404))
    }

    /// 409: it exists already, or is not the one that was meant.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self.code(), Some(409))
    }

    /// 403: somebody has to grant a right.
    #[must_use]
    pub const fn is_forbidden(&self) -> bool {
        matches!(self.code(), Some(403))
    }

    /// And now? Objects that the API server finds invalid will not become valid by asking again.
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Refused { code: 400 | 422, .. } | Self::Undecodable { .. } | Self::Encode { .. } => {
                Disposition::Stall
            }
            Self::Refused { .. } | Self::TimedOut { .. } | Self::Unreachable { .. } => Disposition::Retry,
            Self::Request { .. } => Disposition::Stall,
        }
    }
}
