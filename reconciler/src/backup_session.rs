//! BackupSession: from its creation to its last condition (contract §8.3).

pub mod build;
pub mod decide;
mod executor;
mod hooks;
pub mod observe;
pub mod prerequisites;
pub mod retention;

use std::collections::BTreeSet;
use std::sync::Arc;

use crds::condition::{self, NewCondition};
use crds::core::backup_session::condition as word;
use crds::core::{BackupSession, BackupSessionStatus};
use crds::label;
use crds::storage::Snapshot;
use kube::{Resource, ResourceExt};
use serde_json::json;
use snafu::{ResultExt, Snafu};

use crate::announce::announce;
use crate::cluster;
use crate::context::Context;
use crate::dependents::Key;
use crate::metrics::{Backup, BackupLabels};
use crate::outcome::{Disposition, Failure, Next};
use decide::{Plan, Step};

/// A pass failed.
#[derive(Debug, Snafu)]
pub enum Error {
    /// Something could not be read.
    #[snafu(display("{source}"))]
    Observe {
        /// Why.
        source: cluster::Error,
    },
    /// Something could not be written.
    #[snafu(display("{source}"))]
    Apply {
        /// Why.
        source: cluster::Error,
    },
}

impl Failure for Error {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Observe { source } | Self::Apply { source } => source.disposition(),
        }
    }

    fn category(&self) -> &'static str {
        match self {
            Self::Observe { .. } => "ObserveFailed",
            Self::Apply { .. } => "ApplyFailed",
        }
    }
}

/// Does what the session needs, step after step, until it has to wait.
pub async fn reconcile(session: Arc<BackupSession>, context: Arc<Context>) -> Result<Next, Error> {
    let mut session = (*session).clone();
    let key = Key::from_object(&session);
    if session.metadata.deletion_timestamp.is_some() || decide::is_at_rest(&session) {
        context.dependents.record(&key, BTreeSet::new());
        return Ok(Next::AwaitChange);
    }
    session = label(&context, session).await.context(ApplySnafu)?;
    loop {
        let mut read = BTreeSet::new();
        let observed = observe::observe(&context.cluster, &session, &mut read).await.context(ObserveSnafu)?;
        context.dependents.record(&key, read);
        let plan = decide::decide(&session, &observed, context.now());
        let (next, status) = perform(&context, &session, &observed, plan).await.context(ApplySnafu)?;
        let written =
            context.cluster.apply_status(&session, &status).await.context(ApplySnafu)?.into_object();
        let before = session.status.take().map(|status| status.conditions).unwrap_or_default();
        announce(&context.cluster, &written, &before, &status.conditions).await;
        session = written;
        match next {
            Pass::Again => {}
            Pass::Over(next) => return Ok(next),
            Pass::Finished => finished(&context, &session),
        }
    }
}

/// Kind and name of the invoker; both empty in a session that names none.
fn invoker(session: &BackupSession) -> (&str, &str) {
    session.spec.invoker.as_ref().map_or(("", ""), |invoker| (&invoker.kind, &invoker.name))
}

/// How a step ended.
enum Pass {
    /// Look again.
    Again,
    /// Nothing more can be done now.
    Over(Next),
    /// The session is over.
    Finished,
}

