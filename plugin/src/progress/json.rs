//! JSON lines: the first is `started`, the last `summary` or `exit_error`; unknown values are left out.
//!
//! Message and field names are restic's where it has them. Readers ignore types and fields that they do not know.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::outcome::{Outcome, Outcomes};
use super::{Part, State, Subject, View};
use crate::failure::{Code, Failure};

/// Version of the messages; grows when a field changes its meaning.
const SCHEMA_VERSION: u32 = 1;

/// The messages that a new state adds after the one before. `due` asks for some although nothing changed: how far it is,
/// and how old that report is.
#[must_use]
pub fn messages(before: Option<&View>, view: &View, now: Timestamp, due: bool) -> Vec<Value> {
    let mut messages = Vec::new();
    if before.is_none() {
        messages.push(started(view, now));
    }
    for stage in &view.stages {
        let known = before.and_then(|before| before.stages.iter().find(|other| other.name == stage.name));
        let was = known.map_or(State::Todo, |known| known.state);
        if was != stage.state {
            let state = word(stage.state);
            messages.push(message(
                "stage",
                now,
                &json!({"run": view.run, "stage": stage.name, "state": state, "message": stage.detail}),
            ));
        }
    }
    for part in &view.parts {
        let known =
            before.and_then(|before| before.parts.iter().find(|other| other.snapshot == part.snapshot));
        if known != Some(part) || (due && part.state == State::Active) {
            messages.push(message("status", now, &status(view, part)));
        }
    }
    let waited = before.and_then(|before| before.waiting.as_ref());
    if let Some(waiting) = view.waiting.as_ref().filter(|waiting| due || Some(*waiting) != waited) {
        messages.push(message("warning", now, &json!({"run": view.run, "message": waiting})));
    }
    let known = before.is_some_and(|before| before.outcome.is_some());
    if let Some(outcome) = view.outcome.as_ref().filter(|_| !known) {
        messages.push(message("summary", now, &summary(view, outcome)));
    }
    messages
}

/// Writes [`exit_error`], unless the end of the runs was told already.
pub fn give_up(failure: &Failure, now: Timestamp, results: &mut dyn Write) -> io::Result<()> {
    if failure.what().is_empty() {
        return Ok(());
    }
    writeln!(results, "{}", exit_error(failure, now))?;
    results.flush()
}

/// The last line of a command that could not follow the run to its end.
#[must_use]
pub fn exit_error(failure: &Failure, now: Timestamp) -> Value {
    let row = |label: &str| failure.rows().find(|(name, _)| *name == label).map(|(_, text)| text.to_owned());
    let (id, docs) = (failure.code().map(Code::id), failure.code().map(Code::docs));
    message(
        "exit_error",
        now,
        &json!({"code": failure.exit().code(), "message": failure.what(), "why": row("why"), "fix": row("fix"), "id": id, "docs": docs}),
    )
}

fn message(kind: &str, now: Timestamp, fields: &Value) -> Value {
    let mut all = Map::new();
    all.insert("message_type".into(), kind.into());
    all.insert("time".into(), stamp(now).into());
    let known = fields.as_object().into_iter().flatten();
    all.extend(
        known
            .filter(|(_, value)| !value.is_null() && *value != "")
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    Value::Object(all)
}

fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn started(view: &View, now: Timestamp) -> Value {
    let (kind, backup, session, snapshot) = match &view.subject {
        Subject::Backup { configuration, session } => {
            ("BackupSession", Some(configuration), Some(session), None)
        }
        Subject::Restore { snapshot } => ("RestoreSession", None, None, Some(snapshot)),
    };
    let fields = json!({
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "namespace": view.namespace,
        "name": view.run,
        "backup": backup,
        "session": session,
        "snapshot": snapshot,
    });
    message("started", now, &fields)
}

const fn word(state: State) -> &'static str {
    match state {
        State::Todo => "waiting",
        State::Active => "running",
        State::Done => "done",
        State::Failed => "failed",
    }
}

fn status(view: &View, part: &Part) -> Value {
    json!({
        "run": view.run,
        "component": part.name,
        "snapshot": part.snapshot,
        "state": word(part.state),
        "seconds_elapsed": view.elapsed.as_secs(),
        "percent_done": part.fraction,
        "files_done": part.objects_done,
        "total_files": part.objects_total,
        "bytes_done": part.bytes_done,
        "total_bytes": part.bytes_total,
        "bytes_per_second": part.bytes_per_second,
        "seconds_remaining": part.left.map(|left| left.as_secs()),
        "objects": part.counts,
        "reported_seconds_ago": view.reported_ago.map(|ago| ago.as_secs()),
        "error": part.error,
    })
}

fn summary(view: &View, outcome: &Outcome) -> Value {
    let (why, kept, fix, next_try) = match &outcome.result {
        Outcomes::Succeeded => (None, None, None, None),
        Outcomes::Failed { why, kept, fix, next_try, .. } => (Some(why), kept.as_ref(), Some(fix), *next_try),
        Outcomes::Skipped { why } => (Some(why), None, None, None),
    };
    let snapshots: Vec<Value> = outcome
        .snapshots
        .iter()
        .map(|stored| {
            let all = json!({
                "name": stored.snapshot,
                "repository": stored.repository,
                "succeeded": stored.succeeded,
                "files": stored.objects,
                "size_bytes": stored.bytes,
                "added_bytes": stored.added,
            });
            let known = all.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
            Value::Object(known.map(|(key, value)| (key.clone(), value.clone())).collect())
        })
        .collect();
    let restored = outcome.restored.as_ref();
    let is_backup = matches!(view.subject, Subject::Backup { .. });
    json!({
        "run": view.run,
        "phase": outcome.phase(),
        "duration_seconds": outcome.took.as_secs_f64(),
        "snapshots": is_backup.then_some(snapshots),
        "objects": restored.and_then(|restored| restored.counts),
        "failures": restored.map(|restored| &restored.failures).filter(|failures| !failures.is_empty()),
        "report": restored.and_then(|restored| restored.report.as_ref()),
        "message": why,
        "kept": kept,
        "fix": fix,
        "id": outcome.code().map(Code::id),
        "docs": outcome.code().map(Code::docs),
        "next_try": next_try.map(stamp),
    })
}

#[cfg(test)]
mod tests;
