//! What a refusal of the API server means. Its code and reason say too little: a quota, a missing right and a namespace that
//! is being deleted are all `403 Forbidden`, and a port that is taken is as `422 Invalid` as a misspelt field. So the words
//! decide; they are those of Kubernetes 1.26 to 1.34.

use kube::core::Status;

use super::verdict::{Problem, ProblemKind};
use crate::manifest::path::Key;

mod words;

/// A longer message is cut, in characters.
const LONGEST: usize = 500;

/// Sorts the answer to a write of `key`. The message is the server's, shortened; for a Secret it is our own where the
/// server's may quote values.
#[must_use]
pub fn classify(status: &Status, key: &Key) -> Problem {
    let kind = kind(status);
    let quotes = matches!(
        kind,
        ProblemKind::Invalid
            | ProblemKind::Immutable
            | ProblemKind::Malformed
            | ProblemKind::Collision
            | ProblemKind::Refused { .. }
            | ProblemKind::Unreachable
    );
    let message = match key.group_resource.as_str() {
        "secrets" if quotes => words::without_values(status, &kind),
        _ if status.message.is_empty() => format!("the API server answers {} {}", status.code, status.reason),
        _ => words::shortened(&status.message, LONGEST),
    };
    Problem { kind, message }
}

fn kind(status: &Status) -> ProblemKind {
    if let Some(by) = words::refuser(&status.message) {
        return ProblemKind::Refused { by };
    }
    match (status.reason.as_str(), status.code) {
        ("Forbidden", _) | ("", 403) => forbidden(&status.message),
        ("Unauthorized", _) | (_, 401) => ProblemKind::Forbidden,
        ("NotFound", _) | ("", 404) => not_found(status),
        ("AlreadyExists" | "Conflict", _) | (_, 409) => ProblemKind::Conflict,
        ("MethodNotAllowed", _) | (_, 405) => {
            ProblemKind::MissingType { served: Vec::new(), replacement: None }
        }
        ("RequestEntityTooLarge", _) | (_, 413) => ProblemKind::Malformed,
        _ if words::is_too_large(&status.message) => ProblemKind::Malformed,
        ("Invalid", _) | (_, 422) => invalid(&status.message),
        ("BadRequest", _) | (_, 400 | 415) => ProblemKind::Invalid,
        _ => ProblemKind::Unreachable,
    }
}

fn forbidden(message: &str) -> ProblemKind {
    if words::is_terminating(message) {
        ProblemKind::Terminating
    } else if words::is_quota(message) {
        ProblemKind::Quota
    } else {
        ProblemKind::Forbidden
    }
}

/// The namespace, the type, or the object itself, which somebody has deleted in the meantime.
fn not_found(status: &Status) -> ProblemKind {
    let what = status.details.as_ref().map(|details| details.kind.as_str()).unwrap_or_default();
    if what == "namespaces" || status.message.starts_with("namespaces ") {
        ProblemKind::MissingNamespace
    } else if status.message.contains("could not find the requested resource") {
        ProblemKind::MissingType { served: Vec::new(), replacement: None }
    } else {
        ProblemKind::Conflict
    }
}

fn invalid(message: &str) -> ProblemKind {
    if words::is_collision(message) {
        ProblemKind::Collision
    } else if words::is_immutable(message) {
        ProblemKind::Immutable
    } else {
        ProblemKind::Invalid
    }
}

#[cfg(test)]
mod tests;
