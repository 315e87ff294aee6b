//! Snapshot: from the Job's components to a phase, and into the bucket (contract §8.3 step 6, §8.4).

pub mod decide;
pub mod observe;
mod upload;

use std::collections::BTreeSet;
use std::sync::Arc;

use crds::storage::{Snapshot, SnapshotStatus};
use jiff::SignedDuration;
use snafu::{ResultExt, Snafu};

use crate::announce::announce;
use crate::cluster::{self, Cluster};
use crate::context::Context;
use crate::dependents::Key;
use crate::finalizer;
use crate::outcome::{Disposition, Failure, Next};

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
            Self::Upload { .. } => Disposition::Retry,
        }
    }

    fn category(&self) -> &'static str {
        match self {
            Self::Observe { .. } => "ObserveFailed",
            Self::Apply { .. } => "ApplyFailed",
            Self::Upload { .. } => "FailedToUploadSnapshotMetadata",
        }
    }
}

/// Does what the Snapshot needs.
pub async fn reconcile(snapshot: Arc<Snapshot>, context: Arc<Context>) -> Result<Next, Error> {
    let key = Key::from_object(&*snapshot);
    let cluster = &context.cluster;
    if snapshot.metadata.deletion_timestamp.is_some() {
        context.dependents.forget(&key);
        return delete(&context, &snapshot).await;
    }
    if snapshot.spec.paused {
        return Ok(Next::AwaitChange);
    }
    let mut read = BTreeSet::new();
    let observation = observe::observe(cluster, (*snapshot).clone(), &mut read).await;
    context.dependents.record(&key, read);
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

/// Lets the Snapshot go; its data stays in the bucket, as `deletionPolicy: Delete` says.
async fn delete(context: &Context, snapshot: &Snapshot) -> Result<Next, Error> {
    finalizer::release(&context.cluster, snapshot).await.context(ApplySnafu)?;
    Ok(Next::AwaitChange)
}
