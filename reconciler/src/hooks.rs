//! Hooks around a backup or a restore: one Job each, one after the other (contract §8.5).
//!
//! Pure; [`start`] creates the Jobs.

pub mod start;
mod turn;

use std::time::Duration;

use crds::core::backup_configuration::BackupHooks;
use crds::core::hook::{ExecutionPolicy, HookExecutionStatus, HookInfo, HookPhase, HookStatus};
use crds::core::restore_session::RestoreHooks;
use crds::name;
use jiff::{SignedDuration, Timestamp};

use crate::execution::Execution;
use crate::executor::State;
use crate::outcome::Next;

pub use turn::{Act, Written, turn};

/// What the hooks are around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    /// A BackupSession.
    Backup,
    /// A RestoreSession.
    Restore,
}

impl Around {
    /// The argument by which a hook's Job learns the name of its session.
    #[must_use]
    pub const fn argument(self) -> &'static str {
        match self {
            Self::Backup => "backupsession",
            Self::Restore => "restoresession",
        }
    }

    /// First word of the names of Jobs and of their rights: a BackupSession and a RestoreSession may have the same name.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Backup => "hook",
            Self::Restore => "restorehook",
        }
    }

    /// Name of the Job of a hook of `session`.
    #[must_use]
    pub fn job_name(self, session: &str, at: Position) -> String {
        name::join(self.prefix(), session, &format!("{}-{}", at.stage.word(), at.index), name::MAX)
    }
}

/// Before or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Stage {
    /// Before it.
    Pre,
    /// After it.
    Post,
}

impl Stage {
    /// The record of this stage.
    #[must_use]
    pub fn record(self, status: Option<&HookStatus>) -> &[HookExecutionStatus] {
        status.map_or(&[], |hooks| match self {
            Self::Pre => &hooks.pre_hooks,
            Self::Post => &hooks.post_hooks,
        })
    }

    /// Writes that the hook is in `phase`.
    pub fn write(self, status: &mut Option<HookStatus>, hook: String, phase: HookPhase) {
        let hooks = status.get_or_insert_with(HookStatus::default);
        let list = match self {
            Self::Pre => &mut hooks.pre_hooks,
            Self::Post => &mut hooks.post_hooks,
        };
        match list.iter_mut().find(|one| one.name == hook) {
            Some(one) => one.phase = Some(phase),
            None => list.push(HookExecutionStatus { name: hook, phase: Some(phase) }),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Post => "post",
        }
    }
}

/// The hooks of a session.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lists<'a> {
    /// Before it.
    pub pre: &'a [HookInfo],
    /// After it.
    pub post: &'a [HookInfo],
}

impl<'a> Lists<'a> {
    /// The hooks of that stage.
    #[must_use]
    pub const fn of(self, stage: Stage) -> &'a [HookInfo] {
        match stage {
            Stage::Pre => self.pre,
            Stage::Post => self.post,
        }
    }

    /// The name by which the record knows a hook: its own, made unique.
    #[must_use]
    pub fn key(self, at: Position) -> String {
        key(self.of(at.stage), at.index)
    }
}

impl<'a> From<&'a BackupHooks> for Lists<'a> {
    fn from(hooks: &'a BackupHooks) -> Self {
        Self { pre: &hooks.pre_backup, post: &hooks.post_backup }
    }
}

impl<'a> From<&'a RestoreHooks> for Lists<'a> {
    fn from(hooks: &'a RestoreHooks) -> Self {
        Self { pre: &hooks.pre_restore, post: &hooks.post_restore }
    }
}

/// A hook of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Of which list.
    pub stage: Stage,
    /// From zero.
    pub index: usize,
}

/// What the hooks of a stage need.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Need {
    /// All that were to run have succeeded.
    Nothing,
    /// This one is to be started.
    Start(Position),
    /// One runs.
    Wait(Next),
    /// This one has succeeded, which is to be recorded.
    Succeeded(Position),
    /// This one has failed, for this reason, and ends its list.
    Failed(Position, String),
}

