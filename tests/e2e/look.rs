//! Looking inside: what a snapshot holds, what changed and when, read straight from the bucket with a person's own rights.

use std::collections::BTreeMap;
use std::path::Path;

use harness::cluster::Cluster;
use harness::namespace::Namespace;
use harness::plugin::Said;
use serde_json::Value;

use crate::given::{self, plugin};
use crate::wizard::Desk;

/// What no output may hold, as it is and as Secrets store it.
const MARKERS: [&str; 4] = ["first-m4rker", "Zmlyc3QtbTRya2Vy", "second-m4rker", "c2Vjb25kLW00cmtlcg=="];

const APPLICATION: &str = r"
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: NAMESPACE, labels: {app: orders, tier: web}}
spec:
  replicas: 0
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec: {containers: [{name: orders, image: 'orders:1.9'}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: orders-config, namespace: NAMESPACE}
data: {MODE: fast}
---
apiVersion: v1
kind: Secret
metadata: {name: orders-db, namespace: NAMESPACE}
stringData: {password: first-m4rker}
";

/// Three backups: the application; another image, another password and one ConfigMap more; that ConfigMap gone again.
async fn three_backups(story: &str) -> Namespace {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, story).await;
    namespace.apply(APPLICATION).await;
    given::a_first_backup(&namespace).await;
    let changed = APPLICATION.replace("orders:1.9", "orders:2.0").replace("first-m4rker", "second-m4rker");
    namespace.apply(&changed).await;
    let extra =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra, namespace: NAMESPACE}\ndata: {a: b}\n";
    namespace.apply(extra).await;
    another(&namespace).await;
    let gone = ["delete", "configmap", "extra", "-n", &namespace.name];
    cluster.kubectl(&gone, "").await;
    another(&namespace).await;
    namespace
}

async fn another(namespace: &Namespace) {
    let session = given::another_session(namespace, "orders").await;
    assert_eq!(given::phase(&session), "Succeeded", "{session:#?}");
}

/// Runs a line that ends with this code, and has no secret in what it says.
async fn ends(namespace: &Namespace, line: &str, code: i32) -> Said {
    let said = plugin(namespace, line, "").await;
    assert_eq!(said.code, code, "{line}: {said:?}");
    for marker in MARKERS {
        assert!(!said.stdout.contains(marker) && !said.stderr.contains(marker), "{line} tells {marker}");
    }
    said
}

