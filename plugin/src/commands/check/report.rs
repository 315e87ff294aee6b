//! What `check` found: checks with their verdicts, by category.

use crate::failure::{Code, Failure};
use crate::glance::problem::{Problem, Severity};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Success,
    Warning,
    Error,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    /// What it would be if it were not well: the id is for scripts and for the documentation.
    pub(super) code: Code,
    pub(super) description: String,
    pub(super) verdict: Verdict,
    /// What was found.
    pub(super) remark: String,
    /// What to do when it is not well.
    pub(super) fix: String,
}

/// Checks that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Category {
    pub(super) name: &'static str,
    /// Where this was looked at: `context dev`.
    pub(super) place: String,
    pub(super) checks: Vec<Check>,
}

impl Check {
    pub(super) fn well(code: Code, description: impl Into<String>, remark: impl Into<String>) -> Self {
        let (description, remark) = (description.into(), remark.into());
        Self { code, description, verdict: Verdict::Success, remark, fix: String::new() }
    }

    pub(super) fn bad(
        code: Code,
        description: impl Into<String>,
        remark: impl Into<String>,
        fix: &str,
    ) -> Self {
        Self { verdict: Verdict::Error, fix: fix.to_owned(), ..Self::well(code, description, remark) }
    }

    pub(super) fn doubtful(
        code: Code,
        description: impl Into<String>,
        remark: impl Into<String>,
        fix: &str,
    ) -> Self {
        Self { verdict: Verdict::Warning, ..Self::bad(code, description, remark, fix) }
    }

    /// Something that could not be looked at: no proof that it is wrong.
    pub(super) fn unseen(code: Code, description: impl Into<String>, failure: &Failure) -> Self {
        let row = |wished: &str| {
            failure
                .rows()
                .find(|(label, _)| *label == wished)
                .map(|(_, text)| text.to_owned())
                .unwrap_or_default()
        };
        Self::doubtful(code, description, format!("not seen: {}", failure.what()), &row("fix"))
    }

    pub(super) fn of_problem(description: &str, problem: &Problem) -> Self {
        match problem.severity {
            Severity::Error => Self::bad(problem.code, description, &problem.what, &problem.fix),
            Severity::Warning => Self::doubtful(problem.code, description, &problem.what, &problem.fix),
        }
    }
}
