//! BackupSession: from its creation to its last condition (contract §8.3).

pub mod build;
pub mod decide;
mod executor;
pub mod observe;
pub mod observed;
mod perform;
pub mod prerequisites;
pub mod retention;

use std::collections::BTreeSet;
use std::sync::Arc;

use crds::condition;
use crds::core::backup_session::condition as word;
use crds::core::{BackupConfiguration, BackupSession, BackupSessionStatus};
use crds::label;
use crds::storage::Snapshot;
use crds::storage::snapshot::SnapshotPhase;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{Resource, ResourceExt};
use serde_json::json;
use snafu::{ResultExt, Snafu};

use crate::announce::announce;
use crate::cluster;
use crate::context::Context;
use crate::dependents::Key;
use crate::disposition::Disposition;
use crate::hooks::Lists;
use crate::metrics::{Backup, BackupLabels};
use crate::outcome::{Failure, Next};
use crate::progress::{Progress, Stuck};
use observed::Observed;
use perform::Pass;

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
    /// It does not come nearer to its end.
    #[snafu(display("{source}"))]
    Progress {
        /// Why.
        source: Stuck,
    },
}

impl Failure for Error {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Observe { source } | Self::Apply { source } => source.disposition(),
            Self::Progress { .. } => Disposition::Retry,
        }
    }

    fn category(&self) -> &'static str {
        match self {
            Self::Observe { .. } => "ObserveFailed",
            Self::Apply { .. } => "ApplyFailed",
            Self::Progress { .. } => "Stuck",
        }
    }
}

/// Does what the session needs, step after step, until it has to wait.
pub async fn reconcile(session: Arc<BackupSession>, context: Arc<Context>) -> Result<Next, Error> {
    let mut session = (*session).clone();
    let key = Key::from_object(&session);
    if session.metadata.deletion_timestamp.is_some() || decide::is_at_rest(&session) {
        context.dependents.record(&key, BTreeSet::new());
        recall(&context, &session);
        return Ok(Next::AwaitChange);
    }
    session = label(&context, session).await.context(ApplySnafu)?;
    let mut progress = Progress::default();
    loop {
        let observed = Box::pin(observe::observe(&context, &session)).await.context(ObserveSnafu)?;
        let plan = decide::decide(&session, &observed, context.now());
        let (pass, status) =
            Box::pin(perform::perform(&context, &session, &observed, plan)).await.context(ApplySnafu)?;
        let written =
            context.cluster.apply_status(&session, &status).await.context(ApplySnafu)?.into_object();
        let before = session.status.take().map(|status| status.conditions).unwrap_or_default();
        announce(&context.cluster, &written, &before, &status.conditions).await;
        let moved = progress.step(&session, &written, context.cluster.manager());
        session = written;
        match pass {
            Pass::Again => moved.context(ProgressSnafu)?,
            Pass::Over(next) => return Ok(next),
            Pass::Finished => finished(&context, &session, &observed),
        }
    }
}

/// Kind and name of the invoker; both empty in a session that names none.
fn invoker(session: &BackupSession) -> (&str, &str) {
    session.spec.invoker.as_ref().map_or(("", ""), |invoker| (&invoker.kind, &invoker.name))
}

/// The hooks of the session; none without a configuration.
#[must_use]
pub fn hooks<'a>(session: &BackupSession, configuration: Option<&'a BackupConfiguration>) -> Lists<'a> {
    let hooks = configuration.and_then(|found| found.session(&session.spec.session)?.hooks.as_ref());
    hooks.map(Lists::from).unwrap_or_default()
}

/// Whether the backup has failed so far.
#[must_use]
pub fn has_failed(status: &BackupSessionStatus) -> bool {
    status.has_failed() || status.snapshots.iter().any(|one| one.phase == Some(SnapshotPhase::Failed))
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

/// Counts a session that is over and logs it.
fn finished(context: &Context, session: &BackupSession, observed: &Observed) {
    let status = session.status.clone().unwrap_or_default();
    let (labels, phase) = (labels(session), status.phase());
    let now = context.now();
    let created = session.meta().creation_timestamp.as_ref().map_or(now, |time| time.0);
    let duration = std::time::Duration::try_from(now.duration_since(created)).unwrap_or_default();
    let size = repository_size(observed.snapshots.values());
    let backup = Backup { outcome: phase.as_str(), duration, size, ended: now.as_second() };
    context.metrics.backed_up(&labels, backup);
    tracing::info!(
        namespace = labels.namespace,
        name = session.name_any(),
        phase = phase.as_str(),
        duration = status.duration,
        "a BackupSession is over"
    );
}

/// Tells the figures of a session that was over before this process began.
fn recall(context: &Context, session: &BackupSession) {
    let status = session.status.clone().unwrap_or_default();
    let pushed = condition::find(&status.conditions, word::METRICS_PUSHED);
    let Some(Time(ended)) = pushed.map(|pushed| &pushed.last_transition_time) else { return };
    let duration = status.duration.as_deref().and_then(|duration| crds::duration::parse(duration).ok());
    let duration = duration.and_then(|duration| duration.try_into().ok()).unwrap_or_default();
    let outcome = status.phase();
    let backup = Backup { outcome: outcome.as_str(), duration, size: None, ended: ended.as_second() };
    context.metrics.recall(&labels(session), backup);
}

fn labels(session: &BackupSession) -> BackupLabels {
    BackupLabels {
        namespace: session.namespace().unwrap_or_default(),
        configuration: invoker(session).1.to_owned(),
        session: session.spec.session.clone(),
    }
}

/// The bytes of the restic repositories of a session's Snapshots together.
fn repository_size<'a>(snapshots: impl Iterator<Item = &'a Snapshot>) -> Option<u64> {
    let components = snapshots
        .filter_map(|snapshot| snapshot.status.as_ref())
        .flat_map(|status| status.components.values());
    let sizes = components.filter_map(|component| crds::size::parse(component.size.as_deref()?).ok());
    sizes.reduce(u64::saturating_add)
}
