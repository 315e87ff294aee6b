//! A person at a terminal who watches a backup: what is drawn, what stays, and that the terminal is theirs again however
//! it ends. The questions that a terminal makes possible are in [`questions`].

mod locked;
mod questions;

use std::collections::BTreeMap;

use harness::cluster::Cluster;
use harness::namespace::Namespace;
use harness::pty::{INTERRUPT, QUIT, SUSPEND, Terminal};
use k8s_openapi::api::core::v1::{Node, ResourceQuota};
use kube::ResourceExt as _;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::given;
use crate::wizard::Desk;

/// A namespace with a storage and a backup `orders` that ran once.
async fn backed_up(story: &str) -> Desk {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, story).await;
    given::a_first_backup(&namespace).await;
    Desk::of(namespace)
}

/// The line at a terminal of 100 columns.
fn typed(desk: &Desk, line: &str) -> Terminal {
    desk.sit_down(&line.split_whitespace().collect::<Vec<_>>(), &[], 100)
}

/// Nothing of what was redrawn is left, and the terminal is as it was before.
fn left_alone(terminal: &Terminal) {
    let screen = terminal.screen();
    assert!(terminal.is_as_found(), "{}", terminal.text());
    assert!(screen.has_cursor, "the cursor is hidden: {:?}", terminal.raw());
    for drawn in ["●", "○", "Ctrl-C"] {
        assert!(!screen.text.contains(drawn), "{drawn} stays on the screen:\n{}", screen.text);
    }
}

