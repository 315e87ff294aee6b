use super::*;
use crate::progress::recorded::{forbidden, good, last, play, running, session, snapshot, stuck};
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
      manifest   77 %   47 / 61 object…
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
        assert_eq!(bar(fraction).matches('━').count(), full, "{fraction}");
        assert_eq!(bar(fraction).chars().count(), BAR, "{fraction}");
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
