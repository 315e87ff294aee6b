//! What these stories have in common: snapshots of a cluster, and plans and restores of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use archive::access::Password;
use archive::entry::Entry;
use archive::manifest::codec;
use archive::manifest::path::Key;
use archive::manifest::sanitize;
use archive::progress::Progress as BackupProgress;
use archive::repository::look::Reader;
use archive::repository::{BackupRequest, Repository, Site};
use archive::restore::options::{Options, decide};
use archive::restore::progress::Progress;
use archive::restore::report::{Line, Report};
use archive::restore::verdict::{ProblemKind, Verdict};
use archive::restore::{Error, Source, plan, restore};
use archive::store::memory::Memory;
use archive::store::{ObjectStore, Patience, Reliable};
use archive::worker::{Clock, Worker};
use bytes::Bytes;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::server::cluster::{Cluster, Place};
use crate::server::{Call, Server};

const ROOT: &str = "/kubestash-tmp/manifest";

fn noon() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

type Store = Arc<Reliable<Memory>>;
/// A path and what is there.
pub type File = (String, Vec<u8>);

async fn repository(store: &Store) -> Repository {
    let clock: Clock = Arc::new(noon);
    let worker = Worker { hostname: "pod".to_owned(), username: "kubestash".to_owned(), process: 1, clock };
    let site = Site {
        store: Arc::clone(store) as Arc<dyn ObjectStore>,
        directory: "demo".to_owned(),
        worker,
        cancel: CancellationToken::new(),
    };
    let data = BTreeMap::from([("RESTIC_PASSWORD".to_owned(), ByteString(b"secret".to_vec()))]);
    let password = Password::from_secret("demo/encryption", &data).unwrap();
    Repository::open_or_initialise(site, &password).await.unwrap()
}

/// Stores the files; the id of the snapshot.
async fn store(repository: &Repository, mut files: Vec<File>) -> String {
    files.sort_by(|(left, _), (right, _)| left.split('/').cmp(right.split('/')));
    let (sender, entries) = mpsc::channel(1);
    let batch = files
        .into_iter()
        .map(|(path, content)| Arc::new(Entry { path, modified: noon(), content: Bytes::from(content) }))
        .collect();
    sender.send(batch).await.unwrap();
    drop(sender);
    let request = BackupRequest {
        entries,
        host: "manifest".to_owned(),
        root: ROOT.to_owned(),
        tags: Vec::new(),
        time: noon(),
        progress: Arc::new(BackupProgress::new()),
    };
    repository.backup(request).await.unwrap().id
}

async fn source(repository: Repository, snapshot: String) -> Source {
    let reader = Arc::new(Reader::of(repository).await.unwrap());
    Source { reader, snapshot, root: ROOT.to_owned() }
}

/// A repository in memory whose only snapshot has these files.
pub async fn snapshot_of(files: Vec<File>) -> Source {
    let memory = Arc::new(Reliable::new(Memory::new(noon()), Patience::brief()));
    let repository = repository(&memory).await;
    let id = store(&repository, files).await;
    source(repository, id).await
}

/// As [`snapshot_of`], with files besides whose content the store has lost. They should be larger than their names.
pub async fn snapshot_with_lost(files: Vec<File>, lost: Vec<File>) -> Source {
    let memory = Arc::new(Reliable::new(Memory::new(noon()), Patience::brief()));
    let repository = repository(&memory).await;
    store(&repository, files.clone()).await;
    let before = memory.transport().objects();
    let id = store(&repository, files.into_iter().chain(lost).collect()).await;
    let mut new: Vec<(String, usize)> = memory
        .transport()
        .objects()
        .into_iter()
        .filter(|(key, _)| key.contains("/data/") && !before.contains_key(key))
        .map(|(key, content)| (key, content.len()))
        .collect();
    // The smaller ones hold directories.
    new.sort_by_key(|(_, size)| *size);
    let (largest, _) = new.pop().unwrap();
    let key = largest.strip_prefix("demo/").unwrap();
    memory.delete(key).await.unwrap();
    source(repository, id).await
}

