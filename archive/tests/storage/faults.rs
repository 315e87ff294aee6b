//! A fault at every call: whatever happens, the next run succeeds and nothing is lost.
//!
//! Time is skipped while nothing runs, so that nobody waits for the settling of locks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use archive::repository::{Error, Repository, Site};

use crate::faulty::{Fault, Faulty};
use crate::support::{DIRECTORY, ROOT, back_up, entries, open, password, site, worker_ahead};

/// Every way in which call `number` can fail.
fn faults(number: usize) -> [Fault; 3] {
    [Fault::Once(number), Fault::From(number), Fault::After(number)]
}

/// More than a maker of a repository ever needs, and than a lock lives.
const LATER: i64 = 40 * 60;

/// Every snapshot holds all of its files, and the repository is sound.
async fn assert_sound(repository: &Repository, files: usize, context: &str) {
    assert_eq!(repository.check().await.unwrap(), Vec::<String>::new(), "{context}");
    for snapshot in repository.snapshots().await.unwrap() {
        assert_eq!(repository.files(&snapshot.id, ROOT).await.unwrap().len(), files, "{context}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_repository_can_be_made_after_a_fault_at_any_call_of_its_making() {
    let store = Faulty::new();
    store.arm(Fault::None);
    open(store.clone()).await.unwrap();
    let calls = store.calls();
    assert!((5..20).contains(&calls), "{calls} calls");
    for fault in (1..=calls).flat_map(faults) {
        store.restore(&[].into()).await;
        store.arm(fault);
        let broken = open(store.clone()).await;
        let context = format!("{fault:?}: {:?}", broken.as_ref().err().map(ToString::to_string));
        assert!(broken.is_err(), "{context}");
        store.arm(Fault::None);
        store.move_clock(LATER);
        let repository = open(store.clone()).await.unwrap_or_else(|error| panic!("{context}, then {error}"));
        back_up(&repository, entries(3, 0)).await.unwrap();
        assert_sound(&repository, 3, &context).await;
        let keys = store.objects().keys().filter(|key| key.contains("/keys/")).count();
        assert_eq!(keys, 1, "{context}");
        store.move_clock(0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_backup_after_a_fault_at_any_call_of_a_backup_succeeds() {
    let store = Faulty::new();
    let repository = open(store.clone()).await.unwrap();
    back_up(&repository, entries(40, 0)).await.unwrap();
    let before = store.objects();
    store.arm(Fault::None);
    back_up(&repository, entries(40, 1)).await.unwrap();
    let calls = store.calls();
    assert!((10..60).contains(&calls), "{calls} calls");
    for fault in (1..=calls).flat_map(faults) {
        store.restore(&before).await;
        store.arm(fault);
        let broken = back_up(&repository, entries(40, 1)).await;
        let context = format!("{fault:?}: {:?}", broken.as_ref().map_err(ToString::to_string));
        store.arm(Fault::None);
        // The last calls release the lock: then the backup is whole and verified.
        let snapshots = repository.snapshots().await.unwrap().len();
        assert!(broken.is_err() || snapshots == 2, "{context}, {snapshots} snapshots");
        assert_sound(&repository, 40, &context).await;
        let again = back_up(&repository, entries(40, 1)).await.unwrap();
        assert_eq!(again.files, 40, "{context}");
        assert_sound(&repository, 40, &context).await;
    }
}

#[tokio::test(start_paused = true)]
async fn pruning_after_a_fault_at_any_call_of_pruning_succeeds_and_keeps_what_is_needed() {
    let store = Faulty::new();
    let ahead = Arc::new(AtomicI64::new(0));
    let site = Site { worker: worker_ahead(&ahead), ..site(store.clone()) };
    let repository = Repository::open_or_initialise(site, &password("secret")).await.unwrap();
    let old = back_up(&repository, entries(60, 0)).await.unwrap().id;
    let kept = back_up(&repository, entries(60, 1)).await.unwrap().id;
    let before = store.objects();
    let (forget, witness) = (BTreeSet::from([old]), BTreeSet::from([kept.clone()]));
    store.arm(Fault::None);
    repository.forget_and_prune(forget.clone(), witness.clone()).await.unwrap();
    let calls = store.calls();
    assert!((8..80).contains(&calls), "{calls} calls");
    for fault in (1..=calls).flat_map(faults) {
        store.restore(&before).await;
        store.arm(fault);
        let broken = repository.forget_and_prune(forget.clone(), witness.clone()).await;
        let context = format!("{fault:?}: {:?}", broken.as_ref().map_err(ToString::to_string));
        store.arm(Fault::None);
        // What a dead process leaves locked is free after half an hour.
        ahead.fetch_add(LATER, Ordering::SeqCst);
        assert_sound(&repository, 60, &context).await;
        repository.forget_and_prune(forget.clone(), witness.clone()).await.unwrap();
        assert_sound(&repository, 60, &context).await;
        let left = repository.snapshots().await.unwrap();
        assert_eq!(left.iter().map(|left| &left.id).collect::<Vec<_>>(), [&kept], "{context}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_somebody_is_making_is_waited_for_and_then_reported() {
    let store = Faulty::new();
    open(store.clone()).await.unwrap();
    let mut objects = store.objects();
    objects.retain(|key, _| key.ends_with("/config"));
    store.restore(&objects).await;
    let error = open(store.clone()).await.unwrap_err();
    assert!(matches!(error, Error::BeingInitialised { .. }), "{error}");
    assert!(error.permanence().is_temporary());
    assert_eq!(store.objects(), objects);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_repository_is_left_as_it_is() {
    let store = Faulty::new();
    open(store.clone()).await.unwrap();
    let whole = store.objects();
    for missing in ["/config", "/keys/"] {
        let mut objects = whole.clone();
        objects.retain(|key, _| !key.contains(missing));
        objects.insert(format!("demo/{DIRECTORY}/data/00/{}", "00".repeat(32)), bytes::Bytes::new());
        store.restore(&objects).await;
        store.move_clock(LATER);
        let error = open(store.clone()).await.unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
        assert_eq!(store.objects(), objects);
    }
}

#[tokio::test(start_paused = true)]
async fn a_backup_that_cannot_be_read_back_is_no_backup() {
    let store = Faulty::new();
    let repository = open(store.clone()).await.unwrap();
    store.arm(Fault::Hidden("/index/"));
    let error = back_up(&repository, entries(40, 0)).await.unwrap_err();
    assert!(matches!(error, Error::Engine { .. } | Error::Differs { .. }), "{error}");
    store.arm(Fault::None);
    assert_eq!(repository.snapshots().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_shows_nothing_does_not_make_everything_unused() {
    let store = Faulty::new();
    let repository = open(store.clone()).await.unwrap();
    let kept = back_up(&repository, entries(40, 0)).await.unwrap().id;
    let before = store.objects();
    store.arm(Fault::Hidden("/snapshots/"));
    let error = repository.forget_and_prune(BTreeSet::new(), BTreeSet::from([kept])).await.unwrap_err();
    assert!(matches!(error, Error::Witness { .. }), "{error}");
    assert_eq!(store.objects(), before);
}
