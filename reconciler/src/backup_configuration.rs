//! The driver of BackupConfigurations (contract §8.1): from a wish to Repositories, CronJobs and a first run.

mod build;
mod defaults;
#[cfg(test)]
mod fixture;
mod initial;
mod observe;
mod plan;
mod remove;
mod status;
mod validate;

use std::sync::Arc;

use crds::core::BackupConfiguration;
use kube::ResourceExt;
use snafu::{ResultExt, Snafu};

use crate::announce::announce;
use crate::cluster;
use crate::context::Context;
use crate::dependents::Key;
use crate::disposition::Disposition;
use crate::finalizer;
use crate::outcome::{Failure, Next};
use observe::Observed;
use plan::Plan;
use status::Obstacles;

/// The step that failed.
#[derive(Debug, Snafu)]
pub enum Error {
    /// Reading what it refers to.
    #[snafu(display("{source}"))]
    Observe {
        /// Why.
        source: cluster::Error,
    },
    /// Writing what follows from it.
    #[snafu(display("{source}"))]
    Apply {
        /// Why.
        source: cluster::Error,
    },
    /// Writing its status.
    #[snafu(display("{source}"))]
    Report {
        /// Why.
        source: cluster::Error,
    },
    /// Undoing it.
    #[snafu(display("{source}"))]
    Remove {
        /// Why.
        source: cluster::Error,
    },
}

impl Failure for Error {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Observe { source }
            | Self::Apply { source }
            | Self::Report { source }
            | Self::Remove { source } => source.disposition(),
        }
    }

    fn category(&self) -> &'static str {
        match self {
            Self::Observe { .. } => "ObserveFailed",
            Self::Apply { .. } => "ApplyFailed",
            Self::Report { .. } => "ReportFailed",
            Self::Remove { .. } => "RemoveFailed",
        }
    }
}

/// One pass.
pub async fn reconcile(
    configuration: Arc<BackupConfiguration>,
    context: Arc<Context>,
) -> Result<Next, Error> {
    let cluster = &context.cluster;
    if finalizer::is_leaving(&*configuration) {
        remove::remove(cluster, &configuration).await.context(RemoveSnafu)?;
        context.metrics.forget(&configuration.namespace().unwrap_or_default(), &configuration.name_any());
        return Ok(Next::AwaitChange);
    }
    let configuration = finalizer::hold(cluster, configuration).await.context(ApplySnafu)?;
    let observed = observe::observe(cluster, &configuration).await.context(ObserveSnafu)?;
    context.dependents.record(&Key::from_object(&*configuration), observed.read.clone());
    if let Some(patch) = defaults::backends(&configuration, &observed) {
        cluster.merge(&*configuration, patch).await.context(ApplySnafu)?;
        return Ok(Next::AwaitChange);
    }
    let plan = plan::plan(&configuration, &observed, &context.settings, context.now());
    apply(&context, &configuration, observed, plan).await
}

async fn apply(
    context: &Context,
    configuration: &BackupConfiguration,
    mut observed: Observed,
    plan: Plan,
) -> Result<Next, Error> {
    let Plan { violations, repositories, triggers, mut obstacles, sweep, next } = plan;
    let mut failed = None;
    for repository in repositories {
        let name = repository.metadata.name.clone().unwrap_or_default();
        match context.cluster.apply(&repository).await {
            Ok(applied) => drop(observed.repositories.insert(name, applied.into_object())),
            Err(error) => failed = Some(error),
        }
    }
    for (session, trigger) in triggers {
        if let Err(error) = ensure(&context.cluster, trigger).await {
            obstacles.insert(session, error.to_string());
            failed = Some(error);
        }
    }
    if sweep {
        remove::sweep_sessions(&context.cluster, configuration).await.context(ApplySnafu)?;
    }
    report(context, configuration, &observed, (&violations, &obstacles)).await?;
    failed.map_or(Ok(next), |source| Err(Error::Apply { source }))
}

async fn ensure(cluster: &cluster::Cluster, trigger: build::Trigger) -> Result<(), cluster::Error> {
    let build::Trigger { cron_job, account, binding } = trigger;
    if let Some(account) = account {
        cluster.apply(&account).await?;
    }
    cluster.apply(&binding).await?;
    cluster.apply_json::<k8s_openapi::api::batch::v1::CronJob>(&cron_job).await.map(drop)
}

/// Writes the status, and the first runs between two writes of it.
async fn report(
    context: &Context,
    configuration: &BackupConfiguration,
    observed: &Observed,
    (violations, obstacles): (&[crds::violation::Violation], &Obstacles),
) -> Result<(), Error> {
    let now = context.now();
    let before = configuration.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let mut status = status::status(configuration, observed, violations, obstacles, now);
    let runs = initial::announce(configuration, &mut status, now);
    let cluster = &context.cluster;
    let mut live = cluster.apply_status(configuration, &status).await.context(ReportSnafu)?.into_object();
    announce(cluster, configuration, before, &status.conditions).await;
    for run in runs {
        cluster.create(&run).await.context(ApplySnafu)?;
        initial::done(&mut status, &run.spec.session, context.now());
        live = cluster.apply_status(&live, &status).await.context(ReportSnafu)?.into_object();
    }
    Ok(())
}
