//! Which objects of a snapshot are meant: from the words of a command line, the namespace of the command, and what the
//! snapshot is of.

use std::collections::BTreeSet;

use archive::manifest::path::{self, Key};
use crds::storage::Snapshot;

use crate::cluster::Cluster;
use crate::failure::{Code, Failure};
use crate::look::address::{Inside, Objects};
use crate::look::choice;
use crate::look::library::{Item, Library};
use crate::look::wish::Wish;

/// What of a snapshot is meant; empty means all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Single objects.
    pub objects: Vec<Key>,
    /// Types: `deployments.apps`.
    pub resources: Vec<String>,
    /// Objects of these namespaces.
    pub namespaces: Vec<String>,
    /// Whether some of it belongs to no namespace.
    pub cluster: bool,
}

impl Part {
    /// The namespaces that the objects come from, as far as that is certain.
    #[must_use]
    pub fn sources(&self) -> Vec<String> {
        if self.objects.is_empty() {
            return self.namespaces.clone();
        }
        let names: BTreeSet<&String> = self.objects.iter().filter_map(|key| key.namespace.as_ref()).collect();
        names.into_iter().cloned().collect()
    }

    /// Single objects.
    fn of_objects(objects: Vec<Key>) -> Self {
        let cluster = objects.iter().any(|key| key.namespace.is_none());
        Self { objects, cluster, ..Self::default() }
    }
}

/// The namespace whose objects are meant where nothing else says it; none, where the snapshot is of something that belongs
/// to no namespace. A snapshot of one namespace, or of something in one, means that one. Of a snapshot of the whole
/// cluster the namespace of the command is meant: all of it comes back only when that is asked for.
#[must_use]
pub fn place(snapshot: &Snapshot, own: &str) -> Option<String> {
    let target = snapshot.spec.app_ref.as_ref().filter(|target| !target.is_not_applicable());
    match target {
        None => Some(own.to_owned()),
        Some(target) if target.kind.as_deref() == Some("Namespace") => Some(target.name.clone()),
        Some(target) => target.namespace.clone(),
    }
}

/// What the words mean in the one snapshot of this library. `place` is the namespace that counts, none for all; `own` that of
/// the command, which decides between objects of one name.
pub async fn part(
    library: &Library,
    (inside, words): (Option<&Inside>, &[Objects]),
    (place, own): (Option<&str>, &str),
    cluster: &Cluster,
) -> Result<Part, Failure> {
    let mut typed = words.to_vec();
    match inside {
        None => {}
        Some(Inside::Objects(objects)) => typed.insert(0, objects.clone()),
        Some(Inside::Path(_)) if !words.is_empty() => {
            return Err(Failure::usage("a path and a kind cannot both say what is meant")
                .fix("SNAP:/deployments.apps, or SNAP:deploy/orders"));
        }
        Some(Inside::Path(path)) => return at_path(library, path, place).await,
    }
    let namespaces: Vec<String> = place.map(str::to_owned).into_iter().collect();
    if typed.is_empty() {
        return Ok(Part { namespaces, ..Part::default() });
    }
    let wish = choice::wish(library, &typed, cluster).await?;
    let items = narrowed(library, &wish, place).await?;
    if typed.iter().any(|objects| objects.name.is_some()) {
        let keys = single(library, &typed, (place, own), cluster).await?;
        return Ok(Part::of_objects(keys));
    }
    if items.is_empty() {
        let kinds: Vec<&str> = typed.iter().map(|objects| objects.kind.as_str()).collect();
        let where_ = place.map_or_else(String::new, |place| format!(" in namespace {place}"));
        return Err(Failure::new(
            Code::ObjectMissing,
            format!("the snapshot holds no {}{where_}", kinds.join(", ")),
        )
        .fix("-A   means all namespaces"));
    }
    let mut resources: Vec<String> = wish.objects.into_iter().map(|(resource, _)| resource).collect();
    resources.dedup();
    Ok(Part {
        resources,
        namespaces,
        cluster: items.iter().any(|item| item.namespace().is_empty()),
        ..Part::default()
    })
}

/// Every object that one of these means; one that is named must be there.
async fn single(
    library: &Library,
    typed: &[Objects],
    (place, own): (Option<&str>, &str),
    cluster: &Cluster,
) -> Result<Vec<Key>, Failure> {
    let mut keys = Vec::new();
    for objects in typed {
        let wish = choice::wish(library, std::slice::from_ref(objects), cluster).await?;
        let items = narrowed(library, &wish, place).await?;
        let found: Vec<Key> = items.into_iter().filter_map(|item| item.key).collect();
        if objects.name.is_none() {
            keys.extend(found);
        } else if found.is_empty() {
            return Err(choice::missing(library, objects, cluster, place).await?);
        } else {
            keys.push(choice::one(&found, objects, own)?);
        }
    }
    keys.sort();
    keys.dedup();
    Ok(keys)
}

