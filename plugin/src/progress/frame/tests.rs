use super::*;
use crate::progress::recorded::{
    at, boundless, finished, forbidden, good, last, over_quota, play, running, session, several, snapshot,
    stuck, unpulled, warning,
};
use crate::progress::run::Run;
use serde_json::json;

const WIDE: Size = Size { columns: 100, rows: 24 };

fn drawn(view: &View, size: Size) -> String {
    render(view, size, false).join("\n")
}

#[test]
fn a_running_backup_is_drawn_as_people_know_it() {
    let view = &play(&good())[6].1;
    assert_eq!(
        drawn(view, WIDE),
        "\
Backup shop/shop · session nightly · shop-nightly-1763806800                          3s
  ✔ prepared            storage, secrets, addon                                       1s
  ✔ pod                 shop-nightly-1763806800-x7k2q started                         1s
  ● reading and storing
      manifest  ━━━━━━━━━━━━━━━━━━━──────   77 %   47 / 61 objects   1.1 MB   550 kB/s
  ○ retention
  updated just now · Ctrl-C stops watching, the backup goes on"
    );
}

#[test]
fn a_narrow_terminal_gets_the_essence() {
    let view = &play(&good())[6].1;
    let drawn = drawn(view, Size { columns: 40, rows: 24 });
    assert_eq!(
        drawn,
        "\
Backup shop/shop                     3s
  ✔ prepared                         1s
  ✔ pod                              1s
  ● reading and storing
      manifest   77 %   47 / 61 objects
  ○ retention
  updated just now · Ctrl-C is safe"
    );
    assert!(drawn.lines().all(|line| line.chars().count() < 40));
}

#[test]
fn a_low_terminal_is_never_overrun() {
    let view = &play(&good())[6].1;
    assert_eq!(render(view, Size { columns: 80, rows: 5 }, false).len(), 3);
    assert_eq!(render(view, Size { columns: 80, rows: 1 }, false).len(), 1);
}

#[test]
fn what_keeps_it_from_moving_is_told() {
    let text = drawn(&last(&stuck()), WIDE);
    assert!(text.contains("\n  waiting: pod shop-nightly-1763806800-x7k2q: Pending: 0/3 nodes"), "{text}");
}

#[test]
fn a_long_reason_is_told_whole_in_as_many_lines_as_it_needs() {
    assert!(drawn(&last(&unpulled()), WIDE).contains(
        "
  waiting: pod shop-nightly-1763806800-x7k2q: ImagePullBackOff: Back-off pulling image
           \"registry.example/kubestash:1\": not found
  updated just now · "
    ));
    let narrow = drawn(&last(&over_quota()), Size { columns: 40, rows: 24 });
    assert!(
        narrow.contains(
            "
  waiting: Error creating: pods
           \"shop-nightly-1763806800-x7k
           2q\" is forbidden: exceeded
           quota: small, requested: …
  "
        ),
        "{narrow}"
    );
    assert!(narrow.lines().all(|line| line.chars().count() < 40), "{narrow}");
}

#[test]
fn a_size_that_nobody_knows_has_no_bar_and_no_end() {
    let text = drawn(&last(&boundless()), WIDE);
    assert!(text.contains("      manifest  1 204 objects so far   1.0 GB   52 MB/s\n"), "{text}");
    assert!(!text.contains('━') && !text.contains('%') && !text.contains("left"), "{text}");
}

#[test]
fn several_repositories_have_a_line_each() {
    assert!(drawn(&last(&several()), WIDE).contains(
        "
  ● reading and storing 1 of 3 repositories done
      far    ━━━━━━━━─────────────────   32 %   20 / 61 objects   1.1 MB   550 kB/s
      near   ✔ 61 objects, 312 kB added
      third  waiting
"
    ));
}

