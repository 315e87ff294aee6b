//! A cluster as people have them: what well-known operators install, an application in every namespace, and every trap
//! that one tool or another fell into (`awkward`, `guards`, `owned`). Made in code, with the label [`LABEL`], by parallel
//! writers; the names are fixed, so that a cluster holds it once.

mod applications;
mod awkward;
mod definitions;
mod guards;
mod owned;
mod request;
mod specs;
mod system;

use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::wait;
use definitions::{ResourceType, Status, TYPES};

/// What every object of the landscape has that no controller makes.
pub const LABEL: &str = "landscape.example.com/part";

/// Every namespace of the landscape.
pub const NAMESPACES: [&str; 12] = [
    "landscape-certificates",
    "landscape-monitoring",
    "landscape-delivery",
    "landscape-mesh",
    "landscape-compose",
    "landscape-rules",
    "landscape-streams",
    "landscape-serving",
    "landscape-databases",
    "landscape-shop",
    awkward::NAMESPACE,
    guards::NAMESPACE,
];

/// Claims that a volume is for.
const CLAIMS: [(&str, &str); 6] = [
    (awkward::NAMESPACE, "data-claims-0"),
    (awkward::NAMESPACE, "data-claims-1"),
    (awkward::NAMESPACE, "any-volume"),
    (awkward::NAMESPACE, "this-volume"),
    ("landscape-databases", "cluster-0-1"),
    ("landscape-databases", "cluster-1-1"),
];

const SOON: Duration = Duration::from_mins(2);
/// Custom resources of each type.
const EACH: usize = 9;

/// Makes the landscape, and waits until the controllers have done what they do with it.
///
/// # Panics
/// When the API server refuses something, or a controller does not come to an end.
pub async fn make(client: &Client) {
    let definitions: Vec<Value> = TYPES.iter().map(definition).collect();
    request::create_all(client, &definitions).await;
    request::create_all(client, &system::objects(&NAMESPACES)).await;
    established(client).await;
    accounts(client).await;
    let custom = custom_resources();
    let mut objects: Vec<Value> = custom.iter().map(|(_, object)| object.clone()).collect();
    for (number, namespace) in NAMESPACES.iter().enumerate() {
        objects.extend(applications::objects(namespace, number));
    }
    objects.extend(awkward::objects());
    objects.extend(guards::limited());
    // A Pod is refused while its account is not there.
    let (pods, rest): (Vec<_>, Vec<_>) = objects.into_iter().partition(|object| object["kind"] == "Pod");
    request::create_all(client, &rest).await;
    request::create_all(client, &pods).await;
    let observed: Vec<Value> = custom
        .into_iter()
        .filter(|(type_, _)| type_.status == Status::Subresource)
        .map(|(_, object)| object)
        .collect();
    request::observe_all(client, &observed).await;
    owned::make(client).await;
    settled(client).await;
    request::create_all(client, &guards::objects()).await;
}

/// Removes it, if it is there: what refuses changes first.
///
/// # Panics
/// When a namespace or a definition does not go.
pub async fn remove(client: &Client) {
    let labelled = ListParams::default().labels(LABEL);
    let admission = "admissionregistration.k8s.io/v1";
    for kind in [
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingAdmissionPolicy",
    ] {
        delete(client, admission, kind, &labelled).await;
    }
    let maps = request::api(client, "v1", "ConfigMap", Some(awkward::NAMESPACE));
    let held = maps.list(&labelled).await.map(|list| list.items).unwrap_or_default();
    request::let_go(&maps, held).await;
    for (api_version, kind) in [
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("v1", "PersistentVolume"),
        ("storage.k8s.io/v1", "StorageClass"),
        ("storage.k8s.io/v1", "CSIDriver"),
        ("scheduling.k8s.io/v1", "PriorityClass"),
        ("networking.k8s.io/v1", "IngressClass"),
        ("node.k8s.io/v1", "RuntimeClass"),
        ("resource.k8s.io/v1", "DeviceClass"),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration"),
        ("apiregistration.k8s.io/v1", "APIService"),
    ] {
        delete(client, api_version, kind, &labelled).await;
    }
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let in_background = DeleteParams::background();
    join_all(NAMESPACES.iter().map(|name| namespaces.delete(name, &in_background))).await;
    join_all(NAMESPACES.iter().map(|name| wait::until(namespaces.clone(), name, SOON, gone))).await;
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let names: Vec<String> = TYPES.iter().map(definition_name).collect();
    join_all(names.iter().map(|name| wait::until(definitions.clone(), name, SOON, gone))).await;
}

