//! What the API server holds, read by other code than the product's: the reference that a backup is compared with.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use kube::api::{Api, DynamicObject, ListParams};
use kube::discovery::{Discovery, Scope, verbs};
use kube::{Client, ResourceExt};
use serde_json::Value;

/// Metadata that the server alone writes: what a backup leaves out, and nothing else (issue "faithful before all").
const WRITTEN_BY_THE_SERVER: [&str; 6] =
    ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"];

/// One live object: what a backup should hold of it, and the version it was read at.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    pub resource_version: Option<String>,
    /// Who it is in this life of the cluster.
    pub uid: Option<String>,
    /// Whether its status is a subresource, which only controllers write.
    pub observed: bool,
    pub object: Value,
}

/// Every object of every type that can be listed, read and created: path in the backup -> object.
///
/// # Panics
/// When the API server cannot be read: then there is nothing to compare with.
pub async fn everything(client: &Client) -> BTreeMap<String, Live> {
    let discovery = Discovery::new(client.clone()).run_aggregated().await.expect("discovery works");
    let mut types = Vec::new();
    for group in discovery.groups() {
        for (resource, capabilities) in group.recommended_resources() {
            let can = |verb| capabilities.supports_operation(verb);
            if can(verbs::LIST) && can(verbs::GET) && can(verbs::CREATE) {
                let observed = capabilities.subresources.iter().any(|(one, _)| one.plural == "status");
                types.push((resource, capabilities.scope, observed));
            }
        }
    }
    stream::iter(types)
        .map(|(resource, scope, observed)| async move {
            let directory = if resource.group.is_empty() {
                resource.plural.clone()
            } else {
                format!("{}.{}", resource.plural, resource.group)
            };
            let listed =
                Api::<DynamicObject>::all_with(client.clone(), &resource).list(&ListParams::default()).await;
            let listed = match listed {
                Ok(listed) => listed.items,
                // Another story has taken its own type away since discovery.
                Err(kube::Error::Api(status)) if status.code == 404 => Vec::new(),
                Err(error) => fail(&directory, &error),
            };
            let one = |object: DynamicObject| {
                let folder = match (&scope, object.namespace()) {
                    (Scope::Namespaced, Some(namespace)) => format!("namespaces/{namespace}"),
                    _ => "cluster".to_owned(),
                };
                let path = format!("{directory}/{folder}/{}.yaml", object.name_any());
                (path, Live { observed, ..live(object, &resource.api_version, &resource.kind) })
            };
            listed.into_iter().map(one).collect::<Vec<_>>()
        })
        .buffer_unordered(8)
        .map(stream::iter)
        .flatten()
        .collect()
        .await
}

fn live(object: DynamicObject, api_version: &str, kind: &str) -> Live {
    let (resource_version, uid) = (object.resource_version(), object.uid());
    let mut object = serde_json::to_value(object).expect("an object is JSON");
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in WRITTEN_BY_THE_SERVER {
            metadata.remove(field);
        }
    }
    Live { resource_version, uid, observed: false, object }
}

#[expect(clippy::panic, reason = "without the live state there is nothing to compare with")]
fn fail(directory: &str, error: &kube::Error) -> ! {
    panic!("failed to list {directory}: {error}")
}
