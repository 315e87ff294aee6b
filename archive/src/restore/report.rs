//! What a restore would do, or did: each object once.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::verdict::Verdict;
use crate::manifest::path::Key;

/// What becomes of each object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// In the order in which they are brought back; what is pruned comes last.
    pub lines: Vec<Line>,
    /// What concerns no single object: a type that could not be seen, a quota that would be exceeded, a right that is
    /// missing.
    pub warnings: Vec<String>,
}

/// What becomes of one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Its type: `deployments.apps`.
    pub resource: String,
    /// The namespace that it comes from; absent for an object of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The namespace that it goes to, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
    /// What becomes of it.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What is worth knowing besides: an owner that does not exist any more, a field that the cluster drops, a check that
    /// a plan cannot make.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What it was in the cluster when this was decided: a digest of what it says there. Two plans that would do the same
    /// to the same have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<String>,
}

impl Line {
    /// The object as it lies in the snapshot.
    #[must_use]
    pub fn key(&self) -> Key {
        Key {
            group_resource: self.resource.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }

    /// The namespace in which it is, or will be.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.into.as_deref().or(self.namespace.as_deref())
    }
}

/// How many objects became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Made.
    pub created: u64,
    /// As they should be.
    pub unchanged: u64,
    /// Changed, or deleted and made again.
    pub updated: u64,
    /// Differ, and stayed as they are.
    pub left: u64,
    /// Not brought back, for a reason that is no failure.
    pub skipped: u64,
    /// Removed.
    pub pruned: u64,
    /// Not brought back.
    pub failed: u64,
}

impl Counts {
    /// Counts one more.
    pub const fn add(&mut self, verdict: &Verdict) {
        let count = match verdict {
            Verdict::Create => &mut self.created,
            Verdict::Unchanged => &mut self.unchanged,
            Verdict::Update { .. } | Verdict::Recreate { .. } => &mut self.updated,
            Verdict::Left { .. } => &mut self.left,
            Verdict::Skip { .. } => &mut self.skipped,
            Verdict::Prune => &mut self.pruned,
            Verdict::Fail { .. } => &mut self.failed,
        };
        *count += 1;
    }

    /// `2 to create, 1 unchanged, 1 skipped`: what is not there is not told.
    #[must_use]
    pub fn planned(&self) -> String {
        self.words([
            "to create",
            "unchanged",
            "to update",
            "left as they are",
            "skipped",
            "to remove",
            "would fail",
        ])
    }

    /// `2 created, 1 unchanged, 1 skipped`.
    #[must_use]
    pub fn done(&self) -> String {
        self.words(["created", "unchanged", "updated", "left as they are", "skipped", "removed", "failed"])
    }

    fn words(&self, words: [&str; 7]) -> String {
        let Self { created, unchanged, updated, left, skipped, pruned, failed } = *self;
        let counts = [created, unchanged, updated, left, skipped, pruned, failed];
        let told: Vec<String> = counts
            .into_iter()
            .zip(words)
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        if told.is_empty() { "nothing to restore".to_owned() } else { told.join(", ") }
    }
}

impl Report {
    /// How many objects became what.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for line in &self.lines {
            counts.add(&line.verdict);
        }
        counts
    }

    /// What two plans have in common that would do the same to the same: 16 hexadecimal digits over every object, what
    /// becomes of it, and what it is in the cluster now.
    #[must_use]
    pub fn plan_id(&self) -> String {
        let mut parts: Vec<String> = self
            .lines
            .iter()
            .map(|line| {
                let place = line.place().unwrap_or_default();
                let live = line.live.as_deref().unwrap_or_default();
                format!("{}\0{place}\0{}\0{}\0{live}\n", line.resource, line.name, line.verdict.word())
            })
            .collect();
        parts.sort_unstable();
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.as_bytes());
        }
        hex::encode(&hash.finalize()[..8])
    }

    /// One JSON object per line, as it is kept in the bucket.
    #[must_use]
    pub fn json_lines(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for line in &self.lines {
            // A line is made of strings and JSON: it can always be written.
            if serde_json::to_writer(&mut text, line).is_ok() {
                text.push(b'\n');
            }
        }
        text
    }
}
