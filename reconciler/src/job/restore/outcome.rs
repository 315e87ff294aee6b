//! How a restore ended, in texts for people and within bounds: they go into a status. Pure.

use std::fmt::Write as _;

use archive::error::Permanence;
use archive::restore::report::{Line, Report};
use archive::restore::verdict::{Problem, ProblemKind, Verdict};

use crate::job::Failed;

/// How many failures, and how many warnings, are told one by one; all failures are in the file.
const TOLD: usize = 20;
/// How many of them are told in the error.
const IN_ERROR: usize = 3;
/// Longest text about one of them, in characters.
const LONGEST: usize = 500;

/// The objects that were not brought back, each with its reason: `deployments.apps shop/orders: why`.
#[must_use]
pub fn failures(report: &Report) -> Vec<String> {
    problems(report).take(TOLD).map(|(line, problem)| told(line, problem)).collect()
}

/// What concerns no single object. That nothing was restored at all is most likely not what was meant (contract §13 A24).
#[must_use]
pub fn warnings(report: &Report) -> Vec<String> {
    let mut warnings: Vec<String> =
        report.warnings.iter().take(TOLD).map(|warning| shortened(warning)).collect();
    if report.warnings.len() > TOLD {
        warnings.push(format!("and {} more", report.warnings.len() - TOLD));
    }
    if report.lines.is_empty() {
        warnings.push("there was nothing to restore: no object of the snapshot is in the scope".to_owned());
    }
    warnings
}

/// Why the restore has failed, if it has: an object that was not brought back fails it.
#[must_use]
pub fn failed(report: &Report) -> Option<Failed> {
    let failed = problems(report).count();
    if failed == 0 {
        return None;
    }
    let mut text = format!("{failed} of {} objects were not restored", report.lines.len());
    let first = problems(report).take(IN_ERROR).map(|(line, problem)| told(line, problem));
    text.push_str(": ");
    text.push_str(&first.collect::<Vec<_>>().join("; "));
    if failed > IN_ERROR {
        // Writing to a String does not fail.
        let _ = write!(text, "; and {} more", failed - IN_ERROR);
    }
    let is_temporary = problems(report).all(|(_, problem)| may_pass_by_itself(&problem.kind));
    let permanence = if is_temporary { Permanence::Temporary } else { Permanence::Permanent };
    Some(Failed { message: text, permanence })
}

fn problems(report: &Report) -> impl Iterator<Item = (&Line, &Problem)> {
    report.lines.iter().filter_map(|line| match &line.verdict {
        Verdict::Fail { problem } => Some((line, problem)),
        _ => None,
    })
}

/// Whether the same restore may succeed later without anybody changing anything.
const fn may_pass_by_itself(kind: &ProblemKind) -> bool {
    matches!(
        kind,
        ProblemKind::Unreachable
            | ProblemKind::Conflict
            | ProblemKind::Terminating
            | ProblemKind::Refused { .. }
    )
}

fn told(line: &Line, problem: &Problem) -> String {
    let place = line.place().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let Line { resource, name, .. } = line;
    shortened(&format!("{resource} {place}{name}: {}", problem.message))
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let head: String = text.chars().take(LONGEST).collect();
    format!("{head}...")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, namespace: Option<&str>, verdict: Verdict) -> Line {
        Line {
            resource: "deployments.apps".to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
            into: None,
            verdict,
            notes: Vec::new(),
            live: None,
        }
    }

    fn fail(kind: ProblemKind, message: &str) -> Verdict {
        Verdict::Fail { problem: Problem { kind, message: message.to_owned() } }
    }

    fn report(lines: Vec<Line>) -> Report {
        Report { lines, warnings: Vec::new() }
    }

    #[test]
    fn an_object_that_was_not_brought_back_fails_the_restore() {
        assert_eq!(failed(&report(vec![line("a", Some("shop"), Verdict::Create)])), None);
        let mut moved = line("b", Some("shop"), fail(ProblemKind::Quota, "exceeded quota"));
        moved.into = Some("other".to_owned());
        let report = report(vec![
            line("a", Some("shop"), Verdict::Create),
            moved,
            line("c", None, fail(ProblemKind::Unreachable, "no answer")),
        ]);
        let failed = failed(&report).unwrap();
        assert_eq!(
            failed.message,
            "2 of 3 objects were not restored: deployments.apps other/b: exceeded quota; deployments.apps c: no answer"
        );
        assert_eq!(failed.permanence, Permanence::Permanent);
        assert_eq!(
            failures(&report),
            ["deployments.apps other/b: exceeded quota", "deployments.apps c: no answer"]
        );
    }

    #[test]
    fn only_what_may_pass_by_itself_is_worth_another_try() {
        for (kind, expected) in [
            (ProblemKind::Unreachable, Permanence::Temporary),
            (ProblemKind::Refused { by: "hook".to_owned() }, Permanence::Temporary),
            (ProblemKind::Forbidden, Permanence::Permanent),
            (ProblemKind::Invalid, Permanence::Permanent),
        ] {
            let report = report(vec![line("a", None, fail(kind.clone(), "why"))]);
            assert_eq!(failed(&report).unwrap().permanence, expected, "{kind:?}");
        }
    }

    #[test]
    fn the_texts_do_not_grow_with_the_snapshot() {
        let long = "ü".repeat(5000);
        let lines =
            (0..500).map(|number| line(&number.to_string(), Some("shop"), fail(ProblemKind::Invalid, &long)));
        let mut report = report(lines.collect());
        report.warnings = vec![long; 50];
        assert_eq!(failures(&report).len(), TOLD);
        assert!(failures(&report).iter().all(|failure| failure.chars().count() <= LONGEST + 3));
        let failed = failed(&report).unwrap().message;
        assert!(failed.ends_with("; and 497 more") && failed.chars().count() < 2000, "{failed}");
        let warnings = warnings(&report);
        assert_eq!((warnings.len(), warnings.last().map(String::as_str)), (TOLD + 1, Some("and 30 more")));
    }

    #[test]
    fn that_nothing_was_restored_is_worth_a_warning() {
        assert_eq!(warnings(&report(Vec::new())).len(), 1);
        assert!(warnings(&report(vec![line("a", None, Verdict::Unchanged)])).is_empty());
    }
}
