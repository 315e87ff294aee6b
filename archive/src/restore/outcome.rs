//! What became of one object, while the restore is still under way.

use super::report::Line;
use super::verdict::{Problem, Skip, Verdict};
use crate::manifest::path::Key;

/// What became of one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What.
    pub verdict: Verdict,
    /// What is worth knowing besides.
    pub notes: Vec<String>,
    /// A digest of what it was in the cluster.
    pub live: Option<String>,
    /// It was not even tried, since its owner is not there yet.
    pub waits: bool,
}

impl Outcome {
    /// Without more to say.
    pub const fn of(verdict: Verdict) -> Self {
        Self { verdict, notes: Vec::new(), live: None, waits: false }
    }

    /// It cannot be brought back.
    pub const fn fail(problem: Problem) -> Self {
        Self::of(Verdict::Fail { problem })
    }

    /// It is not brought back.
    pub const fn skip(reason: Skip) -> Self {
        Self::of(Verdict::Skip { reason })
    }

    /// With more to say.
    pub fn noting(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }

    /// It was this in the cluster.
    pub fn seen(mut self, digest: String) -> Self {
        self.live = Some(digest);
        self
    }

    /// Why it is not there; none when it is.
    pub const fn problem(&self) -> Option<&Problem> {
        match &self.verdict {
            Verdict::Fail { problem } => Some(problem),
            _ => None,
        }
    }

    /// Whether it failed for want of something that may come.
    pub fn may_pass(&self) -> bool {
        self.problem().is_some_and(|problem| problem.kind.may_pass())
    }

    /// Its line in a report: `key` is the object in the snapshot, `target` in the cluster.
    pub fn line(self, key: &Key, target: &Key) -> Line {
        let moved = if key.namespace == target.namespace {
            // A Namespace that is given another name.
            Some(&target.name).filter(|name| **name != key.name)
        } else {
            target.namespace.as_ref()
        };
        Line {
            resource: key.group_resource.clone(),
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            into: moved.cloned(),
            verdict: self.verdict,
            notes: self.notes,
            live: self.live,
        }
    }
}