/// The frames that were ever drawn, whole ones, as the lines of their screen from the title on.
fn frames(terminal: &Terminal) -> Vec<Vec<String>> {
    let whole = terminal.screens().into_iter().filter_map(|screen| {
        let begin = screen.find("Backup ")?;
        let frame: Vec<String> = screen[begin..].lines().map(|line| line.trim_end().to_owned()).collect();
        frame.last().is_some_and(|last| last.contains("Ctrl-C")).then_some(frame)
    });
    whole.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_backup_is_drawn_in_place_and_only_its_end_stays() {
    let desk = backed_up("terminal-watch").await;
    for (columns, variables) in [(100, vec![]), (40, vec![("NO_COLOR", "1")])] {
        let mut terminal = desk.sit_down(&["trigger", "orders", "--watch"], &variables, columns);
        terminal.expect(" created");
        terminal.expect("● ");
        assert!(!terminal.screen().has_cursor, "a cursor that jumps about");
        terminal.expect("Ctrl-C");
        terminal.expect("✔ prepared");
        terminal.expect("reading and storing");
        terminal.expect(&format!("✔ backup {}/orders succeeded in ", desk.namespace.name));
        terminal.expect("  stored");
        assert_eq!(terminal.ended().code(), Some(0), "{}", terminal.text());
        left_alone(&terminal);
        let screen = terminal.screen().text.replace('\n', "");
        for stays in ["snapshot  orders-", "added", "next"] {
            assert!(screen.contains(stays), "{stays}: {screen}");
        }
        let frames = frames(&terminal);
        assert!(frames.len() > 5, "{frames:#?}");
        for frame in &frames {
            // A line that does not fit would go on at the beginning of the next one.
            let fits = |line: &String| line.starts_with("  ") && line.chars().count() < usize::from(columns);
            assert!(frame[0].starts_with("Backup ") && frame[1..].iter().all(fits), "{frame:#?}");
        }
        assert_eq!(
            terminal.raw().contains("\u{1b}[3"),
            variables.is_empty(),
            "colours: {:?}",
            terminal.raw()
        );
    }
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_redrawn_lines_with_their_time_are_told() {
    let desk = backed_up("terminal-plain").await;
    let plain = "trigger orders --watch --progress=plain";
    let auto = "trigger orders --watch";
    for (line, variable) in [
        (plain, ("TERM", "xterm")),
        (&*format!("{auto} --accessible"), ("TERM", "xterm")),
        (auto, ("KUBESTASH_ACCESSIBLE", "1")),
        (auto, ("TERM", "dumb")),
        (auto, ("CI", "true")),
    ] {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut terminal = desk.sit_down(&words, &[variable], 100);
        assert_eq!(terminal.ended().code(), Some(0), "{}", terminal.text());
        terminal.expect(" created");
        terminal.expect("Running: prepared");
        terminal.expect("Running: reading and storing");
        terminal.expect("Succeeded in ");
        let raw = terminal.raw();
        assert!(!raw.contains("\u{1b}[?25l"), "{line} {variable:?}: {raw:?}");
        for movement in ["\u{1b}[1A", "\u{1b}[2K", "\u{1b}[K", "\u{1b}[J"] {
            assert!(!raw.contains(movement), "{line} {variable:?}: {raw:?}");
        }
        left_alone(&terminal);
    }
    desk.namespace.remove().await;
}

/// What `--progress=json` promises.
fn schema() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(include_str!("../../plugin/schemas/progress.schema.json"))
        .expect("the schema is JSON");
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_json_line_is_as_the_schema_says_from_started_to_summary() {
    let desk = backed_up("terminal-json").await;
    let schema = schema();
    let kinds = |text: &str| -> Vec<String> {
        let messages = text.lines().map(|line| {
            let message: Value =
                serde_json::from_str(line).unwrap_or_else(|error| unreachable!("{error}: {line}"));
            assert!(
                schema.is_valid(&message),
                "{message}: {:?}",
                schema.iter_errors(&message).collect::<Vec<_>>()
            );
            message["message_type"].as_str().expect("a type").to_owned()
        });
        messages.collect()
    };
    // So wide that no line is broken.
    let words = ["trigger", "orders", "--watch", "--progress=json"];
    let mut terminal = desk.sit_down(&words, &[], 2000);
    assert_eq!(terminal.ended().code(), Some(0), "{}", terminal.text());
    let seen = kinds(&terminal.text());
    assert_eq!(seen.first().map(String::as_str), Some("started"), "{seen:?}");
    assert_eq!(seen.last().map(String::as_str), Some("summary"), "{seen:?}");
    assert!(seen.iter().any(|kind| kind == "status") && seen.iter().any(|kind| kind == "stage"), "{seen:?}");

    let own = ["-n", &desk.namespace.name];
    let said = desk
        .namespace
        .cluster
        .plugin
        .run(&[&["watch", "nobody", "--progress=json"], &own[..]].concat())
        .await;
    assert_eq!((said.code, kinds(&said.stdout)), (4, vec!["exit_error".to_owned()]), "{said:?}");
    desk.namespace.remove().await;
}

/// Puts a label on the only node, or takes it away.
async fn label_node(namespace: &Namespace, key: &str, value: Value) {
    let nodes: Api<Node> = Api::all(namespace.cluster.client.clone());
    let node = nodes.list(&ListParams::default()).await.expect("nodes").items.remove(0).name_any();
    let labels = BTreeMap::from([(key, value)]);
    let patch = Patch::Merge(json!({"metadata": {"labels": labels}}));
    nodes.patch(&node, &PatchParams::default(), &patch).await.expect("a node that can be labelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_watching_a_pod_that_fits_nowhere_comes_back_and_sees_it_succeed() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "terminal-pending").await;
    let key = format!("stories/{}", namespace.name);
    let account = "{serviceAccountName: reader}";
    let nowhere = format!("{{serviceAccountName: reader, nodeSelector: {{{key}: here}}}}");
    namespace.apply(given::STORAGE).await;
    given::a_reader_of_the_cluster(&namespace).await;
    namespace.apply(&given::NAMESPACE_BACKUP.replace(account, &nowhere)).await;
    let desk = Desk::of(namespace);
    let own = &desk.namespace.name;

    let mut terminal = typed(&desk, "watch orders");
    terminal.expect("waiting: pod orders-nightly-");
    terminal.expect_on_screen("Pending: 0/1 nodes are available");
    terminal.press(INTERRUPT);
    assert_eq!(terminal.ended().code(), Some(130), "{}", terminal.text());
    terminal.expect("goes on in the cluster");
    terminal.expect("kubectl kubestash watch orders --run orders-nightly-");
    left_alone(&terminal);
    assert!(terminal.screen().text.contains("0/1 nodes are available"), "{}", terminal.screen().text);

    let mut terminal = typed(&desk, "watch orders --timeout 3s");
    assert_eq!(terminal.ended().code(), Some(124), "{}", terminal.text());
    left_alone(&terminal);
    let mut terminal = typed(&desk, "watch --progress=plain");
    terminal.expect("waiting: pod orders-nightly-");
    terminal.terminate();
    assert_eq!(terminal.ended().code(), Some(143), "{}", terminal.text());
    left_alone(&terminal);

    // The shell has its terminal between Ctrl-Z and fg.
    let mut terminal = typed(&desk, "watch orders");
    terminal.expect("waiting: pod orders-nightly-");
    terminal.press(SUSPEND);
    terminal.stopped();
    left_alone(&terminal);
    terminal.go_on();
    terminal.expect_on_screen("waiting: pod orders-nightly-");
    assert!(!terminal.screen().has_cursor, "{:?}", terminal.raw());
    terminal.press(QUIT);
    assert_eq!(terminal.ended().code(), Some(143), "{}", terminal.text());
    left_alone(&terminal);

    // The way back is the one that was told; beside it everything that runs in the namespace.
    let mut again = typed(&desk, "watch orders");
    let mut all = typed(&desk, "watch --all");
    for terminal in [&mut again, &mut all] {
        terminal.expect("waiting: pod orders-nightly-");
    }
    label_node(&desk.namespace, &key, json!("here")).await;
    for mut terminal in [again, all] {
        terminal.expect(&format!("✔ backup {own}/orders succeeded in "));
        assert_eq!(terminal.ended().code(), Some(0), "{}", terminal.text());
        left_alone(&terminal);
    }
    let session = given::session_completed(&desk.namespace, "orders", &[]).await;
    assert_eq!(given::phase(&session), "Succeeded");

    // Who comes back later still sees how it ended.
    let mut terminal = typed(&desk, "watch orders");
    terminal.expect(&format!("✔ backup {own}/orders succeeded in "));
    assert_eq!(terminal.ended().code(), Some(0), "{}", terminal.text());
    left_alone(&terminal);
    label_node(&desk.namespace, &key, Value::Null).await;
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_backup_ends_with_one_cause_and_what_to_type() {
    let desk = backed_up("terminal-failed").await;
    let wrong =
        given::STORAGE.replace("RESTIC_PASSWORD: a-password-of-the-stories", "RESTIC_PASSWORD: another");
    desk.namespace.apply(&wrong).await;
    let own = &desk.namespace.name;
    let mut terminal = typed(&desk, "trigger orders --watch");
    terminal.expect(&format!("✘ backup {own}/orders failed after "));
    assert_eq!(terminal.ended().code(), Some(1), "{}", terminal.text());
    left_alone(&terminal);
    let screen = terminal.screen().text;
    assert_eq!(screen.matches("  why ").count(), 1, "{screen}");
    let joined = screen.replace('\n', "");
    assert!(joined.contains("password"), "{screen}");
    let fix = format!("kubectl kubestash backup create orders -n {own} --encryption-secret NAME");
    assert!(joined.contains(&fix), "{screen}");
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_allows_no_pod_is_told_while_waiting() {
    let desk = backed_up("terminal-quota").await;
    let quota = json!({"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}});
    let quota: ResourceQuota = serde_json::from_value(quota).expect("a quota");
    desk.namespace.api().create(&kube::api::PostParams::default(), &quota).await.expect("the quota");
    let mut terminal = typed(&desk, "trigger orders --watch");
    terminal.expect_on_screen("exceeded quota: none");
    terminal.press(INTERRUPT);
    assert_eq!(terminal.ended().code(), Some(130), "{}", terminal.text());
    left_alone(&terminal);
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_pulled_is_told_while_waiting() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "terminal-image").await;
    // The catalog's addon, but with a function whose image nobody has.
    for (kind, name) in [("function", "kubedump-backup"), ("addon", "kubedump-addon")] {
        let said = cluster.kubectl(&["get", kind, name, "-o", "json"], "").await;
        let mut object: Value = serde_json::from_str(&said.stdout).expect("JSON");
        object["metadata"] = json!({"name": namespace.name});
        if kind == "function" {
            object["spec"]["image"] = "localhost/nobody-has-this:none".into();
        } else {
            object["spec"]["backupTasks"][0]["function"] = namespace.name.clone().into();
        }
        cluster.apply(&object.to_string()).await;
    }
    namespace.apply(given::STORAGE).await;
    given::a_reader_of_the_cluster(&namespace).await;
    namespace.apply(&given::NAMESPACE_BACKUP.replace("kubedump-addon", &namespace.name)).await;
    let desk = Desk::of(namespace);
    let mut terminal = typed(&desk, "watch orders");
    terminal.expect("waiting: pod orders-nightly-");
    terminal.expect_on_screen("localhost/nobody-has-this:none");
    terminal.expect_on_screen("Pull");
    terminal.press(INTERRUPT);
    assert_eq!(terminal.ended().code(), Some(130), "{}", terminal.text());
    left_alone(&terminal);
    for kind in ["addon", "function"] {
        cluster.kubectl(&["delete", kind, &desk.namespace.name], "").await.assert_success();
    }
    desk.namespace.remove().await;
}
