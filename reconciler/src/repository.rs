//! The driver of Repositories (contract §8.1 step 4, §6.4).

mod file;
mod observe;
mod status;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use archive::bucket;
use archive::store::ObjectStore;
use crds::condition::{self, NewCondition};
use crds::storage::backup_storage::BackupStoragePhase;
use crds::storage::repository::condition as kind;
use crds::storage::{BackupStorage, DeletionPolicy, Repository, RepositoryStatus};
use kube::ResourceExt;
use snafu::{ResultExt, Snafu};

use crate::announce::announce;
use crate::backup_storage::{is_synced, wipe_repository};
use crate::cluster;
use crate::conditions;
use crate::context::Context;
use crate::dependents::Key;
use crate::disposition::Disposition;
use crate::finalizer;
use crate::outcome::{Failure, Next};
use crate::{start, stores};
use observe::Observed;

/// For how long one pass removes data before others get their turn.
const TURN: Duration = Duration::from_secs(20);

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
    /// Writing its file.
    #[snafu(display("{source}"))]
    Upload {
        /// Why.
        source: stores::Error,
    },
    /// Removing its data.
    #[snafu(display(
        "failed to remove the data: {source}; to keep the data and only remove the object, set spec.deletionPolicy \
         to Delete"
    ))]
    Wipe {
        /// Why.
        source: stores::Error,
    },
}

impl Failure for Error {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Observe { source } | Self::Apply { source } | Self::Report { source } => {
                source.disposition()
            }
            Self::Upload { source } | Self::Wipe { source } => source.disposition(),
        }
    }

    fn category(&self) -> &'static str {
        match self {
            Self::Observe { .. } => "ObserveFailed",
            Self::Apply { .. } => "ApplyFailed",
            Self::Report { .. } => "ReportFailed",
            Self::Upload { .. } => "UploadFailed",
            Self::Wipe { .. } => "WipeFailed",
        }
    }
}

/// One pass.
pub async fn reconcile(repository: Arc<Repository>, context: Arc<Context>) -> Result<Next, Error> {
    let observed = observe::observe(&context, &repository).await.context(ObserveSnafu)?;
    context.dependents.record(&Key::from_object(&*repository), observed.read.clone());
    if finalizer::is_leaving(&*repository) {
        return remove(&context, &repository, &observed).await;
    }
    let repository = finalizer::hold(&context.cluster, repository).await.context(ApplySnafu)?;
    if repository.spec.paused {
        return Ok(Next::AwaitChange);
    }
    let obstacle = initialise(&context, &repository, &observed).await;
    let before = repository.status.clone().unwrap_or_default();
    let status = with_condition(&repository, &observed, obstacle.as_deref(), &context);
    let applied =
        context.cluster.apply_status(&*repository, &status).await.context(ReportSnafu)?.into_object();
    announce(&context.cluster, &*repository, &before.conditions, &status.conditions).await;
    match (obstacle, &observed.storage) {
        (None, Some(storage)) => upload(&context, storage, &applied, &observed).await.context(UploadSnafu)?,
        // What is not watched (a bucket) is asked again; a storage that becomes ready wakes us.
        (Some(_), _) => return Ok(Next::After(Duration::from_secs(30))),
        (None, None) => {}
    }
    Ok(Next::AwaitChange)
}

fn is_initialised(repository: &Repository) -> bool {
    let conditions =
        repository.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    condition::is_true(conditions, kind::REPOSITORY_INITIALIZED)
}

/// Takes the directory, once. What keeps it from being taken, if something does.
async fn initialise(context: &Context, repository: &Repository, observed: &Observed) -> Option<String> {
    if is_initialised(repository) {
        return None;
    }
    let Some(storage) = &observed.storage else {
        let reference = repository.spec.storage_ref.as_ref().map(ToString::to_string).unwrap_or_default();
        return Some(format!("BackupStorage \"{reference}\" does not exist"));
    };
    let phase = storage.status.as_ref().map(crds::storage::BackupStorageStatus::phase);
    if phase != Some(BackupStoragePhase::Ready) {
        let conditions =
            storage.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
        let reason = condition::first_failure(conditions).and_then(|failure| failure.message.clone());
        return Some(
            reason
                .unwrap_or_else(|| format!("BackupStorage \"{}\" is being initialised", storage.name_any())),
        );
    }
    match take(context, storage, repository, observed).await {
        Ok(refusal) => refusal,
        Err(error) => Some(error.told()),
    }
}

