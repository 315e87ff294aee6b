//! An object store in memory, for tests and for looking at a repository offline.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use super::error::{Error, Result};
use super::{Condition, Container, Description, Listed, Object, Page, Place, Transport};

/// Objects of a page of a listing; small, so that paging happens in tests too.
const PAGE: usize = 100;

/// Objects by full key. Its clock stands still unless [`Memory::set_clock`] moves it.
#[derive(Debug)]
pub struct Memory {
    place: Arc<Place>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    objects: BTreeMap<String, Stored>,
    clock: Timestamp,
    writes: u64,
}

#[derive(Clone, Debug)]
struct Stored {
    content: Bytes,
    modified: Timestamp,
    version: u64,
}

/// A place as tests like it.
#[must_use]
pub fn a_place() -> Arc<Place> {
    Arc::new(Place {
        container: Container::Bucket,
        name: "backups".to_owned(),
        prefix: "demo".to_owned(),
        endpoint: "http://s3.storage.svc:7070".to_owned(),
        identity: "kubestash".to_owned(),
    })
}

impl Memory {
    /// An empty store whose clock shows `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let state = State { objects: BTreeMap::new(), clock: now, writes: 0 };
        Self { place: a_place(), state: Mutex::new(state) }
    }

    /// Sets the clock.
    pub fn set_clock(&self, now: Timestamp) {
        self.state().clock = now;
    }

    /// All objects by full key.
    #[must_use]
    pub fn objects(&self) -> BTreeMap<String, Bytes> {
        let state = self.state();
        state.objects.iter().map(|(key, stored)| (key.clone(), stored.content.clone())).collect()
    }

    /// A panic elsewhere leaves the map whole, since every change of it is one insertion or removal.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, key: &str) -> Result<(Stored, Timestamp)> {
        let state = self.state();
        let stored = state.objects.get(key).cloned();
        let not_found = || Error::NotFound { place: Arc::clone(&self.place), key: key.to_owned() };
        stored.map(|stored| (stored, state.clock)).ok_or_else(not_found)
    }
}

fn describe(stored: &Stored, now: Timestamp) -> Description {
    Description {
        size: stored.content.len() as u64,
        modified: stored.modified,
        now: Some(now),
        version: Some(stored.version.to_string()),
    }
}

#[async_trait]
impl Transport for Memory {
    fn place(&self) -> &Arc<Place> {
        &self.place
    }

    async fn get(&self, key: &str) -> Result<Object> {
        let (stored, now) = self.find(key)?;
        Ok(Object { description: describe(&stored, now), content: stored.content })
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        let (stored, _) = self.find(key)?;
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(stored.content.len());
        Ok(stored.content.slice(at(range.start)..at(range.end)))
    }

    async fn head(&self, key: &str) -> Result<Description> {
        let (stored, now) = self.find(key)?;
        Ok(describe(&stored, now))
    }

    async fn put(&self, key: &str, content: Bytes, _media: &str, condition: &Condition) -> Result<()> {
        let mut state = self.state();
        let place = Arc::clone(&self.place);
        let present = state.objects.get(key).map(|stored| stored.version.to_string());
        match condition {
            Condition::Absent if present.is_some() => {
                return Err(Error::AlreadyExists { place, key: key.to_owned() });
            }
            Condition::Unchanged(version) if present.as_ref() != Some(version) => {
                return Err(Error::Changed { place, key: key.to_owned() });
            }
            Condition::Always | Condition::Absent | Condition::Unchanged(_) => {}
        }
        state.writes += 1;
        let stored = Stored { content, modified: state.clock, version: state.writes };
        state.objects.insert(key.to_owned(), stored);
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.state().objects.remove(key);
        Ok(())
    }

    async fn list_page(&self, prefix: &str, next: Option<&str>) -> Result<Page> {
        let state = self.state();
        let mut rest = state
            .objects
            .range(next.unwrap_or(prefix).to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix));
        let objects = rest
            .by_ref()
            .take(PAGE)
            .map(|(key, stored)| Listed {
                key: key.clone(),
                size: stored.content.len() as u64,
                modified: stored.modified,
            })
            .collect();
        Ok(Page { objects, next: rest.next().map(|(key, _)| key.clone()) })
    }
}
