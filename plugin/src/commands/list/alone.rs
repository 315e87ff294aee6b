//! Kinds whose rows are made of the object alone.

use futures::stream::{BoxStream, StreamExt as _};
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use kube::runtime::watcher;
use kube::{Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Listed, SortBy};
use crate::cluster::{Changed, Cluster, Error, Followed, Selection};

/// A kind whose rows are made of the object alone.
pub trait Row:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Serialize + DeserializeOwned + Followed
{
    /// See [`Listed::HEADERS`].
    const HEADERS: &'static [&'static str];
    /// See [`Listed::WIDE`].
    const WIDE: &'static [&'static str];
    /// See [`Listed::ORDER`].
    const ORDER: SortBy = SortBy::Name;
    /// See [`Listed::HAS_SIZE`].
    const HAS_SIZE: bool = true;

    /// See [`Listed::cells`].
    fn cells(&self, now: Timestamp) -> Vec<String>;

    /// See [`Listed::size`].
    fn size(&self) -> Option<u64> {
        None
    }

    /// See [`Listed::time`].
    fn time(&self) -> Option<Timestamp> {
        self.creation_timestamp().map(|made| made.0)
    }
}

/// Objects whose rows are made of themselves alone.
#[derive(Clone, Debug)]
pub struct Alone<K>(pub Vec<K>);

impl<K> Default for Alone<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Row> Listed for Alone<K> {
    type Object = K;
    type Change = Changed<K>;

    const HEADERS: &'static [&'static str] = K::HEADERS;
    const WIDE: &'static [&'static str] = K::WIDE;
    const ORDER: SortBy = K::ORDER;
    const HAS_SIZE: bool = K::HAS_SIZE;

    async fn read(
        cluster: &Cluster,
        namespace: Option<&str>,
        selection: Selection<'_>,
    ) -> Result<Self, Error> {
        cluster.list(namespace, selection).await.map(Self)
    }

    fn changes(
        cluster: &Cluster,
        namespace: Option<&str>,
        selection: Selection<'_>,
    ) -> BoxStream<'static, Result<Changed<K>, watcher::Error>> {
        cluster.changes(namespace, selection).boxed()
    }

    fn note(&mut self, change: Changed<K>) {
        change.apply_to(&mut self.0);
    }

    fn objects(&self) -> &[K] {
        &self.0
    }

    fn cells(&self, object: &K, now: Timestamp) -> Vec<String> {
        object.cells(now)
    }

    fn size(&self, object: &K) -> Option<u64> {
        object.size()
    }

    fn time(object: &K) -> Option<Timestamp> {
        object.time()
    }
}
