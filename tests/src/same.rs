//! Whether a cluster has again what another one had: both read from their API servers, object by object, with nothing set
//! aside but what an API server or a controller makes anew for each life of an object.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use crate::live::Live;

mod normal;

use normal::normal;

/// Path of an object (`deployments.apps/namespaces/shop/web.yaml`) -> the object.
pub type World = BTreeMap<String, Live>;

/// What came of a comparison.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Objects that must be there again.
    pub expected: usize,
    /// Those of them that are not.
    pub missing: Vec<String>,
    /// Those that are there and say something else: path, and both in normal form.
    pub different: Vec<String>,
    /// Why objects need not be there again, and how many.
    pub excused: BTreeMap<&'static str, usize>,
}

impl fmt::Display for Comparison {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lost = self.missing.len() + self.different.len();
        writeln!(
            out,
            "{} of {} objects are back, excused {:?}",
            self.expected - lost,
            self.expected,
            self.excused
        )?;
        self.missing.iter().try_for_each(|path| writeln!(out, "missing: {path}"))?;
        self.different.iter().try_for_each(|difference| writeln!(out, "different: {difference}"))
    }
}

impl Comparison {
    /// Whether everything is back, and as it was.
    #[must_use]
    pub const fn is_perfect(&self) -> bool {
        self.expected > 0 && self.missing.is_empty() && self.different.is_empty()
    }
}

/// Compares those objects of `before` that are `meant` with what is there `after`.
#[must_use]
pub fn compare(before: &World, after: &World, meant: impl Fn(&str, &Live) -> bool) -> Comparison {
    let (uids_before, uids_after) = (uids(before), uids(after));
    let mut comparison = Comparison::default();
    for (path, object) in before.iter().filter(|(path, object)| meant(path, object)) {
        if let Some(reason) = excuse(path, object, before) {
            *comparison.excused.entry(reason).or_default() += 1;
            continue;
        }
        comparison.expected += 1;
        let Some(again) = after.get(path) else {
            comparison.missing.push(path.clone());
            continue;
        };
        let (was, is) = (normal(path, object, &uids_before), normal(path, again, &uids_after));
        if was != is {
            let mut fields = Vec::new();
            differing("", &was, &is, &mut fields);
            comparison.different.push(format!("{path}:\n    {}", fields.join("\n    ")));
        }
    }
    comparison
}

/// Who has which uid.
fn uids(world: &World) -> BTreeMap<&str, &str> {
    world.iter().filter_map(|(path, live)| Some((live.uid.as_deref()?, path.as_str()))).collect()
}

/// Owners of Kubernetes itself, whose controllers make what they own, and what they make.
const CONTROLLERS: [(&str, &str); 9] = [
    ("Deployment", "replicasets.apps"),
    ("ReplicaSet", "pods"),
    ("StatefulSet", "pods"),
    ("StatefulSet", "controllerrevisions.apps"),
    ("DaemonSet", "controllerrevisions.apps"),
    ("ReplicationController", "pods"),
    ("Job", "pods"),
    ("Service", "endpointslices.discovery.k8s.io"),
    ("Endpoints", "endpointslices.discovery.k8s.io"),
];

/// Why this object need not be there again.
fn excuse(path: &str, live: &Live, world: &World) -> Option<&'static str> {
    let (directory, name) = (path.split('/').next()?, path.rsplit('/').next()?);
    let object = &live.object;
    let owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    let made = owners
        .filter(|owner| owner["controller"] == true)
        .any(|owner| CONTROLLERS.contains(&(owner["kind"].as_str().unwrap_or_default(), directory)));
    if made {
        return Some("a controller makes it again");
    }
    match directory {
        "configmaps" if name == "kube-root-ca.crt.yaml" => Some("a controller makes it again"),
        "endpoints" => {
            let service = world.get(&format!("services{}", path.strip_prefix("endpoints")?))?;
            service.object["spec"].get("selector").map(|_| "a controller makes it again")
        }
        "jobs.batch" | "pods" => is_over(object).then_some("it was over when it was backed up"),
        "leases.coordination.k8s.io" => Some("whoever holds it takes it again"),
        "events" | "events.events.k8s.io" => Some("it tells of another life"),
        _ => None,
    }
}

fn is_over(object: &Value) -> bool {
    let phase = object["status"]["phase"].as_str().unwrap_or_default();
    let mut conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    matches!(phase, "Succeeded" | "Failed")
        || conditions
            .any(|one| matches!(one["type"].as_str(), Some("Complete" | "Failed")) && one["status"] == "True")
}

