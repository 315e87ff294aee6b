//! Snapshot: from the Job's components to a phase, and into the bucket (contract §8.3 step 6, §8.4).

pub mod decide;
pub mod first;
mod leave;
pub mod observe;
mod upload;

use std::collections::BTreeSet;
use std::sync::Arc;

use crds::storage::{Repository, Snapshot, SnapshotStatus};
use jiff::SignedDuration;
use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt;
use snafu::{ResultExt, Snafu};

use crate::announce::announce;
use crate::cluster::{self, Cluster};
use crate::context::Context;
use crate::dependents::Key;
use crate::disposition::Disposition;
use crate::finalizer;
use crate::outcome::{Failure, Next};
use leave::Leave;

/// On a Snapshot that is being deleted: the Job that removes its data.
pub const REMOVED_BY: &str = "kubestash.com/removed-by";

/// How long an upload that fails is only late, and not failed.
const PATIENCE_WITH_UPLOADS: SignedDuration = SignedDuration::from_mins(2);

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
    /// The data cannot be removed.
    #[snafu(display(
        "failed to remove the data: {why}; to keep the data and only remove the object, set spec.deletionPolicy to \
         Delete"
    ))]
    Clean {
        /// Why.
        why: String,
    },
    /// The bucket did not take the YAML.
    #[snafu(display("{source}"))]
    Upload {
        /// Why.
        source: upload::Error,
    },
}

impl Failure for Error {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Observe { source } | Self::Apply { source } => source.disposition(),
            // Whatever is wrong with the storage: nobody touches the Snapshot when it is mended.
            Self::Upload { .. } | Self::Clean { .. } => Disposition::Retry,
        }
    }

    fn category(&self) -> &'static str {
        match self {
            Self::Observe { .. } => "ObserveFailed",
            Self::Apply { .. } => "ApplyFailed",
            Self::Upload { .. } => "FailedToUploadSnapshotMetadata",
            Self::Clean { .. } => "CleanFailed",
        }
    }
}

/// Does what the Snapshot needs.
pub async fn reconcile(snapshot: Arc<Snapshot>, context: Arc<Context>) -> Result<Next, Error> {
    let key = Key::from_object(&*snapshot);
    let cluster = &context.cluster;
    if snapshot.metadata.deletion_timestamp.is_some() {
        return Box::pin(delete(&context, &snapshot, &key)).await;
    }
    if snapshot.spec.paused {
        return Ok(Next::AwaitChange);
    }
    let observation = Box::pin(observe::observe(&context, (*snapshot).clone())).await;
    let (snapshot, observed) = observation.context(ObserveSnafu)?;
    let decide::Plan { status, upload } = decide::decide(&snapshot, &observed, context.now());
    let Some(complete) = upload else {
        record(cluster, &snapshot, &status).await?;
        return Ok(Next::AwaitChange);
    };
    match upload::upload(&context, &complete, observed.repository.as_ref()).await {
        Ok(()) => {
            record(cluster, &snapshot, &decide::after_upload(complete)).await?;
            Ok(Next::AwaitChange)
        }
        Err(source) => {
            let since = status.last_update_time.as_ref().map_or(context.now(), |time| time.0);
            let is_failed = context.now().duration_since(since) >= PATIENCE_WITH_UPLOADS;
            let status = if is_failed {
                decide::after_failure(status, &snapshot, &source.to_string(), context.now())
            } else {
                status
            };
            record(cluster, &snapshot, &status).await?;
            Err(Error::Upload { source })
        }
    }
}

/// Writes the status and tells what changed.
async fn record(cluster: &Cluster, snapshot: &Snapshot, status: &SnapshotStatus) -> Result<(), Error> {
    cluster.apply_status(snapshot, status).await.context(ApplySnafu)?;
    let before = snapshot.status.as_ref().map_or(&[][..], |status| &status.conditions);
    announce(cluster, snapshot, before, &status.conditions).await;
    Ok(())
}

/// Lets the Snapshot go, after its data when that is to go with it.
async fn delete(context: &Context, snapshot: &Snapshot, key: &Key) -> Result<Next, Error> {
    if !finalizer::is_held(snapshot) {
        context.dependents.forget(key);
        return Ok(Next::AwaitChange);
    }
    let namespace = snapshot.namespace().unwrap_or_default();
    let jobs = [leave::remover(snapshot).to_owned(), leave::job_name(snapshot)];
    let mut read: BTreeSet<Key> = jobs.iter().map(|job| Key::of::<Job>(&namespace, job)).collect();
    read.insert(Key::of::<Repository>(&namespace, &snapshot.spec.repository));
    context.dependents.record(key, read);
    let observed = Box::pin(leave::observe(context, snapshot)).await.context(ObserveSnafu)?;
    match leave::decide(snapshot, &observed, context.now()) {
        Leave::Release => finalizer::release(&context.cluster, snapshot).await.context(ApplySnafu)?,
        Leave::Wait(next) => return Ok(next),
        Leave::ForgetJob => {
            if let Some(job) = observed.cleanup.as_deref() {
                context.cluster.delete(job).await.context(ApplySnafu)?;
            }
        }
        Leave::Clean => {
            if let Some(repository) = observed.repository.as_deref() {
                let started = Box::pin(leave::clean(context, snapshot, repository)).await;
                if let Err(error) = started {
                    let why = error.for_good().context(ApplySnafu)?;
                    return CleanSnafu { why }.fail();
                }
            }
        }
    }
    Ok(Next::AwaitChange)
}
