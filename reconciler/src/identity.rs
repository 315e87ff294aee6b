//! Which cluster this is.

use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use tokio::sync::OnceCell;

use crate::cluster::{Cluster, Error};

/// The namespace whose UID names a cluster, there being nothing else that every cluster has and no two share.
const CLUSTER_NAMESPACE: &str = "kube-system";

/// The name of a cluster, which never changes: read once.
#[derive(Debug, Default)]
pub struct Identity(OnceCell<String>);

impl Identity {
    /// The name; nothing where that namespace cannot be found.
    pub async fn of(&self, cluster: &Cluster) -> Result<Option<String>, Error> {
        if let Some(known) = self.0.get() {
            return Ok(Some(known.clone()));
        }
        let namespace = cluster.find::<Namespace>("", CLUSTER_NAMESPACE).await?;
        let Some(uid) = namespace.and_then(|namespace| namespace.uid()) else { return Ok(None) };
        Ok(Some(self.0.get_or_init(|| async { uid }).await.clone()))
    }
}