/// The fields in which two values differ, as `path: was, is`, each cut to what a person reads.
fn differing(path: &str, was: &Value, is: &Value, found: &mut Vec<String>) {
    match (was, is) {
        (Value::Object(before), Value::Object(after)) => both(path, before, after, found),
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                differing(&format!("{path}[{index}]"), before, after, found);
            }
        }
        _ if was == is => {}
        _ => found.push(format!("{path}: was {}, is {}", short(was), short(is))),
    }
}

fn both(path: &str, before: &Map<String, Value>, after: &Map<String, Value>, found: &mut Vec<String>) {
    for (name, was) in before {
        differing(&format!("{path}.{name}"), was, after.get(name).unwrap_or(&Value::Null), found);
    }
    for (name, is) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        differing(&format!("{path}.{name}"), &Value::Null, is, found);
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Comparison, Live, World, compare};

    fn live(uid: &str, observed: bool, object: Value) -> Live {
        Live { resource_version: Some("1".to_owned()), uid: Some(uid.to_owned()), observed, object }
    }

    /// A custom resource that owns a Deployment, which owns a ReplicaSet; a Topic whose status is data.
    fn world(life: &str) -> World {
        let owner = |kind: &str, name: &str| json!([{"apiVersion": "v1", "kind": kind, "name": name, "uid": format!("{name}-{life}"), "controller": true}]);
        World::from([
            (
                "clusters.databases.example.com/namespaces/a/db.yaml".to_owned(),
                live(
                    &format!("db-{life}"),
                    true,
                    json!({"metadata": {"name": "db"}, "spec": {}, "status": {"seen": life}}),
                ),
            ),
            (
                "deployments.apps/namespaces/a/web.yaml".to_owned(),
                live(
                    &format!("web-{life}"),
                    true,
                    json!({
                        "metadata": {"name": "web", "labels": {"a": "b"}, "ownerReferences": owner("Cluster", "db")},
                        "spec": {"replicas": 1},
                    }),
                ),
            ),
            (
                "replicasets.apps/namespaces/a/web-1.yaml".to_owned(),
                live(
                    &format!("web-1-{life}"),
                    true,
                    json!({"metadata": {"name": format!("web-{life}"), "ownerReferences": owner("Deployment", "web")}}),
                ),
            ),
            (
                "services/namespaces/a/web.yaml".to_owned(),
                live(
                    "",
                    true,
                    json!({"metadata": {"name": "web"}, "spec": {"clusterIP": format!("10.0.0.{life}"), "clusterIPs": [format!("10.0.0.{life}")], "ports": [{"nodePort": 30000}]}}),
                ),
            ),
            (
                "topics.streams.example.com/namespaces/a/orders.yaml".to_owned(),
                live("", false, json!({"metadata": {"name": "orders"}, "spec": {}, "status": {"id": "1"}})),
            ),
        ])
    }

    fn compared(change: impl Fn(&mut World)) -> Comparison {
        let mut after = world("2");
        change(&mut after);
        compare(&world("1"), &after, |_, _| true)
    }

    #[test]
    fn another_life_of_the_same_objects_is_the_same() {
        let comparison = compared(|_| {});
        assert!(comparison.is_perfect(), "{comparison}");
        assert_eq!(comparison.expected, 4);
        assert_eq!(comparison.excused.values().sum::<usize>(), 1);
        assert!(!compare(&World::new(), &World::new(), |_, _| true).is_perfect(), "nothing is no success");
    }

    #[test]
    fn whatever_is_lost_or_changed_is_told() {
        type Change = fn(&mut World);
        let table: [(&str, Change); 7] = [
            ("missing", |world| {
                world.remove("topics.streams.example.com/namespaces/a/orders.yaml");
            }),
            (".spec.replicas", |world| set(world, "deployments.apps", "/spec/replicas", json!(2))),
            (".metadata.labels.a", |world| set(world, "deployments.apps", "/metadata/labels/a", json!("c"))),
            // An owner that is nobody: the garbage collector comes for it.
            (".metadata.ownerReferences", |world| {
                set(world, "deployments.apps", "/metadata/ownerReferences/0/uid", json!("db-1"));
            }),
            (".metadata.ownerReferences", |world| {
                set(world, "deployments.apps", "/metadata/ownerReferences", json!([]));
            }),
            (".status.id", |world| set(world, "topics", "/status/id", json!("2"))),
            (".spec.ports[0].nodePort", |world| {
                set(world, "services", "/spec/ports/0/nodePort", json!(30001));
            }),
        ];
        for (told, change) in table {
            let comparison = compared(change);
            assert!(!comparison.is_perfect(), "{told}");
            assert!(comparison.to_string().contains(told), "{told}: {comparison}");
        }
    }

    fn set(world: &mut World, directory: &str, pointer: &str, value: Value) {
        let (_, live) = world.iter_mut().find(|(path, _)| path.starts_with(directory)).expect("an object");
        *live.object.pointer_mut(pointer).expect("a field") = value;
    }
}
