//! Performs one step of a BackupSession.
//!
//! What the API server refuses for good becomes the condition of the step, and the session goes on to its end; any
//! other error ends the pass, which is tried again.

use crds::condition::{self, NewCondition};
use crds::core::backup_session::condition as word;
use crds::core::hook::HookPhase;
use crds::core::{BackupSession, BackupSessionStatus};
use crds::label;
use crds::storage::Snapshot;
use jiff::Timestamp;

use super::decide::{Plan, Step};
use super::observed::Observed;
use super::{executor, retention};
use crate::access::Party;
use crate::cluster;
use crate::context::Context;
use crate::disposition::Disposition;
use crate::hooks::start::Occasion;
use crate::hooks::{self, Around, Position};
use crate::outcome::Next;

/// How a step ended.
pub enum Pass {
    /// Look again.
    Again,
    /// Nothing more can be done now.
    Over(Next),
    /// The session is over.
    Finished,
}

/// Performs the step, and gives the status that is to be written then.
pub async fn perform(
    context: &Context,
    session: &BackupSession,
    observed: &Observed,
    plan: Plan,
) -> Result<(Pass, BackupSessionStatus), cluster::Error> {
    let Plan { step, mut status } = plan;
    let mut pass = Pass::Again;
    match step {
        Step::Record => {}
        Step::Wait(next) => pass = Pass::Over(next),
        Step::Finish => pass = Pass::Finished,
        Step::CreateSnapshots(snapshots) => {
            if let Err(error) = create_snapshots(context, &snapshots).await {
                let failed = (word::SNAPSHOTS_ENSURED, word::FAILED_TO_ENSURE_SNAPSHOTS);
                fail(&mut status, failed, refusal(error)?, context.now());
            }
        }
        Step::StartBackup => {
            if let Err(error) = executor::start_backup(context, session, observed, &status).await {
                let failed = (word::BACKUP_EXECUTOR_ENSURED, word::FAILED_TO_ENSURE_BACKUP_EXECUTOR);
                fail(&mut status, failed, error.for_good()?, context.now());
            }
        }
        Step::StartRetention => start_retention(context, session, observed, &mut status).await?,
        Step::StartHook(at) => start_hook(context, (session, observed), at, &mut status).await?,
        Step::EndBackup => {
            if let Some(job) = &observed.backup.job {
                context.cluster.delete(job).await?;
            }
        }
        Step::Forget(sessions) => {
            for session in &sessions {
                context.cluster.delete(session).await?;
            }
        }
        Step::TryAgain(again) => drop(context.cluster.create(&*again).await?),
    }
    status.phase = Some(status.phase());
    Ok((pass, status))
}

fn fail(status: &mut BackupSessionStatus, (type_, reason): (&str, &str), why: String, now: Timestamp) {
    condition::set(&mut status.conditions, NewCondition::new(type_, false, reason).message(why), now);
}

/// The text of a refusal for good; any other error is an error.
fn refusal(error: cluster::Error) -> Result<String, cluster::Error> {
    match error.disposition() {
        Disposition::Stall => Ok(error.to_string()),
        Disposition::Retry | Disposition::AwaitChange => Err(error),
    }
}

async fn start_retention(
    context: &Context,
    session: &BackupSession,
    observed: &Observed,
    status: &mut BackupSessionStatus,
) -> Result<(), cluster::Error> {
    let Err(error) = executor::start_retention(context, session, observed).await else { return Ok(()) };
    let (why, now) = (error.for_good()?, context.now());
    let wanted = retention::of_session(session, observed, now);
    status.retention_policy = retention::unreported(&[], wanted, &why);
    let failed = (word::RETENTION_POLICY_EXECUTOR_ENSURED, word::FAILED_TO_ENSURE_RETENTION_POLICY_EXECUTOR);
    fail(status, failed, why, now);
    Ok(())
}

async fn start_hook(
    context: &Context,
    (session, observed): (&BackupSession, &Observed),
    at: Position,
    status: &mut BackupSessionStatus,
) -> Result<(), cluster::Error> {
    let Some(configuration) = &observed.configuration else { return Ok(()) };
    let occasion = Occasion {
        around: Around::Backup,
        session,
        lists: super::hooks(session, Some(configuration)),
        party: Party::new(configuration, &session.spec.session),
        labels: label::offshoot_of_backup_session(session),
        variables: executor::built_in(session),
    };
    let Err(error) = hooks::start::start(context, &occasion, at).await else { return Ok(()) };
    let (why, key) = (error.for_good()?, occasion.lists.key(at));
    condition::set(&mut status.conditions, Around::Backup.words(at.stage).failed(&key, &why), context.now());
    at.stage.write(&mut status.hooks, key, HookPhase::Failed);
    Ok(())
}

async fn create_snapshots(context: &Context, snapshots: &[Snapshot]) -> Result<(), cluster::Error> {
    let created = snapshots.iter().map(|snapshot| context.cluster.create(snapshot));
    futures::future::try_join_all(created).await.map(drop)
}
