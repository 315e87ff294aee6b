use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::exit::Exit;
use crate::progress::frame::{self, Size};
use crate::progress::outcome::Outcomes;
use crate::progress::{finale, json as lines, plain};

const NAME: &str = "restore-shop-1763806800";

/// So many seconds after the restore was created.
fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_763_806_800 + second).unwrap()
}

fn condition(type_: &str, status: &str, message: &str, second: i64) -> Value {
    json!({"type": type_, "status": status, "message": message, "reason": "r", "lastTransitionTime": at(second).to_string()})
}

fn session(status: &Value) -> Change {
    let session = json!({
        "metadata": {"name": NAME, "namespace": "shop", "creationTimestamp": at(0).to_string()},
        "spec": {"dataSource": {"repository": "shop-repo", "snapshot": "shop-repo-1"}},
        "status": status,
    });
    Change::Restore(Box::new(serde_json::from_value(session).unwrap()))
}

fn status(phase: &str, component: &Value, more: Vec<Value>) -> Value {
    let conditions = vec![
        condition("ValidationPassed", "True", "", 1),
        condition("RestoreExecutorEnsured", "True", "", 1),
    ];
    let components = if component.is_null() { json!({}) } else { json!({"manifest": component}) };
    json!({"phase": phase, "totalComponents": 1, "components": components, "conditions": ([conditions, more].concat())})
}

fn pod(status: &Value) -> Change {
    let labels =
        json!({"kubestash.com/invoker-name": NAME, "app.kubernetes.io/component": "kubestash-restore"});
    let pod = json!({
        "metadata": {"name": format!("{NAME}-x7k2q"), "namespace": "shop", "labels": labels,
            "creationTimestamp": at(1).to_string()},
        "status": status,
    });
    Change::Pod(Box::new(serde_json::from_value(pod).unwrap()))
}

fn running(done: u32) -> Value {
    json!({"phase": "Running", "objects": {"created": done - 1, "failed": 1},
        "progress": {"secondsElapsed": 1, "totalFiles": 63, "filesDone": done, "restoreDone": "40.0kB"}})
}

fn good() -> Vec<(i64, Change)> {
    let ended = json!({"phase": "Succeeded", "report": "shop/restores/a.jsonl",
        "objects": {"created": 2, "unchanged": 1, "skipped": 1}, "progress": {"totalFiles": 4, "filesDone": 4}});
    let mut done = status("Succeeded", &ended, vec![condition("MetricsPushed", "True", "", 8)]);
    done["duration"] = "8s".into();
    vec![
        (0, session(&json!({}))),
        (1, session(&status("Running", &Value::Null, Vec::new()))),
        (1, pod(&json!({"phase": "Pending"}))),
        (2, pod(&json!({"phase": "Running", "startTime": at(2).to_string()}))),
        (4, session(&status("Running", &running(47), Vec::new()))),
        (8, session(&done)),
    ]
}

fn failed(error: &str, objects: &Value, failures: &[&str]) -> Vec<(i64, Change)> {
    let component = json!({"phase": "Failed", "error": error, "objects": objects, "failures": failures});
    let over = vec![condition("MetricsPushed", "True", "", 8)];
    vec![(0, session(&json!({}))), (8, session(&status("Failed", &component, over)))]
}

fn play(states: &[(i64, Change)]) -> Vec<(Timestamp, View)> {
    let mut restore = Restore::new("shop", NAME);
    let views = states.iter().map(|(second, change)| {
        restore.note(change, at(*second));
        (at(*second), restore.view(at(*second)))
    });
    views.collect()
}

