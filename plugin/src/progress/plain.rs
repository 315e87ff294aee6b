//! A line with a time for each change, and one now and then while nothing changes: for logs and pipes.

use jiff::Timestamp;

use super::outcome::{Outcome, Outcomes};
use super::{State, View, finale, rate};
use crate::human;

/// The lines that a new state adds after the one before. `due` asks for one although nothing changed.
#[must_use]
pub fn lines(before: Option<&View>, view: &View, now: Timestamp, due: bool) -> Vec<String> {
    let stamp = |text: String| format!("{} {} {text}", now.strftime("%Y-%m-%dT%H:%M:%SZ"), view.run);
    if let Some(outcome) = &view.outcome {
        let known = before.is_some_and(|before| before.outcome.is_some());
        return if known { Vec::new() } else { vec![stamp(ended(outcome))] };
    }
    let mut lines = Vec::new();
    for stage in &view.stages {
        let was = before.and_then(|before| before.stages.iter().find(|other| other.name == stage.name));
        let Some(became) = news(was.map_or(State::Todo, |was| was.state), stage.state) else { continue };
        let detail = if stage.detail.is_empty() { String::new() } else { format!(" ({})", stage.detail) };
        lines.push(stamp(format!("Running: {}{became}{detail}", stage.name)));
    }
    let waiting = before.and_then(|before| before.waiting.as_ref());
    if let Some(now_waiting) = view.waiting.as_ref().filter(|waits| due || Some(*waits) != waiting) {
        lines.push(stamp(format!("waiting: {now_waiting}")));
    } else if due && lines.is_empty() {
        lines.push(stamp(going_on(view)));
    }
    lines
}

/// What to say of a stage: that it began, also when it was over before it was seen, so that every run of the same kind
/// leaves the same lines; and that it failed. That it is done shows when the next one begins.
const fn news(was: State, is: State) -> Option<&'static str> {
    match (was, is) {
        (_, State::Todo) | (State::Failed, State::Failed) => None,
        (_, State::Failed) => Some(" failed"),
        (State::Todo | State::Failed, State::Active) | (State::Todo, State::Done) => Some(""),
        (_, State::Active | State::Done) => None,
    }
}

fn ended(outcome: &Outcome) -> String {
    let took = human::duration(outcome.took);
    match &outcome.result {
        Outcomes::Succeeded => {
            let stored = outcome.snapshots.iter().map(|stored| {
                let amount = finale::amount(stored).map_or_else(String::new, |amount| format!("{amount}, "));
                format!(", {amount}snapshot {}", stored.snapshot)
            });
            let counts = outcome.restored.as_ref().and_then(|restored| restored.counts);
            let became = counts.map_or_else(String::new, |counts| format!(", {}", counts.done()));
            format!("Succeeded in {took}{}{became}", stored.collect::<String>())
        }
        Outcomes::Failed { why, .. } => format!("Failed after {took}: {why}"),
        Outcomes::Skipped { why } => format!("Skipped: {why}"),
    }
}

/// `reading and storing 31% 19 of 61 objects 0.5 MB 61 MB/s about 50s left`
fn going_on(view: &View) -> String {
    let stage = view.current().map_or("waiting", |stage| stage.name);
    let going = view.current().filter(|stage| stage.has_parts && !stage.detail.is_empty());
    let going = going.map(|stage| stage.detail.as_str());
    let done: u64 = view.parts.iter().filter_map(|part| part.objects_done).sum();
    let total: Option<u64> = view.parts.iter().map(|part| part.objects_total).sum();
    let bytes: u64 = view.parts.iter().filter_map(|part| part.bytes_done).sum();
    let speed: u64 = view.parts.iter().filter_map(|part| part.bytes_per_second).sum();
    let left = view.parts.iter().filter_map(|part| part.left).max();
    let silent = view.reported_ago.filter(|ago| *ago >= super::SILENCE);
    let parts = [
        Some(stage.to_owned()),
        view.fraction().map(|fraction| format!("{:.0}%", (fraction * 100.0).floor())),
        (done > 0).then(|| match total.filter(|total| *total > 0) {
            Some(total) => format!("{done} of {total} objects"),
            None => format!("{done} objects"),
        }),
        (bytes > 0).then(|| human::bytes(bytes)),
        (speed > 0).then(|| format!("{}/s", human::bytes(speed))),
        left.map(rate::spoken),
        going.map(|detail| format!("({detail})")),
        silent.map(|ago| format!("(no report for {})", human::duration(ago))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
