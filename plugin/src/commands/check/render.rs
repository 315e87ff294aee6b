//! The report: lines with glyphs and numbered fixes, or JSON in the shape that linkerd's `check` has.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::report::{Category, Check, Verdict};
use crate::failure::Failure;
use crate::human;
use crate::output;

/// Width of the column of descriptions.
const COLUMN: usize = 42;

/// For people; `short` leaves out what is well.
pub(super) fn table(categories: &[Category], short: bool) -> String {
    let (mut text, mut fixes) = (String::new(), Vec::new());
    for category in categories {
        let mut lines = String::new();
        for check in category.checks.iter().filter(|check| !short || check.verdict != Verdict::Success) {
            let number = number(&mut fixes, check);
            let see = number.map(|number| format!("   see fix {number}")).unwrap_or_default();
            let line =
                format!("{} {:COLUMN$} {}{see}", glyph(check.verdict), check.description, check.remark);
            // Writing to a String does not fail.
            let _ = writeln!(lines, "{}", line.trim_end());
        }
        if !lines.is_empty() {
            let head = format!("{}  {}", category.name, category.place);
            let _ = write!(text, "{}\n{lines}\n", head.trim_end());
        }
    }
    text.push_str(&summary(categories));
    for (index, fix) in fixes.iter().enumerate() {
        for (line_index, line) in fix.lines().enumerate() {
            let label = if line_index == 0 { (index + 1).to_string() } else { String::new() };
            let _ = writeln!(text, "{label:>3}  {line}");
        }
    }
    text
}

/// The number of a check's fix; equal fixes have one number.
fn number<'a>(fixes: &mut Vec<&'a str>, check: &'a Check) -> Option<usize> {
    if check.verdict == Verdict::Success || check.fix.is_empty() {
        return None;
    }
    let known = fixes.iter().position(|fix| *fix == check.fix);
    Some(
        known.unwrap_or_else(|| {
            fixes.push(&check.fix);
            fixes.len() - 1
        }) + 1,
    )
}

fn glyph(verdict: Verdict) -> char {
    match verdict {
        Verdict::Success => '✔',
        Verdict::Warning => '‼',
        Verdict::Error => '✘',
    }
}

fn count(categories: &[Category], verdict: Verdict) -> usize {
    categories.iter().flat_map(|category| &category.checks).filter(|check| check.verdict == verdict).count()
}

/// `2 warnings, 1 error`
fn summary(categories: &[Category]) -> String {
    let (warnings, errors) = (count(categories, Verdict::Warning), count(categories, Verdict::Error));
    match (warnings, errors) {
        (0, 0) => "everything is well\n".into(),
        _ => format!("{}, {}\n", human::counted(warnings, "warning"), human::counted(errors, "error")),
    }
}

/// For programs.
pub(super) fn json(categories: &[Category]) -> Result<String, Failure> {
    let categories_value: Vec<Value> = categories
        .iter()
        .map(|category| {
            let checks: Vec<Value> = category.checks.iter().map(value).collect();
            json!({"name": category.name, "place": category.place, "checks": checks})
        })
        .collect();
    let success = count(categories, Verdict::Error) == 0;
    output::json(&json!({"success": success, "categories": categories_value}))
}

fn value(check: &Check) -> Value {
    let mut value = json!({"id": check.code.id(), "description": check.description});
    value["result"] = match check.verdict {
        Verdict::Success => "success",
        Verdict::Warning => "warning",
        Verdict::Error => "error",
    }
    .into();
    if check.verdict == Verdict::Success {
        value["remark"] = check.remark.clone().into();
    } else {
        value["error"] = check.remark.clone().into();
        value["fix"] = check.fix.clone().into();
        value["hint"] = check.code.docs().into();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Code;

    fn categories() -> Vec<Category> {
        let checks = vec![
            Check::well(Code::ClusterUnreachable, "reachable", "v1"),
            Check::doubtful(Code::Overdue, "shop/a", "late", "do this"),
            Check::bad(Code::BackupNotReady, "shop/b", "broken", "do this"),
        ];
        vec![Category { name: "backups", place: "namespace shop".into(), checks }]
    }

    #[test]
    fn equal_fixes_have_one_number() {
        let text = table(&categories(), true);
        assert!(!text.contains("reachable"), "{text}");
        assert_eq!(text.matches("see fix 1").count(), 2, "{text}");
        assert!(text.ends_with("1 warning, 1 error\n  1  do this\n"), "{text}");
    }

    #[test]
    fn programs_get_ids_results_and_fixes() {
        let report: Value = serde_json::from_str(&json(&categories()).unwrap()).unwrap();
        assert_eq!(report["success"], false);
        let checks = &report["categories"][0]["checks"];
        assert_eq!((&checks[1]["id"], &checks[1]["result"]), (&"KS032".into(), &"warning".into()));
        assert_eq!(checks[2]["fix"], "do this");
    }
}
