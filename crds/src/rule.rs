//! Rules that the API server checks, in CEL.

use serde::Serialize;

/// An entry of `x-kubernetes-validations`.
///
/// Rules cost: the API server estimates each at the largest object that the schema allows and refuses a schema whose
/// rules could take too long. Lists and texts that rules look through are therefore bounded, generously. (A
/// `messageExpression` that names the culprit of a list is over that budget at any useful bound; the error's path
/// names the list.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// The CEL expression that must hold.
    pub rule: &'static str,
    /// What is wrong and what to do.
    pub message: &'static str,
}

impl Rule {
    /// A rule with a fixed message.
    #[must_use]
    pub const fn new(rule: &'static str, message: &'static str) -> Self {
        Self { rule, message }
    }
}
