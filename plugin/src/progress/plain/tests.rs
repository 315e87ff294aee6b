use super::*;
use crate::progress::recorded::{
    at, boundless, finished, forbidden, good, held_up, last, locked, over_quota, play, several, skipped,
    stuck, unpulled,
};

fn told(states: &[(i64, crate::progress::run::Change)]) -> String {
    let mut before: Option<View> = None;
    let mut text = String::new();
    for (now, view) in play(states) {
        for line in lines(before.as_ref(), &view, now, false) {
            text.push_str(&line);
            text.push('\n');
        }
        before = Some(view);
    }
    text
}

#[test]
fn a_good_run_is_a_line_per_stage_and_one_for_the_end() {
    assert_eq!(
        told(&good()),
        "\
2025-11-22T10:20:00Z shop-nightly-1763806800 Running: prepared (storage, secrets, addon)
2025-11-22T10:20:01Z shop-nightly-1763806800 Running: pod
2025-11-22T10:20:02Z shop-nightly-1763806800 Running: reading and storing
2025-11-22T10:20:04Z shop-nightly-1763806800 Succeeded in 4s, 61 objects, 1.4 MB, 312 kB added, snapshot shop-repo-shop-nightly-1763806800
"
    );
}

/// The first thing that a watch tells is how far a run is, and what it was before is told by nobody.
#[test]
fn a_stage_that_was_over_before_it_was_seen_is_told_nevertheless() {
    let stages = |text: &str| -> Vec<String> {
        let running = text.lines().filter_map(|line| line.split_once(" Running: "));
        // What its detail says has changed since it began.
        running.map(|(_, stage)| stage.split(" (").next().unwrap_or_default().to_owned()).collect()
    };
    let views = play(&good());
    let (now, storing) = views
        .iter()
        .find(|(_, view)| view.current().is_some_and(|stage| stage.name == "reading and storing"))
        .unwrap();
    let late = lines(None, storing, *now, false).join("\n");
    assert_eq!(stages(&late), stages(&told(&good())));
}

#[test]
fn a_failed_run_ends_with_its_cause() {
    let text = told(&forbidden());
    let last = text.lines().last().unwrap();
    assert_eq!(
        last,
        "2025-11-22T10:20:03Z shop-nightly-1763806800 Failed after 3s: ServiceAccount shop/default may not list secrets in namespace shop"
    );
}

#[test]
fn a_reason_to_wait_is_told_once_and_again_when_due() {
    let views = play(&stuck());
    let (now, view) = views.last().unwrap();
    let before = &views[views.len() - 2].1;
    assert_eq!(lines(Some(before), view, *now, false).len(), 1);
    assert!(lines(Some(view), view, *now, false).is_empty());
    assert!(lines(Some(view), view, *now, true)[0].contains("waiting: pod"));
}

#[test]
fn while_nothing_changes_a_due_line_tells_how_far_it_is() {
    let views = play(&good());
    let view = &views[6].1;
    assert_eq!(
        lines(Some(view), view, at(33), true),
        [
            "2025-11-22T10:20:33Z shop-nightly-1763806800 reading and storing 77% 47 of 61 objects 1.1 MB 550 kB/s"
        ]
    );
}

/// The last line about a run, without time and name.
fn end(states: &[(i64, crate::progress::run::Change)]) -> String {
    let text = told(states);
    let line = text.lines().last().unwrap();
    line.split_once("shop-nightly-1763806800 ").unwrap().1.to_owned()
}

#[test]
fn every_reason_to_wait_and_every_end_is_one_line() {
    let cases = [
        (unpulled(), "waiting: pod shop-nightly-1763806800-x7k2q: ImagePullBackOff: Back-off pulling image"),
        (
            over_quota(),
            "waiting: Error creating: pods \"shop-nightly-1763806800-x7k2q\" is forbidden: exceeded quota",
        ),
        (held_up(), "waiting: the repository is locked: exclusive lock of ann@laptop (process 42)"),
        (
            locked(),
            "Failed after 10m: repository \"nightly/manifest\" in s3 backups is locked: exclusive lock of ann@",
        ),
        (skipped(), "Skipped: another run (shop-nightly-1763803200) was still active"),
        (
            finished(),
            "Succeeded in 4s, 61 objects, 1.4 MB, 312 kB added, snapshot shop-repo-shop-nightly-1763806800",
        ),
    ];
    for (states, line) in cases {
        assert!(end(&states).starts_with(line), "{}", end(&states));
    }
}

#[test]
fn several_repositories_are_told_together_and_an_unknown_total_is_left_out() {
    let due = |view: &View| lines(Some(view), view, at(33), true).remove(0);
    let text = due(&last(&several()));
    assert!(
        text.ends_with(" reading and storing 81 objects 2.5 MB 550 kB/s (1 of 3 repositories done)"),
        "{text}"
    );
    let text = due(&last(&boundless()));
    assert!(text.ends_with(" reading and storing 1204 objects 1.0 GB 52 MB/s"), "{text}");
}

#[test]
fn a_silent_cluster_is_told_when_a_line_is_due() {
    let mut view = last(&good()[..7]);
    view.reported_ago = Some(std::time::Duration::from_secs(48));
    assert!(lines(Some(&view), &view, at(51), true)[0].ends_with(" (no report for 48s)"));
}
