//! How many objects there will be, known early: the first page of each type says it, and while the first types are
//! still being read, the last ones are asked beforehand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::jobs::{Job, Portion};
use super::{Limits, Query, Reader};
use crate::api::JSON;
use crate::collect::listing::{Listing, Next};
use crate::progress::Progress;

/// A collection that is over by then need not ask for totals.
const PATIENCE: Duration = Duration::from_millis(500);

/// The sum over all types; each is counted once, by whoever claims it first.
pub struct Totals {
    progress: Vec<Arc<Progress>>,
    claimed: Vec<AtomicBool>,
    open: AtomicUsize,
    expected: AtomicU64,
    known: AtomicBool,
}

impl Totals {
    /// Nothing is counted. Without `countable` nothing will be: the server's counts are not those of the files.
    pub fn new(progress: Vec<Arc<Progress>>, jobs: usize, countable: bool) -> Self {
        Self {
            progress,
            claimed: (0..jobs).map(|_| AtomicBool::new(!countable)).collect(),
            open: AtomicUsize::new(jobs),
            expected: AtomicU64::new(0),
            known: AtomicBool::new(false),
        }
    }

    /// Takes the counting of a type; false when another has it.
    pub fn claim(&self, position: usize) -> bool {
        self.claimed.get(position).is_some_and(|claimed| !claimed.swap(true, Ordering::Relaxed))
    }

    /// Some objects of a type that the caller has claimed.
    pub fn expect(&self, objects: u64) {
        self.expected.fetch_add(objects, Ordering::Relaxed);
        self.progress.iter().for_each(|progress| progress.expect(objects));
    }

    /// A claimed type is counted.
    pub fn counted(&self) {
        if self.open.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.know();
        }
    }

    /// All `objects` are handed out: where the total could not be known before, it is now.
    pub fn finish(&self, objects: u64) {
        if !self.known.load(Ordering::Relaxed) {
            self.expect(objects.saturating_sub(self.expected.load(Ordering::Relaxed)));
            self.know();
        }
    }

    fn know(&self) {
        self.known.store(true, Ordering::Relaxed);
        self.progress.iter().for_each(|progress| progress.total_is_known());
    }
}

/// Asks for the sizes of types, the last one first, until it meets those that are being read.
pub async fn ask_ahead(reader: &Reader<'_>, jobs: &[Job]) {
    tokio::time::sleep(PATIENCE).await;
    for (position, job) in jobs.iter().enumerate().rev() {
        if !reader.totals.claim(position) {
            continue;
        }
        match &job.part {
            Portion::All => count(reader, job, None).await,
            Portion::Within(namespaces) => {
                for namespace in namespaces {
                    count(reader, job, Some(namespace)).await;
                }
            }
            Portion::Only(places) => reader.totals.expect(places.len() as u64),
        }
        reader.totals.counted();
    }
}

/// A list that cannot be read counts nothing here; its gap is told when it is its turn.
async fn count(reader: &Reader<'_>, job: &Job, namespace: Option<&str>) {
    let selector = reader.plan.filters.label_selector.as_deref();
    let query = Query { of: &job.of, namespace, selector, accept: JSON };
    let Limits { page_bytes, .. } = *reader.limits;
    if let Next::Part(part) = Listing::of_one_object(reader.api, query, page_bytes).next().await {
        reader.totals.expect(part.total.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_known_when_every_type_is_counted_once() {
        let progress = Arc::new(Progress::new());
        let totals = Totals::new(vec![Arc::clone(&progress)], 2, true);
        assert!(totals.claim(0) && !totals.claim(0));
        totals.expect(3);
        totals.counted();
        assert_eq!(progress.total_objects(), None);
        assert!(totals.claim(1) && !totals.claim(2));
        totals.expect(4);
        totals.counted();
        totals.finish(99);
        assert_eq!(progress.total_objects(), Some(7));
    }

    #[test]
    fn what_cannot_be_counted_is_known_at_the_end() {
        let progress = Arc::new(Progress::new());
        let totals = Totals::new(vec![Arc::clone(&progress)], 2, false);
        assert!(!totals.claim(0));
        assert_eq!(progress.total_objects(), None);
        totals.finish(5);
        assert_eq!(progress.total_objects(), Some(5));
    }

    #[test]
    fn a_count_that_never_came_is_made_up_for_at_the_end() {
        let progress = Arc::new(Progress::new());
        let totals = Totals::new(vec![Arc::clone(&progress)], 2, true);
        assert!(totals.claim(0) && totals.claim(1));
        totals.expect(3);
        totals.counted();
        totals.finish(10);
        assert_eq!(progress.total_objects(), Some(10));
    }
}
