//! Lists as far as the user may look.

use kube::Resource;
use serde::de::DeserializeOwned;

use super::{Cluster, Error};

impl Cluster {
    /// The objects of all namespaces, or of this one for a user who may not look further.
    pub async fn list_everywhere<K>(&self, namespace: &str) -> Result<Vec<K>, Error>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned + Clone,
    {
        match self.list(None, "").await {
            Err(error) if error.status() == Some(403) => self.list(Some(namespace), "").await,
            answer => answer,
        }
    }

    /// The objects of a kind, or none for a user who may not list them: what is only offered is not missed.
    pub async fn list_permitted<K>(&self, namespace: Option<&str>) -> Result<Vec<K>, Error>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned + Clone,
    {
        match self.list(namespace, "").await {
            Err(error) if error.status() == Some(403) => Ok(Vec::new()),
            answer => answer,
        }
    }
}
