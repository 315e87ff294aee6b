//! From a Secret to a finished Snapshot, and stock restic reads what the cluster was.

use std::collections::BTreeMap;

use crds::storage::Snapshot;
use harness::cluster::Cluster;
use harness::live::{self, Live};
use harness::namespace::Namespace;
use serde_json::Value;

use crate::given;

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_cluster_is_backed_up_object_by_object() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "whole-cluster").await;
    namespace.make(AWKWARD_OBJECTS).await;
    namespace.apply(given::STORAGE).await;
    given::storage_is(&namespace, "minio", "Ready").await;
    namespace.apply(&given::cluster_backup()).await;
    given::a_reader_of_the_cluster(&namespace).await;

    let first = given::session_completed(&namespace, "orders", &[]).await;
    let before = live::everything(&cluster.client).await;
    given::trigger(&namespace, "orders").await;
    let known = vec![first.metadata.name.clone().expect("a name")];
    let session = given::session_completed(&namespace, "orders", &known).await;
    let after = live::everything(&cluster.client).await;

    let snapshot = given::snapshot_of(&namespace, &session).await;
    assert_succeeded(&snapshot);
    let restic = given::restic(&namespace);
    restic.check().await;
    restic.old(&cluster.environment).check().await;
    let stored = restic.files(&restic_id(&snapshot)).await;
    assert_eq!(restic.old(&cluster.environment).files(&restic_id(&snapshot)).await, stored);
    compare((&before, &after), &stored, &namespace.name);
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_second_backup_adds_next_to_nothing() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "unchanged").await;
    // What the backup itself makes in its own namespace changes from run to run, so that another one is backed up.
    let still = Namespace::create(&cluster, "still").await;
    still.make(AWKWARD_OBJECTS).await;
    still.apply(&configuration_maps(30)).await;
    namespace.apply(given::STORAGE).await;
    let of_the_other = given::NAMESPACE_BACKUP
        .replace("kind: Namespace, name: NAMESPACE", &format!("kind: Namespace, name: {}", still.name));
    namespace.apply(&of_the_other).await;
    given::a_reader_of_the_cluster(&namespace).await;
    let first = given::session_completed(&namespace, "orders", &[]).await;
    assert_succeeded(&given::snapshot_of(&namespace, &first).await);
    let before = namespace.bucket().size();

    given::trigger(&namespace, "orders").await;
    let known = vec![first.metadata.name.clone().expect("a name")];
    let second = given::session_completed(&namespace, "orders", &known).await;

    assert_succeeded(&given::snapshot_of(&namespace, &second).await);
    let restic = given::restic(&namespace);
    let ids = restic.snapshot_ids().await;
    assert_eq!(ids.len(), 2);
    assert_eq!(restic.files(&ids[0]).await, restic.files(&ids[1]).await);
    let added = namespace.bucket().size() - before;
    assert!(added * 20 < before, "{added} bytes were added to {before}");
    restic.check().await;
    still.remove().await;
    namespace.remove().await;
}

/// ConfigMaps whose contents no compressor makes vanish.
fn configuration_maps(count: u64) -> String {
    let mut yaml = String::new();
    for number in 0..count {
        yaml.push_str("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: map-");
        yaml.push_str(&number.to_string());
        yaml.push_str(", namespace: NAMESPACE}\ndata: {value: \"");
        for index in 0..400 {
            let mixed = (number * 400 + index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            yaml.push_str(&mixed.to_string());
        }
        yaml.push_str("\"}\n");
    }
    yaml
}

fn assert_succeeded(snapshot: &Snapshot) {
    let status = snapshot.status.as_ref().expect("a status");
    let phase = status.phase.as_ref().map(ToString::to_string);
    assert_eq!(phase.as_deref(), Some("Succeeded"), "{status:#?}");
    assert_eq!(status.integrity, Some(true));
    let component = &status.components["manifest"];
    let summary = component.restic_stats[0].summary.as_ref().expect("a summary");
    assert!(summary.id.as_ref().is_some_and(|id| id.len() == 64));
    let progress = component.restic_stats[0].progress.as_ref().expect("the last progress");
    assert!(progress.percent_done.as_ref().is_some_and(|done| done.starts_with("100")), "{progress:?}");
}

fn restic_id(snapshot: &Snapshot) -> String {
    let status = snapshot.status.as_ref().expect("a status");
    let summary = status.components["manifest"].restic_stats[0].summary.as_ref().expect("a summary");
    summary.id.clone().expect("an id")
}

/// What did not change while the backup ran must be there to the last byte; what changed must be there. Other stories come
/// and go meanwhile, their namespaces with them: the system's own stays, and so does that of this story.
fn compare(
    (before, after): (&BTreeMap<String, Live>, &BTreeMap<String, Live>),
    stored: &BTreeMap<String, Vec<u8>>,
    own: &str,
) {
    let lasting = |path: &str| {
        let of = |namespace: &str| path.contains(&format!("/namespaces/{namespace}/"));
        !path.contains("/namespaces/") || of("kube-system") || of(own)
    };
    let (mut equal, mut all) = (0, 0);
    let mut wrong = Vec::new();
    for (path, live) in before {
        all += usize::from(lasting(path));
        let Some(still) = after.get(path) else { continue };
        let Some(content) = stored.get(path) else {
            wrong.push(format!("{path} is missing"));
            continue;
        };
        if still.resource_version != live.resource_version {
            continue;
        }
        let read: Value =
            serde_saphyr::from_slice(content).unwrap_or_else(|error| Value::String(format!("{error}")));
        if read == live.object {
            equal += usize::from(lasting(path));
        } else {
            wrong.push(format!("{path} differs:\nlive   {}\nstored {read}", live.object));
        }
    }
    assert!(wrong.is_empty(), "{} of {} objects are wrong:\n{}", wrong.len(), before.len(), wrong.join("\n"));
    assert!(equal * 10 > all * 9, "only {equal} of {all} objects could be compared");
    let unknown: Vec<_> = stored
        .keys()
        .filter(|path| lasting(path) && !path.contains(&format!("/namespaces/{own}/")))
        .filter(|path| !before.contains_key(*path) && !after.contains_key(*path))
        .collect();
    assert!(unknown.is_empty(), "stored, but never there: {unknown:?}");
}

/// Strings that YAML readers take for something else, names that sort oddly, and one Kind in two groups.
const AWKWARD_OBJECTS: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: awkward, namespace: NAMESPACE}
data:
  "on": "on"
  tilde: "~"
  hex: "0x1F"
  float: "1e3"
  leading: "007"
  time: "12:30"
  crlf: "a\r\nb\r\n"
  nel: "a\u0085b"
  separators: "a\u2028b\u2029c"
  bom: "\uFEFFbom"
  delete: "\u007f"
  c1: "\u0080\u009f"
  rocket: "\U0001F680"
  spaces: "  two before, two after  "
  newlines: "\n\nlast\n\n"
  empty: ""
binaryData:
  bytes: AAECA/8=
---
apiVersion: v1
kind: ConfigMap
metadata: {name: awkward-a, namespace: NAMESPACE}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: awkward.b, namespace: NAMESPACE}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: "a role:with*odd names..", namespace: NAMESPACE}
rules: []
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: made-by-hand, namespace: NAMESPACE}
addressType: IPv4
endpoints: []
ports: []
"#;
