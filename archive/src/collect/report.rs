//! What a collection could not see, and what it counted.

use std::fmt;

use crate::api;
use crate::error::Permanence;

/// The outcome of a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Types of which at least one object was handed out.
    pub types: u64,
    /// Objects handed out.
    pub objects: u64,
    /// Bytes of YAML handed out.
    pub bytes: u64,
    /// What was in scope and could not be seen: with any of these the backup is not complete.
    pub gaps: Vec<Gap>,
    /// What somebody should know and what takes nothing away from the backup.
    pub warnings: Vec<String>,
}

impl Report {
    /// Whether everything in scope was seen.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.gaps.is_empty()
    }
}

/// Something in scope that is not in the backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The type, as `groupResource`; `*.group` where its types are not known.
    pub resource: String,
    /// The namespace, if only that one is missing.
    pub namespace: Option<String>,
    /// Why.
    pub cause: Cause,
}

/// Why something is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The reader's rights do not suffice.
    Forbidden {
        /// The verb that was refused: `list` or `get`.
        verb: &'static str,
        /// The API group, empty for the core group.
        group: String,
        /// The resource in the words of RBAC.
        plural: String,
        /// The refused user, if the server named it.
        user: Option<String>,
    },
    /// No version that serves the type could be read.
    Unreadable {
        /// Version and error, in the order in which they were tried.
        attempts: Vec<(String, api::Error)>,
    },
    /// The list expired again and again before it was read to its end.
    Expired {
        /// How often it was begun.
        times: u32,
    },
    /// The API server could not say which types there are.
    Unseen {
        /// The version of the group.
        version: String,
    },
    /// One object cannot be kept.
    Object {
        /// Which, and why.
        message: String,
    },
}

impl Gap {
    /// Whether the same backup may be complete later without anybody changing anything.
    #[must_use]
    pub const fn permanence(&self) -> Permanence {
        match self.cause {
            Cause::Forbidden { .. } | Cause::Object { .. } => Permanence::Permanent,
            Cause::Unreadable { .. } | Cause::Expired { .. } | Cause::Unseen { .. } => Permanence::Temporary,
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resource, namespace, cause } = self;
        let place = match namespace {
            Some(namespace) => format!(" in namespace {namespace:?}"),
            None => String::new(),
        };
        match cause {
            Cause::Forbidden { verb, group, plural, user } => {
                let who = user.as_deref().map(subject).unwrap_or_default();
                write!(
                    formatter,
                    "{who}cannot {verb} resource {plural:?} in API group {group:?}{place}: forbidden"
                )
            }
            Cause::Unreadable { attempts } => {
                write!(formatter, "failed to read {resource}{place}")?;
                for (position, (version, error)) in attempts.iter().enumerate() {
                    let separator = if position == 0 { ": " } else { "; " };
                    write!(formatter, "{separator}in version {version}: {error}")?;
                }
                Ok(())
            }
            Cause::Expired { times } => {
                write!(formatter, "failed to read {resource}{place}: the list expired {times} times")
            }
            Cause::Unseen { version } => {
                write!(formatter, "failed to learn what {resource} has: version {version} does not answer")
            }
            Cause::Object { message } => {
                write!(formatter, "failed to keep an object of {resource}{place}: {message}")
            }
        }
    }
}

/// `ServiceAccount "namespace/name" `, or `user "name" `.
fn subject(user: &str) -> String {
    match user.strip_prefix("system:serviceaccount:").and_then(|account| account.split_once(':')) {
        Some((namespace, name)) => format!("ServiceAccount \"{namespace}/{name}\" "),
        None => format!("user {user:?} "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(namespace: Option<&str>, cause: Cause) -> Gap {
        Gap { resource: "widgets.example.com".to_owned(), namespace: namespace.map(str::to_owned), cause }
    }

    fn forbidden(user: Option<&str>) -> Cause {
        Cause::Forbidden {
            verb: "list",
            group: "example.com".to_owned(),
            plural: "widgets".to_owned(),
            user: user.map(str::to_owned),
        }
    }

    #[test]
    fn a_gap_names_what_is_missing_and_why() {
        let silence = api::Error::Silence { after: std::time::Duration::from_mins(1) };
        let failure = api::Error::Status {
            status: 500,
            reason: "InternalError".to_owned(),
            message: "conversion webhook failed".to_owned(),
        };
        for (gap, text) in [
            (
                gap(None, forbidden(Some("system:serviceaccount:demo:reader"))),
                "ServiceAccount \"demo/reader\" cannot list resource \"widgets\" in API group \"example.com\": forbidden",
            ),
            (
                gap(Some("shop"), forbidden(Some("jane"))),
                "user \"jane\" cannot list resource \"widgets\" in API group \"example.com\" in namespace \"shop\": \
                 forbidden",
            ),
            (
                gap(None, forbidden(None)),
                "cannot list resource \"widgets\" in API group \"example.com\": forbidden",
            ),
            (
                gap(
                    None,
                    Cause::Unreadable {
                        attempts: vec![("v2".to_owned(), failure), ("v1".to_owned(), silence)],
                    },
                ),
                "failed to read widgets.example.com: in version v2: 500 InternalError: conversion webhook failed; \
                 in version v1: no answer within 60 s",
            ),
            (
                gap(Some("shop"), Cause::Expired { times: 6 }),
                "failed to read widgets.example.com in namespace \"shop\": the list expired 6 times",
            ),
        ] {
            assert_eq!(gap.to_string(), text);
        }
    }
}
