//! A report for people: grouped by what becomes of the objects, folded by type where there are many, with what is wrong at
//! the end, next to the totals. The same for what would happen and for what did. Pure.

mod row;

use std::collections::{BTreeMap, BTreeSet};

use archive::restore::report::{Line, Report};
use archive::restore::verdict::{NOT_CHECKED, Verdict};

use crate::human;
use crate::look::pager;
use row::Row;
pub use row::wrapped;

/// More lines than this are folded by type.
const FEW: usize = 40;
/// How many lines of a group that is not folded are shown.
const LISTED: usize = 15;
/// How many remarks about several objects are shown, and how many about none.
const REMARKS: usize = 6;

/// How a report is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Whether it tells what happened, and not what would.
    pub done: bool,
    /// Every object, every field, every remark.
    pub verbose: bool,
    /// Characters per line; none, lines are as long as they need to be.
    pub width: Option<usize>,
    /// Whether words are coloured.
    pub coloured: bool,
}

/// The objects of a report, a line for each or for many of one type.
#[must_use]
pub fn objects(report: &Report, manner: Manner) -> String {
    let mut rows: Vec<Row> = Vec::new();
    let fold = report.lines.len() > FEW && !manner.verbose;
    // What belongs to no namespace is known by its type.
    let several_places = places(report).into_iter().filter(|place| !place.is_empty()).count() > 1;
    let renamed = renamed(report);
    for rank in 0..RANKS {
        let group: Vec<&Line> = report.lines.iter().filter(|line| rank_of(&line.verdict) == rank).collect();
        let Some(first) = group.first() else { continue };
        // What comes into being is named while it is little, however much there is beside it.
        let is_little = matches!(first.verdict, Verdict::Create) && group.len() <= LISTED;
        if fold && folds(&first.verdict) && !is_little {
            rows.extend(folded(&group, manner.done));
            continue;
        }
        // What is removed is told to the last one.
        let all = manner.verbose || matches!(first.verdict, Verdict::Prune);
        let listed = if fold && !all { LISTED } else { group.len() };
        let row = |line: &&Line| {
            let row = Row::of(line, several_places, manner);
            let new = renamed.get(line.name.as_str()).filter(|_| line.resource == "namespaces");
            match new {
                Some(new) => row.renamed(new),
                None => row,
            }
        };
        rows.extend(group.iter().take(listed).map(row));
        if group.len() > listed {
            let more = human::counted(group.len() - listed, "more object");
            rows.push(Row::told(word(&first.verdict, manner.done), &format!("… {more}   (-v for all)")));
        }
    }
    let mut text = row::render(&rows, manner);
    for line in remarks(report, manner) {
        text.push_str(&pager::visible(&wrapped("‼ ", &line, manner.width)));
    }
    text
}

/// The namespaces whose objects go into another, with that one.
fn renamed(report: &Report) -> BTreeMap<&str, &str> {
    let lines = report.lines.iter();
    lines.filter_map(|line| Some((line.namespace.as_deref()?, line.into.as_deref()?))).collect()
}

/// What concerns several objects, or none of them in particular.
fn remarks(report: &Report, manner: Manner) -> Vec<String> {
    let mut lines = Vec::new();
    if !manner.verbose {
        let mut notes: BTreeMap<&str, usize> = BTreeMap::new();
        for note in report.lines.iter().flat_map(|line| &line.notes) {
            *notes.entry(note).or_default() += 1;
        }
        let mut notes: Vec<(&str, usize)> = notes.into_iter().collect();
        notes.sort_by_key(|(note, number)| (std::cmp::Reverse(*number), *note));
        let more = notes.len().saturating_sub(REMARKS);
        lines.extend(
            notes
                .into_iter()
                .take(REMARKS)
                .map(|(note, number)| format!("{}: {note}", human::counted(number, "object"))),
        );
        if more > 0 {
            lines.push(format!("{}   (-v for all)", human::counted(more, "more remark")));
        }
    }
    let shown = if manner.verbose { report.warnings.len() } else { REMARKS };
    lines.extend(report.warnings.iter().take(shown).cloned());
    let more = report.warnings.len().saturating_sub(shown);
    if more > 0 {
        lines.push(format!("{}   (-v for all)", human::counted(more, "more warning")));
    }
    lines
}

/// The namespaces in which the objects are, or will be; of the cluster's own, an empty name.
#[must_use]
pub fn places(report: &Report) -> BTreeSet<&str> {
    report.lines.iter().map(|line| line.place().unwrap_or_default()).collect()
}

/// The last line of a plan: how many become what, and whether all would be accepted.
#[must_use]
pub fn totals(report: &Report) -> String {
    let counts = report.counts();
    let changes = counts.created + counts.updated + counts.pruned;
    let is_asked = |line: &Line| !line.notes.iter().any(|note| note.starts_with(NOT_CHECKED));
    match (changes, counts.failed) {
        (0, 0) => format!("nothing to do: {}", counts.planned()),
        (_, 0) if report.lines.iter().all(is_asked) => {
            format!("{} · the API server would accept all", counts.planned())
        }
        (_, 0) => {
            format!("{} · the API server would accept all that it can be asked about", counts.planned())
        }
        _ => counts.planned(),
    }
}

const RANKS: u8 = 8;

/// In which order groups are shown: what is wrong comes last, where it is seen.
const fn rank_of(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Create => 0,
        Verdict::Update { .. } => 1,
        Verdict::Recreate { .. } => 2,
        Verdict::Unchanged => 3,
        Verdict::Skip { .. } => 4,
        Verdict::Left { .. } => 5,
        Verdict::Prune => 6,
        Verdict::Fail { .. } => 7,
    }
}

/// Whether a group of which there is nothing to say one by one.
const fn folds(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Create | Verdict::Unchanged | Verdict::Skip { .. })
}

const fn word(verdict: &Verdict, done: bool) -> &'static str {
    if done { verdict.done() } else { verdict.word() }
}

/// A row per type, and for what is left out, per reason.
fn folded(group: &[&Line], done: bool) -> Vec<Row> {
    let mut types: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for line in group {
        let reason = row::reason(&line.verdict);
        *types.entry((reason, &line.resource)).or_default() += 1;
    }
    let word = group.first().map_or("", |line| word(&line.verdict, done));
    types
        .into_iter()
        .map(|((reason, resource), number)| {
            let number = human::count(u64::try_from(number).unwrap_or(u64::MAX));
            let remark = if reason.is_empty() { number } else { format!("{number}   {reason}") };
            Row::told(word, resource).with_remark(&remark)
        })
        .collect()
}

#[cfg(test)]
mod tests;
