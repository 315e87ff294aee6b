//! What a plan names and the cluster does not have.

use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use serde_json::Value;

use super::plan::Plan;
use crate::cluster::Cluster;
use crate::commands::create;
use crate::failure::{Code, Failure};
use crate::setup::encryption::{self, Encryption};
use crate::setup::reader::Reader;
use crate::setup::target::Target;

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
            Failure::new(
                Code::ObjectMissing,
                format!("ServiceAccount {}/{name} does not exist", plan.namespace),
            )
            .fix("--create-reader instead of --service-account makes one with exactly the rights it takes"),
        );
    }
    Ok(lacking)
}

async fn lacking_target(cluster: &Cluster, target: &Target) -> Result<Option<Failure>, Failure> {
    Ok(match target {
        Target::Cluster => None,
        Target::Namespace(name) => cluster.get::<Namespace>(None, name).await?.is_none().then(|| {
            Failure::new(Code::ObjectMissing, format!("namespace \"{name}\" does not exist"))
                .fix("kubectl get namespaces")
        }),
        Target::Application { kind, namespace, name } => {
            let found: Option<Value> = cluster.get_kind(&kind.kind, namespace.as_deref(), name).await?;
            found.is_none().then(|| {
                let flag =
                    namespace.as_deref().map_or_else(String::new, |namespace| format!(" -n {namespace}"));
                let place =
                    namespace.as_deref().map_or_else(String::new, |name| format!(" in namespace {name}"));
                Failure::new(Code::ObjectMissing, format!("{} does not exist{place}", target.spoken()))
                    .fix(format!("kubectl get {}{flag}", kind.kind.resource()))
            })
        }
    })
}
