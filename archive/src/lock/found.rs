//! Looking at locks without taking one, and removing those that somebody decided about.

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use snafu::ResultExt;

use super::file;
use super::rules::Content;
use super::{Locks, READS_IN_FLIGHT, Result};

/// A lock file that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name of the file.
    pub file: String,
    /// When the server stored it, by the server's clock.
    pub stored: Timestamp,
    /// What it says, or why it cannot be read.
    pub content: Result<Content, &'static str>,
}

impl Locks {
    /// Every lock of the repository, oldest first. One that cannot be read is among them; one that vanishes between
    /// listing and reading was released.
    pub async fn found(&self) -> Result<Vec<Found>> {
        let prefix = self.path("");
        let listed = self.store.list(&prefix).await.context(self.store_error("read"))?;
        let found: Vec<Option<Found>> = futures::stream::iter(listed)
            .map(|object| async move {
                let file = object.key.rsplit('/').next().unwrap_or_default().to_owned();
                if file.is_empty() {
                    // A directory marker that some tool left.
                    return Ok(None);
                }
                match self.store.get(&object.key).await {
                    Err(error) if error.is_not_found() => Ok(None),
                    Err(error) => Err(error).context(self.store_error("read")),
                    Ok(read) => {
                        let content = file::open(&self.key, &read.content);
                        Ok(Some(Found { file, stored: object.modified, content }))
                    }
                }
            })
            .buffered(READS_IN_FLIGHT)
            .try_collect()
            .await?;
        let mut found: Vec<Found> = found.into_iter().flatten().collect();
        found.sort_by(|a, b| (a.since(), &a.file).cmp(&(b.since(), &b.file)));
        Ok(found)
    }

    /// Removes a lock of anybody, whatever it protects: for a person who knows that its owner is gone. That there is
    /// none is success.
    pub async fn discard(&self, file: &str) -> Result<()> {
        self.remove(file).await
    }
}

impl Found {
    /// Since when it is held: what it says, else when it was stored.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.content.as_ref().map_or(self.stored, |content| content.time)
    }
}
