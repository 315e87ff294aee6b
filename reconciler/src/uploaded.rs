//! What was written to buckets last, so that the same is not written again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A hash of the last file of each object, by UID. Lost with the process: then the bucket is asked.
#[derive(Debug, Default)]
pub struct Uploaded(Mutex<BTreeMap<String, u64>>);

impl Uploaded {
    /// Whether the last file of the object had this hash.
    #[must_use]
    pub fn is(&self, uid: &str, hash: u64) -> bool {
        self.lock().get(uid) == Some(&hash)
    }

    /// The last file of the object has this hash.
    pub fn remember(&self, uid: &str, hash: u64) {
        self.lock().insert(uid.to_owned(), hash);
    }

    /// The object is gone.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_file_is_known() {
        let uploaded = Uploaded::default();
        uploaded.remember("a", 1);
        uploaded.remember("a", 2);
        assert!(uploaded.is("a", 2) && !uploaded.is("a", 1) && !uploaded.is("b", 2));
        uploaded.forget("a");
        assert!(!uploaded.is("a", 2));
    }
}