fn told(states: &[(i64, Change)]) -> String {
    let (_, view) = play(states).pop().unwrap();
    let finale = finale::of(&view, view.outcome.as_ref().unwrap());
    let mut text = format!("{} {}\n", finale.glyph.symbol(), finale.headline);
    for line in finale.lines {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

#[test]
fn a_running_restore_is_drawn_like_a_backup() {
    let view = &play(&good())[4].1;
    assert_eq!(
        frame::render(view, Size { columns: 100, rows: 24 }, false).join("\n"),
        "\
Restore shop/restore-shop-1763806800 · from shop-repo-1                               4s
  ✔ prepared            snapshot, addon, account
  ✔ pod                 restore-shop-1763806800-x7k2q started                         1s
  ● restoring
      manifest  ━━━━━━━━━━━━━━━━━━╸──────   74 %   47 / 63 objects   40 kB   1 failed
  updated just now · Ctrl-C stops watching, the restore goes on"
    );
    let narrow = frame::render(view, Size { columns: 40, rows: 24 }, false);
    assert!(narrow.iter().all(|line| line.chars().count() < 40), "{narrow:?}");
}

#[test]
fn the_end_says_what_came_back_and_where_to_see_each_object() {
    assert_eq!(
        told(&good()),
        "\
✔ restored 2 objects in 8s, 1 unchanged, 1 skipped
  each  kubectl kubestash restore status restore-shop-1763806800 -n shop -v
"
    );
}

#[test]
fn a_restore_that_failed_in_part_names_the_objects_and_ends_so() {
    let failures = ["deployments.apps shop/orders: quota exceeded", "pods shop/a: quota exceeded"];
    let states = failed("3 objects were not restored", &json!({"created": 5, "failed": 3}), &failures);
    assert_eq!(
        told(&states),
        "\
✘ restore shop/restore-shop-1763806800 failed in part after 8s
  why     3 objects were not restored
  failed  deployments.apps shop/orders: quota exceeded
          pods shop/a: quota exceeded
          … and 1 more
  done    5 created, 3 failed
  fix     kubectl kubestash restore status restore-shop-1763806800 -n shop -v   tells of each object
  logs    kubectl kubestash restore logs restore-shop-1763806800 -n shop
  docs    KS036  https://github.com/kubestash-rs/kubestash/blob/HEAD/docs/errors.md#ks036
"
    );
    assert_eq!(play(&states)[1].1.outcome.as_ref().unwrap().exit(), Exit::Partly);
}

#[test]
fn a_cause_leads_to_what_can_be_done_about_it() {
    let fix = |error: &str| {
        let states = failed(error, &Value::Null, &[]);
        let outcome = play(&states)[1].1.outcome.clone().unwrap();
        let Outcomes::Failed { fix, code, .. } = outcome.result else { panic!("it failed") };
        format!("{} {}", code.id(), fix.lines().next().unwrap_or_default())
    };
    for (error, expected) in [
        ("the cluster has changed since plan a was shown: now it would be plan b", "KS037 restore create"),
        (
            "repository \"a\" is locked: exclusive lock of ann@laptop",
            "KS036 kubectl kubestash unlock shop-repo -n shop",
        ),
        ("Snapshot a is not complete", "KS036 --allow-incomplete"),
        ("no ServiceAccount is named", "KS036 --service-account"),
        ("the deadline has passed", "KS036 --restore-timeout"),
        ("something else", "KS036 kubectl kubestash restore logs"),
    ] {
        assert!(fix(error).starts_with(expected), "{error}: {}", fix(error));
    }
}

#[test]
fn what_the_validation_says_is_the_cause_of_an_invalid_restore() {
    let refused = condition("ValidationPassed", "False", "Snapshot shop/gone does not exist\nmore", 1);
    let states = [(1, session(&json!({"phase": "Invalid", "conditions": [refused]})))];
    let (_, view) = play(&states).pop().unwrap();
    let Outcomes::Failed { why, partly, fix, .. } = view.outcome.unwrap().result else { panic!("it failed") };
    assert_eq!(why, "Snapshot shop/gone does not exist");
    assert!(fix.starts_with("kubectl edit restoresession restore-shop-1763806800 -n shop"), "{fix}");
    assert!(!partly);
    assert_eq!(view.stages[0].state, State::Failed);
}

#[test]
fn a_restore_that_is_deleted_while_it_goes_on_has_failed() {
    let mut states = good();
    states.truncate(5);
    states.push((5, Change::RestoreGone(NAME.into())));
    let (_, view) = play(&states).pop().unwrap();
    assert_eq!(view.outcome.unwrap().exit(), Exit::Failed);
}

#[test]
fn lines_for_logs_and_for_programs_tell_the_same() {
    let views = play(&good());
    let mut before: Option<&View> = None;
    let (mut plains, mut messages) = (Vec::new(), Vec::new());
    for (now, view) in &views {
        plains.extend(plain::lines(before, view, *now, false));
        messages.extend(lines::messages(before, view, *now, false));
        before = Some(view);
    }
    assert!(plains.iter().any(|line| line.ends_with("Running: restoring")), "{plains:?}");
    assert!(
        plains.last().unwrap().ends_with("Succeeded in 8s, 2 created, 1 unchanged, 1 skipped"),
        "{plains:?}"
    );
    assert_eq!(messages[0]["kind"], "RestoreSession");
    assert_eq!(messages[0]["snapshot"], "shop-repo-1");
    let summary = messages.last().unwrap();
    assert_eq!((&summary["message_type"], &summary["objects"]["created"]), (&json!("summary"), &json!(2)));
    let schema: Value = serde_json::from_str(include_str!("../../../schemas/progress.schema.json")).unwrap();
    let schema = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    for message in &messages {
        let errors: Vec<String> = schema.iter_errors(message).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{message}: {errors:?}");
    }
}

#[test]
fn who_stops_watching_is_told_how_to_go_on_and_how_to_stop_it() {
    let restore = Restore::new("shop", NAME);
    let again = Restore::again("shop", &[&restore]);
    assert_eq!(
        again,
        "kubectl kubestash restore watch restore-shop-1763806800 -n shop\n\
         stop it:  kubectl kubestash restore delete restore-shop-1763806800 -n shop"
    );
}