/// The words of every line below the header.
fn rows(said: &Said) -> Vec<Vec<&str>> {
    said.stdout.lines().skip(1).map(|line| line.split_whitespace().collect()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_snapshot_holds_is_listed_and_printed_as_restic_has_it() {
    let namespace = three_backups("look-ls").await;
    let name = namespace.name.as_str();
    let listed = ends(&namespace, "snapshot ls latest deploy cm/orders-config secrets", 0).await;
    let found: Vec<[&str; 3]> = rows(&listed).iter().map(|row| [row[0], row[1], row[2]]).collect();
    for object in [["configmaps", "orders-config"], ["deployments.apps", "orders"], ["secrets", "orders-db"]]
    {
        assert!(found.contains(&[name, object[0], object[1]]), "{object:?}: {found:?}");
    }
    assert!(listed.stderr.contains("from the cluster (port-forward to pod s3-"), "{}", listed.stderr);
    let labelled = ends(&namespace, "snapshot ls latest -l app=orders,tier!=db -o name", 0).await;
    assert_eq!(labelled.stdout.lines().next(), Some("deployments.apps/orders"), "{labelled:?}");
    assert!(labelled.stdout.lines().all(|line| line.contains("apps/orders")), "{labelled:?}");
    let path = ends(&namespace, "snapshot ls latest:/deployments.apps -R", 0).await;
    assert!(path.stdout.ends_with(&format!("namespaces/{name}/orders.yaml\n")), "{path:?}");

    // As restic has it, file by file.
    let restic = given::restic(&namespace).files("latest").await;
    let all: Value = serde_json::from_str(&ends(&namespace, "snapshot ls latest -A -o json", 0).await.stdout)
        .expect("a List");
    let mut paths: Vec<&str> =
        all["items"].as_array().expect("items").iter().filter_map(|item| item["path"].as_str()).collect();
    paths.sort_unstable();
    let root = "/kubestash-tmp/manifest/";
    let mut expected: Vec<String> = restic.keys().map(|path| format!("{root}{path}")).collect();
    expected.sort_unstable();
    assert_eq!(paths, expected);
    let printed = ends(&namespace, "snapshot cat latest:deployment/orders", 0).await;
    let stored = restic.get(&format!("deployments.apps/namespaces/{name}/orders.yaml"));
    assert_eq!(stored.map(Vec::as_slice), Some(printed.stdout.as_bytes()));
    let line = "snapshot cat latest deploy/orders,secret/orders-db -o jsonpath={.items[*].metadata.name}";
    assert_eq!(ends(&namespace, line, 0).await.stdout, "orders orders-db");
    let hidden = ends(&namespace, "snapshot cat latest~2:secret/orders-db", 0).await;
    assert!(hidden.stdout.contains("password: <hidden>") && hidden.stderr.contains("--show-secrets"));
    let shown = plugin(&namespace, "snapshot cat latest~2:secret/orders-db --show-secrets", "").await;
    assert!(shown.stdout.contains("Zmlyc3QtbTRya2Vy"), "{shown:?}");
    let typo = ends(&namespace, "snapshot cat latest:deploy/oders", 4).await;
    assert!(typo.stderr.contains("did you mean deploy/orders?"), "{typo:?}");
    // Nobody else's work is held up by looking.
    assert!(ends(&namespace, "unlock orders", 0).await.stderr.contains("No locks"));
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_and_when_is_told_without_secrets() {
    let namespace = three_backups("look-diff").await;
    let name = namespace.name.as_str();
    let patch = ends(&namespace, "snapshot diff latest~2 latest", 1).await.stdout;
    for line in ["-      - image: orders:1.9", "+      - image: orders:2.0", "+  password: <hidden, changed>"]
    {
        assert!(patch.contains(line), "{line}: {patch}");
    }
    assert!(patch.contains(&format!(
        "M  deployments.apps/{name}/orders   spec.template.spec.containers[orders].image\n"
    )));
    let stat = ends(&namespace, "snapshot diff latest~1 latest --stat", 1).await.stdout;
    let words: Vec<&str> = stat.lines().next().unwrap_or_default().split_whitespace().collect();
    assert_eq!(words, ["-", name, "configmaps/extra", "removed"], "{stat}");
    assert!(ends(&namespace, "snapshot diff latest~1 latest deploy", 0).await.stdout.starts_with("=  "));
    // The cluster is as the last backup has it, until somebody changes it.
    let same = ends(&namespace, "snapshot diff latest --live deploy cm secret", 0).await;
    assert!(same.stdout.starts_with("=  "), "{same:?}");
    let slow = APPLICATION.replace("orders:1.9", "orders:2.0").replace("fast", "slow");
    namespace.apply(&slow.replace("first-m4rker", "second-m4rker")).await;
    let gone = ["delete", "deployment", "orders", "-n", name];
    namespace.cluster.kubectl(&gone, "").await;
    let live: Value = serde_json::from_str(
        &ends(&namespace, "snapshot diff latest --live deploy cm secret -o json", 1).await.stdout,
    )
    .expect("JSON");
    let changes: Vec<String> = live["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|change| format!("{} {}", change["change"], change["name"]))
        .collect();
    assert_eq!(changes, ["\"modified\" \"orders-config\"", "\"removed\" \"orders\""], "{live:#}");

    let told = ends(&namespace, "history deploy/orders", 0).await;
    let changes: Vec<String> = rows(&told).iter().map(|row| row[2..].join(" ")).collect();
    assert_eq!(changes, ["image orders:1.9 -> orders:2.0", "first seen"], "{told:?}");
    let extra = ends(&namespace, "history cm/extra", 0).await;
    let changes: Vec<String> = rows(&extra).iter().map(|row| row[2..].join(" ")).collect();
    assert_eq!(changes, ["deleted", "first seen"], "{extra:?}");
    let secret = ends(&namespace, "history secret/orders-db -p", 0).await.stdout;
    assert!(secret.contains("password: <hidden, changed>"), "{secret}");
    let limited = ends(&namespace, "history deploy/orders --limit 1 -o json", 0).await.stdout;
    let limited: Value = serde_json::from_str(&limited).expect("JSON");
    assert_eq!(limited["changes"][0]["fields"][0]["after"], "orders:2.0", "{limited:#}");

    for (line, expected) in [
        ("snapshot find orders --kind deploy", vec!["deployments.apps", "orders", "3"]),
        ("snapshot find ext*", vec!["configmaps", "extra", "1"]),
        ("snapshot find --image orders:1.9 --kind deploy", vec!["deployments.apps", "orders", "1"]),
        ("snapshot find --text MODE --kind cm", vec!["configmaps", "orders-config", "3"]),
        ("snapshot find -l tier=web", vec!["deployments.apps", "orders", "3"]),
    ] {
        let found = ends(&namespace, line, 0).await;
        assert_eq!(
            rows(&found).iter().map(|row| row[1..4].to_vec()).collect::<Vec<_>>(),
            [expected],
            "{line}"
        );
    }
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_copied_whole_and_nothing_is_replaced() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "look-download").await;
    namespace.apply(APPLICATION).await;
    given::a_first_backup(&namespace).await;
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().display().to_string();
    let line = format!("download latest --destination {place}");
    ends(&namespace, &line, 0).await;
    let snapshot =
        std::fs::read_dir(folder.path()).expect("a folder").next().expect("one").expect("one").path();
    let mut found = BTreeMap::new();
    read(&snapshot.join("manifest/kubestash-tmp/manifest"), "", &mut found);
    assert_eq!(found, given::restic(&namespace).files("latest").await);
    let refused = ends(&namespace, &line, 2).await;
    assert!(refused.stderr.contains("KS054") && refused.stderr.contains("--overwrite"), "{refused:?}");
    ends(&namespace, &format!("{line} --overwrite"), 0).await;
    let archive = format!("snapshot download latest:deploy/orders -o tar --destination {place}");
    assert!(ends(&namespace, &archive, 0).await.stderr.contains("1 file "));
    let tree = ends(&namespace, "manifest-view --snapshot latest --include-resources deployments", 0).await;
    assert!(tree.stdout.ends_with("└─ orders.yaml\n") && tree.stdout.starts_with(".\n"), "{tree:?}");
    // Only pods reach this bucket.
    let local = ends(&namespace, "snapshot ls latest --from local", 4).await;
    assert!(local.stderr.contains("KS022") && local.stderr.contains("from this machine"), "{local:?}");
    namespace.remove().await;
}

/// A name for the S3 server that only pods know, and behind which no port can be forwarded: nothing says which pods it has.
const OUTSIDE: &str = r"
apiVersion: v1
kind: Service
metadata: {name: outside, namespace: NAMESPACE}
spec: {clusterIP: None, ports: [{name: s3, port: 7070}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: outside, namespace: NAMESPACE, labels: {kubernetes.io/service-name: outside}}
addressType: IPv4
ports: [{name: s3, port: 7070, protocol: TCP}]
endpoints: [{addresses: [ADDRESS]}]
";

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_only_pods_reach_is_read_through_the_operators_pod() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "look-relay").await;
    let pod = [
        "get",
        "pods",
        "-n",
        "storage",
        "-l",
        "app.kubernetes.io/name=s3",
        "-o",
        "jsonpath={.items[0].status.podIP}",
    ];
    let pod = cluster.kubectl(&pod, "").await;
    assert!(!pod.stdout.is_empty(), "{pod:?}");
    namespace.apply(&OUTSIDE.replace("ADDRESS", &pod.stdout)).await;
    namespace.apply(APPLICATION).await;
    let endpoint = format!("http://outside.{}.svc:7070", namespace.name);
    given::a_first_backup_at(&namespace, &endpoint).await;

    for from in ["auto", "cluster"] {
        let listed = ends(&namespace, &format!("snapshot ls latest deploy --from {from}"), 0).await;
        assert!(listed.stderr.contains("from the cluster (through the operator's pod "), "{listed:?}");
        assert!(listed.stdout.contains("orders"), "{listed:?}");
    }
    let printed = ends(&namespace, "snapshot cat latest:deploy/orders", 0).await;
    assert!(printed.stdout.contains("image: orders:1.9"), "{printed:?}");
    let local = ends(&namespace, "snapshot ls latest --from local", 4).await;
    assert!(local.stderr.contains("from this machine"), "{local:?}");
    namespace.remove().await;
}

fn read(folder: &Path, below: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let place = if below.is_empty() { name } else { format!("{below}/{name}") };
        if path.is_dir() {
            read(&path, &place, found);
        } else {
            found.insert(place, std::fs::read(&path).expect("a file"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_the_cluster_is_looked_into_from_any_namespace_and_paged_on_a_terminal() {
    let cluster = Cluster::connect().await;
    let application = Namespace::create(&cluster, "look-far").await;
    application.apply(APPLICATION).await;
    let backups = Namespace::create(&cluster, "look-backups").await;
    backups.apply(given::STORAGE).await;
    given::a_reader_of_the_cluster(&backups).await;
    backups.apply(&given::cluster_backup()).await;
    given::session_completed(&backups, "orders", &[]).await;
    let place = backups.name.as_str();
    let listed = ends(&application, &format!("snapshot ls {place}/latest deploy"), 0).await;
    let row = rows(&listed).first().map(|row| row[..3].join(" "));
    assert_eq!(row, Some(format!("{} deployments.apps orders", application.name)), "{listed:?}");
    let everything =
        ends(&application, &format!("snapshot ls {place}/latest -A namespaces -o name"), 0).await;
    assert!(everything.stdout.contains("namespaces/kube-system\n"), "{everything:?}");
    ends(&application, &format!("snapshot diff {place}/latest --live deploy,cm"), 0).await;
    let desk = Desk::of(backups);
    let words = ["snapshot", "ls", "latest", "-A", "ns"];
    let mut terminal = desk.sit_down(&words, &[("PAGER", "sed s/^/paged:/")], 100);
    terminal.expect("paged:");
    assert_eq!(terminal.ended().code(), Some(0), "{}", terminal.text());
    let mut terminal = desk.sit_down(&words, &[("PAGER", "false"), ("KUBESTASH_PAGER", "cat")], 100);
    terminal.expect("kube-system");
    assert_eq!(terminal.ended().code(), Some(0), "{}", terminal.text());
    application.remove().await;
    desk.namespace.remove().await;
}
