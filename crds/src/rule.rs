//! Rules that the API server checks, in CEL.

use serde::Serialize;

/// An entry of `x-kubernetes-validations`.
///
/// Rules cost: the API server estimates each at the largest object that the schema allows and refuses a schema whose
/// rules could take too long. Lists and texts that rules look through are therefore bounded, generously.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// The CEL expression that must hold.
    pub rule: &'static str,
    /// What is wrong and what to do.
    pub message: &'static str,
    /// A CEL expression for the same with the values in it; `message` is shown where it cannot be evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_expression: Option<&'static str>,
}

impl Rule {
    /// A rule with a fixed message.
    #[must_use]
    pub const fn new(rule: &'static str, message: &'static str) -> Self {
        Self { rule, message, message_expression: None }
    }

    /// The same rule with a message that names the culprits.
    #[must_use]
    pub const fn naming(self, message_expression: &'static str) -> Self {
        Self { message_expression: Some(message_expression), ..self }
    }
}
