//! How a run ended: the result, or the one causal line, what was kept, and what to do now.

use std::time::Duration;

use archive::restore::report::Counts;
use crds::condition;
use crds::core::BackupSession;
use crds::core::backup_session::{BackupSessionPhase, RetentionPolicyPhase, condition as session_condition};
use crds::storage::Snapshot;
use crds::storage::snapshot::{self, SnapshotPhase};
use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::exit::Exit;
use crate::failure::Code;
use crate::human;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub result: Outcomes,
    pub took: Duration,
    /// What a backup stored.
    pub snapshots: Vec<Stored>,
    /// What a restore brought back.
    pub restored: Option<Restored>,
}

/// The end itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcomes {
    Succeeded,
    Failed {
        /// One causal line.
        why: String,
        /// What was stored all the same.
        kept: Option<String>,
        /// A command that can be pasted.
        fix: String,
        /// Some repositories have the backup, others do not.
        partly: bool,
        /// Where all of it can be read.
        logs: String,
        /// When the operator tries again by itself.
        next_try: Option<Timestamp>,
        /// What kind of error it is.
        code: Code,
    },
    Skipped {
        why: String,
    },
}

/// What one repository received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub snapshot: String,
    pub repository: String,
    pub succeeded: bool,
    pub objects: Option<u64>,
    pub bytes: Option<u64>,
    /// New bytes, after compression.
    pub added: Option<u64>,
}

/// What a restore brought back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// What became of the objects; absent where nobody said.
    pub counts: Option<Counts>,
    /// The first objects that were not brought back, and why.
    pub failures: Vec<String>,
    /// The file of the bucket that has each object with what became of it.
    pub report: Option<String>,
}

impl Outcome {
    /// The exit code that tells this end.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match &self.result {
            Outcomes::Succeeded => Exit::Done,
            Outcomes::Failed { partly: true, .. } => Exit::Partly,
            Outcomes::Failed { partly: false, .. } => Exit::Failed,
            Outcomes::Skipped { .. } => Exit::Skipped,
        }
    }

    /// The phase, as upstream writes it.
    #[must_use]
    pub fn phase(&self) -> &'static str {
        match &self.result {
            Outcomes::Succeeded => "Succeeded",
            Outcomes::Failed { .. } => "Failed",
            Outcomes::Skipped { .. } => "Skipped",
        }
    }

    /// What kind of error it is; none for a run that succeeded.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match &self.result {
            Outcomes::Succeeded => None,
            Outcomes::Failed { code, .. } => Some(*code),
            Outcomes::Skipped { .. } => Some(Code::RunSkipped),
        }
    }

    /// A run whose BackupSession or RestoreSession was deleted under our eyes.
    #[must_use]
    pub fn vanished(kind: &str, code: Code, fix: &str) -> Self {
        Self {
            result: Outcomes::Failed {
                why: format!("its {kind} was deleted while it ran"),
                kept: None,
                fix: fix.to_owned(),
                partly: false,
                logs: String::new(),
                next_try: None,
                code,
            },
            took: Duration::ZERO,
            snapshots: Vec::new(),
            restored: None,
        }
    }
}

/// The end of several runs together: all alike, or partly.
#[must_use]
pub fn exit_of(outcomes: &[Outcome]) -> Exit {
    let mut exits: Vec<Exit> = outcomes.iter().map(Outcome::exit).collect();
    exits.sort_unstable();
    exits.dedup();
    match exits.as_slice() {
        [] => Exit::Done,
        [one] => *one,
        // A run that was skipped beside one that succeeded is no failure: its data is safe by the other one's turn.
        [Exit::Done, Exit::Skipped] => Exit::Skipped,
        several if several.contains(&Exit::Done) || several.contains(&Exit::Partly) => Exit::Partly,
        _ => Exit::Failed,
    }
}

/// How this session ended, if it did.
#[must_use]
pub fn of(session: &BackupSession, snapshots: &[&Snapshot], took: Duration) -> Option<Outcome> {
    let status = session.status.clone().unwrap_or_default();
    let stored: Vec<Stored> = snapshots.iter().map(|snapshot| stored(snapshot)).collect();
    let result = match status.phase? {
        BackupSessionPhase::Pending | BackupSessionPhase::Running => return None,
        BackupSessionPhase::Succeeded => Outcomes::Succeeded,
        BackupSessionPhase::Skipped => Outcomes::Skipped {
            why: condition::find(&status.conditions, session_condition::BACKUP_SKIPPED)
                .and_then(|condition| condition.message.clone())
                .unwrap_or_else(|| "the operator did not say why".into()),
        },
        BackupSessionPhase::Failed => {
            let why = cause(session, snapshots);
            let succeeded = stored.iter().filter(|stored| stored.succeeded).count();
            Outcomes::Failed {
                fix: fix(session, snapshots, &why),
                kept: kept(&stored),
                partly: succeeded > 0 && succeeded < stored.len(),
                logs: logs(session),
                // Once it was tried, that is another run, which has its own end.
                next_try: status.next_retry.filter(|_| status.retried != Some(true)).map(|time| time.0),
                code: Code::RunFailed,
                why,
            }
        }
    };
    Some(Outcome { result, took, snapshots: stored, restored: None })
}

