//! Whether trying again can help.

/// Answers "and now?" for an error that reaches a Job: may the same work succeed later without anybody changing
/// anything?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permanence {
    /// Somebody has to change something first: a key, a name, a right, a password.
    Permanent,
    /// The other side may recover by itself.
    Temporary,
}

impl Permanence {
    /// Whether it is worth trying again.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        matches!(self, Self::Temporary)
    }
}
