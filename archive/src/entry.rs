//! What travels from the collection to a repository.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

/// One file of a backup: one Kubernetes object as canonical YAML.
///
/// Entries reach a repository in the order of the tree: the components of their paths compared bytewise, so that
/// each directory is entered once. [`crate::repository`] refuses an entry that comes too late.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the root of the snapshot and separated by `/`, for example
    /// `deployments.apps/namespaces/shop/orders.yaml`.
    pub path: String,
    /// The time of the object itself, its `creationTimestamp`: the time of the backup would change every tree.
    pub modified: Timestamp,
    /// The whole file.
    pub content: Bytes,
}

/// Files that follow each other, as they were ready at the same time: about 256 KiB of JSON made into YAML, or one object
/// that is larger. What waits anywhere is counted in batches, so that large objects take no more memory than small ones.
pub type Batch = Vec<Arc<Entry>>;

impl fmt::Debug for Entry {
    /// Names the file and its size; the content may be a Secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Entry")
            .field("path", &self.path)
            .field("modified", &self.modified)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_is_not_printed() {
        let entry = Entry {
            path: "secrets/namespaces/shop/db.yaml".to_owned(),
            modified: Timestamp::UNIX_EPOCH,
            content: Bytes::from_static(b"hunter2"),
        };
        let printed = format!("{entry:?}");
        assert!(printed.contains("db.yaml") && !printed.contains("hunter2"), "{printed}");
    }
}