async fn take(
    context: &Context,
    storage: &BackupStorage,
    repository: &Repository,
    observed: &Observed,
) -> Result<Option<String>, stores::Error> {
    let store = context.stores.open(&context.cluster, storage).await?;
    let existing = bucket::read_repository(&*store, &repository.spec.path).await;
    let cluster = observed.cluster.as_deref();
    if let Some(existing) = existing.map_err(|source| stores::Error::Bucket { source })? {
        return Ok(file::refusal(&existing, repository, cluster, is_synced(repository)));
    }
    write(&*store, &file::file(repository, cluster)).await?;
    Ok(None)
}

fn with_condition(
    repository: &Repository,
    observed: &Observed,
    obstacle: Option<&str>,
    context: &Context,
) -> RepositoryStatus {
    let mut status = status::summary(repository, &observed.snapshots);
    let new = match obstacle {
        None => {
            NewCondition::new(kind::REPOSITORY_INITIALIZED, true, kind::REPOSITORY_INITIALIZATION_SUCCEEDED)
                .message("The repository is initialised.")
        }
        Some(obstacle) => {
            NewCondition::new(kind::REPOSITORY_INITIALIZED, false, kind::REPOSITORY_INITIALIZATION_FAILED)
                .message(obstacle)
        }
    };
    conditions::set(&mut status.conditions, new, repository.metadata.generation, context.now());
    status.phase = Some(status.phase());
    status
}

/// Writes the file when it is not what was written last. After a restart it is read once.
async fn upload(
    context: &Context,
    storage: &BackupStorage,
    repository: &Repository,
    observed: &Observed,
) -> Result<(), stores::Error> {
    let file = file::file(repository, observed.cluster.as_deref());
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(&file).unwrap_or_default().hash(&mut hasher);
    let (uid, hash) = (repository.uid().unwrap_or_default(), hasher.finish());
    if context.uploaded.is(&uid, hash) {
        return Ok(());
    }
    let store = context.stores.open(&context.cluster, storage).await?;
    let existing = bucket::read_repository(&*store, &file.spec.path).await;
    if existing.map_err(|source| stores::Error::Bucket { source })?.as_ref() != Some(&file) {
        write(&*store, &file).await?;
    }
    context.uploaded.remember(&uid, hash);
    Ok(())
}

async fn write(store: &dyn ObjectStore, file: &Repository) -> Result<(), stores::Error> {
    let written = bucket::write_repository(store, &file.spec.path, file).await;
    written.map_err(|source| stores::Error::Bucket { source })
}

/// Lets the object go, its data before it when that is wished. Its Snapshots follow their owner.
///
/// When the storage is going too, what happens to the data is the storage's decision; when it is gone, nobody knows
/// where the data is; and without the Secret nobody can remove it, which must not keep the object for ever.
async fn remove(context: &Context, repository: &Repository, observed: &Observed) -> Result<Next, Error> {
    let storage = observed.storage.as_ref().filter(|storage| !finalizer::is_leaving(*storage));
    if let Some(storage) = storage
        && finalizer::is_held(repository)
        && repository.deletion_policy() == DeletionPolicy::WipeOut
    {
        match context.stores.open(&context.cluster, storage).await {
            Err(error) if error.is_about_the_secret() => {
                tracing::warn!(
                    error = error.to_string(),
                    "the data of a deleted repository stays in its bucket"
                );
            }
            Err(source) => return Err(Error::Wipe { source }),
            Ok(store) => {
                match tokio::time::timeout(TURN, wipe_repository(&*store, &repository.spec.path)).await {
                    Err(_) => return Ok(Next::After(Duration::from_secs(1))),
                    Ok(wiped) => wiped.context(WipeSnafu)?,
                }
            }
        }
    }
    start::revoke(&context.cluster, repository).await.context(ApplySnafu)?;
    finalizer::release(&context.cluster, repository).await.context(ApplySnafu)?;
    context.uploaded.forget(&repository.uid().unwrap_or_default());
    Ok(Next::AwaitChange)
}
