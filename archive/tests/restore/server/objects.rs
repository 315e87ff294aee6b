//! What the server does with objects: the rules of a real one that a restore runs into.

use serde_json::{Map, Value, json};

use super::cluster::{Cluster, Place, Route, Type, place};
use super::{Answer, Call, refuse};

pub const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// The types that these tests need.
pub fn types() -> Vec<Type> {
    let rbac = "rbac.authorization.k8s.io";
    vec![
        Type::new("", "namespaces", "Namespace", false).with_status(),
        Type::new("", "configmaps", "ConfigMap", true),
        Type::new("", "secrets", "Secret", true),
        Type::new("", "serviceaccounts", "ServiceAccount", true),
        Type::new("", "services", "Service", true).with_status().immutable(&["/spec/clusterIP"]),
        Type::new("", "persistentvolumes", "PersistentVolume", false).with_status(),
        Type::new("", "persistentvolumeclaims", "PersistentVolumeClaim", true)
            .with_status()
            .immutable(&["/spec/volumeName", "/spec/storageClassName"]),
        Type::new("", "pods", "Pod", true).with_status().immutable(&["/spec/nodeName"]),
        Type::new("", "resourcequotas", "ResourceQuota", true).with_status(),
        Type::new("apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition", false)
            .with_status(),
        Type::new(
            "admissionregistration.k8s.io",
            "validatingwebhookconfigurations",
            "ValidatingWebhookConfiguration",
            false,
        ),
        Type::new("apps", "deployments", "Deployment", true).with_status().immutable(&["/spec/selector"]),
        Type::new("apps", "replicasets", "ReplicaSet", true).with_status(),
        Type::new("apps", "statefulsets", "StatefulSet", true).with_status(),
        Type::new("batch", "jobs", "Job", true)
            .with_status()
            .immutable(&["/spec/template", "/spec/selector"]),
        Type::new("batch", "cronjobs", "CronJob", true).with_status(),
        Type::new("networking.k8s.io", "ingresses", "Ingress", true).with_status(),
        Type::new(rbac, "clusterroles", "ClusterRole", false),
        Type::new(rbac, "roles", "Role", true),
        Type::new(rbac, "rolebindings", "RoleBinding", true),
        Type::new("storage.k8s.io", "storageclasses", "StorageClass", false),
    ]
}

/// An object as somebody would write it.
pub fn manifest(of: &Type, namespace: &str, name: &str, more: &Value) -> Value {
    let version = &of.versions[0];
    let api_version = if of.group.is_empty() { version.clone() } else { format!("{}/{version}", of.group) };
    let mut object = json!({"apiVersion": api_version, "kind": of.kind, "metadata": {"name": name}});
    if of.namespaced {
        object["metadata"]["namespace"] = json!(namespace);
    }
    merge(&mut object, more);
    object
}

pub fn uid(object: &Value) -> Option<String> {
    object["metadata"]["uid"].as_str().map(str::to_owned)
}

/// Sets a value by JSON pointer, making what is missing on the way.
pub fn set(object: &mut Value, pointer: &str, value: Value) {
    let mut at = object;
    for part in pointer.trim_start_matches('/').split('/') {
        let part = part.replace("~1", "/").replace("~0", "~");
        at = at.as_object_mut().unwrap().entry(part).or_insert_with(|| json!({}));
    }
    *at = value;
}

/// As server-side apply: objects field by field, lists of named items by their names, all else as a whole.
pub fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(from)) if from.iter().all(|item| item["name"].is_string()) => {
            for item in from {
                match into.iter_mut().find(|found| found["name"] == item["name"]) {
                    Some(found) => merge(found, item),
                    None => into.push(item.clone()),
                }
            }
        }
        (into, from) => *into = from.clone(),
    }
}

pub fn not_found(of: &Type, name: &str) -> Answer {
    refuse(404, "NotFound", &format!("{} {name:?} not found", of.group_resource()))
}

fn forbidden(route: &Route, name: &str, why: &str) -> Answer {
    refuse(403, "Forbidden", &format!("{} {name:?} is forbidden: {why}", route.of.group_resource()))
}

fn invalid(of: &Type, name: &str, why: &str) -> Answer {
    let kind = if of.group.is_empty() { of.kind.clone() } else { format!("{}.{}", of.kind, of.group) };
    refuse(422, "Invalid", &format!("{kind} {name:?} is invalid: {why}"))
}

