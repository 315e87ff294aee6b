//! Single requests for objects of any type, which a landscape makes many of.

use futures::{StreamExt, stream};
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use super::LABEL;

/// Requests in flight.
const WRITERS: usize = 32;

/// The objects of a type in a namespace, or of the cluster.
#[must_use]
pub fn api(client: &Client, api_version: &str, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

fn api_of(client: &Client, object: &Value) -> Api<DynamicObject> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let namespace = object["metadata"]["namespace"].as_str();
    api(client, &text(&object["apiVersion"]), &text(&object["kind"]), namespace)
}

/// Creates the object with the landscape's label, and returns what the API server made of it.
pub async fn create(client: &Client, object: &Value) -> Value {
    let mut labelled = object.clone();
    labelled["metadata"]["labels"][LABEL] = "yes".into();
    let body: DynamicObject = serde_json::from_value(labelled).expect("a manifest");
    let api = api_of(client, object);
    let made = match api.create(&PostParams::default(), &body).await {
        // The client repeats a request whose answer did not come: then it is there.
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            api.get(object["metadata"]["name"].as_str().unwrap_or_default()).await
        }
        answer => answer,
    };
    match made {
        Ok(made) => {
            let mut made = serde_json::to_value(made).expect("an object is JSON");
            made["apiVersion"] = object["apiVersion"].clone();
            made["kind"] = object["kind"].clone();
            made
        }
        Err(error) => fail(object, &error),
    }
}

/// Creates all of them, in parallel.
pub async fn create_all(client: &Client, objects: &[Value]) {
    stream::iter(objects)
        .for_each_concurrent(WRITERS, |object| async move {
            create(client, object).await;
        })
        .await;
}

/// Reads one object.
pub async fn read(
    client: &Client,
    api_version: &str,
    kind: &str,
    namespace: Option<&str>,
    name: &str,
) -> Value {
    let found = api(client, api_version, kind, namespace).get(name).await.expect("the object is there");
    let mut found = serde_json::to_value(found).expect("an object is JSON");
    found["apiVersion"] = api_version.into();
    found["kind"] = kind.into();
    found
}

/// Writes a status as the controllers of these objects would.
pub async fn observe_all(client: &Client, objects: &[Value]) {
    let status = json!({"status": {
        "observedGeneration": 1,
        "conditions": [{"type": "Ready", "status": "True", "reason": "Observed", "message": "on"}],
    }});
    let status = &status;
    stream::iter(objects)
        .for_each_concurrent(WRITERS, |object| async move {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let patched = api_of(client, object)
                .patch_status(name, &PatchParams::default(), &Patch::Merge(status))
                .await;
            if let Err(error) = patched {
                fail(object, &error);
            }
        })
        .await;
}

/// Takes the finalizers of every object of this type away, so that it can go.
pub async fn let_go(api: &Api<DynamicObject>, objects: Vec<DynamicObject>) {
    for object in objects.into_iter().filter(|object| !object.finalizers().is_empty()) {
        let none = json!({"metadata": {"finalizers": null}});
        // Gone meanwhile is as good.
        let _ = api.patch(&object.name_any(), &PatchParams::default(), &Patch::Merge(none)).await;
    }
}

#[expect(clippy::panic, reason = "without its objects there is no landscape")]
fn fail(object: &Value, error: &kube::Error) -> ! {
    let metadata = &object["metadata"];
    panic!("failed to make {} {}/{}: {error}", object["kind"], metadata["namespace"], metadata["name"])
}
