//! The frame that a terminal redraws: stages, one bar per repository, what it waits for, and that it is alive.

use std::time::Duration;

use super::rate;
use super::{Part, Stage, State, Subject, View};
use crate::human::{self, wrapped};

/// A terminal's size in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub columns: usize,
    pub rows: usize,
}

/// The longest bar, and the shortest.
const BAR: usize = 25;
const LEAST_BAR: usize = 8;
/// Where the right column ends, on a wide terminal.
const WIDTH: usize = 88;
/// Below this many columns details are left out.
const NARROW: usize = 60;
/// After how long without a report it is told what the pod is about.
const LONG: Duration = Duration::from_mins(3);
/// How many parts are shown in full.
const PARTS: usize = 8;

/// The lines of a frame: never wider than the terminal, never higher than it less two.
#[must_use]
pub fn render(view: &View, size: Size, coloured: bool) -> Vec<String> {
    let width = size.columns.saturating_sub(1).min(WIDTH);
    let mut lines = vec![right(
        &title(view, width),
        &human::duration(Duration::from_secs(view.elapsed.as_secs())),
        width,
    )];
    for stage in &view.stages {
        lines.push(stage_line(stage, width));
        if stage.has_parts && stage.state != State::Todo {
            lines.extend(parts(&view.parts, width));
        }
    }
    if let Some(waiting) = &view.waiting {
        lines.extend(told("  waiting: ", waiting, width));
    }
    let mut last = vec![footer(view, width)];
    last.extend(silence(view).into_iter().flat_map(|text| told("  ", &text, width)));
    // The end is what a low terminal keeps: why it does not move, and that it is alive.
    let rows = size.rows.saturating_sub(2).max(1);
    last.truncate(rows);
    lines.truncate(rows - last.len());
    lines.append(&mut last);
    lines.into_iter().map(|line| paint(&truncated(&line, width), coloured)).collect()
}

/// How many lines a reason may have.
const REASON: usize = 4;

/// A reason in words of others behind a head, on as many lines as it needs up to [`REASON`].
fn told(head: &str, text: &str, width: usize) -> Vec<String> {
    let deeper = " ".repeat(head.chars().count());
    let room = width.saturating_sub(deeper.len());
    let mut lines = wrapped(text, room);
    if lines.len() > REASON {
        lines.truncate(REASON);
        if let Some(last) = lines.last_mut() {
            *last = truncated(&format!("{last} …"), room);
        }
    }
    let begins = |index| if index == 0 { head } else { &*deeper };
    lines.iter().enumerate().map(|(index, line)| format!("{}{line}", begins(index))).collect()
}

/// After a long time without a report: what the pod is about, and where to look.
fn silence(view: &View) -> Option<String> {
    view.reported_ago.filter(|ago| *ago >= LONG)?;
    let pod = view.pod.as_ref().map(|pod| format!("{pod} · ")).unwrap_or_default();
    Some(format!("{pod}{}", view.logs()))
}

fn title(view: &View, width: usize) -> String {
    let (namespace, name) = (&view.namespace, view.name());
    match &view.subject {
        Subject::Backup { .. } if width < NARROW => format!("Backup {namespace}/{name}"),
        Subject::Backup { session, .. } => {
            format!("Backup {namespace}/{name} · session {session} · {}", view.run)
        }
        Subject::Restore { .. } if width < NARROW => format!("Restore {namespace}/{name}"),
        Subject::Restore { snapshot } => format!("Restore {namespace}/{name} · from {snapshot}"),
    }
}

/// A text, and another one at the right edge.
fn right(left: &str, right: &str, width: usize) -> String {
    let used = left.chars().count() + right.chars().count();
    if used + 1 > width {
        let left = truncated(left, width.saturating_sub(right.chars().count() + 1));
        return format!("{left} {right}");
    }
    format!("{left}{}{right}", " ".repeat(width - used))
}

const fn symbol(state: State) -> &'static str {
    match state {
        State::Todo => "○",
        State::Active => "●",
        State::Done => "✔",
        State::Failed => "✘",
    }
}

fn stage_line(stage: &Stage, width: usize) -> String {
    let detail = if width < NARROW { "" } else { &stage.detail };
    let left = format!("  {} {:19} {detail}", symbol(stage.state), stage.name);
    match stage.took.filter(|_| stage.state == State::Done) {
        Some(took) => right(left.trim_end(), &human::duration(took), width),
        None => left.trim_end().to_owned(),
    }
}

/// One line per part; of many, those that are done are folded.
fn parts(parts: &[Part], width: usize) -> Vec<String> {
    let named = parts.iter().map(|part| part.name.chars().count()).max().unwrap_or(0);
    if parts.len() <= PARTS {
        return parts.iter().flat_map(|part| part_lines(part, named, width)).collect();
    }
    let (open, closed): (Vec<&Part>, Vec<&Part>) =
        parts.iter().partition(|part| matches!(part.state, State::Active | State::Failed));
    let mut lines: Vec<String> =
        open.iter().take(PARTS).flat_map(|part| part_lines(part, named, width)).collect();
    let done = closed.iter().filter(|part| part.state == State::Done).count();
    lines.push(format!("      … {done} done, {} waiting", closed.len() - done));
    lines
}

