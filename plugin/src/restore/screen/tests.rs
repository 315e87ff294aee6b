use archive::restore::verdict::{Change, Problem, ProblemKind, Skip};
use serde_json::json;

use super::*;

fn line(resource: &str, name: &str, verdict: Verdict) -> Line {
    Line {
        resource: resource.into(),
        namespace: Some("shop".into()),
        name: name.into(),
        into: None,
        verdict,
        notes: Vec::new(),
        live: None,
    }
}

fn changed(path: &str, live: serde_json::Value, snapshot: serde_json::Value) -> Change {
    Change { path: path.into(), live: Some(live), snapshot: Some(snapshot) }
}

fn report() -> Report {
    let changes = vec![changed("spec.replicas", json!(5), json!(2))];
    let hidden = vec![Change { path: "data.password".into(), live: None, snapshot: None }];
    let problem = Problem {
        kind: ProblemKind::MissingType { served: vec!["v1".into()], replacement: Some("apps/v1".into()) },
        message: "the cluster does not serve widgets.example.com/v1beta1".into(),
    };
    let noted =
        Line { notes: vec!["its owner is gone".into()], ..line("services", "orders", Verdict::Create) };
    Report {
        lines: vec![
            line("secrets", "orders-db", Verdict::Left { changes: hidden }),
            noted,
            line("serviceaccounts", "orders", Verdict::Unchanged),
            line(
                "deployments.apps",
                "orders",
                Verdict::Update { changes, taken_from: vec!["kubectl-edit: spec.replicas".into()] },
            ),
            line(
                "replicasets.apps",
                "orders-7c9",
                Verdict::Skip { reason: Skip::Owned { by: "Deployment orders".into() } },
            ),
            line("configmaps", "orders-extra", Verdict::Prune),
            line("widgets.example.com", "orders", Verdict::Fail { problem }),
        ],
        warnings: vec!["quota pods of namespace shop would be exceeded".into()],
    }
}

#[test]
fn groups_stand_in_the_order_in_which_they_are_read() {
    assert_eq!(
        objects(&report(), Manner::default()),
        "  create     services/orders
  update     deployments.apps/orders      replicas 5 -> 2   (takes over from kubectl-edit)
  unchanged  serviceaccounts/orders
  skip       replicasets.apps/orders-7c9  made again by Deployment orders
  leave      secrets/orders-db            exists and differs: data.password   (--override takes the snapshot's)
  prune      configmaps/orders-extra      is not in the snapshot
  fail       widgets.example.com/orders   the cluster does not serve widgets.example.com/v1beta1; served: v1; in its place: apps/v1
‼ 1 object: its owner is gone
‼ quota pods of namespace shop would be exceeded
"
    );
    assert_eq!(
        totals(&report()),
        "1 to create, 1 unchanged, 1 to update, 1 left as they are, 1 skipped, 1 to remove, 1 would fail"
    );
}

#[test]
fn verbose_tells_fields_and_remarks_of_each_object_and_no_hidden_value() {
    let text = objects(&report(), Manner { verbose: true, ..Manner::default() });
    assert!(text.contains("  update     deployments.apps/orders\n               spec.replicas: 5 -> 2\n               takes over from kubectl-edit: spec.replicas\n"), "{text}");
    assert!(text.contains("               ‼ its owner is gone\n"), "{text}");
    assert!(text.contains("               data.password: differs (hidden)\n"), "{text}");
}

#[test]
fn a_narrow_screen_has_remarks_below() {
    let text = objects(&report(), Manner { width: Some(40), ..Manner::default() });
    assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
    assert!(text.contains("  prune      configmaps/orders-extra\n      is not in the snapshot\n"), "{text}");
}

#[test]
fn many_are_folded_by_type_but_what_is_removed_is_told_in_full() {
    let mut lines: Vec<Line> =
        (0..30).map(|number| line("pods", &format!("p{number}"), Verdict::Create)).collect();
    lines.extend((0..20).map(|number| line("configmaps", &format!("c{number}"), Verdict::Prune)));
    lines.extend((0..20).map(|number| {
        let changes = vec![changed("spec.replicas", json!(5), json!(number))];
        line("deployments.apps", &format!("d{number}"), Verdict::Update { changes, taken_from: Vec::new() })
    }));
    let report = Report { lines, warnings: Vec::new() };
    let text = objects(&report, Manner { done: true, ..Manner::default() });
    assert!(text.contains("  created  pods                             30\n"), "{text}");
    assert_eq!(text.matches("  pruned ").count(), 20, "{text}");
    assert!(text.contains("  updated  … 5 more objects   (-v for all)\n"), "{text}");
    let all = objects(&report, Manner { verbose: true, ..Manner::default() });
    assert_eq!(all.matches("  create ").count(), 30);
}

#[test]
fn the_few_that_are_made_are_named_among_the_many_that_stay() {
    let mut lines: Vec<Line> =
        (0..50).map(|number| line("pods", &format!("p{number}"), Verdict::Unchanged)).collect();
    lines.push(line("configmaps", "settings", Verdict::Create));
    assert_eq!(
        objects(&Report { lines, warnings: Vec::new() }, Manner::default()),
        "  create     configmaps/settings\n  unchanged  pods                 50\n"
    );
}

#[test]
fn objects_of_several_namespaces_say_which() {
    let mut report = report();
    report.lines.truncate(3);
    report.lines[1].into = Some("trial".into());
    report.lines[2].namespace = None;
    report.lines[2].resource = "namespaces".into();
    report.lines[2].name = "shop".into();
    assert_eq!(
        objects(&report, Manner { verbose: true, coloured: false, ..Manner::default() }),
        "  create     trial  services/orders
                      ‼ its owner is gone
  unchanged  -      namespaces/shop -> trial
  leave      shop   secrets/orders-db         exists and differs: data.password   (--override takes the snapshot's)
                      data.password: differs (hidden)
‼ quota pods of namespace shop would be exceeded
"
    );
}

#[test]
fn warnings_are_many_only_when_all_are_asked_for() {
    let warnings = (0..20).map(|number| format!("type {number} cannot be seen")).collect();
    let report = Report { lines: Vec::new(), warnings };
    let text = objects(&report, Manner::default());
    assert!(text.ends_with("‼ 14 more warnings   (-v for all)\n"), "{text}");
    assert_eq!(objects(&report, Manner { verbose: true, ..Manner::default() }).lines().count(), 20);
}

#[test]
fn colour_is_on_the_word_only_and_nothing_to_do_is_said() {
    let report = Report { lines: vec![line("pods", "create", Verdict::Create)], warnings: Vec::new() };
    assert_eq!(
        objects(&report, Manner { coloured: true, ..Manner::default() }),
        "  \u{1b}[32mcreate\u{1b}[0m  pods/create\n"
    );
    assert_eq!(totals(&report), "1 to create · the API server would accept all");
    let notes = vec!["not checked: namespace \"shop\" does not exist yet".to_owned()];
    let unasked = Line { notes, ..line("pods", "create", Verdict::Create) };
    assert_eq!(
        totals(&Report { lines: vec![unasked], warnings: Vec::new() }),
        "1 to create · the API server would accept all that it can be asked about"
    );
    let same = Report { lines: vec![line("pods", "a", Verdict::Unchanged)], warnings: Vec::new() };
    assert_eq!(totals(&same), "nothing to do: 1 unchanged");
    assert_eq!(totals(&Report::default()), "nothing to do: nothing to restore");
}
