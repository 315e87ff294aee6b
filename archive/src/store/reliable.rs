//! A transport with a time limit around every try, and with repetition around that.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::error::{Error, Result};
use super::retry::{Patience, retry};
use super::{Condition, Description, Listed, Object, ObjectStore, Page, Place, Transport};

/// See the module's documentation.
#[derive(Debug)]
pub struct Reliable<T> {
    transport: T,
    patience: Patience,
}

impl<T: Transport> Reliable<T> {
    /// Wraps `transport`.
    pub const fn new(transport: T, patience: Patience) -> Self {
        Self { transport, patience }
    }

    /// The transport inside.
    pub const fn transport(&self) -> &T {
        &self.transport
    }

    /// The limit lies inside the repetition: a server that accepts and never answers costs one try, not the run.
    async fn try_once<V>(&self, bytes: u64, attempt: impl Future<Output = Result<V>>) -> Result<V> {
        let limit = self.patience.limit(bytes);
        tokio::time::timeout(limit, attempt).await.unwrap_or_else(|_| Err(self.no_answer(limit)))
    }

    fn no_answer(&self, limit: Duration) -> Error {
        let place = Arc::clone(self.transport.place());
        Error::Unreachable { place, reason: format!("no answer within {} s", limit.as_secs()) }
    }

    async fn repeat<V, F>(&self, attempt: impl FnMut(u32) -> F) -> Result<V>
    where
        F: Future<Output = Result<V>>,
    {
        retry(self.patience, rand::random::<f64>, attempt).await
    }

    /// Whether `full` holds exactly `content`: then an earlier try of ours arrived although its answer did not.
    async fn holds(&self, full: &str, content: &Bytes) -> Result<bool> {
        match self.try_once(content.len() as u64, self.transport.get(full)).await {
            Ok(object) => Ok(object.content == content),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn put_once(&self, failures: u32, full: &str, put: &Put<'_>) -> Result<()> {
        let attempt = self.transport.put(full, put.content.clone(), put.media, put.condition);
        match self.try_once(put.content.len() as u64, attempt).await {
            Err(error) if error.is_lost_race() && failures > 0 => {
                if self.holds(full, &put.content).await? {
                    Ok(())
                } else {
                    Err(error)
                }
            }
            answer => answer,
        }
    }

    /// The keys of a page, below the prefix of the storage.
    fn relative(&self, full_prefix: &str, page: Page) -> Result<(Vec<Listed>, Option<String>)> {
        let place = self.transport.place();
        let objects = page
            .objects
            .into_iter()
            .map(|object| match place.relative(&object.key) {
                Some(key) if object.key.starts_with(full_prefix) => {
                    Ok(Listed { key: key.to_owned(), ..object })
                }
                _ => Err(self.broken_list(full_prefix, &format!("it contains {:?}", object.key))),
            })
            .collect::<Result<_>>()?;
        Ok((objects, page.next))
    }

    fn broken_list(&self, key: &str, reason: &str) -> Error {
        Error::Other {
            place: Arc::clone(self.transport.place()),
            action: "list",
            key: key.to_owned(),
            reason: format!("the listing is broken: {reason}"),
        }
    }
}

/// What is to be written.
struct Put<'a> {
    content: Bytes,
    media: &'a str,
    condition: &'a Condition,
}

#[async_trait]
impl<T: Transport> ObjectStore for Reliable<T> {
    fn place(&self) -> &Arc<Place> {
        self.transport.place()
    }

    async fn get(&self, key: &str) -> Result<Object> {
        let full = self.place().full(key);
        self.repeat(|_| self.try_once(0, self.transport.get(&full))).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        let full = self.place().full(key);
        let length = range.end.saturating_sub(range.start);
        let attempt = |_| self.try_once(length, self.transport.get_range(&full, range.clone()));
        let part = self.repeat(attempt).await?;
        if part.len() as u64 == length {
            return Ok(part);
        }
        let reason = format!("{} bytes came where {length} were asked for", part.len());
        Err(Error::Other { place: Arc::clone(self.place()), action: "read", key: full, reason })
    }

    async fn head(&self, key: &str) -> Result<Description> {
        let full = self.place().full(key);
        self.repeat(|_| self.try_once(0, self.transport.head(&full))).await
    }

    async fn put(&self, key: &str, content: Bytes, media: &str, condition: Condition) -> Result<()> {
        let full = self.place().full(key);
        let put = Put { content, media, condition: &condition };
        self.repeat(|failures| self.put_once(failures, &full, &put)).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        let full = self.place().full(key);
        self.repeat(|_| self.try_once(0, self.transport.delete(&full))).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>> {
        let full = self.place().full(prefix);
        let mut all: Vec<Listed> = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let attempt = |_| self.try_once(0, self.transport.list_page(&full, next.as_deref()));
            let page = self.repeat(attempt).await?;
            let (objects, following) = self.relative(&full, page)?;
            if following.is_some() && following == next {
                return Err(self.broken_list(&full, "the next page is the page before"));
            }
            all.extend(objects);
            next = following;
            if next.is_none() {
                break;
            }
        }
        all.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(all)
    }
}