/// The objects that are wished, in this namespace or in none.
async fn narrowed(library: &Library, wish: &Wish, place: Option<&str>) -> Result<Vec<Item>, Failure> {
    let mut items = library.items(wish).await?.into_iter().next().unwrap_or_default();
    items.retain(|item| {
        let namespace = item.namespace();
        namespace.is_empty() || place.is_none_or(|place| place == namespace)
    });
    Ok(items)
}

/// What lies at or below a path.
async fn at_path(library: &Library, path: &str, place: Option<&str>) -> Result<Part, Failure> {
    let wish = Wish { path: path.to_owned(), ..Wish::default() };
    let items = library.items(&wish).await?.into_iter().next().unwrap_or_default();
    if items.is_empty() {
        return Err(Failure::new(Code::ObjectMissing, format!("the snapshot holds nothing at /{path}"))
            .fix("kubectl kubestash snapshot ls SNAP:/   lists from the top"));
    }
    let cluster = items.iter().any(|item| item.namespace().is_empty());
    below(path, place, cluster).ok_or_else(|| {
        Failure::new(Code::ObjectMissing, format!("/{path} is no manifest and no directory of manifests"))
    })
}

/// What a path of the layout means (contract §7.5): a type, a type in a namespace, or an object.
fn below(path: &str, place: Option<&str>, cluster: bool) -> Option<Part> {
    if path.ends_with(path::SUFFIX) {
        return Key::from_path(path).ok().map(|key| Part::of_objects(vec![key]));
    }
    let here: Vec<String> = place.map(str::to_owned).into_iter().collect();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let resource = |name: &str| vec![name.to_owned()];
    Some(match parts.as_slice() {
        [] => Part { namespaces: here, ..Part::default() },
        [type_] => Part { resources: resource(type_), namespaces: here, cluster, ..Part::default() },
        [type_, "cluster"] => Part { resources: resource(type_), cluster: true, ..Part::default() },
        // Said by the path: whatever the namespace of the command.
        [type_, "namespaces"] => Part { resources: resource(type_), ..Part::default() },
        [type_, "namespaces", namespace] => {
            Part { resources: resource(type_), namespaces: vec![(*namespace).to_owned()], ..Part::default() }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_path_means_a_type_a_namespace_or_an_object() {
        let part = |resources: &[&str], namespaces: &[&str], cluster| Part {
            resources: owned(resources),
            namespaces: owned(namespaces),
            cluster,
            ..Part::default()
        };
        for (path, expected) in [
            ("", part(&[], &["shop"], false)),
            ("secrets", part(&["secrets"], &["shop"], false)),
            ("secrets/namespaces", part(&["secrets"], &[], false)),
            ("secrets/namespaces/pay", part(&["secrets"], &["pay"], false)),
            ("nodes/cluster", part(&["nodes"], &[], true)),
        ] {
            assert_eq!(below(path, Some("shop"), false), Some(expected), "{path}");
        }
        let object = below("deployments.apps/namespaces/pay/orders.yaml", Some("shop"), false).unwrap();
        assert_eq!(object.objects[0].namespace.as_deref(), Some("pay"));
        assert_eq!(object.sources(), ["pay"]);
        assert!(below("namespaces/cluster/shop.yaml", None, false).unwrap().cluster);
        assert_eq!(below("secrets/namespaces/pay/deeper", None, false), None);
    }

    #[test]
    fn a_snapshot_of_the_cluster_means_the_namespace_of_the_command_and_any_other_its_own() {
        let meant = |target: serde_json::Value| {
            let snapshot: Snapshot =
                serde_json::from_value(json!({"metadata": {}, "spec": {"appRef": target}})).unwrap();
            place(&snapshot, "shop")
        };
        assert_eq!(meant(json!({"apiGroup": "na", "name": "na"})).as_deref(), Some("shop"));
        assert_eq!(meant(json!({"kind": "Namespace", "name": "pay"})).as_deref(), Some("pay"));
        assert_eq!(
            meant(json!({"kind": "Deployment", "name": "a", "namespace": "ops"})).as_deref(),
            Some("ops")
        );
        assert_eq!(meant(json!({"kind": "StorageClass", "name": "fast"})), None);
    }
}
