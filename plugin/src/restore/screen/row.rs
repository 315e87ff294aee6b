//! One line of a report on a screen, and how lines stand below each other.

use std::fmt::Write as _;

use archive::restore::report::Line;
use archive::restore::verdict::{Change, Problem, ProblemKind, Verdict};
use serde_json::Value;

use super::Manner;
use crate::human;
use crate::look::changes::{self, Field};
use crate::look::pager;

/// Below this many characters a remark stands below its object.
const NARROW: usize = 60;
/// The widest column of names; a longer one pushes its remark aside.
const WIDEST: usize = 64;
/// The longest value of a field that is shown.
const LONGEST: usize = 80;

/// What is shown of an object, or of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    word: &'static str,
    /// The namespace, where the objects are in several.
    place: String,
    name: String,
    remark: String,
    /// Lines below it.
    below: Vec<String>,
}

impl Row {
    /// A word and a name.
    pub fn told(word: &'static str, name: &str) -> Self {
        Self { word, name: name.to_owned(), ..Self::default() }
    }

    /// The same with a remark.
    pub fn with_remark(self, remark: &str) -> Self {
        Self { remark: remark.to_owned(), ..self }
    }

    /// The same of a thing that gets another name.
    pub fn renamed(self, new: &str) -> Self {
        Self { name: format!("{} -> {new}", self.name), ..self }
    }

    /// The row of one object.
    pub fn of(line: &Line, several_places: bool, manner: Manner) -> Self {
        let mut below = Vec::new();
        if manner.verbose {
            below.extend(fields(&line.verdict).iter().map(told));
            below.extend(taken(&line.verdict).iter().map(|owner| format!("takes over from {owner}")));
            below.extend(line.notes.iter().map(|note| format!("‼ {note}")));
        }
        Self {
            word: super::word(&line.verdict, manner.done),
            place: if several_places { line.place().unwrap_or("-").to_owned() } else { String::new() },
            name: format!("{}/{}", line.resource, line.name),
            remark: remark(&line.verdict, manner),
            below,
        }
    }
}

/// Why something is not brought back, for a reason that is no failure.
pub fn reason(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Skip { reason } => reason.told(),
        _ => String::new(),
    }
}

fn remark(verdict: &Verdict, manner: Manner) -> String {
    match verdict {
        Verdict::Create | Verdict::Unchanged => String::new(),
        Verdict::Prune => "is not in the snapshot".to_owned(),
        Verdict::Skip { .. } => reason(verdict),
        Verdict::Update { changes, taken_from } => {
            let summary = summary(changes);
            match taken_from.as_slice() {
                _ if manner.verbose => String::new(),
                [] => summary,
                owners => format!("{summary}   (takes over from {})", managers(owners)),
            }
        }
        Verdict::Recreate { changes } => format!("deleted and made again: {}", summary(changes)),
        Verdict::Left { changes } => {
            let summary = summary(changes);
            let differs = if summary.is_empty() { String::new() } else { format!(": {summary}") };
            format!("exists and differs{differs}   (--override takes the snapshot's)")
        }
        Verdict::Fail { problem } => why(problem),
    }
}

/// Why an object cannot be brought back, and what there is instead.
fn why(problem: &Problem) -> String {
    let message = problem.message.lines().next().unwrap_or_default();
    let ProblemKind::MissingType { served, replacement } = &problem.kind else { return message.to_owned() };
    let mut parts =
        vec![if message.is_empty() { "the cluster does not serve its type" } else { message }.to_owned()];
    if !served.is_empty() {
        parts.push(format!("served: {}", served.join(", ")));
    }
    parts.extend(replacement.iter().map(|replacement| format!("in its place: {replacement}")));
    parts.join("; ")
}

fn fields(verdict: &Verdict) -> &[Change] {
    match verdict {
        Verdict::Update { changes, .. } | Verdict::Recreate { changes } | Verdict::Left { changes } => {
            changes
        }
        _ => &[],
    }
}

fn taken(verdict: &Verdict) -> &[String] {
    match verdict {
        Verdict::Update { taken_from, .. } => taken_from,
        _ => &[],
    }
}

