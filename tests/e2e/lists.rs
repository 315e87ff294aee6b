//! Lists as kubectl's users know them: the same formats, selectors, orders and watches, with kubectl itself as the judge.

use std::time::Duration;

use harness::cluster::Cluster;
use harness::namespace::Namespace;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::given;

const KIND: &str = "retentionpolicies.storage.kubestash.com";

/// Three policies, made at once, with labels and annotations that need care in a path.
async fn policies(cluster: &Cluster, story: &str) -> Namespace {
    let namespace = Namespace::create(cluster, story).await;
    for (name, last, tier) in [("b", 10, "hot"), ("c", 2, "cold"), ("a", 9, "hot")] {
        namespace
            .apply(&format!(
                "apiVersion: storage.kubestash.com/v1alpha1\n\
                 kind: RetentionPolicy\n\
                 metadata: {{name: {name}, namespace: NAMESPACE, labels: {{tier: {tier}, app.kubernetes.io/part-of: shop}}}}\n\
                 spec: {{maxRetentionPeriod: 2mo, successfulSnapshots: {{last: {last}, daily: 3}}}}\n"
            ))
            .await;
    }
    namespace
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_documents_selectors_and_orders_are_those_of_kubectl() {
    let cluster = Cluster::connect().await;
    let namespace = policies(&cluster, "lists").await;
    let same = async |ours: &[&str], flags: &[&str]| {
        let said = given::run(&namespace, &[&["retention"], ours, flags].concat(), "").await;
        assert_eq!(said.code, 0, "{ours:?} {flags:?}: {said:?}");
        let names = if ours[0] == "show" { &ours[1..] } else { &[] };
        let arguments = [&["get", KIND, "-n", &namespace.name], names, flags].concat();
        let judge = cluster.kubectl(&arguments, "").await;
        assert_eq!(judge.code, 0, "{arguments:?}: {judge:?}");
        assert_eq!(said.stdout, judge.stdout, "{ours:?} {flags:?}");
    };
    for template in [
        "{.items[*].metadata.name}",
        "{.items[0].metadata.labels.app\\.kubernetes\\.io/part-of}",
        "{range .items[*]}{.metadata.name}{\"\\t\"}{.spec.successfulSnapshots.last}{'\\n'}{end}",
        "{.items[?(@.metadata.labels.tier==\"hot\")].metadata.name}",
        "{.items[?(@.spec.successfulSnapshots.last>5)].metadata.name}",
        "{.items[-1:].metadata.name}",
        "{.items[1].spec.successfulSnapshots}",
        "{..last}",
        "{.kind} of {.items[0].kind}: {.items[*].nothing}",
        "{$.items[0].metadata.name}{\"{}\"}",
    ] {
        same(&["list"], &["-o", &format!("jsonpath={template}")]).await;
    }
    same(&["show", "a"], &["-o", "jsonpath={.metadata.name}{.spec.maxRetentionPeriod}"]).await;
    same(&["show", "c", "a"], &["-o", "jsonpath={.items[*].metadata.name}"]).await;
    for order in [".metadata.name", "{.spec.successfulSnapshots.last}", ".metadata.uid"] {
        same(&["list"], &["--sort-by", order, "-o", "name"]).await;
    }
    same(&["list"], &["-l", "tier=hot", "-o", "name"]).await;
    same(&["list"], &["-l", "tier notin (hot)", "-o", "name"]).await;
    same(&["list"], &["--field-selector", "metadata.name=c", "-o", "name"]).await;
    same(&["list"], &["-l", "tier=none", "-o", "name"]).await;
    same(&["list"], &["-o", "json"]).await;
    same(&["list"], &["-o", "yaml"]).await;
    same(&["list"], &["-o", "json", "-l", "tier=none"]).await;
    same(&["show", "a"], &["-o", "json"]).await;
    same(&["show", "a", "b"], &["-o", "yaml"]).await;
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_or_the_template_cannot_take_is_told() {
    let cluster = Cluster::connect().await;
    let namespace = policies(&cluster, "lists-wrong").await;
    for (flags, code, told) in [
        (&["--field-selector", "spec.size=3"][..], 2, "does not understand --field-selector 'spec.size=3'"),
        (&["-l", "tier in hot"], 2, "does not understand -l 'tier in hot'"),
        (&["-o", "jsonpath={.items[*}"], 2, "\"[\" is opened and not closed"),
        (&["-o", "jsonpat"], 2, "jsonpath=TEMPLATE"),
        (&["--sort-by", "nam"], 2, "did you mean name?"),
        (&["--sort-by", "size"], 2, "a RetentionPolicy has no size"),
    ] {
        let said = given::run(&namespace, &[&["retention", "list"], flags].concat(), "").await;
        assert_eq!((said.code, said.stdout.as_str()), (code, ""), "{flags:?}: {said:?}");
        assert!(said.stderr.contains(told), "{flags:?}: {said:?}");
    }
    namespace.remove().await;
}

/// The next line of the command.
async fn line(lines: &mut tokio::io::Lines<BufReader<tokio::process::ChildStdout>>) -> String {
    let limit = Duration::from_secs(20);
    let line = tokio::time::timeout(limit, lines.next_line()).await.expect("a line within 20 s");
    line.expect("a pipe").expect("the command goes on")
}

fn interrupt(child: &Child) {
    let id = child.id().expect("it runs");
    let killed = std::process::Command::new("kill").args(["-INT", &id.to_string()]).status();
    assert!(killed.expect("kill runs").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_list_tells_each_change_until_it_is_interrupted() {
    let cluster = Cluster::connect().await;
    let namespace = policies(&cluster, "lists-watch").await;
    let arguments =
        ["retention", "list", "--watch", "--show-labels", "-l", "tier=hot", "-n", &namespace.name];
    let mut child = cluster.plugin.start(&arguments);
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let columns = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(columns(&line(&mut lines).await)[..2], ["NAME", "KEEPS"]);
    assert_eq!(columns(&line(&mut lines).await)[0], "a");
    assert_eq!(columns(&line(&mut lines).await)[0], "b");

    let label = ["label", KIND, "-n", &namespace.name, "--overwrite"];
    cluster.kubectl(&[&label[..], &["a", "more=yes"]].concat(), "").await.assert_success();
    assert!(line(&mut lines).await.contains("more=yes"), "a change is told");
    cluster.kubectl(&[&label[..], &["c", "tier=hot"]].concat(), "").await.assert_success();
    assert_eq!(columns(&line(&mut lines).await)[0], "c", "what becomes selected is told");
    cluster.kubectl(&["delete", KIND, "b", "-n", &namespace.name], "").await.assert_success();
    assert_eq!(columns(&line(&mut lines).await)[0], "b", "what goes is told once more");

    interrupt(&child);
    assert_eq!(lines.next_line().await.expect("a pipe"), None, "nothing more is told");
    assert_eq!(child.wait().await.expect("an end").code(), Some(130));
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_list_ends_well_when_its_reader_has_seen_enough() {
    let cluster = Cluster::connect().await;
    let namespace = policies(&cluster, "lists-pipe").await;
    let mut child = cluster.plugin.start(&["retention", "list", "-w", "-o", "name", "-n", &namespace.name]);
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    assert!(line(&mut lines).await.ends_with("/a"));
    drop(lines);
    cluster.kubectl(&["delete", KIND, "b", "-n", &namespace.name], "").await.assert_success();
    let ended =
        tokio::time::timeout(Duration::from_secs(20), child.wait()).await.expect("an end within 20 s");
    assert_eq!(ended.expect("an end").code(), Some(0));
    namespace.remove().await;
}