pub fn create(cluster: &mut Cluster, route: &Route, call: &Call) -> Answer {
    let mut object = call.body.clone();
    let Some(name) = object["metadata"]["name"].as_str().map(str::to_owned) else {
        return refuse(422, "Invalid", "name is required");
    };
    if let Some(refusal) = judge(route, &object, call) {
        return refusal;
    }
    let at = route.place(&name);
    if let Some(refusal) = admit(cluster, route, &name, &object) {
        return refusal;
    }
    if cluster.objects.contains_key(&at) {
        let message = format!("{} {name:?} already exists", route.of.group_resource());
        return refuse(409, "AlreadyExists", &message);
    }
    if route.of.status {
        object.as_object_mut().unwrap().remove("status");
    }
    complete(cluster, &route.of, &mut object);
    cluster.store("ADDED", at.clone(), object.clone());
    if !call.is_dry() {
        follow_up(cluster, &route.of, &object);
    }
    (201, cluster.objects.get(&at).cloned().unwrap_or(object))
}

/// Several owners may be named, and one of them as controller.
fn has_two_controllers(object: &Value) -> bool {
    let owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    owners.filter(|owner| owner["controller"] == json!(true)).count() > 1
}

/// What is wrong with a request whatever the cluster has.
fn judge(route: &Route, object: &Value, call: &Call) -> Option<Answer> {
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    if object["apiVersion"] != json!(route.api_version) || object["kind"] != json!(route.of.kind) {
        return Some(refuse(400, "BadRequest", "the API version in the data does not match"));
    }
    if namespace != route.namespace {
        return Some(refuse(400, "BadRequest", "the namespace of the provided object does not match"));
    }
    let unknown = route.of.unknown.iter().find(|field| object.get(field.as_str()).is_some());
    if let Some(field) = unknown.filter(|_| call.query("fieldValidation") == Some("Strict")) {
        return Some(refuse(400, "BadRequest", &format!("strict decoding error: unknown field {field:?}")));
    }
    None
}

/// What the cluster has against it.
fn admit(cluster: &Cluster, route: &Route, name: &str, object: &Value) -> Option<Answer> {
    let namespace = route.namespace.as_str();
    if route.of.namespaced {
        let Some(found) = cluster.object("namespaces", "", namespace) else {
            return Some(refuse(404, "NotFound", &format!("namespaces {namespace:?} not found")));
        };
        if found["metadata"].get("deletionTimestamp").is_some() {
            let why = format!(
                "unable to create new content in namespace {namespace} because it is being terminated"
            );
            return Some(forbidden(route, name, &why));
        }
    }
    match route.of.group_resource().as_str() {
        "pods" => admit_pod(cluster, route, name, object),
        "services" => admit_service(cluster, route, name, object),
        "rolebindings.rbac.authorization.k8s.io" => admit_binding(cluster, namespace, object),
        "jobs.batch" => admit_job(route, name, object),
        _ => None,
    }
    .or_else(|| admit_by_quota(cluster, route, name))
}

fn admit_pod(cluster: &Cluster, route: &Route, name: &str, object: &Value) -> Option<Answer> {
    let account = object["spec"]["serviceAccountName"].as_str()?;
    let namespace = &route.namespace;
    (!cluster.has("serviceaccounts", namespace, account)).then(|| {
        let why = format!(
            "error looking up service account {namespace}/{account}: serviceaccount {account:?} not found"
        );
        forbidden(route, name, &why)
    })
}

/// The allocator of ports refuses what exists already before anybody sees that it exists.
fn admit_service(cluster: &Cluster, route: &Route, name: &str, object: &Value) -> Option<Answer> {
    let ports = |service: &Value| -> Vec<u64> {
        let ports = service["spec"]["ports"].as_array().into_iter().flatten();
        ports.filter_map(|port| port["nodePort"].as_u64()).collect()
    };
    let all = cluster.objects.iter().filter(|((of, ..), _)| of == "services");
    let taken: Vec<u64> = all.flat_map(|(_, service)| ports(service)).collect();
    let port = ports(object).into_iter().find(|port| taken.contains(port))?;
    let why = format!("spec.ports[0].nodePort: Invalid value: {port}: provided port is already allocated");
    Some(invalid(&route.of, name, &why))
}

fn admit_binding(cluster: &Cluster, namespace: &str, object: &Value) -> Option<Answer> {
    let role = object["roleRef"]["name"].as_str()?;
    let (of, namespace) = match object["roleRef"]["kind"].as_str() {
        Some("ClusterRole") => ("clusterroles.rbac.authorization.k8s.io", ""),
        _ => ("roles.rbac.authorization.k8s.io", namespace),
    };
    let message = format!("{of} {role:?} not found");
    (!cluster.has(of, namespace, role)).then(|| refuse(404, "NotFound", &message))
}

fn admit_job(route: &Route, name: &str, object: &Value) -> Option<Answer> {
    let own = object["spec"].get("selector").is_some() && object["spec"]["manualSelector"] != json!(true);
    own.then(|| invalid(&route.of, name, "spec.selector: Invalid value: `selector` not auto-generated"))
}

