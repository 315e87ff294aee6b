//! From where a bucket is read: straight from this machine, or through a pod of the cluster where only pods reach it.

use std::sync::Arc;

use archive::access::Access;
use archive::location::Location;
use archive::store::{self, ObjectStore, Patience};
use clap::ValueEnum;
use crds::reference::ObjectReference;
use crds::storage::BackupStorage;
use kube::ResourceExt as _;

use super::{secret_data, store_failure};
use crate::cluster::Cluster;
use crate::failure::{Code, Failure};
use crate::reach::{Origin, Way};

/// From where a bucket is read.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
#[group(id = "source")]
pub struct Source {
    /// From where the bucket is reached
    #[arg(long, value_enum, default_value_t, value_name = "WHERE")]
    pub from: From,
}

/// From where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum From {
    /// Through the cluster where only pods can reach it, else from this machine
    #[default]
    Auto,
    /// From this machine
    Local,
    /// Through the cluster: by a port-forward to the Service of the endpoint, or through the operator's pod
    Cluster,
}

impl From {
    fn origin(self) -> Origin {
        match self {
            Self::Auto => Origin::Auto,
            Self::Local => Origin::Local,
            Self::Cluster => Origin::Cluster,
        }
    }
}

/// A bucket, and the way to it, which must be kept as long as the bucket is used.
#[derive(Debug)]
pub struct Connected {
    /// The bucket.
    pub store: Arc<dyn ObjectStore>,
    /// From where it is reached, in words.
    pub from: String,
    _way: Option<Way>,
}

/// The object store behind a BackupStorage, with the patience of a person.
pub async fn connect(
    cluster: &Cluster,
    storage: &BackupStorage,
    source: Source,
) -> Result<Connected, Failure> {
    let (namespace, name) = (storage.namespace().unwrap_or_default(), storage.name_any());
    let what = format!("BackupStorage {namespace}/{name} cannot be used from here");
    let unusable = || Failure::new(Code::StorageUnusable, what.clone());
    let Some(backend) = &storage.spec.storage else {
        return Err(unusable().why("its spec.storage is missing"));
    };
    let location = Location::of(backend).map_err(|error| unusable().why(error.to_string()))?;
    let secret = match backend.secret_name() {
        None => None,
        Some(secret) => {
            let reference = ObjectReference::new(&namespace, secret);
            Some((reference.to_string(), secret_data(cluster, &reference).await?))
        }
    };
    let named = secret.as_ref().map(|(name, data)| (name.as_str(), data));
    let access = location.access(named).map_err(|error| unusable().why(error.to_string()))?;
    let straight = || {
        let store = store::connect_with(&location, &access, Patience::brief());
        let store = store.map_err(|error| unusable().why(error.to_string()))?;
        Ok(Connected { store, from: "this machine".to_owned(), _way: None })
    };
    match Way::to(&location, source.from.origin(), cluster).await {
        Ok(way) if source.from == From::Auto && way.may_miss().await => {
            // An address of a private network may be one of the cluster's.
            let direct = straight()?;
            match direct.store.list(".kubestash-reach").await {
                Err(store::Error::Unreachable { .. }) => match Way::inside(&location, cluster).await {
                    Some(way) => through(way, &access, &what),
                    None => Ok(direct),
                },
                _ => Ok(direct),
            }
        }
        Ok(way) => through(way, &access, &what),
        // Another name server than the cluster's may know the name, too.
        Err(_) if source.from == From::Auto || location == Location::Local => straight(),
        Err(why) => Err(Failure::new(
            Code::StorageUnreachable,
            format!("BackupStorage {namespace}/{name} cannot be reached through the cluster"),
        )
        .why(why)
        .fix("--from local   reaches it from this machine")),
    }
}

fn through(way: Way, access: &Access, what: &str) -> Result<Connected, Failure> {
    let store = way.store(access).map_err(|error| store_failure(&error, what))?;
    Ok(Connected { store, from: way.from.clone(), _way: Some(way) })
}
