//! The Jobs of a Repository, as its locks know them.

use std::sync::Arc;

use archive::worker::{Peers, Worker};
use async_trait::async_trait;
use crds::storage::Repository;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::cluster::Cluster;
use crate::context;
use crate::executor::is_over;

/// All Jobs that work on one Repository. They lock it under the name of its UID, which no other Repository has, of this
/// cluster or another; and all of them run in its namespace. So a lock under this name is of a pod there, and when
/// the pod is gone, so is the owner of the lock.
#[derive(Clone, Debug)]
pub struct Jobs {
    cluster: Cluster,
    namespace: String,
    name: String,
}

impl Jobs {
    /// Those of `repository`.
    #[must_use]
    pub fn of(cluster: &Cluster, repository: &Repository) -> Self {
        let namespace = repository.namespace().unwrap_or_default();
        let name = format!("kubestash-{}", repository.uid().unwrap_or_default());
        Self { cluster: cluster.clone(), namespace, name }
    }

    /// The Jobs of `namespace` that work on the same Repository: a restore may run in another one. They have a name of
    /// their own, because nobody would find their pods where the others are, and would take them for ended.
    #[must_use]
    pub fn of_namespace(&self, namespace: &str) -> Self {
        if namespace == self.namespace {
            return self.clone();
        }
        let name = format!("{}-{namespace}", self.name);
        Self { cluster: self.cluster.clone(), namespace: namespace.to_owned(), name }
    }

    /// This process as one of them; `pod` is the name of its pod.
    #[must_use]
    pub fn worker(&self, pod: Option<&str>) -> Worker {
        Worker {
            hostname: pod.unwrap_or("kubestash").to_owned(),
            username: self.name.clone(),
            process: std::process::id(),
            clock: Arc::new(context::now),
        }
    }
}

#[async_trait]
impl Peers for Jobs {
    async fn has_ended(&self, hostname: &str) -> bool {
        match self.cluster.find::<Pod>(&self.namespace, hostname).await {
            Ok(pod) => pod.is_none_or(|pod| is_over(&pod)),
            Err(error) => {
                tracing::warn!(
                    pod = hostname,
                    error = error.to_string(),
                    "whether a pod has ended is not known"
                );
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_pod_that_says_so_is_over() {
        for (status, over) in [
            (json!({"phase": "Running"}), false),
            (json!({"phase": "Pending"}), false),
            (json!({"phase": "Unknown"}), false),
            (json!({}), false),
            (json!({"phase": "Succeeded"}), true),
            (json!({"phase": "Failed"}), true),
        ] {
            let pod = serde_json::from_value(json!({"metadata": {}, "status": status})).unwrap();
            assert_eq!(is_over(&pod), over, "{status}");
        }
    }
}
