//! Keys and locks as a person at a terminal looks at them: in memory, and with stock restic as the judge elsewhere.

use archive::repository::{Error, Repository};

use crate::support::{back_up, entries, memory, open, password, site};

#[tokio::test]
async fn a_second_password_opens_the_repository_until_it_is_removed() {
    let store = memory();
    let repository = open(store.clone()).await.unwrap();
    back_up(&repository, entries(3, 0)).await.unwrap();
    let id = repository.add_key(&password("second"), "ann", "laptop").await.unwrap();
    let keys = repository.keys().await.unwrap();
    assert_eq!(keys.len(), 2);
    let added = keys.iter().find(|key| key.id == id).unwrap();
    assert_eq!((added.user.as_str(), added.host.as_str(), added.current), ("ann", "laptop", false));
    assert!(added.created.is_some());

    let second = Repository::open(site(store.clone()), &password("second")).await.unwrap();
    assert_eq!(second.snapshots().await.unwrap().len(), 1);
    assert!(second.keys().await.unwrap().iter().any(|key| key.current && key.id == id));

    repository.remove_key(&id).await.unwrap();
    let refused = Repository::open(site(store), &password("second")).await.unwrap_err();
    assert!(matches!(refused, Error::WrongPassword { .. }), "{refused}");
}

#[tokio::test]
async fn the_key_in_use_stays_and_an_unknown_one_is_told() {
    let repository = open(memory()).await.unwrap();
    let own = repository.keys().await.unwrap()[0].id.clone();
    assert!(matches!(repository.remove_key(&own).await, Err(Error::KeyInUse { .. })));
    repository.add_key(&password("second"), "ann", "laptop").await.unwrap();
    assert!(matches!(repository.remove_key(&own).await, Err(Error::KeyInUse { .. })));
    assert!(matches!(repository.remove_key(&"0".repeat(64)).await, Err(Error::NotFound { .. })));
    assert_eq!(repository.keys().await.unwrap().len(), 2);
}

#[tokio::test]
async fn locks_are_seen_and_discarded_damaged_ones_too() {
    let store = memory();
    let repository = open(store.clone()).await.unwrap();
    let held = repository.lock(archive::lock::Mode::Exclusive).await.unwrap();
    let path = format!("{}/locks/{}", crate::support::DIRECTORY, "ab".repeat(32));
    let store: std::sync::Arc<dyn archive::store::ObjectStore> = store;
    store
        .put(&path, bytes::Bytes::from_static(b"no lock"), "", archive::store::Condition::Always)
        .await
        .unwrap();
    let found = repository.locks().await.unwrap();
    assert_eq!(found.len(), 2);
    let (whole, damaged): (Vec<_>, Vec<_>) = found.iter().partition(|lock| lock.content.is_ok());
    let content = whole[0].content.as_ref().unwrap();
    assert_eq!((content.exclusive, content.hostname.as_str()), (true, "backup-pod"));
    assert_eq!(damaged[0].file, "ab".repeat(32));

    for lock in &found {
        repository.discard_lock(&lock.file).await.unwrap();
    }
    assert_eq!(repository.locks().await.unwrap(), []);
    held.release().await.unwrap();
}