/// The file of an object, as a backup makes it.
pub fn file((group_resource, namespace, name): &Place, object: &Value) -> File {
    let key = Key {
        group_resource: group_resource.clone(),
        namespace: Some(namespace.clone()).filter(|namespace| !namespace.is_empty()),
        name: name.clone(),
    };
    let mut object = object.as_object().unwrap().clone();
    sanitize::strip(&mut object);
    (key.path().unwrap(), codec::encode(&Value::Object(object)).unwrap().into_bytes())
}

/// A snapshot of all that a cluster has.
pub async fn back_up(cluster: &Cluster) -> Source {
    snapshot_of(cluster.objects.iter().map(|(at, object)| file(at, object)).collect()).await
}

/// Options, as the parameters of a task say them; everything of the cluster unless they say otherwise.
pub fn options(given: &[(&str, &str)]) -> Options {
    let mut parameters = BTreeMap::from([
        ("IncludeClusterResources".to_owned(), "true".to_owned()),
        ("IncludeRBACResources".to_owned(), "true".to_owned()),
    ]);
    parameters.extend(given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    decide(&parameters).unwrap()
}

pub async fn planned(server: &Arc<Server>, source: &Source, options: &Options) -> Report {
    let stop = CancellationToken::new();
    plan(server.client(), source, options, &Progress::new(), &stop).await.unwrap()
}

pub async fn try_restore(server: &Arc<Server>, source: &Source, options: &Options) -> Result<Report, Error> {
    let (progress, stop) = (Progress::new(), CancellationToken::new());
    let restore = restore(server.client(), source, options, &progress, &stop);
    let report = for_any_thread(restore).await?;
    assert_eq!(progress.counts(), report.counts(), "the progress counts what the report says");
    assert_eq!(progress.total().unwrap_or_default(), report.lines.len() as u64);
    Ok(report)
}

/// A Job runs it beside other tasks.
fn for_any_thread<F: Future + Send>(future: F) -> F {
    future
}

pub async fn restored(server: &Arc<Server>, source: &Source, options: &Options) -> Report {
    try_restore(server, source, options).await.unwrap()
}

/// `create configmaps shop/a` for each line that is not skipped, sorted.
pub fn told(report: &Report) -> Vec<String> {
    let mut told: Vec<String> = report
        .lines
        .iter()
        .filter(|line| !matches!(line.verdict, Verdict::Skip { .. }))
        .map(|line| {
            let place = line.place().map(|namespace| format!("{namespace}/")).unwrap_or_default();
            format!("{} {} {place}{}", line.verdict.word(), line.resource, line.name)
        })
        .collect();
    told.sort();
    told
}

/// The line of one object.
pub fn line<'a>(report: &'a Report, resource: &str, name: &str) -> &'a Line {
    let mut found = report.lines.iter().filter(|line| line.resource == resource && line.name == name);
    let line = found.next().unwrap_or_else(|| panic!("no line for {resource} {name}: {:#?}", report.lines));
    assert!(found.next().is_none(), "each object once");
    line
}

pub fn problem<'a>(report: &'a Report, resource: &str, name: &str) -> &'a ProblemKind {
    match &line(report, resource, name).verdict {
        Verdict::Fail { problem } => &problem.kind,
        other => panic!("{resource} {name} did not fail: {other:?}"),
    }
}

/// The requests that changed something, or would have, had they not been dry.
pub fn real_writes(server: &Server) -> Vec<Call> {
    server.calls().into_iter().filter(|call| call.is_write() && !call.is_dry()).collect()
}

/// Everything failed or nothing at all: for stories in which nothing should fail.
pub fn assert_no_failure(report: &Report) {
    let failed: Vec<&Line> =
        report.lines.iter().filter(|line| matches!(line.verdict, Verdict::Fail { .. })).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
