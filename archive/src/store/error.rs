//! What can go wrong with an object store, told to the person who configured it.

use std::sync::Arc;

use snafu::Snafu;

use super::Place;
use crate::error::Permanence;

/// What a call to an object store gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every message names what was attempted and where; none holds a credential.
#[derive(Clone, Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
pub enum Error {
    /// There is no such object.
    #[snafu(display("{key:?} does not exist in {place}"))]
    NotFound {
        /// Where it was looked for.
        place: Arc<Place>,
        /// The full key.
        key: String,
    },

    /// An object that must not exist yet does.
    #[snafu(display("{key:?} exists already in {place}"))]
    AlreadyExists {
        /// Where it is.
        place: Arc<Place>,
        /// The full key.
        key: String,
    },

    /// Somebody else wrote the object since it was read.
    #[snafu(display("{key:?} in {place} was changed by somebody else"))]
    Changed {
        /// Where it is.
        place: Arc<Place>,
        /// The full key.
        key: String,
    },

    /// The bucket is missing.
    #[snafu(display("{} does not exist at {}", place.bucket(), place.endpoint))]
    NoSuchBucket {
        /// Where it was looked for.
        place: Arc<Place>,
    },

    /// The identity is known and may not do this.
    #[snafu(display("{:?} may not {action} {key:?} in {place} ({code})", place.identity))]
    AccessDenied {
        /// Where it was attempted.
        place: Arc<Place>,
        /// `read`, `write`, `delete` or `list`.
        action: &'static str,
        /// The full key or prefix.
        key: String,
        /// The server's own word, or the HTTP status.
        code: String,
    },

    /// The identity is not known, or its secret is wrong.
    #[snafu(display("{reason} at {} ({code})", place.endpoint))]
    Unauthenticated {
        /// Where it was attempted.
        place: Arc<Place>,
        /// What is wrong, such as `the secret key does not match access key "kubestash"`.
        reason: String,
        /// The server's own word.
        code: String,
    },

    /// No answer came.
    #[snafu(display("failed to reach {place}: {reason}"))]
    Unreachable {
        /// Where it was attempted.
        place: Arc<Place>,
        /// What happened on the way.
        reason: String,
    },

    /// The server is not who it says, or not known to be.
    #[snafu(display("the certificate of {} is not trusted: {reason}", place.endpoint))]
    Untrusted {
        /// Where it was attempted.
        place: Arc<Place>,
        /// What TLS says.
        reason: String,
    },

    /// The server asks to come back later, or broke down over the request.
    #[snafu(display("failed to {action} {key:?} in {place}: {reason}"))]
    Temporary {
        /// Where it was attempted.
        place: Arc<Place>,
        /// `read`, `write`, `delete` or `list`.
        action: &'static str,
        /// The full key or prefix.
        key: String,
        /// Status and words of the server.
        reason: String,
    },

    /// Anything else that will not pass by itself.
    #[snafu(display("failed to {action} {key:?} in {place}: {reason}"))]
    Other {
        /// Where it was attempted.
        place: Arc<Place>,
        /// `read`, `write`, `delete` or `list`.
        action: &'static str,
        /// The full key or prefix.
        key: String,
        /// Status and words of the server.
        reason: String,
    },

    /// The storage cannot be used as it is configured.
    #[snafu(display("{reason}"))]
    Unusable {
        /// What is configured, and what to change.
        reason: String,
    },
}

impl Error {
    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub const fn permanence(&self) -> Permanence {
        match self {
            Self::Unreachable { .. } | Self::Temporary { .. } => Permanence::Temporary,
            Self::NotFound { .. }
            | Self::AlreadyExists { .. }
            | Self::Changed { .. }
            | Self::NoSuchBucket { .. }
            | Self::AccessDenied { .. }
            | Self::Unauthenticated { .. }
            | Self::Untrusted { .. }
            | Self::Other { .. }
            | Self::Unusable { .. } => Permanence::Permanent,
        }
    }

    /// Whether the store is fine and there is only no such object.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether a conditional write lost against somebody else.
    #[must_use]
    pub const fn is_lost_race(&self) -> bool {
        matches!(self, Self::AlreadyExists { .. } | Self::Changed { .. })
    }
}

/// A message without how often and how long something was tried, ` (3 tries in 7 s)`, which differs each time.
#[must_use]
pub fn without_effort(text: &str) -> String {
    let is_effort = |inside: &str| {
        inside.split_once(" tries in ").is_some_and(|(tries, rest)| {
            tries.bytes().all(|byte| byte.is_ascii_digit()) && rest.ends_with('s')
        })
    };
    let found = text.match_indices(" (").find_map(|(start, _)| {
        let end = start + text[start..].find(')')?;
        is_effort(&text[start + 2..end]).then_some((start, end))
    });
    found.map_or_else(|| text.to_owned(), |(start, end)| format!("{}{}", &text[..start], &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_effort_is_not_told() {
        for (text, told) in [
            (
                "failed to reach bucket \"b\" (prefix \"x\") at http://s3: refused (9 tries in 7 s)",
                "failed to reach bucket \"b\" (prefix \"x\") at http://s3: refused",
            ),
            ("a (12 tries in 8 s), b", "a, b"),
            ("bucket \"b\" (prefix \"x\") is gone", "bucket \"b\" (prefix \"x\") is gone"),
            ("open (bracket", "open (bracket"),
        ] {
            assert_eq!(without_effort(text), told);
        }
    }
}
