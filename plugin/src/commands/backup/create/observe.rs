//! What the cluster has that a new backup may use.

use std::collections::BTreeMap;

use crds::core::BackupConfiguration;
use crds::storage::{BackupStorage, RetentionPolicy};
use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use kube::{Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::plan::Plan;
use crate::cluster::Cluster;
use crate::commands::create;
use crate::discovery::{self, Served};
use crate::failure::Failure;
use crate::setup::encryption::{self, Encryption};
use crate::setup::reader::Reader;
use crate::setup::target::{Target, Typed};

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
            storages: everywhere(cluster, namespace).await?,
            policies: everywhere(cluster, namespace).await?,
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

/// Objects of all namespaces, or of this one for a user who may not look further.
async fn everywhere<K>(cluster: &Cluster, namespace: &str) -> Result<Vec<K>, Failure>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone,
{
    match cluster.list(None, "").await {
        Err(error) if error.status() == Some(403) => Ok(cluster.list(Some(namespace), "").await?),
        answer => Ok(answer?),
    }
}

/// What the plan names and the cluster lacks; all of it at once.
pub async fn lacking(cluster: &Cluster, plan: &Plan) -> Result<Vec<Failure>, Failure> {
    let mut lacking = Vec::new();
    if let Some(target) = &plan.target {
        lacking.extend(lacking_target(cluster, target).await?);
    }
    if let Some(Encryption::Existing { namespace, name }) = &plan.encryption {
        lacking.extend(create::lacking_secret(cluster, (namespace, name), encryption::KEY).await?);
    }
    if let Some(storage) = &plan.new_storage
        && let (Some(name), Some(key)) = (storage.existing_secret(), storage.first_key())
    {
        lacking.extend(create::lacking_secret(cluster, (&storage.namespace, name), key).await?);
    }
    if let Some(Reader::Existing(name)) = &plan.reader
        && cluster.get::<ServiceAccount>(Some(&plan.namespace), name).await?.is_none()
    {
        lacking.push(
            Failure::cluster(format!("ServiceAccount {}/{name} does not exist", plan.namespace)).fix(
                "--create-reader instead of --service-account makes one with exactly the rights it takes",
            ),
        );
    }
    Ok(lacking)
}

async fn lacking_target(cluster: &Cluster, target: &Target) -> Result<Option<Failure>, Failure> {
    Ok(match target {
        Target::Cluster => None,
        Target::Namespace(name) => cluster.get::<Namespace>(None, name).await?.is_none().then(|| {
            Failure::cluster(format!("namespace \"{name}\" does not exist")).fix("kubectl get namespaces")
        }),
        Target::Application { kind, namespace, name } => {
            let found: Option<Value> = cluster.get_kind(&kind.kind, namespace.as_deref(), name).await?;
            found.is_none().then(|| {
                let flag =
                    namespace.as_deref().map_or_else(String::new, |namespace| format!(" -n {namespace}"));
                let place =
                    namespace.as_deref().map_or_else(String::new, |name| format!(" in namespace {name}"));
                Failure::cluster(format!("{} does not exist{place}", target.spoken()))
                    .fix(format!("kubectl get {}{flag}", kind.kind.resource()))
            })
        }
    })
}
