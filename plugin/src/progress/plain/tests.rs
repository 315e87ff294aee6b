use super::*;
use crate::progress::recorded::{at, forbidden, good, play, stuck};

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
