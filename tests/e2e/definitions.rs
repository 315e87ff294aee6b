//! What only a real API server can tell of the CustomResourceDefinitions: that it takes them, keeps every field, fills
//! defaults in, and refuses what can never work with words that help.

#![expect(clippy::panic, reason = "a story fails by panicking, its helpers too")]

mod accepted;
mod defaults;
mod refused;

use std::path::Path;

use harness::cluster::Cluster;
use harness::namespace::Namespace;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::Value;

/// A story's namespace and the objects it makes there.
struct Server {
    namespace: Namespace,
}

impl Server {
    async fn new(story: &str) -> Self {
        let cluster = Cluster::connect().await;
        Self { namespace: Namespace::create(&cluster, story).await }
    }

    fn api(&self, object: &Value) -> Api<DynamicObject> {
        let kind = object["kind"].as_str().expect("a kind");
        let (group, version) =
            object["apiVersion"].as_str().and_then(|both| both.split_once('/')).expect("group and version");
        let definition = crds::all()
            .into_iter()
            .find(|definition| definition.spec.names.kind == kind)
            .expect("one of our kinds");
        let resource = ApiResource::from_gvk_with_plural(
            &GroupVersionKind::gvk(group, version, kind),
            &definition.spec.names.plural,
        );
        let client = self.namespace.cluster.client.clone();
        match definition.spec.scope.as_str() {
            "Cluster" => Api::all_with(client, &resource),
            _ => Api::namespaced_with(client, &self.namespace.name, &resource),
        }
    }

    /// Creates the object in the story's namespace, under a name of the story's own where it has none.
    async fn create(&self, object: &Value) -> Result<Value, kube::Error> {
        let mut object = object.clone();
        let metadata = object["metadata"].as_object_mut().expect("metadata");
        // A finalizer would keep the namespace: nobody looks after these objects.
        metadata.remove("finalizers");
        metadata.remove("namespace");
        let api = self.api(&object);
        let object: DynamicObject = serde_json::from_value(object).expect("an object");
        let parameters = PostParams { field_manager: Some("stories".to_owned()), ..PostParams::default() };
        let stored = api.create(&parameters, &object).await?;
        Ok(serde_json::to_value(stored).expect("JSON"))
    }

    /// Tries to create the object; nothing is stored.
    async fn try_out(&self, object: &Value) -> Result<Value, kube::Error> {
        let mut object = object.clone();
        object["metadata"].as_object_mut().expect("metadata").remove("namespace");
        let api = self.api(&object);
        let object: DynamicObject = serde_json::from_value(object).expect("an object");
        let stored = api.create(&PostParams { dry_run: true, ..PostParams::default() }, &object).await?;
        Ok(serde_json::to_value(stored).expect("JSON"))
    }

    async fn merge(&self, object: &Value, change: &Value) -> Result<Value, kube::Error> {
        let name = object["metadata"]["name"].as_str().expect("a name");
        let changed = self.api(object).patch(name, &PatchParams::default(), &Patch::Merge(change)).await?;
        Ok(serde_json::to_value(changed).expect("JSON"))
    }

    async fn merge_status(&self, object: &Value, change: &Value) -> Result<Value, kube::Error> {
        let name = object["metadata"]["name"].as_str().expect("a name");
        let changed =
            self.api(object).patch_status(name, &PatchParams::default(), &Patch::Merge(change)).await?;
        Ok(serde_json::to_value(changed).expect("JSON"))
    }
}

/// One of the fixtures of `crds/tests`, for example `snapshot.full`.
fn fixture(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crds/tests/fixtures");
    let text = std::fs::read_to_string(folder.join(format!("{name}.yaml"))).expect("a fixture of that name");
    serde_saphyr::from_str(&text).expect("YAML")
}

/// The fixture with one field changed; `null` removes it.
fn changed(name: &str, pointer: &str, value: Value) -> Value {
    let mut object = fixture(name);
    let (parent, field) = pointer.rsplit_once('/').expect("a JSON pointer");
    let parent = object.pointer_mut(parent).unwrap_or_else(|| panic!("{name} has no {parent}"));
    match parent {
        Value::Object(fields) if value.is_null() => {
            fields.remove(field);
        }
        Value::Array(items) if field == "-" => items.push(value),
        parent => parent[field] = value,
    }
    object
}