/// What one snapshot holds.
#[must_use]
pub fn stored(snapshot: &Snapshot) -> Stored {
    let status = snapshot.status.clone().unwrap_or_default();
    let component =
        status.components.get(snapshot::COMPONENT_MANIFEST).or_else(|| status.components.values().next());
    let reported = component.and_then(|component| component.restic_stats.first());
    let summary = reported.and_then(|stats| stats.summary.as_ref());
    let size = |text: Option<&String>| text.and_then(|text| crds::size::parse(text).ok());
    let progress = reported.and_then(|stats| stats.progress.as_ref());
    let objects = progress.and_then(|progress| progress.files_done.or(progress.total_files));
    Stored {
        snapshot: snapshot.name_any(),
        repository: snapshot.spec.repository.clone(),
        succeeded: status.phase == Some(SnapshotPhase::Succeeded),
        objects: objects.and_then(|number| u64::try_from(number).ok()),
        bytes: size(summary.and_then(|summary| summary.size.as_ref())),
        added: size(summary.and_then(|summary| summary.uploaded.as_ref())),
    }
}

/// What was stored by a run that failed: its snapshot is kept, whole or marked incomplete.
fn kept(stored: &[Stored]) -> Option<String> {
    let most =
        stored.iter().filter(|stored| stored.bytes.is_some()).filter_map(|stored| stored.objects).max()?;
    let objects = human::counted(usize::try_from(most).ok()?, "object");
    let whole = stored.iter().all(|stored| stored.succeeded);
    let state = if whole { "whole" } else { "marked incomplete" };
    (most > 0).then(|| format!("{objects} were stored; the snapshot is {state}"))
}

/// The one line that says why: what a component reported, else what the operator said of the session.
fn cause(session: &BackupSession, snapshots: &[&Snapshot]) -> String {
    let first_line =
        |text: &str| text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned();
    let statuses = || snapshots.iter().filter_map(|snapshot| snapshot.status.as_ref());
    let reported = statuses()
        .flat_map(|status| status.components.values())
        .find_map(|component| component.error.clone());
    if let Some(error) = reported.filter(|error| !error.is_empty()) {
        return first_line(&error);
    }
    let incomplete = statuses().find_map(|status| {
        let found = condition::find(&status.conditions, snapshot::condition::BACKUP_INCOMPLETE)?;
        found.message.clone().filter(|_| found.status == "True")
    });
    let session = session.status.as_ref();
    let condition = session
        .and_then(|status| condition::first_failure(&status.conditions))
        .and_then(|failed| failed.message.clone());
    let retention = session.and_then(|status| {
        let failed = status
            .retention_policy
            .iter()
            .find(|policy| policy.phase == Some(RetentionPolicyPhase::FailedToApply))?;
        Some(format!(
            "the retention policy could not be applied: {}",
            failed.error.clone().unwrap_or_default()
        ))
    });
    let upload = statuses().find_map(|status| condition::first_failure(&status.conditions)?.message.clone());
    let all = [incomplete, condition, retention, upload];
    all.into_iter()
        .flatten()
        .map(|text| first_line(&text))
        .find(|text| !text.is_empty())
        .unwrap_or_else(|| "the operator did not say why".into())
}

/// The command that prints what the pods of a run said.
fn logs(session: &BackupSession) -> String {
    let backup = session.spec.invoker.as_ref().map_or("", |invoker| &invoker.name);
    let (run, namespace) = (session.name_any(), session.namespace().unwrap_or_default());
    format!("kubectl kubestash backup logs {backup} --run {run} -n {namespace}")
}

/// What to do about a cause, as a command.
fn fix(session: &BackupSession, snapshots: &[&Snapshot], why: &str) -> String {
    let namespace = session.namespace().unwrap_or_default();
    let backup = session.spec.invoker.as_ref().map_or("", |invoker| &invoker.name);
    let said = why.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["the retention policy could not be applied"]) {
        format!("kubectl logs -n {namespace} job/{}", crds::name::retention_job(&session.name_any()))
    } else if has(&["exceeded quota"]) {
        format!("kubectl describe resourcequota -n {namespace}   and make room for one more pod")
    } else if has(&[
        "may not list",
        "may not get",
        "forbidden",
        "cannot list resource",
        "cannot get resource",
    ]) {
        format!("kubectl kubestash backup create {backup} -n {namespace} --create-reader --yes")
    } else if has(&["is locked:", "already locked"]) {
        let has_error = |snapshot: &&&Snapshot| {
            let status = snapshot.status.as_ref();
            status.is_some_and(|status| status.components.values().any(|component| component.error.is_some()))
        };
        let repository = snapshots.iter().find(has_error).map_or("REPOSITORY", |one| &one.spec.repository);
        format!("kubectl kubestash unlock {repository} -n {namespace}   once nobody works there any more")
    } else if has(&["password"]) {
        format!(
            "kubectl kubestash backup create {backup} -n {namespace} --encryption-secret NAME   with the password of that repository"
        )
    } else if has(&["errimagepull", "imagepullbackoff", "invalidimagename"]) {
        "kubectl kubestash install --image REF   with an image that the nodes can pull".into()
    } else if has(&[
        "accessdenied",
        "access denied",
        "signaturedoesnotmatch",
        "invalidaccesskeyid",
        "nosuchbucket",
    ]) {
        format!(
            "kubectl describe backupstorage -n {namespace}   and correct it with:  kubectl kubestash storage create"
        )
    } else if has(&["deadline", "timed out"]) {
        format!("kubectl kubestash backup create {backup} -n {namespace} --backup-timeout 2h")
    } else {
        logs(session)
    }
}

#[cfg(test)]
mod tests;
