//! BackupSession: from its creation to its last condition (contract §8.3).

pub mod build;
pub mod decide;
mod executor;
pub mod hooks;
pub mod observe;
mod perform;
pub mod prerequisites;
pub mod retention;

use std::collections::BTreeSet;
use std::sync::Arc;

use crds::core::BackupSession;
use crds::label;
use kube::{Resource, ResourceExt};
use serde_json::json;
use snafu::{ResultExt, Snafu};

use crate::announce::announce;
use crate::cluster;
use crate::context::Context;
use crate::dependents::Key;
use crate::metrics::{Backup, BackupLabels};
use crate::outcome::{Disposition, Failure, Next};
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
        let observed = Box::pin(observe::observe(&context, &session)).await.context(ObserveSnafu)?;
        let plan = decide::decide(&session, &observed, context.now());
        let (pass, status) =
            Box::pin(perform::perform(&context, &session, &observed, plan)).await.context(ApplySnafu)?;
        let written =
            context.cluster.apply_status(&session, &status).await.context(ApplySnafu)?.into_object();
        let before = session.status.take().map(|status| status.conditions).unwrap_or_default();
        announce(&context.cluster, &written, &before, &status.conditions).await;
        session = written;
        match pass {
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
