//! What goes with a BackupStorage (contract §6.4).

use std::time::Duration;

use archive::store::{ObjectStore, delete_prefix};
use archive::{bucket, store};
use crds::name;
use crds::storage::{BackupStorage, DeletionPolicy};
use snafu::{ResultExt, Snafu};

use super::observe::Observed;
use crate::cluster;
use crate::context::Context;
use crate::disposition::Disposition;
use crate::finalizer;
use crate::outcome::Next;
use crate::stores;

/// For how long one pass removes objects before others get their turn.
const TURN: Duration = Duration::from_secs(20);

/// Why a storage stays for now.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The API server.
    #[snafu(display("{source}"))]
    Cluster {
        /// What happened.
        source: cluster::Error,
    },
    /// The data cannot be removed.
    #[snafu(display(
        "failed to remove the data: {source}; to keep the data and only remove the object, set spec.deletionPolicy \
         to Delete"
    ))]
    Wipe {
        /// What happened.
        source: stores::Error,
    },
}

impl Error {
    /// And now?
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Cluster { source } => source.disposition(),
            Self::Wipe { source } => source.disposition(),
        }
    }
}

/// Carries out the deletion and lets the object go. Gives when to go on, when there is more to remove.
///
/// The Repositories go first, and see that their storage is leaving: they touch no data. Data that nobody has the key
/// to any more stays, since a deletion must not wait for a Secret that will not come back.
pub async fn remove(context: &Context, storage: &BackupStorage, observed: &Observed) -> Result<Next, Error> {
    if !finalizer::is_held(storage) {
        return Ok(Next::AwaitChange);
    }
    for repository in observed.repositories.iter().filter(|repository| !finalizer::is_leaving(*repository)) {
        context.cluster.delete(repository).await.context(ClusterSnafu)?;
    }
    if storage.deletion_policy() == DeletionPolicy::WipeOut {
        match context.stores.open(&context.cluster, storage).await {
            Err(error) if error.is_about_the_secret() => {
                tracing::warn!(
                    error = error.to_string(),
                    "the data of a deleted storage stays in its bucket"
                );
            }
            Err(source) => return Err(Error::Wipe { source }),
            Ok(store) => {
                let wiping = wipe_all(&*store, observed);
                match tokio::time::timeout(TURN, wiping).await {
                    Err(_) => return Ok(Next::After(Duration::from_secs(1))),
                    Ok(wiped) => wiped.context(WipeSnafu)?,
                }
            }
        }
    }
    finalizer::release(&context.cluster, storage).await.context(ClusterSnafu)?;
    context.stores.forget(storage);
    Ok(Next::AwaitChange)
}

/// Removes what KubeStash wrote, and nothing else that may be in the bucket; the mark goes last.
async fn wipe_all(store: &dyn ObjectStore, observed: &Observed) -> Result<(), stores::Error> {
    let meta = match bucket::read_meta(store).await {
        Ok(meta) => meta,
        // There is nothing left to remove.
        Err(bucket::Error::Store { source: store::Error::NoSuchBucket { .. } }) => return Ok(()),
        Err(source) => return Err(stores::Error::Bucket { source }),
    };
    let known = meta.into_iter().flat_map(|meta| meta.repositories).map(|info| info.path);
    let here = observed.repositories.iter().map(|repository| repository.spec.path.clone());
    for path in known.chain(here) {
        wipe_repository(store, &path).await?;
    }
    bucket::delete_meta(store).await.map_err(|source| stores::Error::Bucket { source })
}

/// Removes everything of the repository at `path`; the file that tells of it goes last, so that who is interrupted
/// finds it again.
pub async fn wipe_repository(store: &dyn ObjectStore, path: &str) -> Result<(), stores::Error> {
    let directory = name::directory(path);
    let below =
        |part: &str| if directory.is_empty() { part.to_owned() } else { format!("{directory}/{part}") };
    for part in ["repository/", "snapshots/", "repository.yaml"] {
        delete_prefix(store, &below(part)).await.map_err(|source| stores::Error::Store { source })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use archive::store::memory::Memory;
    use archive::store::{Condition, Patience, Reliable, content_type};
    use bytes::Bytes;
    use crds::config::BackendMeta;
    use crds::storage::backup_storage::RepositoryInfo;
    use jiff::Timestamp;

    use super::*;

    async fn filled(keys: &[&str]) -> impl ObjectStore {
        let store = Reliable::new(Memory::new(Timestamp::UNIX_EPOCH), Patience::brief());
        for key in keys {
            store.put(key, Bytes::from_static(b"x"), content_type::BINARY, Condition::Always).await.unwrap();
        }
        store
    }

    async fn left(store: &dyn ObjectStore) -> Vec<String> {
        store.list("").await.unwrap().into_iter().map(|object| object.key).collect()
    }

    #[tokio::test]
    async fn only_what_kubestash_wrote_is_wiped_out() {
        let store = filled(&[
            "shop/repository.yaml",
            "shop/repository/v1/nightly/manifest/config",
            "shop/snapshots/a.yaml",
            "shop/notes.txt",
            "shopping/repository.yaml",
            "photo.jpg",
        ])
        .await;
        let mut meta = BackendMeta::new("0.1.0", Timestamp::UNIX_EPOCH);
        meta.repositories.push(RepositoryInfo { path: "/shop/".into(), ..Default::default() });
        bucket::update_meta(&store, &meta).await.unwrap();
        let observed = Observed { storages: Vec::new(), repositories: Vec::new() };
        wipe_all(&store, &observed).await.unwrap();
        assert_eq!(left(&store).await, ["photo.jpg", "shop/notes.txt", "shopping/repository.yaml"]);
    }
}
