//! What is wrong with storages and backups, and what to do about it: for `status`, `check` and lists of problems.

use std::time::Duration;

use crds::core::backup_session::BackupSessionPhase;
use crds::storage::BackupStorage;
use crds::storage::snapshot::SnapshotPhase;
use jiff::Timestamp;
use kube::ResourceExt as _;

use super::Glance;
use crate::failure::{Code, Failure};
use crate::human;
use crate::progress::outcome::{self, Outcomes};
use crate::readiness;
use crate::wait::Verdict;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Backups are made, but look at it.
    Warning,
    /// Backups are not made.
    Error,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of problem.
    pub code: Code,
    pub severity: Severity,
    /// One line.
    pub what: String,
    /// What to do, possibly several lines.
    pub fix: String,
}

/// What is wrong with a storage.
#[must_use]
pub fn of_storage(storage: &BackupStorage) -> Option<Problem> {
    judged(Code::StorageNotReady, readiness::storage(Some(storage)))
}

/// What is wrong with a backup, the gravest first.
#[must_use]
pub fn of_backup(backup: &Glance<'_>, now: Timestamp) -> Vec<Problem> {
    let mut problems: Vec<Problem> =
        judged(Code::BackupNotReady, readiness::backup(Some(backup.configuration))).into_iter().collect();
    problems.extend(failed_run(backup, now));
    let (name, namespace) =
        (backup.configuration.name_any(), backup.configuration.namespace().unwrap_or_default());
    for session in &backup.configuration.spec.sessions {
        if !backup.is_overdue(&session.name, now) {
            continue;
        }
        let schedule = session.scheduler.as_ref().map(|scheduler| scheduler.schedule.as_str());
        let last = backup
            .last_success(&session.name)
            .map_or_else(|| "never".to_owned(), |last| format!("{} ago", human::age_at(last, now)));
        problems.push(Problem {
            code: Code::Overdue,
            severity: Severity::Warning,
            what: format!(
                "session {}: last success {last}, schedule is {}",
                session.name,
                schedule.unwrap_or_default()
            ),
            fix: format!("kubectl kubestash trigger {name} -n {namespace} --watch"),
        });
    }
    problems
}

fn judged(code: Code, verdict: Verdict<()>) -> Option<Problem> {
    let from = |severity, failure: &Failure| {
        let text = |label: &str| {
            failure
                .rows()
                .filter(|(found, _)| *found == label)
                .map(|(_, text)| text)
                .collect::<Vec<_>>()
                .join("\n")
        };
        let why = text("why").replace('\n', "; ");
        let what = if why.is_empty() { failure.what().to_owned() } else { why };
        Problem { code, severity, what, fix: text("fix") }
    };
    match verdict {
        Verdict::Reached(()) => None,
        Verdict::Never(failure) | Verdict::Stuck(failure) => Some(from(Severity::Error, &failure)),
        Verdict::NotYet(what) => Some(Problem {
            code,
            severity: Severity::Warning,
            what,
            fix: "kubectl kubestash check   tells whether the operator runs".into(),
        }),
    }
}

/// The newest run that ended, if it failed.
fn failed_run(backup: &Glance<'_>, now: Timestamp) -> Option<Problem> {
    let runs = backup.runs();
    let run = runs.iter().find(|run| run.phase.is_completed() && run.phase != BackupSessionPhase::Skipped)?;
    if run.phase != BackupSessionPhase::Failed {
        return None;
    }
    let (why, fix) = cause(backup, &run.name);
    let age = human::age_at(run.started, now);
    let what = if why.is_empty() { format!("failed {age} ago") } else { format!("failed {age} ago: {why}") };
    Some(Problem { code: Code::RunFailed, severity: Severity::Warning, what, fix })
}

/// Why a run failed, in one line, and what to do.
#[must_use]
pub fn cause(backup: &Glance<'_>, run: &str) -> (String, String) {
    let of_run: Vec<_> =
        backup.snapshots.iter().copied().filter(|snapshot| snapshot.spec.backup_session == run).collect();
    let session = backup.sessions.iter().find(|session| session.name_any() == run);
    let told = session.and_then(|session| outcome::of(session, &of_run, Duration::ZERO));
    if let Some(Outcomes::Failed { why, fix, .. }) = told.map(|outcome| outcome.result) {
        return (why, fix);
    }
    // The BackupSession is gone; its snapshots remember.
    let error = of_run
        .iter()
        .filter_map(|snapshot| snapshot.status.as_ref())
        .filter(|status| status.phase == Some(SnapshotPhase::Failed))
        .flat_map(|status| status.components.values())
        .find_map(|component| component.error.clone());
    let (name, namespace) =
        (backup.configuration.name_any(), backup.configuration.namespace().unwrap_or_default());
    let first = error.as_deref().and_then(|error| error.lines().next()).unwrap_or_default().to_owned();
    (first, format!("kubectl kubestash trigger {name} -n {namespace} --watch"))
}
