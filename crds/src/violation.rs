//! What is wrong with an object, and where.

/// One thing to correct in an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The field, for example `spec.sessions[0].repositories[1].backend`.
    pub path: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.path, self.problem)
    }
}

/// All of them in one line, as a condition's message has it.
#[must_use]
pub fn summary(violations: &[Violation]) -> String {
    violations.iter().map(Violation::to_string).collect::<Vec<_>>().join("; ")
}
