//! Where an object store is, in the words of the user who configured it.

use std::fmt;

/// What a provider calls the thing that holds objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// S3, Google Cloud Storage.
    Bucket,
    /// Azure Blob Storage.
    Container,
}

/// A bucket at an endpoint, and a prefix in it. It appears in every message and holds nothing secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What the provider calls it.
    pub container: Container,
    /// Its name.
    pub name: String,
    /// Before every key, without slashes around it; may be empty.
    pub prefix: String,
    /// The URL of the server.
    pub endpoint: String,
    /// With which identity: the access key id or the account.
    pub identity: String,
}

impl Place {
    /// The full key of a key below the prefix.
    #[must_use]
    pub fn full(&self, key: &str) -> String {
        if self.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) }
    }

    /// The key below the prefix of a full key; `None` if it lies elsewhere.
    #[must_use]
    pub fn relative<'a>(&self, full: &'a str) -> Option<&'a str> {
        if self.prefix.is_empty() {
            return Some(full);
        }
        full.strip_prefix(self.prefix.as_str())?.strip_prefix('/')
    }

    /// `bucket "backups"`.
    #[must_use]
    pub fn bucket(&self) -> String {
        let container = match self.container {
            Container::Bucket => "bucket",
            Container::Container => "container",
        };
        format!("{container} {:?}", self.name)
    }
}

impl fmt::Display for Place {
    /// `bucket "backups" (prefix "demo") at http://s3.storage.svc:7070`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.bucket())?;
        if !self.prefix.is_empty() {
            write!(formatter, " (prefix {:?})", self.prefix)?;
        }
        write!(formatter, " at {}", self.endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(prefix: &str) -> Place {
        Place {
            container: Container::Bucket,
            name: "backups".to_owned(),
            prefix: prefix.to_owned(),
            endpoint: "http://s3.storage.svc:7070".to_owned(),
            identity: "kubestash".to_owned(),
        }
    }

    #[test]
    fn a_key_below_the_prefix_becomes_a_full_key_and_back() {
        for (prefix, key, full) in [("", "metadata.yaml", "metadata.yaml"), ("a/b", "c", "a/b/c")] {
            assert_eq!(place(prefix).full(key), full);
            assert_eq!(place(prefix).relative(full), Some(key));
        }
        assert_eq!(place("demo").relative("demonstration/x"), None);
    }

    #[test]
    fn a_place_reads_like_a_sentence() {
        assert_eq!(
            place("demo").to_string(),
            r#"bucket "backups" (prefix "demo") at http://s3.storage.svc:7070"#
        );
        assert_eq!(place("").to_string(), r#"bucket "backups" at http://s3.storage.svc:7070"#);
    }
}
