//! RestoreSession: from its creation to its last condition (contract §8.7).

mod decide;
mod executor;
mod leave;
mod observe;
pub mod observed;
mod pause;
mod perform;
pub mod source;
mod target;
mod validate;

use std::collections::BTreeSet;
use std::sync::Arc;

use crds::condition;
use crds::core::RestoreSession;
use crds::core::restore_session::condition as word;
use crds::core::restore_session::{RestorePhase, RestoreSessionStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{Resource, ResourceExt};
use snafu::{ResultExt, Snafu};

use crate::announce::announce;
use crate::cluster;
use crate::context::Context;
use crate::dependents::Key;
use crate::disposition::Disposition;
use crate::finalizer;
use crate::hooks::Lists;
use crate::metrics::restore::{Labels, Restore};
use crate::outcome::{Failure, Next};
use crate::progress::{Progress, Stuck};
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
    /// The session could not be let go.
    #[snafu(display("{source}"))]
    Leave {
        /// Why.
        source: cluster::Error,
    },
}

impl Failure for Error {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Observe { source } | Self::Apply { source } | Self::Leave { source } => {
                source.disposition()
            }
            Self::Progress { .. } => Disposition::Retry,
        }
    }

    fn category(&self) -> &'static str {
        match self {
            Self::Observe { .. } => "ObserveFailed",
            Self::Apply { .. } => "ApplyFailed",
            Self::Progress { .. } => "Stuck",
            Self::Leave { .. } => "LeaveFailed",
        }
    }
}

/// Does what the session needs, step after step, until it has to wait.
pub async fn reconcile(session: Arc<RestoreSession>, context: Arc<Context>) -> Result<Next, Error> {
    let (cluster, key) = (&context.cluster, Key::from_object(&*session));
    if finalizer::is_leaving(&*session) {
        context.dependents.record(&key, BTreeSet::new());
        return leave::leave(&context, &session).await.context(LeaveSnafu);
    }
    if decide::is_at_rest(&session) {
        context.dependents.record(&key, BTreeSet::new());
        recall(&context, &session);
        finalizer::release(cluster, &*session).await.context(ApplySnafu)?;
        return Ok(Next::AwaitChange);
    }
    let mut session = (*finalizer::hold(cluster, session).await.context(ApplySnafu)?).clone();
    let mut progress = Progress::default();
    loop {
        let observation = Box::pin(observe::observe(&context, session)).await.context(ObserveSnafu)?;
        let (live, observed) = observation;
        let plan = decide::decide(&live, &observed, context.now());
        let (pass, status) = Box::pin(perform::perform(&context, &live, plan)).await.context(ApplySnafu)?;
        let written = report(&context, &live, &status).await.context(ApplySnafu)?;
        match pass {
            Pass::Again => progress.step(&live, &written, cluster.manager()).context(ProgressSnafu)?,
            Pass::Over(next) => return Ok(next),
            Pass::Finished => finished(&context, &written),
        }
        session = written;
    }
}

/// Writes the status, but for the components, which belong to the Job, and tells what changed.
async fn report(
    context: &Context,
    live: &RestoreSession,
    status: &RestoreSessionStatus,
) -> Result<RestoreSession, cluster::Error> {
    let mut ours = status.clone();
    ours.components.clear();
    let written = context.cluster.apply_status(live, &ours).await?.into_object();
    let before = live.status.as_ref().map_or(&[][..], |status| &status.conditions);
    announce(&context.cluster, &written, before, &status.conditions).await;
    Ok(written)
}

/// The hooks of the session.
#[must_use]
pub fn hooks(session: &RestoreSession) -> Lists<'_> {
    session.spec.hooks.as_ref().map(Lists::from).unwrap_or_default()
}

/// Whether the restore has failed so far.
#[must_use]
pub fn has_failed(status: &RestoreSessionStatus) -> bool {
    status.has_failed() || status.components.values().any(|one| one.phase == Some(RestorePhase::Failed))
}

/// Counts a session that is over and logs it.
fn finished(context: &Context, session: &RestoreSession) {
    let status = session.status.clone().unwrap_or_default();
    let (labels, phase, now) = (labels(session), status.phase(), context.now());
    let created = session.meta().creation_timestamp.as_ref().map_or(now, |time| time.0);
    let duration = std::time::Duration::try_from(now.duration_since(created)).unwrap_or_default();
    context
        .metrics
        .restores
        .restored(&labels, Restore { outcome: phase.as_str(), duration, ended: now.as_second() });
    tracing::info!(
        namespace = labels.namespace,
        name = session.name_any(),
        phase = phase.as_str(),
        duration = status.duration,
        "a RestoreSession is over"
    );
}

/// Tells the figures of a session that was over before this process began.
fn recall(context: &Context, session: &RestoreSession) {
    let status = session.status.clone().unwrap_or_default();
    let pushed = condition::find(&status.conditions, word::METRICS_PUSHED);
    let Some(Time(ended)) = pushed.map(|pushed| &pushed.last_transition_time) else { return };
    let duration = status.duration.as_deref().and_then(|duration| crds::duration::parse(duration).ok());
    let duration = duration.and_then(|duration| duration.try_into().ok()).unwrap_or_default();
    let outcome = status.phase();
    let restore = Restore { outcome: outcome.as_str(), duration, ended: ended.as_second() };
    context.metrics.restores.recall(&labels(session), restore);
}

fn labels(session: &RestoreSession) -> Labels {
    Labels {
        namespace: session.namespace().unwrap_or_default(),
        repository: source::repository_of(session).unwrap_or_default(),
    }
}
