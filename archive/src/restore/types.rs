//! The types that objects can be written as: those that the cluster serves, and those whose definitions this restore
//! brings back itself.
//!
//! A CustomResourceDefinition says all that discovery would, and says it before discovery does: neither has to be waited
//! for, and a plan knows the types that do not exist yet.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::discovery::{Discovered, ResourceType, Served};

/// The types, by `group_resource`.
#[derive(Clone, Debug, Default)]
pub struct Types {
    known: HashMap<String, Known>,
}

#[derive(Clone, Debug)]
struct Known {
    of: Arc<ResourceType>,
    coming: bool,
}

/// How an object of some type and version can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// As it is.
    Served(Place),
    /// In another version only.
    Converted(Place),
    /// Once its definition is there, which exists in a plan only.
    Coming(Place),
    /// Not at all.
    Missing,
}

/// A type in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The type.
    pub of: Arc<ResourceType>,
    /// The version.
    pub served: Served,
}

impl Place {
    /// `apps/v1`.
    pub fn api_version(&self) -> String {
        match self.of.group.as_str() {
            "" => self.served.version.clone(),
            group => format!("{group}/{}", self.served.version),
        }
    }
}

impl Types {
    /// What the cluster serves now.
    pub fn of(discovered: Discovered) -> Self {
        let known = discovered.types.into_iter().map(|of| (of.group_resource(), served_now(of)));
        Self { known: known.collect() }
    }

    /// Takes in what a definition defines. `exists` is false where it was only planned.
    pub fn learn(&mut self, definition: &Value, exists: bool) {
        let Some(of) = defined(definition) else { return };
        let name = of.group_resource();
        let known = Known { of: Arc::new(of), coming: !exists };
        // What a plan would make of a definition that is there already is not what the cluster serves now.
        if exists || !self.known.contains_key(&name) {
            self.known.insert(name, known);
        }
    }

    /// How an object of this type and `apiVersion` can be written.
    pub fn way(&self, group_resource: &str, api_version: &str) -> Way {
        let Some(Known { of, coming }) = self.known.get(group_resource) else { return Way::Missing };
        let version = api_version.rsplit('/').next().unwrap_or(api_version);
        let exact = of.versions.iter().find(|served| served.version == version);
        let place = |served: &Served| Place { of: Arc::clone(of), served: served.clone() };
        match (exact, of.versions.first()) {
            (Some(served), _) if *coming => Way::Coming(place(served)),
            (Some(served), _) => Way::Served(place(served)),
            (None, Some(preferred)) if !coming => Way::Converted(place(preferred)),
            (None, _) => Way::Missing,
        }
    }

    /// The type of objects of this `apiVersion` and kind.
    pub fn of_kind(&self, api_version: &str, kind: &str) -> Option<Place> {
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let is_it = |of: &&Arc<ResourceType>| {
            of.group == group && of.versions.iter().any(|served| served.kind == kind)
        };
        let of = self.known.values().filter(|known| !known.coming).map(|known| &known.of).find(is_it)?;
        let version = api_version.rsplit('/').next()?;
        let served = of.versions.iter().find(|served| served.version == version).or(of.versions.first())?;
        Some(Place { of: Arc::clone(of), served: served.clone() })
    }

    /// The type by its name, in the version that the cluster prefers.
    pub fn preferred(&self, group_resource: &str) -> Option<Place> {
        let known = self.known.get(group_resource).filter(|known| !known.coming)?;
        let served = known.of.versions.first()?.clone();
        Some(Place { of: Arc::clone(&known.of), served })
    }

    /// The versions in which a type is served.
    pub fn versions(&self, group_resource: &str) -> Vec<String> {
        let Some(Known { of, coming: false }) = self.known.get(group_resource) else { return Vec::new() };
        of.versions.iter().map(|served| served.version.clone()).collect()
    }

    /// All types that the cluster serves, sorted by their names.
    pub fn all(&self) -> Vec<Arc<ResourceType>> {
        let served = self.known.values().filter(|known| !known.coming);
        let mut all: Vec<Arc<ResourceType>> = served.map(|known| Arc::clone(&known.of)).collect();
        all.sort_by_key(|of| of.group_resource());
        all
    }
}