/// Performs one step. What the API server refuses for good becomes the condition of the step; other errors end the
/// pass and are tried again.
async fn perform(
    context: &Context,
    session: &BackupSession,
    observed: &decide::Observed,
    plan: Plan,
) -> Result<(Pass, BackupSessionStatus), cluster::Error> {
    let Plan { step, mut status } = plan;
    let now = context.now();
    let pass = match step {
        Step::Record => Pass::Again,
        Step::Wait(next) => Pass::Over(next),
        Step::Finish => Pass::Finished,
        Step::CreateSnapshots(snapshots) => {
            if let Err(error) = create_snapshots(context, session, &snapshots).await {
                let failed =
                    NewCondition::new(word::SNAPSHOTS_ENSURED, false, word::FAILED_TO_ENSURE_SNAPSHOTS);
                condition::set(&mut status.conditions, failed.message(refusal(error)?), now);
            }
            Pass::Again
        }
        Step::StartBackup => {
            if let Err(error) = executor::start_backup(context, session, observed, &status).await {
                let failed = NewCondition::new(
                    word::BACKUP_EXECUTOR_ENSURED,
                    false,
                    word::FAILED_TO_ENSURE_BACKUP_EXECUTOR,
                );
                condition::set(&mut status.conditions, failed.message(error.for_good()?), now);
            }
            Pass::Again
        }
        Step::EndBackup => {
            if let Some(job) = &observed.backup.job {
                context.cluster.delete(job).await?;
            }
            Pass::Again
        }
        Step::StartRetention => {
            if let Err(error) = executor::start_retention(context, session, observed).await {
                let failed = NewCondition::new(
                    word::RETENTION_POLICY_EXECUTOR_ENSURED,
                    false,
                    word::FAILED_TO_ENSURE_RETENTION_POLICY_EXECUTOR,
                );
                let why = error.for_good()?;
                let wanted = retention::of_session(session, observed, now);
                status.retention_policy = retention::unreported(&[], wanted, &why);
                condition::set(&mut status.conditions, failed.message(why), now);
            }
            Pass::Again
        }
        Step::RunPreBackupHooks => {
            hooks::before(context, session, observed, &mut status).await?;
            Pass::Again
        }
        Step::RunPostBackupHooks => {
            hooks::after(context, session, observed, &mut status).await?;
            Pass::Again
        }
        Step::Forget(sessions) => {
            for session in &sessions {
                context.cluster.delete(session).await?;
            }
            Pass::Again
        }
        Step::TryAgain(again) => {
            context.cluster.create(&*again).await?;
            Pass::Again
        }
    };
    status.phase = Some(status.phase());
    Ok((pass, status))
}

/// The text of a refusal for good; any other error is an error.
fn refusal(error: cluster::Error) -> Result<String, cluster::Error> {
    match error.disposition() {
        Disposition::Stall => Ok(error.to_string()),
        Disposition::Retry | Disposition::AwaitChange => Err(error),
    }
}

/// By the label `kubestash.com/invoker-name` people find the sessions of a configuration; whoever triggers one by
/// hand does not set it.
async fn label(context: &Context, session: BackupSession) -> Result<BackupSession, cluster::Error> {
    let invoker = invoker(&session).1.to_owned();
    if session.labels().contains_key(label::INVOKER_NAME)
        || invoker.is_empty()
        || invoker.len() > crds::name::MAX
    {
        return Ok(session);
    }
    let labels = json!({"metadata": {"labels": {label::INVOKER_NAME: invoker}}});
    context.cluster.merge(&session, labels).await
}

async fn create_snapshots(
    context: &Context,
    session: &BackupSession,
    snapshots: &[Snapshot],
) -> Result<(), cluster::Error> {
    let created = snapshots.iter().map(|snapshot| async {
        let live = match context.cluster.create(snapshot).await? {
            Some(live) => Some(live),
            None => {
                let namespace = snapshot.namespace().unwrap_or_default();
                context.cluster.find::<Snapshot>(&namespace, &snapshot.name_any()).await?
            }
        };
        match live {
            Some(live) if live.status.as_ref().and_then(|status| status.total_components).is_none() => {
                context.cluster.apply_status(&live, &build::first_status(session)).await.map(drop)
            }
            _ => Ok(()),
        }
    });
    futures::future::try_join_all(created).await.map(drop)
}

/// Counts a session that is over and logs it.
fn finished(context: &Context, session: &BackupSession) {
    let status = session.status.clone().unwrap_or_default();
    let phase = status.phase();
    let labels = BackupLabels {
        namespace: session.namespace().unwrap_or_default(),
        configuration: invoker(session).1.to_owned(),
        session: session.spec.session.clone(),
    };
    let now = context.now();
    let created = session.meta().creation_timestamp.as_ref().map_or(now, |time| time.0);
    let duration = std::time::Duration::try_from(now.duration_since(created)).unwrap_or_default();
    let backup = Backup { outcome: phase.as_str(), duration, size: None, ended: now.as_second() };
    context.metrics.backed_up(&labels, backup);
    tracing::info!(
        namespace = labels.namespace,
        name = session.name_any(),
        phase = phase.as_str(),
        duration = status.duration,
        "a BackupSession is over"
    );
}
