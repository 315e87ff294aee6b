use super::*;
use crate::progress::recorded::{
    boundless, finished, forbidden, good, held_up, last, locked, over_quota, play, several, skipped, stuck,
    tried_again, unpulled,
};

fn told(states: &[(i64, crate::progress::run::Change)]) -> Vec<Value> {
    let mut before: Option<View> = None;
    let mut all = Vec::new();
    for (now, view) in play(states) {
        all.extend(messages(before.as_ref(), &view, now, false));
        before = Some(view);
    }
    all
}

fn kinds(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["message_type"].as_str().unwrap()).collect()
}

#[test]
fn the_first_message_is_started_and_the_last_the_summary() {
    for states in [good(), forbidden()] {
        let messages = told(&states);
        let kinds = kinds(&messages);
        assert_eq!((kinds[0], *kinds.last().unwrap()), ("started", "summary"));
        assert_eq!(kinds.iter().filter(|kind| **kind == "summary").count(), 1);
    }
    assert_eq!(
        told(&good())[0],
        json!({"message_type": "started", "time": "2025-11-22T10:20:00Z", "schema_version": 1, "kind": "BackupSession",
            "namespace": "shop", "name": "shop-nightly-1763806800", "backup": "shop", "session": "nightly"})
    );
}

/// Readers are promised what `schemas/progress.schema.json` says, and it says all there is.
#[test]
fn every_message_is_as_the_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../../../schemas/progress.schema.json")).unwrap();
    let schema = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let failure = Failure::new(Code::TimedOut, "did not end").why("slow").fix("wait");
    let given_up = exit_error(&failure, crate::progress::recorded::at(0));
    let mut all = [told(&good()), told(&forbidden()), vec![given_up]].concat();
    let sequences = [
        stuck(),
        unpulled(),
        over_quota(),
        held_up(),
        locked(),
        skipped(),
        tried_again(),
        finished(),
        boundless(),
        several(),
    ];
    all.extend(sequences.iter().flat_map(|states| told(states)));
    let mut seen: Vec<String> = all.iter().map(|one| one["message_type"].as_str().unwrap().into()).collect();
    for message in &all {
        let errors: Vec<String> = schema.iter_errors(message).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{message}: {errors:?}");
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["exit_error", "stage", "started", "status", "summary", "warning"]);
    let mut other = all[0].clone();
    other["message_typ"] = "x".into();
    assert!(!schema.is_valid(&other), "what the schema does not know is not written");
}

#[test]
fn while_nothing_changes_a_due_message_tells_how_old_the_report_is() {
    let mut view = last(&good()[..7]);
    view.reported_ago = Some(std::time::Duration::from_secs(31));
    let now = crate::progress::recorded::at(34);
    assert!(messages(Some(&view), &view, now, false).is_empty());
    let due = messages(Some(&view), &view, now, true);
    assert_eq!((due.len(), &due[0]["message_type"]), (1, &json!("status")));
    assert_eq!(due[0]["reported_seconds_ago"], 31);
    let stuck = last(&stuck());
    assert_eq!(kinds(&messages(Some(&stuck), &stuck, now, true)), ["warning"]);
}

#[test]
fn an_end_that_is_tried_again_says_when() {
    assert_eq!(told(&tried_again()).pop().unwrap()["next_try"], "2025-11-22T10:25:03Z");
    assert_eq!(told(&skipped()).pop().unwrap()["phase"], "Skipped");
    assert_eq!(kinds(&told(&finished())).last(), Some(&"summary"));
}

#[test]
fn numbers_are_numbers_and_what_is_unknown_is_left_out() {
    let messages = told(&good());
    let status = messages.iter().filter(|message| message["message_type"] == "status").nth(1).unwrap();
    assert_eq!(status["files_done"], 47);
    assert_eq!(status["total_files"], 61);
    assert_eq!(status["bytes_per_second"], 550_000);
    assert!(status.get("seconds_remaining").is_none());
    assert!(status.get("error").is_none());
}

#[test]
fn the_summary_tells_phase_duration_and_snapshots() {
    let summary = told(&good()).pop().unwrap();
    assert_eq!(summary["phase"], "Succeeded");
    assert_eq!(summary["duration_seconds"], 4.0);
    assert_eq!(summary["snapshots"][0]["added_bytes"], 312_001);
    let failed = told(&forbidden()).pop().unwrap();
    assert_eq!(failed["phase"], "Failed");
    assert!(failed["fix"].as_str().unwrap().contains("--create-reader"));
    assert_eq!(failed["id"], "KS031");
}

#[test]
fn a_command_that_gives_up_says_so_in_its_last_line() {
    let failure = Failure::new(Code::TimedOut, "did not end").why("slow");
    let now = crate::progress::recorded::at(0);
    assert_eq!(
        exit_error(&failure, now),
        json!({"message_type": "exit_error", "time": "2025-11-22T10:20:00Z", "code": 124, "message": "did not end", "why": "slow", "id": "KS090", "docs": Code::TimedOut.docs()})
    );
}
