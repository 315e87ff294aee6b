//! The test bucket as a folder of this host: versitygw keeps each object as a file.

use std::path::{Path, PathBuf};

use crate::environment::Environment;

/// A prefix of the test bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    folder: PathBuf,
}

impl Bucket {
    #[must_use]
    pub fn new(environment: &Environment, prefix: &str) -> Self {
        Self { folder: environment.bucket_folder.join(prefix) }
    }

    /// The file behind a key below the prefix.
    #[must_use]
    pub fn path(&self, key: &str) -> PathBuf {
        self.folder.join(key)
    }

    /// The object's bytes as text.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn text(&self, key: &str) -> String {
        std::fs::read_to_string(self.path(key)).unwrap_or_else(|error| panic_missing(key, &error))
    }

    /// Every key below the prefix, sorted.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        walk(&self.folder, &self.folder, &mut keys);
        keys.sort();
        keys
    }

    /// The bytes of all objects below the prefix together.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.keys()
            .iter()
            .filter_map(|key| std::fs::metadata(self.path(key)).ok())
            .map(|file| file.len())
            .sum()
    }

    /// The keys whose objects hold `text` as plain bytes.
    #[must_use]
    pub fn holding(&self, text: &str) -> Vec<String> {
        let holds = |key: &String| {
            std::fs::read(self.path(key))
                .is_ok_and(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
        };
        self.keys().into_iter().filter(holds).collect()
    }
}

fn walk(root: &Path, folder: &Path, keys: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(root, &path, keys);
        } else if let Ok(key) = path.strip_prefix(root) {
            keys.push(key.to_string_lossy().into_owned());
        }
    }
}

#[expect(clippy::panic, reason = "a story that misses an object has failed")]
fn panic_missing(key: &str, error: &std::io::Error) -> ! {
    panic!("object \"{key}\" is not in the bucket: {error}")
}
