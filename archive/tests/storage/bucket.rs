//! The files that describe a storage.

use archive::bucket::{
    delete_snapshot, initialise, read_meta, read_repository, read_snapshots, update_meta, write_repository,
    write_snapshot,
};
use archive::store::{Condition, ObjectStore, content_type, delete_prefix};
use bytes::Bytes;
use crds::storage::backup_storage::RepositoryInfo;
use crds::storage::{Repository, RepositorySpec, Snapshot, SnapshotSpec};

use crate::support::{memory, now};

fn text(store: &archive::store::Reliable<archive::store::memory::Memory>, key: &str) -> String {
    String::from_utf8(store.transport().objects()[key].to_vec()).unwrap()
}

fn repositories(path: &str) -> Vec<RepositoryInfo> {
    let info = RepositoryInfo {
        name: "app".to_owned(),
        namespace: "demo".to_owned(),
        path: path.to_owned(),
        ..RepositoryInfo::default()
    };
    vec![info]
}

#[tokio::test]
async fn a_storage_is_marked_once_and_an_existing_mark_is_adopted() {
    let store = memory();
    assert_eq!(read_meta(store.as_ref()).await.unwrap(), None);
    let first = initialise(store.as_ref(), "v0.1.0", "2026-01-01T00:00:00Z".parse().unwrap()).await.unwrap();
    let yaml = text(&store, "demo/metadata.yaml");
    assert_eq!(
        yaml,
        "apiVersion: config.kubestash.com/v1alpha1\ncreationTimestamp: \"2026-01-01T00:00:00Z\"\n\
         kind: BackendMeta\noperatorVersion: v0.1.0\n"
    );
    let second = initialise(store.as_ref(), "v9", now()).await.unwrap();
    assert_eq!(second, first);
    assert_eq!(text(&store, "demo/metadata.yaml"), yaml);
}

#[tokio::test]
async fn two_operators_that_mark_at_once_agree() {
    let store = memory();
    let marks = futures::future::join_all(
        ["v1", "v2", "v3"].map(|version| initialise(store.as_ref(), version, now())),
    )
    .await;
    let marks: Vec<_> = marks.into_iter().map(Result::unwrap).collect();
    assert!(marks.iter().all(|mark| *mark == marks[0]), "{marks:?}");
}

#[tokio::test]
async fn a_new_list_of_repositories_keeps_when_the_storage_was_made() {
    let store = memory();
    let mut wanted = initialise(store.as_ref(), "v1", "2026-01-01T00:00:00Z".parse().unwrap()).await.unwrap();
    let made = wanted.creation_timestamp.clone();
    wanted.repositories = repositories("/demo/app");
    wanted.operator_version = Some("v2".to_owned());
    assert!(update_meta(store.as_ref(), &wanted).await.unwrap());
    assert!(!update_meta(store.as_ref(), &wanted).await.unwrap());
    let read = read_meta(store.as_ref()).await.unwrap().unwrap();
    assert_eq!((read.creation_timestamp, read.operator_version.as_deref()), (made, Some("v1")));
    assert_eq!(read.repositories, repositories("/demo/app"));
}

#[tokio::test]
async fn a_mark_that_is_no_yaml_is_an_error_and_stays() {
    let store = memory();
    let rubbish = Bytes::from_static(b"{{{");
    store.put("metadata.yaml", rubbish, content_type::YAML, Condition::Always).await.unwrap();
    let error = initialise(store.as_ref(), "v1", now()).await.unwrap_err();
    assert!(error.to_string().contains("metadata.yaml"), "{error}");
    assert_eq!(text(&store, "demo/metadata.yaml"), "{{{");
}

#[tokio::test]
async fn repository_and_snapshots_lie_below_its_path_and_come_back() {
    let store = memory();
    let repository = Repository::new("app", RepositorySpec::default());
    assert!(read_repository(store.as_ref(), "/demo/app").await.unwrap().is_none());
    write_repository(store.as_ref(), "/demo/app", &repository).await.unwrap();
    let read = read_repository(store.as_ref(), "demo/app/").await.unwrap().unwrap();
    assert_eq!(read.metadata.name.as_deref(), Some("app"));

    for name in ["app-1", "app-2"] {
        let snapshot = Snapshot::new(name, SnapshotSpec::default());
        write_snapshot(store.as_ref(), "demo/app", name, &snapshot).await.unwrap();
    }
    // A directory marker, a sidecar and a file that somebody broke.
    for (key, content) in [("", ""), ("app-1.yaml.attrs", "{}"), ("broken.yaml", "- a")] {
        let (key, content) = (format!("demo/app/snapshots/{key}"), Bytes::from(content));
        store.put(&key, content, content_type::YAML, Condition::Always).await.unwrap();
    }
    let snapshots = read_snapshots(store.as_ref(), "/demo/app").await.unwrap();
    let names: Vec<Option<String>> =
        snapshots.iter().map(|read| read.as_ref().ok().and_then(|read| read.metadata.name.clone())).collect();
    assert_eq!(names, [Some("app-1".to_owned()), Some("app-2".to_owned()), None]);
    delete_snapshot(store.as_ref(), "demo/app", "app-1").await.unwrap();
    assert_eq!(read_snapshots(store.as_ref(), "demo/app").await.unwrap().len(), 2);
}

#[tokio::test]
async fn wiping_a_directory_leaves_its_neighbours() {
    let store = memory();
    let keys: Vec<String> = (0..250).map(|number| format!("demo/app/data/{number:03}")).collect();
    for key in keys.iter().map(String::as_str).chain(["demo/app2/x", "demo/ap"]) {
        store.put(key, Bytes::new(), content_type::BINARY, Condition::Always).await.unwrap();
    }
    assert_eq!(delete_prefix(store.as_ref(), "demo/app/").await.unwrap(), 250);
    let left: Vec<String> = store.list("").await.unwrap().into_iter().map(|object| object.key).collect();
    assert_eq!(left, ["demo/ap", "demo/app2/x"]);
}
