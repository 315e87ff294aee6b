//! A repository from its making to its pruning, in memory.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use crate::faulty::{Fault, Faulty};
use crate::support::{DIRECTORY, ROOT, back_up, entries, entry, memory, open, password, site};
use archive::repository::{Error, Repository};

#[tokio::test(start_paused = true)]
async fn what_goes_in_comes_out() {
    let repository = open(memory()).await.unwrap();
    let stored = back_up(&repository, entries(120, 0)).await.unwrap();
    assert_eq!(stored.files, 120);
    let files = repository.files(&stored.id, ROOT).await.unwrap();
    assert_eq!(files.len(), 120);
    assert_eq!(files[0].path, "configmaps/namespaces/ns-00/object-000000.yaml");
    let path = format!("{ROOT}/{}", files[7].path);
    let content = repository.read(&stored.id, &path).await.unwrap();
    assert_eq!(content, entries(120, 0)[7].content);
    assert_eq!(repository.check().await.unwrap(), Vec::<String>::new());
    let snapshots = repository.snapshots().await.unwrap();
    assert_eq!((snapshots[0].id.as_str(), snapshots[0].host.as_str()), (stored.id.as_str(), "manifest"));
    assert_eq!(snapshots[0].paths, [ROOT]);
    assert_eq!(snapshots[0].tags, ["backup-session=daily-1"]);
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_run_adds_next_to_nothing() {
    let store = memory();
    let repository = open(store.clone()).await.unwrap();
    let first = back_up(&repository, entries(500, 0)).await.unwrap();
    let before: usize = store.transport().objects().values().map(bytes::Bytes::len).sum();
    let second = back_up(&repository, entries(500, 0)).await.unwrap();
    let after: usize = store.transport().objects().values().map(bytes::Bytes::len).sum();
    assert!(first.added > 10_000, "{first:?}");
    assert_eq!(second.added, 0);
    assert!(after - before < 1_000, "{} bytes more", after - before);
    assert_ne!(first.id, second.id);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_equal_length_is_not_missed() {
    let repository = open(memory()).await.unwrap();
    back_up(&repository, vec![entry("a.yaml", "replicas: 1")]).await.unwrap();
    let second = back_up(&repository, vec![entry("a.yaml", "replicas: 9")]).await.unwrap();
    let content = repository.read(&second.id, &format!("{ROOT}/a.yaml")).await.unwrap();
    assert_eq!(content, b"replicas: 9");
}

#[tokio::test(start_paused = true)]
async fn an_empty_backup_is_a_backup() {
    let repository = open(memory()).await.unwrap();
    let stored = back_up(&repository, Vec::new()).await.unwrap();
    assert_eq!((stored.files, stored.bytes), (0, 0));
    assert_eq!(repository.files(&stored.id, ROOT).await.unwrap(), []);
    assert_eq!(repository.check().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn large_and_empty_files_and_hostile_names_are_kept() {
    let repository = open(memory()).await.unwrap();
    // Larger than one blob.
    let large = "0123456789abcdef".repeat(600_000);
    let files = vec![
        entry("a/ with space.yaml", "x"),
        entry("a/\"quoted\\name\".yaml", "y"),
        entry("a/empty.yaml", ""),
        entry("a/large.yaml", &large),
        entry("a/system:x*?|.yaml", "z"),
        entry("a/ümläut\u{a0}\u{2028}.yaml", "z"),
    ];
    let stored = back_up(&repository, files).await.unwrap();
    assert_eq!(stored.files, 6);
    let names: Vec<String> =
        repository.files(&stored.id, ROOT).await.unwrap().into_iter().map(|file| file.path).collect();
    assert_eq!(names[1], "a/\"quoted\\name\".yaml");
    let content = repository.read(&stored.id, &format!("{ROOT}/a/large.yaml")).await.unwrap();
    assert_eq!(content, large.as_bytes());
}

#[tokio::test(start_paused = true)]
async fn a_file_out_of_order_fails_the_backup_and_leaves_no_snapshot() {
    let store = memory();
    let repository = open(store.clone()).await.unwrap();
    let error = back_up(&repository, vec![entry("b.yaml", "1"), entry("a.yaml", "2")]).await.unwrap_err();
    assert!(matches!(error, Error::Entry { .. }), "{error}");
    assert_eq!(repository.snapshots().await.unwrap(), []);
    assert!(!has(&store.transport().objects(), "locks"));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_told_with_the_secret_that_holds_it() {
    let store = memory();
    open(store.clone()).await.unwrap();
    let before = store.transport().objects();
    let error = Repository::open_or_initialise(site(store.clone()), &password("other")).await.unwrap_err();
    assert!(matches!(error, Error::WrongPassword { .. }), "{error}");
    assert!(!error.permanence().is_temporary());
    assert!(error.to_string().contains(r#"Secret "demo/encryption""#), "{error}");
    assert_eq!(store.transport().objects(), before);
}

#[tokio::test(start_paused = true)]
async fn opening_does_not_make_a_repository() {
    let store = memory();
    let error = Repository::open(site(store.clone()), &password("secret")).await.unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
    assert!(store.transport().objects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn of_many_makers_one_wins_and_all_use_its_repository() {
    let store = memory();
    let opened = futures::future::join_all((0..6).map(|_| open(store.clone()))).await;
    for repository in opened {
        let repository = repository.unwrap();
        back_up(&repository, entries(3, 0)).await.unwrap();
    }
    let objects = store.transport().objects();
    let keys = objects.keys().filter(|key| key.contains("/keys/")).count();
    assert_eq!(keys, 1);
    let repository = open(store).await.unwrap();
    assert_eq!(repository.snapshots().await.unwrap().len(), 6);
    assert_eq!(repository.check().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_incomplete_backup_is_marked_and_keeps_everything_else() {
    let repository = open(memory()).await.unwrap();
    let stored = back_up(&repository, entries(10, 0)).await.unwrap();
    let marked = repository.mark_incomplete(&stored.id).await.unwrap();
    assert_ne!(marked, stored.id);
    let snapshots = repository.snapshots().await.unwrap();
    assert_eq!(snapshots.len(), 1);
    assert_eq!(snapshots[0].id, marked);
    assert_eq!(snapshots[0].tags, ["backup-session=daily-1", "incomplete"]);
    assert_eq!(repository.files(&marked, ROOT).await.unwrap().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn pruning_keeps_what_snapshots_need_and_stops_at_a_short_listing() {
    let repository = open(memory()).await.unwrap();
    let first = back_up(&repository, entries(300, 0)).await.unwrap();
    let second = back_up(&repository, entries(300, 1)).await.unwrap();
    let ids = |ids: &[&String]| ids.iter().map(|id| (*id).clone()).collect::<BTreeSet<String>>();
    let absent = "00".repeat(32);
    let error =
        repository.forget_and_prune(ids(&[&first.id]), ids(&[&second.id, &absent])).await.unwrap_err();
    assert!(matches!(error, Error::Witness { missing: 1, .. }), "{error}");
    assert_eq!(repository.snapshots().await.unwrap().len(), 2);

    repository.forget_and_prune(ids(&[&first.id]), ids(&[&first.id, &second.id])).await.unwrap();
    let left = repository.snapshots().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(repository.files(&second.id, ROOT).await.unwrap().len(), 300);
    assert_eq!(repository.check().await.unwrap(), Vec::<String>::new());
    // Removing it once more is no error: the record of it may outlive it.
    repository.forget_and_prune(ids(&[&first.id]), ids(&[&second.id])).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_held_lock_serves_many_operations_and_is_given_back() {
    let store = memory();
    let repository = open(store.clone()).await.unwrap();
    repository.hold().await.unwrap();
    let held = locks(&store.transport().objects());
    assert_eq!(held.len(), 1);
    back_up(&repository, entries(3, 0)).await.unwrap();
    assert_eq!(repository.check().await.unwrap(), Vec::<String>::new());
    assert_eq!(locks(&store.transport().objects()), held);
    repository.forget_and_prune(BTreeSet::new(), BTreeSet::new()).await.unwrap();
    assert!(locks(&store.transport().objects()).is_empty());
    repository.hold().await.unwrap();
    repository.release().await;
    assert!(locks(&store.transport().objects()).is_empty());
}

fn locks(objects: &std::collections::BTreeMap<String, bytes::Bytes>) -> Vec<String> {
    objects.keys().filter(|key| key.contains("/locks/")).cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_away_ends_the_reading_too() {
    let store = Faulty::new();
    let repository = open(store.clone()).await.unwrap();
    let before = store.objects();
    // Files that do not compress fill a pack long before their end, and its upload fails.
    let mut state = 1_u64;
    let files = (0..400).map(|number| {
        let mut content = String::new();
        while content.len() < 400_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let _ = write!(content, "{state:016x}");
        }
        entry(&format!("file-{number:03}.yaml"), &content)
    });
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let request = crate::support::request(receiver);
    let progress = Arc::clone(&request.progress);
    let run = tokio::spawn(async move { repository.backup(request).await });
    // Reading and locking come first; the fault is armed once files flow.
    for (number, file) in files.enumerate() {
        if number == 10 {
            store.arm(Fault::From(1));
        }
        if sender.send(vec![Arc::new(file)]).await.is_err() {
            break;
        }
    }
    drop(sender);
    let error = run.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Store { .. }), "{error}");
    assert!(progress.objects() < 400, "all {} files were read", progress.objects());
    let after = store.objects();
    assert!(
        after.keys().all(|key| before.contains_key(key) || key.contains("/locks/")),
        "{:?}",
        after.keys()
    );
}

#[tokio::test(start_paused = true)]
async fn hundreds_of_directories_are_a_handful_of_requests() {
    let store = Faulty::new();
    let repository = open(store.clone()).await.unwrap();
    let files =
        (0..300).map(|number| entry(&format!("configmaps/namespaces/ns-{number:03}/map.yaml"), "a: b\n"));
    back_up(&repository, files.collect()).await.unwrap();
    store.arm(Fault::None);
    assert!(repository.check().await.unwrap().is_empty());
    assert!(store.calls() < 30, "{} requests for 300 directories", store.calls());
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_ends_although_the_server_never_answers() {
    let store = Faulty::new();
    let site = site(store.clone());
    let cancel = site.cancel.clone();
    let repository = Repository::open_or_initialise(site, &password("secret")).await.unwrap();
    repository.hold().await.unwrap();
    store.arm(Fault::Hang(4));
    let start = std::time::Instant::now();
    let run = tokio::spawn(async move {
        let error = back_up(&repository, entries(20, 0)).await.unwrap_err();
        repository.release().await;
        error
    });
    while store.calls() < 4 {
        tokio::task::yield_now().await;
    }
    cancel.cancel();
    let error = run.await.unwrap();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_ends_soon_without_snapshot_or_lock() {
    let store = memory();
    let site = site(store.clone());
    let cancel = site.cancel.clone();
    let repository = Arc::new(Repository::open_or_initialise(site, &password("secret")).await.unwrap());
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let run = tokio::spawn({
        let repository = Arc::clone(&repository);
        async move { repository.backup(crate::support::request(receiver)).await }
    });
    for entry in entries(20, 0) {
        sender.send(vec![Arc::new(entry)]).await.unwrap();
    }
    cancel.cancel();
    let error = run.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    let objects = store.transport().objects();
    assert!(!has(&objects, "snapshots") && !has(&objects, "locks"), "{:?}", objects.keys());
    drop(sender);
}

fn has(objects: &std::collections::BTreeMap<String, bytes::Bytes>, folder: &str) -> bool {
    objects.keys().any(|key| key.starts_with(&format!("demo/{DIRECTORY}/{folder}/")))
}