/// What comes next, by what is recorded alone.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Recorded {
    Start(Position),
    Await(Position),
    Failed(Position),
    Done,
}

/// What the hooks of `stage` need. Those whose policy does not fit `failed`, how it went so far, are passed over;
/// `execution` is that of the hook that runs ([`running`]).
fn need(
    (stage, failed): (Stage, bool),
    lists: Lists<'_>,
    status: Option<&HookStatus>,
    execution: &Execution,
    now: Timestamp,
) -> Need {
    let at = match next(stage, lists, status, failed) {
        Recorded::Done => return Need::Nothing,
        Recorded::Start(at) => return Need::Start(at),
        // The record alone was written: the message is lost, the fact is not.
        Recorded::Failed(at) => return Need::Failed(at, "it failed".to_owned()),
        Recorded::Await(at) => at,
    };
    match execution.state() {
        Some(State::Running) => Need::Wait(Next::AwaitChange),
        Some(State::Waiting(waiting)) => {
            let left = waiting.patience - now.duration_since(waiting.since);
            if left <= SignedDuration::ZERO {
                return Need::Failed(at, waiting.reason);
            }
            Need::Wait(Next::After(Duration::try_from(left).unwrap_or_default() + Duration::from_secs(1)))
        }
        Some(State::Succeeded) => Need::Succeeded(at),
        Some(State::Failed(why)) => Need::Failed(at, why),
        None => Need::Failed(at, "its Job was deleted before it was done".to_owned()),
    }
}

/// The hook that is recorded as pending.
#[must_use]
pub fn running(lists: Lists<'_>, status: Option<&HookStatus>) -> Option<Position> {
    [Stage::Pre, Stage::Post].into_iter().find_map(|stage| {
        let record = stage.record(status);
        let is_pending =
            |key: &str| record.iter().any(|one| one.name == key && one.phase == Some(HookPhase::Pending));
        let list = lists.of(stage);
        let index = (0..list.len()).find(|index| is_pending(&key(list, *index)))?;
        Some(Position { stage, index })
    })
}

fn next(stage: Stage, lists: Lists<'_>, status: Option<&HookStatus>, failed: bool) -> Recorded {
    let list = lists.of(stage);
    for (index, hook) in list.iter().enumerate() {
        let at = Position { stage, index };
        let recorded = stage.record(status).iter().find(|one| one.name == key(list, index));
        match recorded.and_then(|one| one.phase) {
            Some(HookPhase::Failed) => return Recorded::Failed(at),
            Some(HookPhase::Pending) => return Recorded::Await(at),
            None if is_due(hook, failed) => return Recorded::Start(at),
            Some(HookPhase::Succeeded) | None => {}
        }
    }
    Recorded::Done
}

fn key(list: &[HookInfo], index: usize) -> String {
    let Some(hook) = list.get(index) else { return String::new() };
    let is_taken = list[..index].iter().any(|other| other.name == hook.name);
    if hook.name.is_empty() || is_taken { format!("{}{index}", hook.name) } else { hook.name.clone() }
}

