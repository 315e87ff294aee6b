use serde_json::json;

use super::*;
use crate::progress::recorded::{
    RUN, at, condition, forbidden, good, held_up, last, play, pod, running, session, snapshot, stored, stuck,
    warning,
};

fn stages(view: &View) -> Vec<(&'static str, State)> {
    view.stages.iter().map(|stage| (stage.name, stage.state)).collect()
}

#[test]
fn stages_follow_conditions_pods_and_components() {
    use State::{Active, Done, Todo};
    let views = play(&good());
    let expected = [
        [Active, Todo, Todo, Todo],
        [Done, Active, Todo, Todo],
        [Done, Active, Todo, Todo],
        [Done, Active, Todo, Todo],
        [Done, Done, Todo, Todo],
        [Done, Done, Active, Todo],
        [Done, Done, Active, Todo],
        [Done, Done, Done, Todo],
        [Done, Done, Done, Done],
    ];
    for ((when, view), states) in views.iter().zip(expected) {
        let names = ["prepared", "pod", "reading and storing", "retention"];
        assert_eq!(stages(view), names.into_iter().zip(states).collect::<Vec<_>>(), "at {when}");
    }
}

#[test]
fn numbers_are_read_from_the_strings_of_the_status() {
    let (_, view) = &play(&good())[6];
    let part = &view.parts[0];
    assert_eq!((part.objects_done, part.objects_total), (Some(47), Some(61)));
    assert_eq!((part.bytes_done, part.bytes_total), (Some(1_100_000), Some(1_400_000)));
    assert_eq!(part.bytes_per_second, Some(550_000));
    assert!((part.fraction.unwrap() - 0.7705).abs() < 0.0001);
    assert_eq!(part.finishing, None);
}

#[test]
fn a_component_without_a_total_has_no_fraction() {
    let stream = json!({"phase": "Running", "resticStats": [{"progress": {"backupDone": "1.04GB"}}]});
    let view = last(&[(0, session(&json!({}))), (1, snapshot("shop-repo", "Running", &stream))]);
    assert_eq!((view.parts[0].fraction, view.parts[0].bytes_done), (None, Some(1_040_000_000)));
}

#[test]
fn the_last_percent_is_told_as_finishing() {
    let mut states = good();
    states.truncate(6);
    states.push((3, snapshot("shop-repo", "Running", &running(61))));
    assert_eq!(last(&states).parts[0].finishing, Some(Duration::ZERO));
    states.push((8, pod(&json!({"phase": "Running"}))));
    assert_eq!(last(&states).parts[0].finishing, Some(Duration::from_secs(5)), "with a time of its own");
}

#[test]
fn a_pod_that_fits_no_node_is_the_reason_that_nothing_moves() {
    let waiting = last(&stuck()).waiting.unwrap();
    assert_eq!(waiting, format!("pod {RUN}-x7k2q: Pending: 0/3 nodes are available: insufficient memory"));
    let mut moving = stuck();
    moving.push((5, pod(&json!({"phase": "Running"}))));
    assert_eq!(last(&moving).waiting, None);
}

#[test]
fn whose_lock_it_waits_for_is_the_reason_that_nothing_moves() {
    let mut states = held_up();
    let waiting = last(&states).waiting.unwrap();
    assert_eq!(waiting, "the repository is locked: exclusive lock of ann@laptop (process 42)");
    states.push((6, snapshot("shop-repo", "Running", &running(1))));
    assert_eq!(last(&states).waiting, None);
}

#[test]
fn a_warning_that_comes_before_its_pod_is_kept() {
    let mut states = good();
    states.insert(3, (1, warning("MountVolume.SetUp failed")));
    states.truncate(5);
    assert_eq!(last(&states).waiting.as_deref(), Some("MountVolume.SetUp failed"));
}

#[test]
fn a_warning_about_the_pod_is_told_while_it_has_not_started() {
    let mut states = good();
    states.truncate(4);
    states.push((2, warning("MountVolume.SetUp failed\nmore")));
    assert_eq!(last(&states).waiting.as_deref(), Some("MountVolume.SetUp failed"));
}

#[test]
fn what_belongs_to_another_run_changes_nothing() {
    let mut run = Run::new("shop", "shop-nightly-1");
    for (second, change) in good() {
        assert!(!run.note(&change, at(second)));
    }
    assert_eq!(run.view(at(9)).reported_ago, None);
}

#[test]
fn a_run_that_failed_says_so_once_its_phase_is_final() {
    let views = play(&forbidden());
    let outcomes: Vec<bool> = views.iter().map(|(_, view)| view.outcome.is_some()).collect();
    assert_eq!(outcomes, [false, false, false, false, false, false, false, true]);
}

#[test]
fn the_end_is_held_back_until_the_snapshot_was_seen_but_not_for_long() {
    let mut run = Run::new("shop", RUN);
    let (second, ended) = good().pop().unwrap();
    run.note(&ended, at(second));
    assert_eq!(run.outcome(at(second)), None);
    assert!(run.outcome(at(second + 2)).is_some());
    run.note(&snapshot("shop-repo", "Succeeded", &stored()), at(second));
    assert_eq!(run.outcome(at(second)).unwrap().snapshots.len(), 1);
}

#[test]
fn time_stops_with_the_run() {
    let mut run = Run::new("shop", RUN);
    for (second, change) in good() {
        run.note(&change, at(second));
    }
    assert_eq!(run.view(at(600)).elapsed, Duration::from_secs(4));
    assert_eq!(run.outcome(at(600)).unwrap().took, Duration::from_secs(4));
}

#[test]
fn a_session_that_vanishes_is_a_failure() {
    let mut run = Run::new("shop", RUN);
    run.note(&session(&json!({"phase": "Running"})), at(0));
    run.note(&Change::SessionGone(RUN.into()), at(1));
    assert_eq!(run.outcome(at(600)).unwrap().phase(), "Failed");
}

#[test]
fn hooks_are_stages_where_there_are_some() {
    let hooks = json!({"preHooks": [{"name": "checkpoint"}], "postHooks": [{"name": "a"}, {"name": "b"}]});
    let done = condition("PreBackupHooksExecutionSucceeded", "True", "", 2);
    let view = last(&[(2, session(&json!({"hooks": hooks, "conditions": [done]})))]);
    let names: Vec<&str> = view.stages.iter().map(|stage| stage.name).collect();
    assert_eq!(
        names,
        ["prepared", "pre-backup hooks", "pod", "reading and storing", "retention", "post-backup hooks"]
    );
    assert_eq!(view.stages[1].state, State::Done);
    assert_eq!(view.stages[5].detail, "2 hooks");
}

#[test]
fn several_repositories_are_told_by_their_names() {
    let view = last(&[
        (1, session(&json!({"snapshots": [{"name": "a"}, {"name": "b"}]}))),
        (2, snapshot("near", "Succeeded", &stored())),
        (2, snapshot("far", "Running", &running(20))),
    ]);
    let names: Vec<(&str, State)> = view.parts.iter().map(|part| (part.name.as_str(), part.state)).collect();
    assert_eq!(names, [("far", State::Active), ("near", State::Done)]);
    let storing = view.stages.iter().find(|stage| stage.name == "reading and storing").unwrap();
    assert_eq!(storing.detail, "1 of 2 repositories done");
}
