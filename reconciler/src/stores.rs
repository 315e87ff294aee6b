//! From a BackupStorage to its object store: the Secret is read, the connection is kept while neither changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use archive::error::Permanence;
use archive::location::{self, Location};
use archive::store::{self, ObjectStore, Patience};
use archive::{access, bucket};
use crds::storage::BackupStorage;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use snafu::{OptionExt, ResultExt, Snafu};

use crate::cluster::{self, Cluster};
use crate::disposition::Disposition;

/// Why a storage cannot be used.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The object does not exist.
    #[snafu(display("BackupStorage \"{name}\" does not exist"))]
    NoStorage {
        /// `namespace/name`.
        name: String,
    },
    /// It says nothing about where it is.
    #[snafu(display("spec.storage is missing; name a provider and its bucket"))]
    NoBackend,
    /// Its Secret does not exist.
    #[snafu(display("Secret \"{secret}\" does not exist; create it with the credentials of the storage"))]
    NoSecret {
        /// `namespace/name`.
        secret: String,
    },
    /// Its Secret lacks something.
    #[snafu(display("{source}"))]
    Secret {
        /// What.
        source: access::Error,
    },
    /// Its location makes no sense.
    #[snafu(display("{source}"))]
    Location {
        /// Why.
        source: location::Error,
    },
    /// The object store refused, or could not be reached.
    #[snafu(display("{source}"))]
    Store {
        /// What happened.
        source: store::Error,
    },
    /// A file in it could not be read or written.
    #[snafu(display("{source}"))]
    Bucket {
        /// What happened.
        source: bucket::Error,
    },
    /// The API server could not be asked.
    #[snafu(display("{source}"))]
    Cluster {
        /// Why.
        source: cluster::Error,
    },
}

impl Error {
    /// What to tell in a status: without how often and how long it was tried, which differs each time.
    #[must_use]
    pub fn told(&self) -> String {
        store::without_effort(&self.to_string())
    }

    /// And now? What is wrong with a bucket or a Secret may be put right without an event that we would see.
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::NoBackend | Self::Location { .. } | Self::NoStorage { .. } => Disposition::AwaitChange,
            Self::Cluster { source } => source.disposition(),
            Self::NoSecret { .. } | Self::Secret { .. } | Self::Store { .. } | Self::Bucket { .. } => {
                Disposition::Retry
            }
        }
    }

    /// The same for a Job, which does not wait for changes.
    #[must_use]
    pub const fn permanence(&self) -> Permanence {
        match self {
            Self::Store { source } => source.permanence(),
            Self::Bucket { source } => source.permanence(),
            Self::Cluster { source } => crate::job::permanence(source),
            Self::NoStorage { .. }
            | Self::NoBackend
            | Self::NoSecret { .. }
            | Self::Secret { .. }
            | Self::Location { .. } => Permanence::Permanent,
        }
    }

    /// Whether the Secret is at fault.
    #[must_use]
    pub const fn is_about_the_secret(&self) -> bool {
        matches!(self, Self::NoSecret { .. } | Self::Secret { .. })
    }
}

/// A connection and what it was made from.
struct Known {
    made_from: (Option<i64>, Option<String>),
    store: Arc<dyn ObjectStore>,
}

/// The connections by UID of their BackupStorage.
#[derive(Default)]
pub struct Stores(Mutex<BTreeMap<String, Known>>);

impl std::fmt::Debug for Stores {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Stores").finish_non_exhaustive()
    }
}

impl Stores {
    /// The object store of `storage`, rooted at its prefix.
    pub async fn open(
        &self,
        cluster: &Cluster,
        storage: &BackupStorage,
    ) -> Result<Arc<dyn ObjectStore>, Error> {
        let (location, secret) = read(cluster, storage).await?;
        let version = secret.as_ref().and_then(|secret| secret.metadata.resource_version.clone());
        let made_from = (storage.metadata.generation, version);
        let uid = storage.uid().unwrap_or_default();
        if let Some(store) = self.known(&uid, &made_from) {
            return Ok(store);
        }
        let store = connect(&location, secret, Patience::brief())?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(uid, Known { made_from, store: Arc::clone(&store) });
        Ok(store)
    }

    fn known(&self, uid: &str, made_from: &(Option<i64>, Option<String>)) -> Option<Arc<dyn ObjectStore>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(uid).filter(|known| known.made_from == *made_from).map(|known| Arc::clone(&known.store))
    }

    /// The BackupStorage is gone.
    pub fn forget(&self, storage: &BackupStorage) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(&storage.uid().unwrap_or_default());
    }
}

/// The object store of `storage`, for a Job: it has nothing better to do than to wait for the storage.
pub async fn open_patiently(
    cluster: &Cluster,
    storage: &BackupStorage,
) -> Result<Arc<dyn ObjectStore>, Error> {
    let (location, secret) = read(cluster, storage).await?;
    connect(&location, secret, Patience::job())
}

/// Where the storage is, and the Secret that it names.
async fn read(cluster: &Cluster, storage: &BackupStorage) -> Result<(Location, Option<Secret>), Error> {
    let backend = storage.spec.storage.as_ref().context(NoBackendSnafu)?;
    let location = Location::of(backend).context(LocationSnafu)?;
    let Some(name) = backend.secret_name() else { return Ok((location, None)) };
    let namespace = storage.namespace().unwrap_or_default();
    let secret = cluster.find::<Secret>(&namespace, name).await.context(ClusterSnafu)?;
    let secret = secret.with_context(|| NoSecretSnafu { secret: format!("{namespace}/{name}") })?;
    Ok((location, Some(secret)))
}

fn connect(
    location: &Location,
    secret: Option<Secret>,
    patience: Patience,
) -> Result<Arc<dyn ObjectStore>, Error> {
    let secret = secret.map(|secret| {
        let name = format!("{}/{}", secret.namespace().unwrap_or_default(), secret.name_any());
        (name, secret.data.unwrap_or_default())
    });
    let named = secret.as_ref().map(|(name, data)| (name.as_str(), data));
    let access = location.access(named).context(SecretSnafu)?;
    store::connect_with(location, &access, patience).context(StoreSnafu)
}
