//! Looking into snapshots: only what is asked for is read, each thing once, and a crafted repository harms nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use archive::repository::look::{Leaf, Reader};
use archive::repository::{Error, Repository};

use crate::faulty::{Fault, Faulty};
use crate::support::{ROOT, back_up, entries, entry, memory, open};

async fn reader(repository: Repository) -> Reader {
    Reader::of(repository).await.unwrap()
}

fn paths(leaves: &[Leaf]) -> Vec<&str> {
    leaves.iter().map(|leaf| leaf.path.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn every_file_is_found_and_read_without_a_lock() {
    let store = memory();
    let repository = open(store.clone()).await.unwrap();
    let id = back_up(&repository, entries(300, 0)).await.unwrap().id;
    let locks = |store: &archive::store::Reliable<archive::store::memory::Memory>| {
        store.transport().objects().keys().filter(|key| key.contains("/locks/")).count()
    };
    let before = store.transport().objects().len();
    let reader = reader(repository).await;
    let mut found = reader.files(&[id], ROOT, |_| true).await.unwrap();
    let leaves = found.pop().unwrap();
    assert_eq!(leaves.len(), 300);
    let expected = entries(300, 0);
    assert_eq!(paths(&leaves), expected.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>());
    let contents = leaves.iter().map(|leaf| leaf.content.clone()).collect();
    let read = reader.read(contents, |place, bytes| (place, bytes.to_vec())).await.unwrap();
    for (place, (told, bytes)) in read.iter().enumerate() {
        assert_eq!(*told, place);
        assert_eq!(*bytes, expected[place].content);
    }
    assert_eq!((locks(&store), store.transport().objects().len()), (0, before));
}

#[tokio::test(start_paused = true)]
async fn one_object_of_a_repository_takes_each_request_once() {
    let store = Faulty::new();
    let repository = open(store.clone()).await.unwrap();
    let id = back_up(&repository, entries(300, 0)).await.unwrap().id;
    store.arm(Fault::None);

    let reader = reader(open(store.clone()).await.unwrap()).await;
    let ids = [id];
    let directories = reader.directories(&ids, ROOT).await.unwrap();
    let mut found = reader.files(&ids, ROOT, |_| true).await.unwrap();
    let one = vec![found.pop().unwrap().swap_remove(7).content];
    reader.read(one, |_, bytes| bytes.to_vec()).await.unwrap();

    assert_eq!(directories, ["configmaps"]);
    // config and keys are listed; the key, config, the index and the snapshot are each found and read; the size of the pack
    // with the directories, that pack, and the object.
    assert_eq!(store.calls(), 11);
}

#[tokio::test(start_paused = true)]
async fn what_did_not_change_is_known_by_its_content_without_being_read() {
    let repository = open(memory()).await.unwrap();
    let old = back_up(&repository, entries(300, 0)).await.unwrap().id;
    let new = back_up(&repository, entries(300, 1)).await.unwrap().id;
    let reader = reader(repository).await;
    let found = reader.files(&[old, new], ROOT, |_| true).await.unwrap();
    let [old, new] = found.as_slice() else { unreachable!() };
    let changed: Vec<&str> = old
        .iter()
        .zip(new)
        .filter(|(old, new)| old.content != new.content)
        .map(|(old, _)| old.path.as_str())
        .collect();
    assert_eq!(
        changed,
        [
            "configmaps/namespaces/ns-00/object-000000.yaml",
            "configmaps/namespaces/ns-03/object-000100.yaml",
            "configmaps/namespaces/ns-06/object-000200.yaml",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_declined_is_not_entered() {
    let repository = open(memory()).await.unwrap();
    let files = vec![
        entry("configmaps/namespaces/a/x.yaml", "1"),
        entry("configmaps/namespaces/b/x.yaml", "2"),
        entry("pods/namespaces/a/x.yaml", "3"),
    ];
    let id = back_up(&repository, files).await.unwrap().id;
    let reader = reader(repository).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let wanted = "configmaps/namespaces/b/x.yaml";
    let enter = move |path: &str| {
        counted.fetch_add(1, Ordering::SeqCst);
        wanted == path || wanted.starts_with(&format!("{path}/"))
    };
    let found = reader.files(std::slice::from_ref(&id), ROOT, enter).await.unwrap();
    assert_eq!(paths(&found[0]), [wanted]);
    // configmaps, pods, namespaces, a, b, x.yaml
    assert_eq!(asked.load(Ordering::SeqCst), 6);
    assert_eq!(reader.directories(&[id], ROOT).await.unwrap(), ["configmaps", "pods"]);
}

#[tokio::test(start_paused = true)]
async fn the_same_content_is_given_wherever_it_is_asked_for() {
    let repository = open(memory()).await.unwrap();
    let large = "x".repeat(9 * 1024 * 1024);
    let files =
        vec![entry("a.yaml", "same"), entry("b.yaml", "same"), entry("c.yaml", ""), entry("d.yaml", &large)];
    let id = back_up(&repository, files).await.unwrap().id;
    let reader = reader(repository).await;
    let leaves = reader.files(&[id], ROOT, |_| true).await.unwrap().remove(0);
    assert_eq!(leaves[0].content, leaves[1].content);
    let contents = leaves.iter().map(|leaf| leaf.content.clone()).collect();
    let read = reader.read(contents, |_, bytes| String::from_utf8(bytes.to_vec()).unwrap()).await.unwrap();
    assert_eq!(read, ["same", "same", "", &large]);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_or_root_that_is_not_there_is_named() {
    let repository = open(memory()).await.unwrap();
    let id = back_up(&repository, entries(3, 0)).await.unwrap().id;
    let reader = reader(repository).await;
    for (id, root, named) in [
        ("0".repeat(64), ROOT, "snapshot \"000"),
        ("latest".to_owned(), ROOT, "latest"),
        (id, "/x", "\"/x\""),
    ] {
        let error = reader.files(&[id], root, |_| true).await.unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{error}");
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn data_that_is_gone_or_damaged_is_an_error_and_no_short_answer() {
    for damage in [true, false] {
        let store = memory();
        let repository = open(store.clone()).await.unwrap();
        let id = back_up(&repository, entries(50, 0)).await.unwrap().id;
        let reader = reader(repository).await;
        let leaves = reader.files(&[id], ROOT, |_| true).await.unwrap().remove(0);
        let packs: Vec<String> =
            store.transport().objects().keys().filter(|key| key.contains("/data/")).cloned().collect();
        for pack in packs {
            let key = pack.strip_prefix("demo/").unwrap_or(&pack).to_owned();
            spoil(&*store, &key, damage).await;
        }
        let contents = leaves.iter().map(|leaf| leaf.content.clone()).collect();
        let error = reader.read(contents, |_, bytes| bytes.len()).await.unwrap_err();
        assert!(!error.to_string().is_empty());
    }
}

/// Deletes an object, or overwrites it with as many other bytes.
async fn spoil(store: &dyn archive::store::ObjectStore, key: &str, damage: bool) {
    if damage {
        let size = store.get(key).await.unwrap().content.len();
        let content = bytes::Bytes::from(vec![7; size]);
        store.put(key, content, "application/octet-stream", archive::store::Condition::Always).await.unwrap();
    } else {
        store.delete(key).await.unwrap();
    }
}