fn served_now(of: ResourceType) -> Known {
    Known { of: Arc::new(of), coming: false }
}

#[derive(Deserialize)]
struct Definition {
    spec: DefinitionSpec,
}

#[derive(Deserialize)]
struct DefinitionSpec {
    group: String,
    names: Names,
    scope: String,
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Names {
    plural: String,
    kind: String,
}

#[derive(Deserialize)]
struct Version {
    name: String,
    served: bool,
    #[serde(default)]
    storage: bool,
    #[serde(default)]
    subresources: Option<Subresources>,
}

#[derive(Deserialize)]
struct Subresources {
    #[serde(default)]
    status: Option<Value>,
}

/// The type that a CustomResourceDefinition (apiextensions.k8s.io/v1) defines; none when it is not understood or serves
/// no version.
fn defined(definition: &Value) -> Option<ResourceType> {
    let DefinitionSpec { group, names, scope, mut versions } = Definition::deserialize(definition).ok()?.spec;
    versions.sort_by_key(|version| !version.storage);
    let versions: Vec<Served> = versions
        .into_iter()
        .filter(|version| version.served)
        .map(|version| Served {
            version: version.name,
            kind: names.kind.clone(),
            status_subresource: version
                .subresources
                .is_some_and(|subresources| subresources.status.is_some()),
        })
        .collect();
    let namespaced = scope == "Namespaced";
    (!versions.is_empty()).then_some(ResourceType {
        group,
        plural: names.plural,
        namespaced,
        versions,
        aggregated: false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definition(versions: &Value) -> Value {
        json!({"spec": {"group": "example.com", "scope": "Namespaced", "versions": versions,
            "names": {"plural": "widgets", "kind": "Widget", "singular": "widget"}}})
    }

    #[test]
    fn a_definition_says_what_can_be_written() {
        let mut types = Types::default();
        types.learn(
            &definition(&json!([
                {"name": "v1beta1", "served": true, "storage": false},
                {"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}},
                {"name": "v1alpha1", "served": false}])),
            true,
        );
        let name = "widgets.example.com";
        assert_eq!(types.versions(name), ["v1", "v1beta1"]);
        let Way::Served(place) = types.way(name, "example.com/v1") else { panic!("v1 is served") };
        assert!(place.served.status_subresource && place.of.namespaced);
        assert_eq!((place.api_version().as_str(), place.served.kind.as_str()), ("example.com/v1", "Widget"));
        let Way::Served(place) = types.way(name, "example.com/v1beta1") else { panic!("v1beta1 is served") };
        assert!(!place.served.status_subresource);
        let Way::Converted(place) = types.way(name, "example.com/v1alpha1") else { panic!("not served") };
        assert_eq!(place.served.version, "v1");
        assert_eq!(types.way("gadgets.example.com", "example.com/v1"), Way::Missing);
        assert!(types.of_kind("example.com/v1", "Widget").is_some());
        assert!(types.of_kind("other.com/v1", "Widget").is_none());
    }

    #[test]
    fn what_is_only_planned_is_not_served() {
        let mut types = Types::default();
        types.learn(&definition(&json!([{"name": "v2", "served": true, "storage": true}])), false);
        let name = "widgets.example.com";
        assert!(matches!(types.way(name, "example.com/v2"), Way::Coming(_)));
        assert_eq!(types.way(name, "example.com/v1"), Way::Missing);
        assert!(types.versions(name).is_empty() && types.all().is_empty());
        types.learn(&definition(&json!([{"name": "v1", "served": true, "storage": true}])), true);
        types.learn(&definition(&json!([{"name": "v2", "served": true, "storage": true}])), false);
        assert_eq!(types.versions(name), ["v1"]);
    }

    #[test]
    fn what_is_no_definition_defines_nothing() {
        for odd in [json!(null), json!({}), json!({"spec": {"group": 3}}), definition(&json!([]))] {
            let mut types = Types::default();
            types.learn(&odd, true);
            assert!(types.all().is_empty());
        }
    }
}
