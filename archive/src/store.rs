//! The object store: what this project needs of one, and how to reach one.
//!
//! Two floors. A [`Transport`] tries once and says what happened; there is one per client library (`s3` and `cloud`),
//! and one in [`memory`]. [`Reliable`] puts a time limit around each try and repeats what may succeed later;
//! it is the [`ObjectStore`] that everybody else sees. Keys are relative to the prefix of the storage, so that nothing
//! above this module can reach beyond it.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;

use crate::access::Access;
use crate::location::Location;

mod answer;
mod cloud;
mod error;
pub mod memory;
mod place;
mod reliable;
mod retry;
mod s3;

pub use error::{Error, Result, without_effort};
pub use place::{Container, Place};
pub use reliable::Reliable;
pub use retry::Patience;

/// How many deletions run at the same time (contract section 4.1: at least 10).
const DELETIONS_IN_FLIGHT: usize = 16;

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The key, relative to what was asked for by the layer that returns it.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// When the server stored it, by the server's clock.
    pub modified: Timestamp,
}

/// What a server says about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Bytes.
    pub size: u64,
    /// When the server stored it, by the server's clock.
    pub modified: Timestamp,
    /// The server's clock when it answered; not every server tells.
    pub now: Option<Timestamp>,
    /// What changes with the content; `None` where the server has no such thing.
    pub version: Option<String>,
}

/// An object with its description.
#[derive(Clone, Debug)]
pub struct Object {
    /// The whole content.
    pub content: Bytes,
    /// What the server says about it.
    pub description: Description,
}

/// One page of a listing.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The objects, with full keys.
    pub objects: Vec<Listed>,
    /// How to get the next page; `None` if this is the last.
    pub next: Option<String>,
}

/// On which condition an object is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// In any case.
    Always,
    /// Only if there is none yet.
    Absent,
    /// Only if there is still that version ([`Description::version`]).
    Unchanged(String),
}

/// The media types of what is stored.
pub mod content_type {
    /// Everything of a repository.
    pub const BINARY: &str = "application/octet-stream";
    /// The files that describe a storage (contract section 4.3).
    pub const YAML: &str = "application/yaml";
    /// One JSON object per line.
    pub const JSON_LINES: &str = "application/x-ndjson";
}

/// One client library, tried once per call, with full keys.
///
/// A transport neither repeats nor limits the time of anything; it translates every answer that is not plain success
/// into an [`Error`]. A failed condition is [`Error::AlreadyExists`] or [`Error::Changed`].
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Where it leads to.
    fn place(&self) -> &Arc<Place>;
    /// Reads an object.
    async fn get(&self, key: &str) -> Result<Object>;
    /// Reads a part of an object; the range lies inside it.
    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes>;
    /// Describes an object.
    async fn head(&self, key: &str) -> Result<Description>;
    /// Writes an object.
    async fn put(&self, key: &str, content: Bytes, media: &str, condition: &Condition) -> Result<()>;
    /// Removes an object; that there is none is success.
    async fn delete(&self, key: &str) -> Result<()>;
    /// Lists one page of the keys that begin with `prefix`.
    async fn list_page(&self, prefix: &str, next: Option<&str>) -> Result<Page>;
}

/// An object store below one prefix. Every call ends: in success, or in an error that says what to do.
#[async_trait]
pub trait ObjectStore: fmt::Debug + Send + Sync + 'static {
    /// Where it is, for messages.
    fn place(&self) -> &Arc<Place>;

    /// Reads an object. [`Error::NotFound`] if there is none.
    async fn get(&self, key: &str) -> Result<Object>;

    /// Reads a part of an object. [`Error::NotFound`] if there is none; an error if the object is shorter.
    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes>;

    /// Describes an object. [`Error::NotFound`] if there is none.
    async fn head(&self, key: &str) -> Result<Description>;

    /// Writes an object. [`Error::AlreadyExists`] or [`Error::Changed`] if the condition does not hold.
    ///
    /// When a try of this call got no clear answer and the next one meets its own object, that is success.
    async fn put(&self, key: &str, content: Bytes, media: &str, condition: Condition) -> Result<()>;

    /// Removes an object; that there is none is success.
    async fn delete(&self, key: &str) -> Result<()>;

    /// All objects whose keys begin with `prefix`, in the order of their keys; the keys returned are whole keys of this
    /// store. Complete or an error, never a part.
    async fn list(&self, prefix: &str) -> Result<Vec<Listed>>;
}

/// Connects to a storage with the patience of a Job. Nothing is sent yet.
pub fn connect(location: &Location, access: &Access) -> Result<Arc<dyn ObjectStore>> {
    connect_with(location, access, Patience::job())
}

/// Connects to a storage. Nothing is sent yet.
pub fn connect_with(
    location: &Location,
    access: &Access,
    patience: Patience,
) -> Result<Arc<dyn ObjectStore>> {
    match (location, access) {
        (Location::S3(location), Access::S3 { access_key_id, secret_access_key, certificate_authority }) => {
            match certificate_authority {
                // Whoever wants no certificate checked needs no authority.
                Some(authorities) if !location.insecure_tls => {
                    let keys = (access_key_id.as_str(), secret_access_key.as_str());
                    Ok(Arc::new(Reliable::new(
                        cloud::Client::s3(location, keys, Some(authorities), None)?,
                        patience,
                    )))
                }
                _ => Ok(Arc::new(Reliable::new(
                    s3::Client::new(location, (access_key_id, secret_access_key))?,
                    patience,
                ))),
            }
        }
        (Location::Gcs(location), Access::Gcs(document)) => {
            Ok(Arc::new(Reliable::new(cloud::Client::gcs(location, document)?, patience)))
        }
        (Location::Azure(location), Access::Azure(key)) => {
            Ok(Arc::new(Reliable::new(cloud::Client::azure(location, key)?, patience)))
        }
        (Location::Local, _) => unusable("local storages are not supported by this release"),
        (_, Access::Ambient) => unusable(
            "storages without secretName are not supported by this release: name a Secret with credentials",
        ),
        _ => unusable("the credentials are those of another provider"),
    }
}

/// Connects to a storage whose server is reached at `address`, whatever its name stands for here. Nothing is sent yet.
pub fn connect_through(
    location: &Location,
    access: &Access,
    patience: Patience,
    address: SocketAddr,
) -> Result<Arc<dyn ObjectStore>> {
    match (location, access) {
        (Location::S3(s3), Access::S3 { access_key_id, secret_access_key, certificate_authority })
            if !s3.insecure_tls || s3.endpoint.starts_with("http://") =>
        {
            let keys = (access_key_id.as_str(), secret_access_key.as_str());
            let client = cloud::Client::s3(s3, keys, certificate_authority.as_deref(), Some(address))?;
            Ok(Arc::new(Reliable::new(client, patience)))
        }
        _ => unusable("only S3 with a certificate that is checked can be reached through the cluster"),
    }
}

fn unusable<T>(reason: &str) -> Result<T> {
    error::UnusableSnafu { reason }.fail()
}

/// Removes every object whose key begins with `prefix`, several at a time, and says how many there were.
///
/// Stops at the first error; what was removed until then stays removed, so that it can simply be called again.
pub async fn delete_prefix(store: &dyn ObjectStore, prefix: &str) -> Result<usize> {
    let objects = store.list(prefix).await?;
    let count = objects.len();
    futures::stream::iter(objects)
        .map(|object| async move { store.delete(&object.key).await })
        .buffer_unordered(DELETIONS_IN_FLIGHT)
        .try_collect::<()>()
        .await?;
    Ok(count)
}
