//! The judge of a restore: a cluster as people have them is backed up and restored into a fresh second one, and the two
//! API servers are compared object by object. A program of its own, after the stories: nothing else happens meanwhile.

use std::collections::BTreeSet;
use std::time::Duration;

use crds::core::BackupSession;
use crds::storage::Snapshot;
use crds::storage::snapshot::SnapshotPhase;
use harness::cluster::Cluster;
use harness::landscape::{self, LABEL, NAMESPACES};
use harness::live::{self, Live};
use harness::namespace::Namespace;
use harness::restoration::{self, Restored, Wish};
use harness::same::{World, compare};
use harness::second::Second;
use harness::wait;

const LONG: Duration = Duration::from_mins(5);
/// The garbage collector looks at every new object within a minute, and removes those whose owners never were.
const COLLECTION: Duration = Duration::from_secs(75);

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_cluster_comes_back_in_a_fresh_one() {
    let first = Cluster::connect().await;
    landscape::remove(&first.client).await;
    landscape::make(&first.client).await;
    let before = live::everything(&first.client).await;
    assert_landscape(&before);
    let backups = Namespace::create(&first, "recall").await;
    let snapshot = back_up(&backups).await;

    let second = Second::boot(&first.environment).await;
    let into = Namespace::named(&second.cluster, &backups.name).await;
    into.apply(include_str!("backup.yaml")).await;
    // It comes from the bucket: first itself, then its status.
    wait::until(into.api::<Snapshot>(), &snapshot, LONG, |snapshot| {
        let phase =
            snapshot.and_then(|snapshot| snapshot.status.as_ref()?.phase).ok_or("it has no phase yet")?;
        if phase == SnapshotPhase::Succeeded { Ok(()) } else { Err(format!("phase is {phase}")) }
    })
    .await;
    let restored = restore(&into, &snapshot).await;
    assert!(restored.of("create").len() > 600, "{:#}", restored.session);
    landscape::settled(&second.cluster.client).await;
    tokio::time::sleep(COLLECTION).await;

    let after = live::everything(&second.cluster.client).await;
    let comparison = compare(&before, &after, is_of_the_landscape);
    assert!(comparison.is_perfect(), "{comparison}");
    println!("{comparison}");
    into.remove().await;
    backups.remove().await;
    landscape::remove(&first.client).await;
}

/// Restores the landscape by the plugin: all that was asked for is shown beforehand, and done.
async fn restore(namespace: &Namespace, snapshot: &str) -> Restored {
    let line = format!(
        "restore create {snapshot} --name everything -n {} --include-namespaces {} --include-cluster-resources \
         --include-rbac --include-webhooks --restore-pvs --service-account restorer --yes",
        namespace.name,
        NAMESPACES.join(",")
    );
    let words: Vec<&str> = line.split_whitespace().collect();
    let said = namespace.cluster.plugin.run(&words).await;
    said.assert_success();
    let wish =
        Wish { name: "everything", repository: "cluster", snapshot, account: "restorer", parameters: &[] };
    let restored = restoration::over(namespace, &wish).await;
    restored.assert_success();
    restored
}

/// All that the landscape's namespaces hold, and what it has outside of namespaces.
fn is_of_the_landscape(path: &str, live: &Live) -> bool {
    let mut parts = path.split('/').skip(1);
    match (parts.next(), parts.next()) {
        (Some("namespaces"), Some(namespace)) => NAMESPACES.contains(&namespace),
        _ => live.object["metadata"]["labels"].get(LABEL).is_some(),
    }
}

/// The size that is promised: what is compared must not shrink unseen.
fn assert_landscape(world: &World) {
    let of_it: Vec<&String> =
        world.iter().filter(|(path, live)| is_of_the_landscape(path, live)).map(|(path, _)| path).collect();
    let kinds: BTreeSet<&str> = of_it.iter().filter_map(|path| path.split('/').next()).collect();
    let definitions = of_it.iter().filter(|path| path.starts_with("customresourcedefinitions.")).count();
    let told = format!("{} objects of {} types, {definitions} definitions", of_it.len(), kinds.len());
    assert!(of_it.len() >= 600 && kinds.len() >= 60 && definitions >= 30, "{told}: {kinds:?}");
    println!("{told}");
}

/// Backs the whole cluster up, and returns the name of the Snapshot.
async fn back_up(namespace: &Namespace) -> String {
    namespace.apply(include_str!("backup.yaml")).await;
    namespace.apply(include_str!("configuration.yaml")).await;
    let session = wait::until_any(namespace.api::<BackupSession>(), "the backup's end", LONG, |session| {
        session.status.as_ref()?.phase.as_ref()?.is_completed().then(|| session.clone())
    })
    .await;
    let status = session.status.as_ref();
    let phase = status.and_then(|status| status.phase.as_ref()).map(ToString::to_string);
    assert_eq!(phase.as_deref(), Some("Succeeded"), "{session:#?}");
    let snapshot = status.and_then(|status| status.snapshots.first());
    snapshot.map(|snapshot| snapshot.name.clone()).expect("the session lists its Snapshot")
}
