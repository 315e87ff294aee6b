//! Fills the cluster with objects of several kinds, shaped like what applications hold: about 3 kB each.

use std::collections::HashSet;
use std::time::Duration;

use futures::{StreamExt, stream};
use harness::wait;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind, ObjectMeta};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::{Value, json};

const NAMESPACES: usize = 20;
/// Long enough for the controllers to delete tens of thousands of objects.
const LONG: Duration = Duration::from_mins(30);
const WRITERS: usize = 32;
/// Which of eight objects is a Deployment.
const DEPLOYMENT: usize = 5;

/// Creates objects number `from` to `to` (exclusive), waits until the controllers have looked at them, and returns `to`.
pub async fn up_to(client: &Client, from: usize, to: usize) -> usize {
    raw(client, from, to).await;
    settle(client, (0..to).filter(|number| number % 8 == DEPLOYMENT).count()).await;
    to
}

/// Creates them and nothing else: as fast as a client can that knows beforehand what is right, one request for each.
pub async fn raw(client: &Client, from: usize, to: usize) {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for number in 0..NAMESPACES {
        let metadata = ObjectMeta { name: Some(namespace(number)), ..ObjectMeta::default() };
        // Those of the last size are there already.
        let _ =
            namespaces.create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() }).await;
    }
    stream::iter(from..to).for_each_concurrent(WRITERS, |number| create(client, number)).await;
}

/// The names of all namespaces that are filled.
pub fn namespaces() -> Vec<String> {
    (0..NAMESPACES).map(namespace).collect()
}

/// Removes all of it, and waits until nothing is left.
pub async fn clear(client: &Client) {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for name in self::namespaces() {
        namespaces.delete(&name, &DeleteParams::background()).await.expect("the namespace is there");
    }
    for name in self::namespaces() {
        wait::until(namespaces.clone(), &name, LONG, |namespace| {
            namespace.map_or(Ok(()), |_| Err("it is still there".to_owned()))
        })
        .await;
    }
}

/// Waits until the controllers have looked at all Deployments: what they write is a change too.
async fn settle(client: &Client, deployments: usize) {
    let mut left: HashSet<String> = HashSet::new();
    let mut seen: HashSet<String> = HashSet::new();
    let mut changes = watcher(Api::<Deployment>::all(client.clone()), watcher::Config::default())
        .default_backoff()
        .applied_objects()
        .boxed();
    while let Some(change) = changes.next().await {
        let Ok(deployment) = change else { continue };
        let Some(name) = deployment.metadata.name.filter(|name| name.starts_with("object-")) else {
            continue;
        };
        let observed = deployment.status.and_then(|status| status.observed_generation);
        if observed == deployment.metadata.generation {
            left.remove(&name)
        } else {
            left.insert(name.clone())
        };
        seen.insert(name);
        if left.is_empty() && seen.len() >= deployments {
            return;
        }
    }
}

fn namespace(number: usize) -> String {
    format!("bench-{}", number % NAMESPACES)
}

async fn create(client: &Client, number: usize) {
    let (group, version, kind, body) = object(number);
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &namespace(number / 8), &resource);
    let mut object = DynamicObject::new(&format!("object-{number}"), &resource).data(body);
    object.metadata.labels = Some([("app".to_owned(), format!("app-{}", number % 97))].into());
    api.create(&PostParams::default(), &object).await.expect("the API server takes the object");
}

/// Group, version, kind and body of the n-th object.
fn object(number: usize) -> (&'static str, &'static str, &'static str, Value) {
    let text = |seed: usize| format!("value {seed} of object {number}\n").repeat(40);
    match number % 8 {
        0 | 1 => ("", "v1", "ConfigMap", json!({"data": {"a": text(1), "b": text(2), "on": "off"}})),
        2 => ("", "v1", "Secret", json!({"stringData": {"token": text(3), "user": text(4)}})),
        3 => ("", "v1", "ServiceAccount", json!({})),
        4 => ("rbac.authorization.k8s.io", "v1", "Role", rules(number)),
        DEPLOYMENT => ("apps", "v1", "Deployment", deployment(number)),
        6 => ("batch", "v1", "CronJob", cron_job(number)),
        _ => ("coordination.k8s.io", "v1", "Lease", json!({"spec": {"holderIdentity": text(5)}})),
    }
}

fn rules(number: usize) -> Value {
    let rule = |index: usize| json!({"apiGroups": [""], "resources": ["pods"], "resourceNames": [format!("pod-{number}-{index}")], "verbs": ["get", "list"]});
    json!({"rules": (0..12).map(rule).collect::<Vec<_>>()})
}

fn pod_spec(number: usize) -> Value {
    let variable = |index: usize| json!({"name": format!("VARIABLE_{index}"), "value": format!("value-{number}-{index}")});
    json!({
        "restartPolicy": "Never",
        "containers": [{
            "name": "main",
            "image": format!("registry.example.com/team/app:{number}"),
            "env": (0..20).map(variable).collect::<Vec<_>>(),
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
        }],
    })
}

/// No replicas: the bench is about manifests, and a node runs a hundred pods, not thousands.
fn deployment(number: usize) -> Value {
    let mut template = pod_spec(number);
    template["restartPolicy"] = "Always".into();
    json!({"spec": {
        "replicas": 0,
        "paused": true,
        "selector": {"matchLabels": {"app": format!("app-{number}")}},
        "template": {"metadata": {"labels": {"app": format!("app-{number}")}}, "spec": template},
    }})
}

fn cron_job(number: usize) -> Value {
    json!({"spec": {"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": {"spec": {"template": {"spec": pod_spec(number)}}}}})
}
