//! What belongs to something: custom resources that own workloads, over several steps, as their operators make them.

use kube::Client;
use serde_json::{Value, json};

use super::applications::pod_template;
use super::request::{create, read};

const DATABASES: &str = "landscape-databases";
const SERVING: &str = "landscape-serving";
const COMPOSE: &str = "landscape-compose";

/// How many databases run.
pub const RUNNING: usize = 2;

/// Makes all of it; the custom resources `cluster-N` and `provider-0` are there already.
pub async fn make(client: &Client) {
    for number in 0..RUNNING {
        database(client, number).await;
    }
    chain(client).await;
    let provider = read(client, "compose.example.com/v1", "Provider", None, "provider-0").await;
    for object in [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "provider-0", "namespace": COMPOSE}}),
        deployment(COMPOSE, "provider-0", 0),
    ] {
        create(client, &owned(object, &[reference(&provider, true)])).await;
    }
}

/// A Cluster, and what its operator makes of it.
async fn database(client: &Client, number: usize) {
    let name = format!("cluster-{number}");
    let cluster = read(client, "databases.example.com/v1", "Cluster", Some(DATABASES), &name).await;
    let owner = [reference(&cluster, true)];
    for object in [
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": format!("{name}-app"), "namespace": DATABASES}, "stringData": {"password": "0123"}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": format!("{name}-rw"), "namespace": DATABASES}, "spec": {"selector": {"app": name}, "ports": [{"port": 5432}]}}),
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": format!("{name}-1"), "namespace": DATABASES}, "spec": {
            "storageClassName": "landscape", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
        }}),
        deployment(DATABASES, &name, 1),
        // Nothing but a custom resource between: its owner is restored, and no controller of Kubernetes makes it again.
        json!({"apiVersion": "databases.example.com/v1", "kind": "ScheduledBackup", "metadata": {"name": format!("{name}-daily"), "namespace": DATABASES}, "spec": {"schedule": "0 0 0 * * *"}}),
    ] {
        create(client, &owned(object, &owner)).await;
    }
    let pooler =
        read(client, "databases.example.com/v1", "Pooler", Some(DATABASES), &format!("pooler-{number}"))
            .await;
    let shared = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("{name}-shared"), "namespace": DATABASES}, "data": {"a": "b"}});
    create(client, &owned(shared, &[reference(&cluster, false), reference(&pooler, false)])).await;
}

/// Service, Configuration, Revision, Deployment (and from there on Kubernetes' own controllers), Route.
async fn chain(client: &Client) {
    let custom = |kind: &str, name: &str| json!({"apiVersion": "serving.example.com/v1", "kind": kind, "metadata": {"name": name, "namespace": SERVING}, "spec": {}});
    let service = create(client, &custom("Service", "hello")).await;
    create(client, &owned(custom("Route", "hello"), &[reference(&service, true)])).await;
    let configuration = owned(custom("Configuration", "hello"), &[reference(&service, true)]);
    let configuration = create(client, &configuration).await;
    let revision = owned(custom("Revision", "hello-00001"), &[reference(&configuration, true)]);
    let revision = create(client, &revision).await;
    let deployment = deployment(SERVING, "hello-00001", 1);
    create(client, &owned(deployment, &[reference(&revision, true)])).await;
}

fn deployment(namespace: &str, name: &str, replicas: u32) -> Value {
    let mut template = pod_template(name);
    template["spec"]["containers"][0]["env"] = json!([]);
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template},
    })
}

fn owned(mut object: Value, owners: &[Value]) -> Value {
    object["metadata"]["ownerReferences"] = owners.into();
    object
}

fn reference(owner: &Value, controller: bool) -> Value {
    let mut reference = json!({
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    });
    if controller {
        reference["controller"] = true.into();
        reference["blockOwnerDeletion"] = true.into();
    }
    reference
}