/// One line, or of a part that failed as many as its error needs.
fn part_lines(part: &Part, named: usize, width: usize) -> Vec<String> {
    if part.state == State::Failed {
        let error = part.error.as_deref().unwrap_or("failed");
        return told(&format!("      {:named$}  ✘ ", part.name), error, width);
    }
    vec![part_line(part, named, width)]
}

fn part_line(part: &Part, named: usize, width: usize) -> String {
    let name = &part.name;
    match part.state {
        State::Done => {
            let added =
                part.added.map_or_else(String::new, |added| format!(", {} added", human::bytes(added)));
            let objects = part.objects_total.or(part.objects_done);
            let objects =
                objects.map_or_else(String::new, |number| format!(" {} objects", human::count(number)));
            let counts = part.counts.map_or_else(String::new, |counts| format!(", {}", counts.done()));
            format!("      {name:named$}  ✔{objects}{added}{counts}")
        }
        State::Todo => format!("      {name:named$}  waiting"),
        State::Active | State::Failed => {
            if let Some(since) = part.finishing {
                let since = human::duration(Duration::from_secs(since.as_secs()));
                return format!("      {name:named$}  100 %   finishing (index, check)   {since}");
            }
            let head = format!("      {name:named$}  ");
            let room = width.saturating_sub(head.chars().count());
            let figures = figures(part, room);
            // What is left of the line is the bar's, unless that is too little to tell anything.
            let length = room.saturating_sub(figures.chars().count() + 2).min(BAR);
            let bar = part.fraction.filter(|_| length >= LEAST_BAR);
            let bar = bar.map_or_else(String::new, |fraction| format!("{}  ", bar_of(fraction, length)));
            format!("{head}{bar}{figures}")
        }
    }
}

/// `78 %   47 / 61 objects   1.1 MB   2.1 MB/s   about 50s left`, as much of it as there is room for.
fn figures(part: &Part, room: usize) -> String {
    let objects = match (part.objects_done, part.objects_total) {
        (Some(done), Some(total)) => {
            Some(format!("{} / {} objects", human::count(done), human::count(total)))
        }
        (Some(done), None) => Some(format!("{} objects so far", human::count(done))),
        (None, Some(total)) => Some(format!("{} objects", human::count(total))),
        (None, None) => None,
    };
    let speed = part.bytes_per_second.filter(|speed| *speed > 0);
    // In the order in which they stand, with the order in which they may go: the last first.
    let all = [
        (0, part.fraction.map(percent)),
        (2, objects),
        (3, part.bytes_done.map(human::bytes)),
        (4, speed.map(|speed| format!("{}/s", human::bytes(speed)))),
        (1, part.left.map(rate::spoken)),
        // What is wrong is told before how long it takes.
        (1, part.counts.filter(|counts| counts.failed > 0).map(|counts| format!("{} failed", counts.failed))),
    ];
    let mut all: Vec<(u8, String)> =
        all.into_iter().filter_map(|(rank, text)| text.map(|text| (rank, text))).collect();
    loop {
        let text = all.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("   ");
        let least = all.iter().map(|(rank, _)| *rank).max();
        match least {
            None => return "started".into(),
            Some(least) if text.chars().count() > room && all.len() > 1 => {
                all.retain(|(rank, _)| *rank != least);
            }
            Some(_) => return text,
        }
    }
}

fn percent(fraction: f64) -> String {
    // Rounded down: 100 % is said when all is stored.
    format!("{:3.0} %", (fraction * 100.0).floor())
}

fn bar_of(fraction: f64, length: usize) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "between 0 and twice the length"
    )]
    let halves = (fraction * (length * 2) as f64).floor() as usize;
    let (full, half) = (halves / 2, halves % 2);
    let rest = length.saturating_sub(full + half);
    format!("{}{}{}", "━".repeat(full.min(length)), "╸".repeat(half), "─".repeat(rest))
}

fn footer(view: &View, width: usize) -> String {
    let updated = match view.reported_ago {
        None => "no report yet".to_owned(),
        Some(ago) if ago >= LONG => format!("‼ no report for {}", human::duration(ago)),
        Some(ago) if ago >= super::SILENCE => format!("no report for {}", human::duration(ago)),
        Some(ago) if ago < Duration::from_secs(2) => "updated just now".to_owned(),
        Some(ago) => format!("updated {} ago", human::duration(ago)),
    };
    if width < NARROW {
        format!("  {updated} · Ctrl-C is safe")
    } else {
        format!("  {updated} · Ctrl-C stops watching, the {} goes on", view.subject.noun())
    }
}

/// At most so many characters; a cut is marked.
fn truncated(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let kept: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Colours for the symbols that carry a state; the words say it as well.
fn paint(line: &str, coloured: bool) -> String {
    if !coloured {
        return line.to_owned();
    }
    [("✔", "32"), ("✘", "31"), ("●", "36"), ("‼", "33"), ("━", "36"), ("╸", "36")].into_iter().fold(
        line.to_owned(),
        |line, (symbol, colour)| {
            let run = symbol.repeat(line.matches(symbol).count());
            if run.is_empty() {
                line
            } else {
                line.replacen(&run, &format!("\u{1b}[{colour}m{run}\u{1b}[0m"), 1)
            }
        },
    )
}

#[cfg(test)]
mod tests;
