//! What the tests of the storage side share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use archive::access::Password;
use archive::entry::{Batch, Entry};
use archive::progress::Progress;
use archive::repository::{BackupRequest, Repository, Result, Site, Stored};
use archive::store::memory::Memory;
use archive::store::{ObjectStore, Patience, Reliable};
use archive::worker::{Clock, Worker};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The directory of every repository here, below the prefix `demo` of the store.
pub const DIRECTORY: &str = "app/repository/v1/daily/manifest";
/// Where the files appear.
pub const ROOT: &str = "/kubestash-tmp/manifest";

/// The real time, since restic compares it with its own.
#[expect(clippy::disallowed_methods, reason = "the clock that these tests pass in")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A worker whose clock is ahead by as many seconds as `ahead` says.
pub fn worker_ahead(ahead: &Arc<AtomicI64>) -> Worker {
    let ahead = Arc::clone(ahead);
    let clock: Clock = Arc::new(move || now() + SignedDuration::from_secs(ahead.load(Ordering::SeqCst)));
    Worker { clock, ..worker() }
}

pub fn worker() -> Worker {
    let clock: Clock = Arc::new(now);
    Worker { hostname: "backup-pod".to_owned(), username: "kubestash".to_owned(), process: 1, clock }
}

pub fn password(text: &str) -> Password {
    let data = BTreeMap::from([("RESTIC_PASSWORD".to_owned(), ByteString(text.as_bytes().to_vec()))]);
    Password::from_secret("demo/encryption", &data).unwrap()
}

pub fn memory() -> Arc<Reliable<Memory>> {
    Arc::new(Reliable::new(Memory::new(now()), Patience::brief()))
}

pub fn site(store: Arc<dyn ObjectStore>) -> Site {
    Site { store, directory: DIRECTORY.to_owned(), worker: worker(), cancel: CancellationToken::new() }
}

pub async fn open(store: Arc<dyn ObjectStore>) -> Result<Repository> {
    Repository::open_or_initialise(site(store), &password("secret")).await
}

/// A file of a cluster as it may look.
pub fn entry(path: &str, content: &str) -> Entry {
    let modified = "2026-01-02T03:04:05Z".parse().unwrap();
    Entry { path: path.to_owned(), modified, content: Bytes::from(content.to_owned()) }
}

/// `count` files in the order of the tree; `generation` changes every hundredth of them.
pub fn entries(count: usize, generation: usize) -> Vec<Entry> {
    (0..count)
        .map(|number| {
            let generation = if number % 100 == 0 { generation } else { 0 };
            let path =
                format!("configmaps/namespaces/ns-{:02}/object-{number:06}.yaml", number * 10 / count.max(1));
            entry(
                &path,
                &format!("kind: ConfigMap\ndata:\n  number: \"{number}\"\n  generation: \"{generation}\"\n"),
            )
        })
        .collect()
}

/// Feeds `entries` to a backup of `repository`.
pub async fn back_up(repository: &Repository, entries: Vec<Entry>) -> Result<Stored> {
    let (sender, receiver) = mpsc::channel(64);
    let feeder = tokio::spawn(async move {
        for entry in entries {
            if sender.send(vec![Arc::new(entry)]).await.is_err() {
                break;
            }
        }
    });
    let stored = repository.backup(request(receiver)).await;
    feeder.await.unwrap();
    stored
}

pub fn request(entries: mpsc::Receiver<Batch>) -> BackupRequest {
    BackupRequest {
        entries,
        host: "manifest".to_owned(),
        root: ROOT.to_owned(),
        tags: vec!["backup-session=daily-1".to_owned()],
        time: "2026-03-01T12:00:00Z".parse().unwrap(),
        progress: Arc::new(Progress::new()),
    }
}
