//! How far a backup is: numbers that the collection and the repositories add to and a reporter reads.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// What a run is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// Nothing has been read yet: discovery, opening of the repositories.
    #[default]
    Preparing = 0,
    /// Objects are read and written.
    Copying = 1,
    /// The snapshot is read back and compared with what went in.
    Verifying = 2,
    /// All is done.
    Finished = 3,
}

impl Stage {
    const fn of(value: u8) -> Self {
        match value {
            0 => Self::Preparing,
            1 => Self::Copying,
            2 => Self::Verifying,
            _ => Self::Finished,
        }
    }
}

/// The figures of one stream of files. Every method takes `&self`; share it by `Arc`.
///
/// A figure is exact in itself; two figures read one after the other may belong to different moments.
#[derive(Debug, Default)]
pub struct Progress {
    stage: AtomicU8,
    objects: AtomicU64,
    bytes: AtomicU64,
    total_objects: AtomicU64,
    total_known: AtomicBool,
    uploaded: AtomicU64,
}

impl Progress {
    /// Nothing done, total unknown.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One object of `bytes` bytes is done.
    pub fn add(&self, bytes: u64) {
        self.objects.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// `objects` more are expected; may be called once per type, while others are already being read.
    pub fn expect(&self, objects: u64) {
        self.total_objects.fetch_add(objects, Ordering::Relaxed);
    }

    /// From now on the expected number is the whole: every type has said how many objects it has.
    pub fn total_is_known(&self) {
        self.total_known.store(true, Ordering::Release);
    }

    /// `bytes` more have arrived in the object store.
    pub fn add_uploaded(&self, bytes: u64) {
        self.uploaded.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Enters a stage; an earlier one is not entered again, since several writers share these figures.
    pub fn enter(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::Relaxed);
    }

    /// What the run is doing.
    #[must_use]
    pub fn stage(&self) -> Stage {
        Stage::of(self.stage.load(Ordering::Relaxed))
    }

    /// Objects done.
    #[must_use]
    pub fn objects(&self) -> u64 {
        self.objects.load(Ordering::Relaxed)
    }

    /// Bytes of YAML done, before deduplication and compression.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes that have arrived in the object store.
    #[must_use]
    pub fn uploaded(&self) -> u64 {
        self.uploaded.load(Ordering::Relaxed)
    }

    /// Objects expected in all, once that is known.
    #[must_use]
    pub fn total_objects(&self) -> Option<u64> {
        self.total_known.load(Ordering::Acquire).then(|| self.total_objects.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_told_only_when_it_is_whole() {
        let progress = Progress::new();
        progress.expect(3);
        assert_eq!(progress.total_objects(), None);
        progress.expect(4);
        progress.total_is_known();
        assert_eq!(progress.total_objects(), Some(7));
    }

    #[test]
    fn an_earlier_stage_is_not_entered_again() {
        let progress = Progress::new();
        for (enter, then) in [
            (Stage::Preparing, Stage::Preparing),
            (Stage::Verifying, Stage::Verifying),
            (Stage::Copying, Stage::Verifying),
            (Stage::Finished, Stage::Finished),
        ] {
            progress.enter(enter);
            assert_eq!(progress.stage(), then);
        }
    }

    #[test]
    fn what_is_added_is_counted() {
        let progress = Progress::new();
        progress.add(10);
        progress.add(32);
        progress.add_uploaded(7);
        assert_eq!((progress.objects(), progress.bytes(), progress.uploaded()), (2, 42, 7));
    }
}
