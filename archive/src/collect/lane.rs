//! One type on its way: what its reader hands out and remembers.

use std::sync::Arc;

use snafu::Snafu;
use tokio::sync::mpsc;

use super::report::Gap;
use super::totals::Totals;
use crate::entry::{Batch, Entry};

/// Nobody takes the files any more.
#[derive(Debug, PartialEq, Eq, Snafu)]
#[snafu(display("nobody takes the files any more"))]
pub struct Abandoned;

/// What became of a type besides its files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What is missing.
    pub gaps: Vec<Gap>,
    /// What is odd.
    pub warnings: Vec<String>,
}

impl Outcome {
    /// Notes an oddity, once: several lists of a type may find the same.
    pub fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// The way of one type to the repositories.
pub struct Lane {
    batches: mpsc::Sender<Batch>,
    last: Option<Arc<Entry>>,
    handed_out: u64,
    counts: bool,
    /// Besides the files.
    pub outcome: Outcome,
}

impl Lane {
    /// Files go to `batches`. With `counts` the lists of this type say how many objects there will be.
    pub fn new(batches: mpsc::Sender<Batch>, counts: bool) -> Self {
        Self { batches, last: None, handed_out: 0, counts, outcome: Outcome::default() }
    }

    /// A list has told how many objects it has.
    pub fn expect(&self, totals: &Totals, objects: u64) {
        if self.counts {
            totals.expect(objects);
        }
    }

    /// All lists of the type have told.
    pub fn counted(&mut self, totals: &Totals) {
        if std::mem::take(&mut self.counts) {
            totals.counted();
        }
    }

    /// Hands files out, in the order of the tree. Waits while the repositories are busy.
    pub async fn hand_out(&mut self, ready: &mut Batch) -> Result<(), Abandoned> {
        let Some(last) = ready.last() else { return Ok(()) };
        self.last = Some(Arc::clone(last));
        self.handed_out += ready.len() as u64;
        self.batches.send(std::mem::take(ready)).await.map_err(|_| Abandoned)
    }

    /// How many files were handed out.
    pub const fn handed_out(&self) -> u64 {
        self.handed_out
    }

    /// The path that was handed out last.
    pub fn last_path(&self) -> Option<&str> {
        self.last.as_ref().map(|entry| entry.path.as_str())
    }
}