fn is_due(hook: &HookInfo, failed: bool) -> bool {
    match hook.execution_policy.unwrap_or_default() {
        ExecutionPolicy::Always => true,
        ExecutionPolicy::OnSuccess => !failed,
        ExecutionPolicy::OnFailure => failed,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const CREATED: &str = "2026-11-22T10:00:00Z";

    fn hooks() -> BackupHooks {
        serde_json::from_value(json!({"postBackup": [
            {"name": "always"}, {"name": "good", "executionPolicy": "OnSuccess"}, {"name": "bad", "executionPolicy": "OnFailure"},
            {"name": "always"}, {},
        ]}))
        .unwrap()
    }

    fn status(recorded: &[(&str, &str)]) -> HookStatus {
        let list: Vec<_> =
            recorded.iter().map(|(name, phase)| json!({"name": name, "phase": phase})).collect();
        serde_json::from_value(json!({"postHooks": list})).unwrap()
    }

    fn at(index: usize) -> Position {
        Position { stage: Stage::Post, index }
    }

    fn seconds(seconds: i64) -> Timestamp {
        CREATED.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
    }

    fn execution(conditions: &Value, pods: &Value) -> Execution {
        let job = json!({"metadata": {"name": "j", "creationTimestamp": CREATED}, "status": {"conditions": conditions}});
        Execution {
            job: Some(serde_json::from_value(job).unwrap()),
            pods: serde_json::from_value(pods.clone()).unwrap(),
        }
    }

    #[test]
    fn hooks_come_one_after_the_other_as_their_policy_says() {
        let (hooks, done) = (hooks(), ("always", "Succeeded"));
        for (recorded, failed, expected) in [
            (vec![], false, Recorded::Start(at(0))),
            (vec![("always", "Pending")], false, Recorded::Await(at(0))),
            (vec![("always", "Failed")], false, Recorded::Failed(at(0))),
            (vec![done], false, Recorded::Start(at(1))),
            (vec![done], true, Recorded::Start(at(2))),
            (vec![done, ("good", "Succeeded")], false, Recorded::Start(at(3))),
            (vec![done, ("bad", "Succeeded"), ("always3", "Succeeded")], true, Recorded::Start(at(4))),
            (
                vec![done, ("bad", "Succeeded"), ("always3", "Succeeded"), ("4", "Succeeded")],
                true,
                Recorded::Done,
            ),
        ] {
            let found = next(Stage::Post, (&hooks).into(), Some(&status(&recorded)), failed);
            assert_eq!(found, expected, "{recorded:?} {failed}");
        }
        assert_eq!(next(Stage::Pre, (&hooks).into(), None, false), Recorded::Done);
    }

    #[test]
    fn a_hook_that_runs_is_waited_for_and_its_end_is_told() {
        let (hooks, pending) = (hooks(), status(&[("always", "Pending")]));
        assert_eq!(running((&hooks).into(), Some(&pending)), Some(at(0)));
        let need = |execution: &Execution, now: i64| {
            need((Stage::Post, false), (&hooks).into(), Some(&pending), execution, seconds(now))
        };
        let pod = json!([{"metadata": {"name": "p"}, "status": {"phase": "Running"}}]);
        assert_eq!(need(&execution(&json!([]), &pod), 1), Need::Wait(Next::AwaitChange));
        let done = json!([{"type": "Complete", "status": "True"}]);
        assert_eq!(need(&execution(&done, &json!([])), 1), Need::Succeeded(at(0)));
        let failed = json!([{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]);
        assert!(matches!(need(&execution(&failed, &json!([])), 1), Need::Failed(_, _)));
        assert!(matches!(need(&Execution::default(), 1), Need::Failed(_, _)));
        let no_pod = execution(&json!([]), &json!([]));
        assert_eq!(need(&no_pod, 170), Need::Wait(Next::After(Duration::from_secs(11))));
        assert!(matches!(need(&no_pod, 180), Need::Failed(_, _)));
    }

    #[test]
    fn the_record_is_kept_by_name() {
        let mut status = None;
        Stage::Pre.write(&mut status, "a".to_owned(), HookPhase::Pending);
        Stage::Pre.write(&mut status, "b".to_owned(), HookPhase::Pending);
        Stage::Pre.write(&mut status, "a".to_owned(), HookPhase::Succeeded);
        let record: Vec<_> = Stage::Pre
            .record(status.as_ref())
            .iter()
            .map(|one| (one.name.as_str(), one.phase.unwrap()))
            .collect();
        assert_eq!(record, [("a", HookPhase::Succeeded), ("b", HookPhase::Pending)]);
        assert!(Stage::Post.record(status.as_ref()).is_empty());
    }

    #[test]
    fn two_sessions_of_one_name_have_jobs_of_different_names() {
        assert_eq!(Around::Backup.job_name("shop", at(0)), "hook-shop-post-0");
        assert_eq!(Around::Restore.job_name("shop", at(0)), "restorehook-shop-post-0");
    }
}
