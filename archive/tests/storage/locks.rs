//! Locks: between ourselves, and with restic.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use archive::lock::Mode;
use archive::repository::{Error, Repository, Site};
use archive::store::{Condition, ObjectStore, content_type};
use archive::worker::{Peers, Worker};
use bytes::Bytes;
use tokio::sync::watch;

use crate::server::Server;
use crate::support::{self, DIRECTORY, back_up, entries, memory, open, password, site, worker_ahead};
use crate::tools::{Restic, find};

const SHORT: Duration = Duration::from_millis(500);

async fn locks(store: &dyn ObjectStore) -> Vec<String> {
    let listed = store.list(&format!("{DIRECTORY}/locks/")).await.unwrap();
    listed.into_iter().map(|object| object.key).collect()
}

async fn prune(repository: &Repository) -> Result<(), Error> {
    repository.forget_and_prune(BTreeSet::new(), BTreeSet::new()).await
}

#[tokio::test]
async fn exclusive_work_waits_for_shared_work_and_names_it() {
    let store = memory();
    let first = open(store.clone()).await.unwrap();
    let second = open(store.clone()).await.unwrap().waiting_for_locks(SHORT);
    let shared = first.lock(Mode::Shared).await.unwrap();
    back_up(&second, entries(3, 0)).await.unwrap();
    let error = prune(&second).await.unwrap_err();
    assert!(error.to_string().contains("shared lock of kubestash@backup-pod (process 1)"), "{error}");
    assert!(error.permanence().is_temporary());
    shared.release().await.unwrap();
    prune(&second).await.unwrap();
    assert_eq!(locks(store.as_ref()).await, Vec::<String>::new());
}

#[tokio::test]
async fn all_work_waits_for_exclusive_work_and_goes_on_when_that_is_over() {
    let store = memory();
    let first = open(store.clone()).await.unwrap();
    let (telling, mut waits) = watch::channel(None);
    let second = open(store.clone()).await.unwrap().telling_waits(telling);
    let exclusive = first.lock(Mode::Exclusive).await.unwrap();
    let waiting = tokio::spawn(async move { back_up(&second, entries(3, 0)).await });
    let told = waits.wait_for(Option::is_some).await.unwrap().clone();
    assert_eq!(told.as_deref(), Some("exclusive lock of kubestash@backup-pod (process 1)"));
    assert!(!waiting.is_finished());
    exclusive.release().await.unwrap();
    waits.wait_for(Option::is_none).await.expect("the end of the wait is told as well");
    assert_eq!(waiting.await.unwrap().unwrap().files, 3);
}

#[tokio::test]
async fn of_two_that_want_it_alone_at_the_same_moment_one_gets_it_first() {
    let store = memory();
    let repositories = [open(store.clone()).await.unwrap(), open(store.clone()).await.unwrap()];
    let inside = Arc::new(AtomicI64::new(0));
    let runs = repositories.map(|repository| {
        let inside = Arc::clone(&inside);
        async move {
            let lock = repository.lock(Mode::Exclusive).await.unwrap();
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
            tokio::time::sleep(SHORT).await;
            inside.fetch_sub(1, Ordering::SeqCst);
            lock.release().await.unwrap();
        }
    });
    futures::future::join_all(runs).await;
    assert_eq!(locks(store.as_ref()).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_lock_is_refreshed_and_a_dropped_one_goes() {
    let store = memory();
    let repository = open(store.clone()).await.unwrap();
    let lock = repository.lock(Mode::Shared).await.unwrap();
    let before = locks(store.as_ref()).await;
    tokio::time::pause();
    tokio::time::sleep(Duration::from_mins(5) + SHORT).await;
    let after = locks(store.as_ref()).await;
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before, after);
    drop(lock);
    tokio::time::sleep(SHORT).await;
    assert_eq!(locks(store.as_ref()).await, Vec::<String>::new());
}

/// Workers of which these have ended.
#[derive(Debug)]
struct Ended(&'static [&'static str]);

#[async_trait::async_trait]
impl Peers for Ended {
    async fn has_ended(&self, hostname: &str) -> bool {
        self.0.contains(&hostname)
    }
}

#[tokio::test]
async fn the_lock_of_a_peer_that_has_ended_is_in_nobodys_way() {
    for (hostname, username, removed) in [
        ("killed-pod", "kubestash", true),
        ("other-pod", "kubestash", false),
        ("killed-pod", "root", false),
        // One's own name is taken by somebody who may live.
        ("backup-pod", "kubestash", false),
    ] {
        let store = memory();
        let worker =
            Worker { hostname: hostname.to_owned(), username: username.to_owned(), ..support::worker() };
        let theirs = Site { worker, ..site(store.clone()) };
        let theirs = Repository::open_or_initialise(theirs, &password("secret")).await.unwrap();
        let lock = theirs.lock(Mode::Shared).await.unwrap();
        let ours = open(store.clone()).await.unwrap().waiting_for_locks(SHORT);
        let ours = ours.asking(Arc::new(Ended(&["killed-pod", "backup-pod"])));
        assert_eq!(prune(&ours).await.is_ok(), removed, "{username}@{hostname}");
        drop(lock);
    }
}

