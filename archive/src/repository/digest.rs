//! A digest over a sequence of files: what went in, compared with what can be read back.

use sha2::{Digest as _, Sha256};

/// Path, size and content of every file, in order.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    hasher: Sha256,
    files: u64,
    bytes: u64,
}

impl Digest {
    /// Adds a file whose content is at hand.
    pub fn add_content(&mut self, path: &str, content: &[u8]) {
        self.add(path, content.len() as u64, &Sha256::digest(content).into());
    }

    /// Adds a file of which size and SHA-256 are known.
    pub fn add(&mut self, path: &str, size: u64, content: &[u8; 32]) {
        // The length before the path keeps two files apart from one with a longer path.
        self.hasher.update((path.len() as u64).to_le_bytes());
        self.hasher.update(path.as_bytes());
        self.hasher.update(size.to_le_bytes());
        self.hasher.update(content);
        self.files += 1;
        self.bytes += size;
    }

    /// How many files.
    pub const fn files(&self) -> u64 {
        self.files
    }

    /// How many bytes they hold.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What differs between what went in (`self`) and what came back; `None` if nothing does.
    pub fn difference(&self, back: &Self) -> Option<String> {
        if self.files != back.files {
            return Some(format!("{} files went in, {} are in it", self.files, back.files));
        }
        if self.bytes != back.bytes {
            return Some(format!("{} bytes went in, {} are in it", self.bytes, back.bytes));
        }
        let same = self.hasher.clone().finalize() == back.hasher.clone().finalize();
        (!same).then(|| "a name or a content differs".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(files: &[(&str, &str)]) -> Digest {
        let mut digest = Digest::default();
        for (path, content) in files {
            digest.add_content(path, content.as_bytes());
        }
        digest
    }

    #[test]
    fn every_difference_is_seen() {
        let whole = digest(&[("a", "1"), ("b", "22")]);
        assert_eq!(whole.difference(&digest(&[("a", "1"), ("b", "22")])), None);
        for other in [
            &[("a", "1")][..],
            &[("a", "1"), ("b", "2")],
            &[("a", "1"), ("b", "23")],
            &[("a", "1"), ("c", "22")],
            &[("b", "22"), ("a", "1")],
            &[("a", "22"), ("b", "1")],
        ] {
            assert!(whole.difference(&digest(other)).is_some(), "{other:?}");
        }
    }

    #[test]
    fn a_known_hash_counts_like_the_content() {
        let mut known = Digest::default();
        known.add("a", 1, &Sha256::digest(b"1").into());
        assert_eq!(known.difference(&digest(&[("a", "1")])), None);
        assert_eq!((known.files(), known.bytes()), (1, 1));
    }
}
