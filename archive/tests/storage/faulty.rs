//! An object store that fails at a chosen call.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use archive::store::memory::Memory;
use archive::store::{
    Condition, Description, Error, Listed, Object, ObjectStore, Place, Reliable, Result, Transport,
};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::SignedDuration;

use crate::support::{memory, now};

/// How the n-th call (1, 2, ...) fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not at all.
    None,
    /// It fails, the next one succeeds.
    Once(usize),
    /// It and all that follow fail: the process or the server has died before it.
    From(usize),
    /// It takes effect, and all that follow fail; its own answer is lost too.
    After(usize),
    /// It and all that follow never end.
    Hang(usize),
    /// Listings of this folder succeed and show nothing, as servers have been seen to do.
    Hidden(&'static str),
}

/// Memory, with faults.
#[derive(Debug)]
pub struct Faulty {
    inner: Arc<Reliable<Memory>>,
    calls: AtomicUsize,
    fault: Mutex<Fault>,
}

impl Faulty {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { inner: memory(), calls: AtomicUsize::new(0), fault: Mutex::new(Fault::None) })
    }

    /// From now on, calls are counted and fail as `fault` says.
    pub fn arm(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
        self.calls.store(0, Ordering::SeqCst);
    }

    /// How many calls there were since the last [`Faulty::arm`].
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// The objects, by full key.
    pub fn objects(&self) -> BTreeMap<String, Bytes> {
        self.inner.transport().objects()
    }

    /// Makes the objects what they were.
    pub async fn restore(&self, objects: &BTreeMap<String, Bytes>) {
        let memory = self.inner.transport();
        for key in memory.objects().keys() {
            memory.delete(key).await.unwrap();
        }
        for (key, content) in objects {
            memory.put(key, content.clone(), "", &Condition::Always).await.unwrap();
        }
    }

    /// Moves the clock of the server ahead of the real one.
    pub fn move_clock(&self, seconds: i64) {
        self.inner.transport().set_clock(now() + SignedDuration::from_secs(seconds));
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let fault = *self.fault.lock().unwrap();
        let failure =
            || Error::Unreachable { place: Arc::clone(self.place()), reason: "injected".to_owned() };
        match fault {
            Fault::Once(at) if at == number => Err(failure()),
            Fault::From(at) if number >= at => Err(failure()),
            Fault::After(at) if number > at => Err(failure()),
            Fault::After(at) if number == at => call.await.and_then(|_| Err(failure())),
            Fault::Hang(at) if number >= at => std::future::pending().await,
            Fault::Hang(_)
            | Fault::Hidden(_)
            | Fault::None
            | Fault::Once(_)
            | Fault::From(_)
            | Fault::After(_) => call.await,
        }
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    fn place(&self) -> &Arc<Place> {
        self.inner.place()
    }

    async fn get(&self, key: &str) -> Result<Object> {
        self.call(self.inner.get(key)).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        self.call(self.inner.get_range(key, range)).await
    }

    async fn head(&self, key: &str) -> Result<Description> {
        self.call(self.inner.head(key)).await
    }

    async fn put(&self, key: &str, content: Bytes, media: &str, condition: Condition) -> Result<()> {
        self.call(self.inner.put(key, content, media, condition)).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.call(self.inner.delete(key)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>> {
        let hidden = *self.fault.lock().unwrap();
        let listed = self.call(self.inner.list(prefix)).await?;
        match hidden {
            Fault::Hidden(folder) if prefix.ends_with(folder) => Ok(Vec::new()),
            _ => Ok(listed),
        }
    }
}