#[tokio::test]
async fn a_stale_lock_is_removed_and_a_broken_one_is_named_and_stays() {
    let store = memory();
    let ahead = Arc::new(AtomicI64::new(0));
    let site = Site { worker: worker_ahead(&ahead), ..site(store.clone()) };
    let repository = Repository::open_or_initialise(site, &password("secret")).await.unwrap();
    let dead = repository.lock(Mode::Exclusive).await.unwrap();
    ahead.store(31 * 60, Ordering::SeqCst);
    prune(&repository).await.unwrap();
    dead.release().await.unwrap();

    let broken = format!("{DIRECTORY}/locks/{}", "0a".repeat(32));
    let rubbish = Bytes::from_static(b"rubbish, and long enough to be one");
    store.put(&broken, rubbish, content_type::BINARY, Condition::Always).await.unwrap();
    let error = back_up(&repository, entries(3, 0)).await.unwrap_err();
    assert!(error.to_string().contains(&"0a".repeat(32)), "{error}");
    assert_eq!(locks(store.as_ref()).await, [broken]);
}

/// restic in the middle of a backup, which ends when its input does.
struct BackupInProgress(std::process::Child);

impl BackupInProgress {
    fn start(restic: &Restic) -> Self {
        let mut command = restic.command(&["backup", "--stdin", "--stdin-filename", "slow"]);
        Self(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn finish(mut self) {
        self.0.stdin.take().unwrap().write_all(b"content").unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

async fn wait_for_a_lock(store: &dyn ObjectStore) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while locks(store).await.is_empty() {
        assert!(Instant::now() < deadline, "restic takes no lock");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn restic_honours_our_locks_and_we_honour_those_of_restic() {
    let Some(server) = Server::start() else { return };
    let Some(programs) = find(["restic", "restic-old"]) else { return };
    let store = server.store();
    let repository = open(server.store()).await.unwrap().waiting_for_locks(SHORT);
    back_up(&repository, entries(3, 0)).await.unwrap();
    for program in programs {
        let restic = server.restic(&program, DIRECTORY);
        let lock = repository.lock(Mode::Exclusive).await.unwrap();
        let id = locks(store.as_ref()).await[0].rsplit('/').next().unwrap().to_owned();
        let shown = restic.expect(&["cat", "--no-lock", "lock", &id]);
        assert!(shown.contains("backup-pod") && shown.contains("\"exclusive\": true"), "{shown}");
        let refused = restic.run(&["backup", "/dev/null"]);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && told.contains("locked exclusively"), "{told}");
        lock.release().await.unwrap();

        let lock = repository.lock(Mode::Shared).await.unwrap();
        restic.expect(&["backup", "/dev/null"]);
        let refused = restic.run(&["prune"]);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && told.contains("locked"), "{told}");
        lock.release().await.unwrap();

        let slow = BackupInProgress::start(&restic);
        wait_for_a_lock(store.as_ref()).await;
        back_up(&repository, entries(3, 1)).await.unwrap();
        let error = prune(&repository).await.unwrap_err();
        assert!(error.to_string().contains("is locked: shared lock of"), "{error}");
        slow.finish();
        prune(&repository).await.unwrap();
        restic.expect(&["check", "--read-data"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_restic_wrote_is_read_and_pruned_beside_ours() {
    let Some(server) = Server::start() else { return };
    let Some([program]) = find(["restic"]) else { return };
    let restic = server.restic(&program, DIRECTORY);
    restic.expect(&["init"]);
    restic.expect(&["backup", "--host", "other", "/etc/hostname"]);
    let repository = open(server.store()).await.unwrap();
    let ours = back_up(&repository, entries(30, 0)).await.unwrap();
    let snapshots = repository.snapshots().await.unwrap();
    assert_eq!(snapshots.len(), 2);
    let theirs = snapshots.iter().find(|snapshot| snapshot.host == "other").unwrap();
    let content = repository.read(&theirs.id, "/etc/hostname").await.unwrap();
    assert_eq!(content, std::fs::read("/etc/hostname").unwrap());
    repository
        .forget_and_prune(BTreeSet::from([theirs.id.clone()]), BTreeSet::from([ours.id.clone()]))
        .await
        .unwrap();
    restic.expect(&["check", "--read-data"]);
    let marked = repository.mark_incomplete(&ours.id).await.unwrap();
    let shown = restic.expect(&["snapshots", "--json"]);
    assert!(shown.contains(&marked) && shown.contains("\"incomplete\""), "{shown}");
    assert_eq!(restic.expect(&["snapshots", "--json"]).matches("\"short_id\"").count(), 1);
}
