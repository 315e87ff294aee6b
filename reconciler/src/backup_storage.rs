//! The driver of BackupStorages (contract §8.1 step 1, §4.6, §6.4).

mod inventory;
mod observe;
mod refuse;
mod remove;
mod status;
mod sync;

use std::sync::Arc;

use archive::bucket;
use archive::store::ObjectStore;
use crds::condition;
use crds::config::BackendMeta;
use crds::storage::BackupStorage;
use crds::storage::backup_storage::RepositoryInfo;
use crds::storage::backup_storage::condition as kind;
use snafu::{ResultExt, Snafu};

use crate::announce::announce;
use crate::cluster;
use crate::context::Context;
use crate::disposition::Disposition;
use crate::finalizer;
use crate::outcome::{Failure, Next};
use crate::stores;
use observe::Observed;
use status::Found;

pub use remove::wipe_repository;
pub use sync::is_synced;

/// The step that failed.
#[derive(Debug, Snafu)]
pub enum Error {
    /// Reading what it has to do with.
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
        source: remove::Error,
    },
}

impl Failure for Error {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Observe { source } | Self::Apply { source } | Self::Report { source } => {
                source.disposition()
            }
            Self::Remove { source } => source.disposition(),
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
pub async fn reconcile(storage: Arc<BackupStorage>, context: Arc<Context>) -> Result<Next, Error> {
    let observed = observe::observe(&context, &storage).await.context(ObserveSnafu)?;
    if finalizer::is_leaving(&*storage) {
        return remove::remove(&context, &storage, &observed).await.context(RemoveSnafu);
    }
    let storage = finalizer::hold(&context.cluster, storage).await.context(ApplySnafu)?;
    let found = look(&context, &storage, &observed).await;
    report(&context, &storage, &found).await
}

fn is_initialised(storage: &BackupStorage) -> bool {
    let conditions = storage.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    condition::is_true(conditions, kind::BACKEND_INITIALIZED)
}

/// What the bucket says. Trouble is a finding, not an error: the status tells it, and the next look is planned.
async fn look(context: &Context, storage: &BackupStorage, observed: &Observed) -> Found {
    if !is_initialised(storage)
        && let Some(reason) = refuse::refusal(storage, &observed.storages)
    {
        return Found::Refused(reason);
    }
    let meta = match observe::initialise(context, storage).await {
        Ok(meta) => meta,
        Err(error) => return Found::Unusable(error),
    };
    match take_stock(context, storage, observed, meta).await {
        Ok(repositories) => Found::Usable(repositories),
        Err(error) => Found::Unusable(error),
    }
}

/// Brings cluster and bucket together: who is here, who is only there, and the list in the bucket.
async fn take_stock(
    context: &Context,
    storage: &BackupStorage,
    observed: &Observed,
    mut meta: BackendMeta,
) -> Result<Vec<RepositoryInfo>, stores::Error> {
    let store = context.stores.open(&context.cluster, storage).await?;
    let before = storage.status.as_ref().map(|status| status.repositories.as_slice()).unwrap_or_default();
    let mut entries = inventory::present(&observed.repositories, before);
    for absent in inventory::absent(&meta.repositories, &observed.repositories) {
        entries.extend(found_only_there(context, &*store, storage, absent).await?);
    }
    let entries = inventory::sorted(entries);
    meta.repositories = inventory::for_the_bucket(&entries);
    bucket::update_meta(&*store, &meta).await.map_err(|source| stores::Error::Bucket { source })?;
    Ok(entries)
}

/// The entry of a repository that no Repository here stands for: brought here when the storage is new, or when that
/// failed before; dropped when its file is gone from the bucket; else left as it is.
async fn found_only_there(
    context: &Context,
    store: &dyn ObjectStore,
    storage: &BackupStorage,
    entry: RepositoryInfo,
) -> Result<Option<RepositoryInfo>, stores::Error> {
    let file = bucket::read_repository(store, &entry.path).await;
    if matches!(file, Ok(None)) {
        return Ok(None);
    }
    let before = storage.status.iter().flat_map(|status| &status.repositories);
    let failed = before
        .into_iter()
        .any(|info| info.name == entry.name && info.namespace == entry.namespace && info.error.is_some());
    if is_initialised(storage) && !failed {
        return Ok(Some(RepositoryInfo { synced: Some(false), error: None, ..entry }));
    }
    Ok(Some(match sync::sync(&context.cluster, store, storage, &entry).await {
        Ok(sync::Synced { repository, unreadable }) => {
            RepositoryInfo { size: entry.size, error: unreadable, ..inventory::entry(&repository) }
        }
        Err(error) => RepositoryInfo { synced: Some(false), error: Some(error.to_string()), ..entry },
    }))
}

async fn report(context: &Context, storage: &BackupStorage, found: &Found) -> Result<Next, Error> {
    let now = context.now();
    let before = storage.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let status = status::status(storage, found, now);
    context.cluster.apply_status(storage, &status).await.context(ReportSnafu)?;
    announce(&context.cluster, storage, before, &status.conditions).await;
    Ok(status::next(&status, now))
}