#[test]
fn a_steady_run_tells_how_long_it_takes_still_and_never_nothing() {
    let mut states = good();
    states.truncate(6);
    for (second, done) in [(10, 10), (20, 20), (30, 30), (40, 40)] {
        states.push((second, snapshot("shop-repo", "Running", &running(done))));
    }
    let text = drawn(&last(&states), WIDE);
    assert!(text.contains("   about 20s left\n"), "{text}");
    states.push((50, snapshot("shop-repo", "Running", &running(61))));
    let text = drawn(&last(&states), WIDE);
    assert!(text.contains("100 %   finishing (index, check)   0s\n") && !text.contains("left"), "{text}");
}

#[test]
fn a_run_that_is_over_has_its_end_at_once() {
    let states = finished();
    let views = play(&states);
    assert!(views[0].1.outcome.is_none(), "its snapshot was not seen yet");
    assert!(views.last().unwrap().1.outcome.is_some());
}

#[test]
fn after_minutes_of_silence_the_pod_and_its_logs_are_named() {
    let mut run = Run::new("shop", crate::progress::recorded::RUN);
    let mut states = good();
    states.truncate(7);
    states.push((3, warning("Readiness probe failed")));
    for (second, change) in &states {
        run.note(change, at(*second));
    }
    assert!(!drawn(&run.view(at(100)), WIDE).contains("logs"));
    let text = drawn(&run.view(at(190)), WIDE);
    assert!(
        text.ends_with(
            "
  ‼ no report for 3m7s · Ctrl-C stops watching, the backup goes on
  pod shop-nightly-1763806800-x7k2q is Running, last warning: Readiness probe failed ·
  kubectl kubestash backup logs --run shop-nightly-1763806800 -f -n shop"
        ),
        "{text}"
    );
}

#[test]
fn a_low_terminal_keeps_the_end() {
    let frame = render(&last(&good()[..7]), Size { columns: 80, rows: 5 }, false);
    assert!(frame[0].starts_with("Backup shop/shop") && frame[2].contains("Ctrl-C"), "{frame:#?}");
}

#[test]
fn a_silent_cluster_is_told() {
    let mut view = last(&stuck());
    view.reported_ago = Some(Duration::from_secs(48));
    assert!(drawn(&view, WIDE).contains("  no report for 48s · "));
    view.reported_ago = Some(Duration::from_secs(4));
    assert!(drawn(&view, WIDE).contains("  updated 4s ago · "));
}

#[test]
fn a_failed_part_tells_its_error() {
    let states = forbidden();
    let text = drawn(&last(&states[..states.len() - 1]), WIDE);
    assert!(text.contains("✘ reading and storing"), "{text}");
    assert!(text.contains("manifest  ✘ ServiceAccount shop/default may not list"), "{text}");
}

#[test]
fn of_many_repositories_those_that_move_are_shown() {
    let mut states = vec![(0, session(&json!({})))];
    for index in 0..12 {
        let component = if index < 2 { running(20) } else { json!({"phase": "Pending"}) };
        states.push((1, snapshot(&format!("repo-{index:02}"), "Running", &component)));
    }
    let text = drawn(&last(&states), WIDE);
    assert!(text.contains("… 0 done, 10 waiting"), "{text}");
    assert_eq!(text.matches("20 / 61 objects").count(), 2, "{text}");
}

#[test]
fn bars_are_full_only_at_the_end() {
    for (fraction, full) in [(0.0, 0), (0.5, 12), (0.999, 24), (1.0, BAR)] {
        assert_eq!(bar_of(fraction, BAR).matches('━').count(), full, "{fraction}");
        assert_eq!(bar_of(fraction, BAR).chars().count(), BAR, "{fraction}");
    }
    assert_eq!(percent(0.999), " 99 %");
}

#[test]
fn colours_are_around_the_symbols_only() {
    let view = &play(&good())[6].1;
    let plain = render(view, WIDE, false).join("\n");
    let painted = render(view, WIDE, true).join("\n");
    let stripped = dialoguer::console::strip_ansi_codes(&painted).into_owned();
    assert_ne!(painted, plain);
    assert_eq!(stripped, plain);
}
