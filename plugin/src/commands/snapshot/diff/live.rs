//! The cluster as the other side of a comparison.

use std::collections::{BTreeMap, BTreeSet};

use archive::manifest::path::Key;
use crds::storage::Snapshot;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::discovery::Served;
use crate::failure::Failure;
use crate::look::library::Item;

/// More namespaces than this are read with one list of all.
const FEW: usize = 3;

/// What the cluster could have beyond what the snapshot holds, and still be within its scope.
#[derive(Debug)]
pub struct Scope {
    /// Only these namespaces; empty for all.
    namespaces: BTreeSet<String>,
    /// Whether objects count that the snapshot does not hold: in namespaces, and of the cluster itself.
    additions: (bool, bool),
}

impl Scope {
    /// What a snapshot covers.
    #[must_use]
    pub fn of(snapshot: &Snapshot, items: &[Item], objects_of: Option<&str>) -> Self {
        let target = snapshot.spec.app_ref.as_ref().filter(|target| !target.is_not_applicable());
        let held = || items.iter().map(|item| item.namespace().to_owned()).filter(|name| !name.is_empty());
        let namespaces = match objects_of {
            Some(namespace) if held().any(|held| held == namespace) => BTreeSet::from([namespace.to_owned()]),
            _ => match target {
                Some(target) if target.kind.as_deref() == Some("Namespace") => {
                    BTreeSet::from([target.name.clone()])
                }
                Some(_) => held().collect(),
                None => BTreeSet::new(),
            },
        };
        let whole_namespace = target.is_none_or(|target| target.kind.as_deref() == Some("Namespace"));
        Self { namespaces, additions: (whole_namespace, target.is_none()) }
    }

    /// The objects to compare with, those that the snapshot holds and those that it should.
    pub fn admitted(
        &self,
        bodies: BTreeMap<Key, Value>,
        items: &[Item],
        wanted: impl Fn(&str) -> bool,
    ) -> BTreeMap<Key, Value> {
        let held: BTreeSet<&Key> = items.iter().filter_map(|item| item.key.as_ref()).collect();
        let counts = |key: &Key| match &key.namespace {
            None => self.additions.1,
            Some(namespace) => {
                self.additions.0 && (self.namespaces.is_empty() || self.namespaces.contains(namespace))
            }
        };
        bodies
            .into_iter()
            .filter(|(key, _)| held.contains(key) || (counts(key) && wanted(&key.name)))
            .collect()
    }
}

/// The objects of a resource, or none where the cluster does not serve it any more.
pub async fn read(
    cluster: &Cluster,
    resource: &str,
    served: &[Served],
    scope: &Scope,
) -> Result<BTreeMap<Key, Value>, Failure> {
    let Some(served) = served.iter().find(|served| served.kind.resource() == resource && served.listable)
    else {
        return Ok(BTreeMap::new());
    };
    let few = served.namespaced && !scope.namespaces.is_empty() && scope.namespaces.len() <= FEW;
    let mut bodies = Vec::new();
    if few {
        for namespace in &scope.namespaces {
            bodies.extend(cluster.list_bodies(&served.kind, Some(namespace)).await?);
        }
    } else {
        bodies = cluster.list_bodies(&served.kind, None).await?;
    }
    Ok(bodies.into_iter().filter_map(|body| Some((key(&body, resource)?, body))).collect())
}

fn key(body: &Value, resource: &str) -> Option<Key> {
    let text = |path: &str| body.pointer(path).and_then(Value::as_str).map(str::to_owned);
    Some(Key {
        group_resource: resource.to_owned(),
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_backup_would_not_hold_is_no_addition() {
        let body =
            |namespace: Option<&str>, name: &str| json!({"metadata": {"namespace": namespace, "name": name}});
        let bodies: BTreeMap<Key, Value> =
            [body(Some("shop"), "a"), body(Some("other"), "b"), body(None, "c")]
                .into_iter()
                .filter_map(|body| Some((key(&body, "things")?, body)))
                .collect();
        for (target, admitted) in [
            (json!({"apiGroup": "na", "name": "na"}), vec!["c", "b", "a"]),
            (json!({"kind": "Namespace", "name": "shop"}), vec!["a"]),
            (json!({"kind": "Deployment", "name": "orders", "namespace": "shop"}), vec![]),
        ] {
            let snapshot: Snapshot =
                serde_json::from_value(json!({"metadata": {}, "spec": {"appRef": target}})).unwrap();
            let scope = Scope::of(&snapshot, &[], None);
            let found = scope.admitted(bodies.clone(), &[], |_| true);
            let names: Vec<&str> = found.keys().map(|key| key.name.as_str()).collect();
            assert_eq!(names, admitted, "{target}");
        }
    }
}
