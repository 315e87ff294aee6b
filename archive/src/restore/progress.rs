//! How far a restore is: numbers that the restore adds to and a reporter reads.

use std::sync::atomic::{AtomicU64, Ordering};

use super::report::Counts;
use super::verdict::Verdict;

/// The figures of one restore. Every method takes `&self`; share it by `Arc`.
#[derive(Debug, Default)]
pub struct Progress {
    total: AtomicU64,
    bytes: AtomicU64,
    created: AtomicU64,
    unchanged: AtomicU64,
    updated: AtomicU64,
    left: AtomicU64,
    skipped: AtomicU64,
    pruned: AtomicU64,
    failed: AtomicU64,
}

impl Progress {
    /// Nothing done, total unknown.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// So many objects are meant.
    pub fn expect(&self, objects: u64) {
        self.total.store(objects, Ordering::Relaxed);
    }

    /// One object of so many bytes has its verdict.
    pub fn add(&self, verdict: &Verdict, bytes: u64) {
        let count = match verdict {
            Verdict::Create => &self.created,
            Verdict::Unchanged => &self.unchanged,
            Verdict::Update { .. } | Verdict::Recreate { .. } => &self.updated,
            Verdict::Left { .. } => &self.left,
            Verdict::Skip { .. } => &self.skipped,
            Verdict::Prune => &self.pruned,
            Verdict::Fail { .. } => &self.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// An object that had failed is tried again.
    pub fn again(&self) {
        self.failed.fetch_sub(1, Ordering::Relaxed);
    }

    /// Objects that are meant in all, once that is known.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        Some(self.total.load(Ordering::Relaxed)).filter(|total| *total > 0)
    }

    /// Bytes of YAML of the objects that are done.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How many objects became what.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            created: read(&self.created),
            unchanged: read(&self.unchanged),
            updated: read(&self.updated),
            left: read(&self.left),
            skipped: read(&self.skipped),
            pruned: read(&self.pruned),
            failed: read(&self.failed),
        }
    }
}