fn admit_by_quota(cluster: &Cluster, route: &Route, name: &str) -> Option<Answer> {
    let of = route.of.group_resource();
    let quotas = cluster
        .objects
        .iter()
        .filter(|((found, namespace, _), _)| found == "resourcequotas" && *namespace == route.namespace);
    for ((_, namespace, quota), object) in quotas {
        let hard = &object["spec"]["hard"];
        let limit = hard.get(&of).or_else(|| hard.get(format!("count/{of}")));
        let Some(limit) = limit.and_then(Value::as_str) else { continue };
        let used = cluster.objects.keys().filter(|(found, within, _)| *found == of && within == namespace);
        let used = used.count();
        if used + 1 > limit.parse().unwrap() {
            let why = format!(
                "exceeded quota: {quota}, requested: {of}=1, used: {of}={used}, limited: {of}={limit}"
            );
            return Some(forbidden(route, name, &why));
        }
    }
    None
}

/// What the server adds to a new object.
pub fn complete(cluster: &mut Cluster, of: &Type, object: &mut Value) {
    let (uid, name) = (cluster.new_uid(), object["metadata"]["name"].clone());
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.insert("uid".to_owned(), json!(uid));
    metadata.insert("creationTimestamp".to_owned(), json!("2026-11-22T10:00:00Z"));
    metadata.insert("generation".to_owned(), json!(1));
    match of.group_resource().as_str() {
        "namespaces" => {
            set(object, "/metadata/labels/kubernetes.io~1metadata.name", name);
            merge(object, &json!({"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}));
        }
        "services" if object["spec"].get("clusterIP").is_none() => {
            let address = format!("10.0.0.{}", &uid[uid.len() - 2..]);
            merge(object, &json!({"spec": {"clusterIP": address, "clusterIPs": [address]}}));
        }
        "deployments.apps" => default(object, &json!({"spec": {"progressDeadlineSeconds": 600}})),
        "jobs.batch" => {
            let labels =
                json!({"batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name});
            merge(
                object,
                &json!({"spec": {"selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}},
                    "template": {"metadata": {"labels": labels}}}}),
            );
        }
        _ => {}
    }
}

fn default(object: &mut Value, defaults: &Value) {
    let mut all = defaults.clone();
    merge(&mut all, object);
    *object = all;
}

/// What controllers make of a new object.
pub fn follow_up(cluster: &mut Cluster, of: &Type, object: &Value) {
    let name = object["metadata"]["name"].as_str().unwrap().to_owned();
    match of.group_resource().as_str() {
        "namespaces" if !cluster.has("serviceaccounts", &name, "default") => {
            cluster.put("serviceaccounts", &name, "default", &json!({}));
        }
        DEFINITIONS => {
            define(cluster, object);
            if cluster.establishes {
                establish(cluster, &name);
            }
        }
        _ => {}
    }
}

/// A definition is served.
fn define(cluster: &mut Cluster, definition: &Value) {
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let versions = spec["versions"].as_array().unwrap();
    let served = versions.iter().filter(|version| version["served"] == json!(true));
    let of = Type {
        versions: served.map(|version| text(&version["name"])).collect(),
        status: versions[0]["subresources"].get("status").is_some(),
        ..Type::new(
            &text(&spec["group"]),
            &text(&spec["names"]["plural"]),
            &text(&spec["names"]["kind"]),
            spec["scope"] == json!("Namespaced"),
        )
    };
    cluster.types.retain(|known| known.group_resource() != of.group_resource());
    cluster.types.push(of);
}

/// The server is done with a definition.
pub fn establish(cluster: &mut Cluster, name: &str) {
    let at = place(DEFINITIONS, "", name);
    let mut object = cluster.objects[&at].clone();
    object["status"] = json!({"conditions": [{"type": "Established", "status": "True"}]});
    cluster.store("MODIFIED", at, object);
}

pub fn apply(cluster: &mut Cluster, route: &Route, name: &str, call: &Call) -> Answer {
    let at = route.place(name);
    let Some(live) = cluster.objects.get(&at).cloned() else { return not_found(&route.of, name) };
    if let Some(refusal) = judge(route, &call.body, call) {
        return refusal;
    }
    let conflicts = conflicts(cluster, &at, &call.body, &live);
    if !conflicts.is_empty() && call.query("force") != Some("true") {
        let message = format!("Apply failed with {} conflicts", conflicts.len());
        let (code, mut body) = refuse(409, "Conflict", &message);
        body["details"] = json!({"causes": conflicts});
        return (code, body);
    }
    let mut object = live.clone();
    let mut sent = call.body.clone();
    if route.of.status {
        sent.as_object_mut().unwrap().remove("status");
    }
    merge(&mut object, &sent);
    object["apiVersion"] = live["apiVersion"].clone();
    change(cluster, route, (at, &live, object))
}

/// A JSON merge patch, of which these tests need no more than the metadata.
pub fn patch(cluster: &mut Cluster, route: &Route, name: &str, call: &Call) -> Answer {
    let at = route.place(name);
    let Some(live) = cluster.objects.get(&at).cloned() else { return not_found(&route.of, name) };
    let mut object = live.clone();
    for (field, value) in call.body["metadata"].as_object().unwrap() {
        if ["uid", "resourceVersion"].contains(&field.as_str()) && *value != live["metadata"][field] {
            return refuse(409, "Conflict", "the object has been modified");
        }
        object["metadata"][field] = value.clone();
    }
    change(cluster, route, (at, &live, object))
}

fn conflicts(cluster: &Cluster, at: &Place, sent: &Value, live: &Value) -> Vec<Value> {
    let owned = cluster.owned.get(at).into_iter().flatten();
    let taken = owned.filter(|(_, pointer)| {
        sent.pointer(pointer).is_some_and(|value| Some(value) != live.pointer(pointer))
    });
    taken
        .map(|(manager, pointer)| {
            json!({"reason": "FieldManagerConflict", "field": pointer.replace('/', "."),
                "message": format!("conflict with \"{manager}\" using v1")})
        })
        .collect()
}

pub fn replace(cluster: &mut Cluster, route: &Route, name: &str, call: &Call) -> Answer {
    let at = route.place(name);
    let Some(live) = cluster.objects.get(&at).cloned() else { return not_found(&route.of, name) };
    if let Some(refusal) = judge(route, &call.body, call) {
        return refusal;
    }
    let mut object = call.body.clone();
    let expected = object["metadata"]["resourceVersion"].clone();
    if !expected.is_null() && expected != live["metadata"]["resourceVersion"] {
        let message = "the object has been modified; please apply your changes to the latest version";
        return refuse(409, "Conflict", message);
    }
    for field in ["uid", "creationTimestamp", "generation", "resourceVersion"] {
        object["metadata"][field] = live["metadata"][field].clone();
    }
    if route.of.status {
        let status = live.get("status").cloned();
        let fields = object.as_object_mut().unwrap();
        fields.remove("status");
        fields.extend(status.map(|status| ("status".to_owned(), status)));
    }
    if route.of.group_resource() == "deployments.apps" {
        default(&mut object, &json!({"spec": {"progressDeadlineSeconds": 600}}));
    }
    change(cluster, route, (at, &live, object))
}

/// What did not change is not written.
fn change(cluster: &mut Cluster, route: &Route, (at, live, object): (Place, &Value, Value)) -> Answer {
    let fixed = route.of.immutable.iter().find(|pointer| live.pointer(pointer) != object.pointer(pointer));
    if let Some(pointer) = fixed {
        let why = format!(
            "{}: Invalid value: field is immutable",
            pointer.trim_start_matches('/').replace('/', ".")
        );
        return invalid(&route.of, &at.2, &why);
    }
    if has_two_controllers(&object) {
        let why = "metadata.ownerReferences: Only one reference can have Controller set to true";
        return invalid(&route.of, &at.2, why);
    }
    if *live != object {
        cluster.store("MODIFIED", at.clone(), object.clone());
        if route.of.group_resource() == DEFINITIONS {
            define(cluster, &object);
        }
    }
    (200, cluster.objects[&at].clone())
}

pub fn delete(cluster: &mut Cluster, route: &Route, name: &str, call: &Call) -> Answer {
    let at = route.place(name);
    let Some(live) = cluster.objects.get(&at).cloned() else { return not_found(&route.of, name) };
    let expected = &call.body["preconditions"]["uid"];
    if !expected.is_null() && *expected != live["metadata"]["uid"] {
        return refuse(409, "Conflict", "the UID in the precondition does not match");
    }
    if cluster.lingers.contains(&at) {
        let mut object = live;
        object["metadata"]["deletionTimestamp"] = json!("2026-11-23T10:00:00Z");
        cluster.store("MODIFIED", at, object.clone());
        return (200, object);
    }
    cluster.forget(&at);
    cluster.collect_garbage();
    (200, json!({"kind": "Status", "status": "Success"}))
}

/// The fields of an object without what only the server writes: what two clusters can have in common.
pub fn essence(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"] {
            metadata.remove(field);
        }
        if let Some(owners) = metadata.get_mut("ownerReferences").and_then(Value::as_array_mut) {
            for owner in owners {
                owner.as_object_mut().map(|owner: &mut Map<String, Value>| owner.remove("uid"));
            }
        }
    }
    object
}