/// The names of the managers, each once: `kubectl-edit: spec.replicas` is one of kubectl-edit.
fn managers(owners: &[String]) -> String {
    let mut names: Vec<&str> =
        owners.iter().map(|owner| owner.split_once(": ").map_or(owner.as_str(), |(name, _)| name)).collect();
    names.dedup();
    names.join(", ")
}

/// The changes in a line; of what nobody may see, which fields.
fn summary(all: &[Change]) -> String {
    let field = |change: &Change| Field {
        path: change.path.clone(),
        before: change.live.clone(),
        after: change.snapshot.clone(),
    };
    let fields: Vec<Field> = all.iter().map(field).collect();
    if all.iter().any(is_hidden) { changes::paths(&fields) } else { changes::summary(&fields) }
}

fn is_hidden(change: &Change) -> bool {
    change.live.is_none() && change.snapshot.is_none()
}

/// `spec.replicas: 5 -> 2`
fn told(change: &Change) -> String {
    if is_hidden(change) {
        return format!("{}: differs (hidden)", change.path);
    }
    format!("{}: {} -> {}", change.path, value(change.live.as_ref()), value(change.snapshot.as_ref()))
}

fn value(value: Option<&Value>) -> String {
    let text = match value {
        None => return "(none)".to_owned(),
        Some(Value::String(text)) if !text.contains('\n') => text.clone(),
        Some(other) => other.to_string(),
    };
    if text.chars().count() <= LONGEST {
        return text;
    }
    let kept: String = text.chars().take(LONGEST).collect();
    format!("{kept}…")
}

/// The rows as text.
pub fn render(rows: &[Row], manner: Manner) -> String {
    let widest = |cell: fn(&Row) -> &str| {
        rows.iter().map(|row| cell(row).chars().count()).max().unwrap_or(0).min(WIDEST)
    };
    let (word, place, name) = (widest(|row| row.word), widest(|row| &row.place), widest(|row| &row.name));
    let mut text = String::new();
    for row in rows {
        let place = if place == 0 { String::new() } else { format!("{:place$}  ", row.place) };
        let head = format!("  {:word$}  {place}", row.word);
        let line = format!("{head}{:name$}  {}", row.name, row.remark);
        let line = line.trim_end();
        let fits = manner.width.is_none_or(|width| line.chars().count() <= width);
        let mut shown = if fits || row.remark.is_empty() {
            format!("{line}\n")
        } else {
            let indent = indent(&head, manner.width);
            format!(
                "{}{}",
                wrapped(&head, &row.name, manner.width),
                wrapped(&indent, &row.remark, manner.width)
            )
        };
        for below in &row.below {
            shown.push_str(&wrapped(&indent(&head, manner.width), below, manner.width));
        }
        // What a snapshot holds does not steer the terminal; the colours come after.
        let shown = pager::visible(&shown);
        if manner.coloured {
            text.push_str(&shown.replacen(row.word, &painted(row.word), 1));
        } else {
            text.push_str(&shown);
        }
    }
    text
}

/// How far a line is moved in that belongs to the one above it.
fn indent(head: &str, width: Option<usize>) -> String {
    let narrow = width.is_some_and(|width| width < NARROW);
    " ".repeat(if narrow { 6 } else { head.chars().count() + 2 })
}

/// A text behind a head, on as many lines as it needs.
#[must_use]
pub fn wrapped(head: &str, text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return format!("{head}{text}\n") };
    let deeper = " ".repeat(head.chars().count());
    let room = width.saturating_sub(deeper.len()).max(16);
    let mut shown = String::new();
    for (index, line) in human::wrapped(text, room).iter().enumerate() {
        // Writing to a String does not fail.
        let _ = writeln!(shown, "{}{line}", if index == 0 { head } else { &deeper });
    }
    shown
}

fn painted(word: &str) -> String {
    let colour = match word {
        "create" | "created" => "32",
        "update" | "updated" | "recreate" | "recreated" | "leave" | "left" => "33",
        "prune" | "pruned" | "fail" | "failed" => "31",
        _ => "2",
    };
    format!("\u{1b}[{colour}m{word}\u{1b}[0m")
}