async fn delete(client: &Client, api_version: &str, kind: &str, labelled: &ListParams) {
    let objects = request::api(client, api_version, kind, None);
    objects
        .delete_collection(&DeleteParams::background(), labelled)
        .await
        .expect("what is labelled can be removed");
}

fn gone<K>(object: Option<&K>) -> Result<(), String> {
    object.map_or(Ok(()), |_| Err("it is still there".to_owned()))
}

fn definition_name(type_: &ResourceType) -> String {
    format!("{}.{}", type_.resource().plural, type_.group)
}

fn definition(type_: &ResourceType) -> Value {
    // Larger than the annotation of client-side apply can be, as those of well-known operators are.
    let long = type_.group == definitions::DATABASES && type_.kind == "Cluster";
    let text =
        if long { "It says what is wanted of a cluster of databases. ".repeat(8000) } else { String::new() };
    definitions::definition(type_, &text)
}

/// Custom resources of every type, each in the namespace of its operator, or in none.
fn custom_resources() -> Vec<(&'static ResourceType, Value)> {
    let one = |type_: &'static ResourceType, number: usize| {
        let mut object = json!({
            "apiVersion": format!("{}/{}", type_.group, type_.versions[0]),
            "kind": type_.kind,
            "metadata": {"name": format!("{}-{number}", type_.kind.to_lowercase()), "annotations": {"example.com/at": "12:30"}},
            "spec": (type_.spec)(number),
        });
        if !type_.cluster {
            // The label before `example.com` is the operator's name.
            let operator =
                type_.group.trim_end_matches(".example.com").rsplit('.').next().unwrap_or_default();
            object["metadata"]["namespace"] = format!("landscape-{operator}").into();
        }
        if type_.status == Status::Plain {
            object["status"] = json!({"phase": "on", "history": [{"revision": "1234567"}], "empty": {}});
        }
        (type_, object)
    };
    TYPES.iter().flat_map(|type_| (0..EACH).map(move |number| one(type_, number))).collect()
}

async fn established(client: &Client) {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let names: Vec<String> = TYPES.iter().map(definition_name).collect();
    let is_established = |definition: Option<&CustomResourceDefinition>| {
        let status = definition.and_then(|definition| definition.status.as_ref()).ok_or("no status yet")?;
        let mut conditions = status.conditions.iter().flatten();
        let established = conditions.any(|one| one.type_ == "Established" && one.status == "True");
        if established { Ok(()) } else { Err(format!("{:?}", status.conditions)) }
    };
    join_all(names.iter().map(|name| wait::until(definitions.clone(), name, SOON, is_established))).await;
}

/// Waits for the default ServiceAccounts, and gives them what registries ask for.
async fn accounts(client: &Client) {
    let pull = json!({"imagePullSecrets": [{"name": "pull"}, {"name": "registry"}], "metadata": {"labels": {LABEL: "yes"}}});
    for namespace in NAMESPACES {
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
        wait::until(accounts.clone(), "default", SOON, |account| {
            account.map(|_| ()).ok_or_else(|| "none yet".to_owned())
        })
        .await;
        accounts.patch("default", &PatchParams::default(), &Patch::Merge(&pull)).await.expect("a change");
    }
}

/// Waits until what is to run runs, and every claim that has a volume is bound to it.
///
/// # Panics
/// When something does not, after two minutes.
pub async fn settled(client: &Client) {
    claims_bound(client).await;
    let sets: Api<StatefulSet> = Api::namespaced(client.clone(), awkward::NAMESPACE);
    wait::until(sets, "claims", SOON, |set| {
        let status = set.and_then(|set| set.status.as_ref()).ok_or("no status yet")?;
        if status.ready_replicas == Some(2) { Ok(()) } else { Err(format!("{status:?}")) }
    })
    .await;
    for (namespace, name) in running_deployments() {
        let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
        wait::until(deployments, &name, SOON, |deployment| {
            let status = deployment.and_then(|one| one.status.as_ref()).ok_or("no status yet")?;
            if status.ready_replicas == Some(1) { Ok(()) } else { Err(format!("{status:?}")) }
        })
        .await;
    }
}

async fn claims_bound(client: &Client) {
    for (namespace, name) in CLAIMS {
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
        wait::until(claims, name, SOON, |claim| {
            let phase = claim.and_then(|claim| claim.status.as_ref()?.phase.clone());
            if phase.as_deref() == Some("Bound") { Ok(()) } else { Err(format!("phase is {phase:?}")) }
        })
        .await;
    }
}

fn running_deployments() -> Vec<(&'static str, String)> {
    let databases = (0..owned::RUNNING).map(|number| ("landscape-databases", format!("cluster-{number}")));
    databases.chain([("landscape-serving", "hello-00001".to_owned())]).collect()
}
