//! What the cluster has that a new backup may use.

use std::collections::BTreeMap;

use crds::core::BackupConfiguration;
use crds::storage::{BackupStorage, RetentionPolicy};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::ResourceExt as _;

use crate::cluster::Cluster;
use crate::discovery::{self, Served};
use crate::failure::Failure;
use crate::setup::encryption;
use crate::setup::target::Typed;

/// What was found. Of a cluster that is not asked, nothing was.
#[derive(Debug, Default)]
pub struct Seen {
    pub existing: Option<BackupConfiguration>,
    pub storages: Vec<BackupStorage>,
    pub policies: Vec<RetentionPolicy>,
    pub namespace_labels: BTreeMap<String, String>,
    pub served: Vec<Served>,
    /// The Secret that an earlier run made for the password.
    pub encryption: Option<Secret>,
}

impl Seen {
    /// What is known without a cluster.
    #[must_use]
    pub fn offline() -> Self {
        Self { served: discovery::built_in(), ..Self::default() }
    }

    /// Looks at the cluster.
    pub async fn of(
        cluster: &Cluster,
        (namespace, name): (&str, &str),
        target: Option<&Typed>,
    ) -> Result<Self, Failure> {
        let place: Option<Namespace> = cluster.get(None, namespace).await?;
        Ok(Self {
            existing: cluster.get(Some(namespace), name).await?,
            storages: cluster.list_everywhere(namespace).await?,
            policies: cluster.list_everywhere(namespace).await?,
            namespace_labels: place.map(|place| place.labels().clone()).unwrap_or_default(),
            served: if target.is_some_and(Typed::needs_discovery) {
                cluster.discover().await?
            } else {
                discovery::built_in()
            },
            encryption: cluster.get(Some(namespace), &encryption::secret_name(name)).await?,
        })
    }
}
