//! What of the cluster a backup of some scope would have taken, by metadata alone.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::options::Transform;
use super::transform;
use super::types::Place;
use crate::api::{self, Api, encoded};
use crate::discovery::ResourceType;
use crate::manifest::path::Key;
use crate::scope::{Plan, Scope};

/// Lists of which each item has `metadata` and nothing else.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
/// Objects of a page.
const PAGE: u32 = 500;

/// What a backup covered, seen from the cluster that it is brought back into.
pub struct Covered<'a> {
    /// Of the backup.
    pub plan: &'a Plan,
    /// Namespaces may have other names now.
    pub transform: &'a Transform,
}

impl Covered<'_> {
    /// Whether it was not about all objects of some sort.
    pub const fn is_one_object(&self) -> bool {
        matches!(self.plan.scope, Scope::Application(_))
    }

    /// Whether it covered objects of this type.
    pub fn holds_type(&self, of: &ResourceType) -> bool {
        let within = match self.plan.scope {
            Scope::Cluster => self.plan.filters.cluster_resources || of.namespaced,
            Scope::Namespace { .. } => of.namespaced,
            Scope::Application(_) => false,
        };
        within && !of.aggregated && self.plan.filters.resources.admits(&of.group_resource())
    }

    /// Whether it covered, or would have, this object of the cluster.
    pub fn holds(&self, key: &Key, object: &Map<String, Value>) -> bool {
        let Some(origin) = transform::origin(key, self.transform) else { return false };
        let place = match (&self.plan.scope, &origin.namespace) {
            (Scope::Namespace { name }, Some(namespace)) => name == namespace,
            (Scope::Namespace { .. } | Scope::Application(_), _) => false,
            (Scope::Cluster, Some(namespace)) => self.plan.filters.namespaces.admits(namespace),
            (Scope::Cluster, None) => true,
        };
        place && self.plan.filters.labels.admit(labels(object))
    }

    /// The namespace that has to be listed; none for all.
    fn namespace(&self) -> Option<&str> {
        match &self.plan.scope {
            Scope::Namespace { name } => Some(self.transform.namespaces.get(name).unwrap_or(name)),
            Scope::Cluster | Scope::Application(_) => None,
        }
    }
}

fn labels(object: &Map<String, Value>) -> impl Iterator<Item = (&str, &str)> {
    let labels = object.get("metadata").and_then(|metadata| metadata.get("labels"));
    let labels = labels.and_then(Value::as_object).into_iter().flatten();
    labels.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}

/// An object of a list.
#[derive(Debug, Deserialize)]
pub struct Item {
    metadata: Map<String, Value>,
}

impl Item {
    /// Where it is; none for an object of the cluster.
    pub fn namespace(&self) -> Option<String> {
        self.metadata.get("namespace").and_then(Value::as_str).map(str::to_owned)
    }

    /// The object that it is of, as far as it is known, and its uid; none for one that is being deleted already.
    pub fn read(self, place: &Place) -> Option<(Key, Map<String, Value>, String)> {
        let text = |field: &str| self.metadata.get(field).and_then(Value::as_str).map(str::to_owned);
        let (name, namespace, uid) = (text("name")?, text("namespace"), text("uid")?);
        if self.metadata.contains_key("deletionTimestamp") {
            return None;
        }
        let key = Key { group_resource: place.of.group_resource(), namespace, name };
        let object = Map::from_iter([
            ("apiVersion".to_owned(), json!(place.api_version())),
            ("kind".to_owned(), json!(place.served.kind)),
            ("metadata".to_owned(), Value::Object(self.metadata)),
        ]);
        Some((key, object, uid))
    }
}

/// What a list gave before it ended, or failed.
#[derive(Debug, Default)]
pub struct Found {
    /// The objects.
    pub items: Vec<Item>,
    /// Why there may be more.
    pub error: Option<api::Error>,
}

#[derive(Deserialize)]
struct Page {
    metadata: PageMetadata,
    #[serde(default)]
    items: Option<Vec<Item>>,
}

#[derive(Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

/// The objects of a type.
pub async fn list(api: &Api, place: &Place, covered: &Covered<'_>) -> Found {
    let collection = place.of.collection(&place.served, covered.namespace());
    let selector = covered.plan.filters.label_selector.as_deref();
    let selector = selector.map(|text| format!("&labelSelector={}", encoded(text))).unwrap_or_default();
    let mut found = Found::default();
    let mut next = String::new();
    loop {
        let path = format!("{collection}?limit={PAGE}{selector}{next}");
        let page: Page = match api.get_json(&path, METADATA).await {
            Ok(page) => page,
            Err(error) => return Found { error: Some(error), ..found },
        };
        found.items.extend(page.items.unwrap_or_default());
        match page.metadata.next.filter(|token| !token.is_empty()) {
            Some(token) => next = format!("&continue={}", encoded(&token)),
            None => return found,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::scope::{Target, decide};

    fn plan(namespace: Option<&str>, given: &[(&str, &str)]) -> Plan {
        let target = namespace.map(|name| Target {
            api_group: String::new(),
            kind: "Namespace".to_owned(),
            namespace: None,
            name: name.to_owned(),
        });
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        decide(target.as_ref(), &given.collect::<BTreeMap<_, _>>()).unwrap()
    }

    fn holds(plan: &Plan, transform: &Transform, namespace: Option<&str>, labels: &Value) -> bool {
        let key = Key {
            group_resource: "configmaps".to_owned(),
            namespace: namespace.map(str::to_owned),
            name: "x".to_owned(),
        };
        let object = json!({"metadata": {"labels": labels}});
        Covered { plan, transform }.holds(&key, object.as_object().unwrap())
    }

    #[test]
    fn only_what_the_backup_would_have_taken_is_covered() {
        let same = Transform::default();
        let none = json!({});
        for (plan, namespace, labels, held) in [
            (plan(Some("shop"), &[]), Some("shop"), &none, true),
            (plan(Some("shop"), &[]), Some("other"), &none, false),
            (plan(Some("shop"), &[]), None, &none, false),
            (plan(None, &[]), None, &none, true),
            (plan(None, &[("IncludeNamespaces", "shop")]), Some("shop"), &none, true),
            (plan(None, &[("IncludeNamespaces", "shop")]), Some("other"), &none, false),
            (plan(None, &[("ANDedLabelSelectors", "app=a")]), Some("shop"), &none, false),
            (plan(None, &[("ANDedLabelSelectors", "app=a")]), Some("shop"), &json!({"app": "a"}), true),
        ] {
            assert_eq!(holds(&plan, &same, namespace, labels), held, "{plan:?} {namespace:?}");
        }
    }

    #[test]
    fn a_mapped_namespace_is_covered_under_its_new_name_only() {
        let namespaces = BTreeMap::from([("shop".to_owned(), "copy".to_owned())]);
        let mapped = Transform { namespaces, ..Transform::default() };
        let plan = plan(Some("shop"), &[]);
        assert!(holds(&plan, &mapped, Some("copy"), &json!({})));
        assert!(!holds(&plan, &mapped, Some("shop"), &json!({})));
        assert_eq!(Covered { plan: &plan, transform: &mapped }.namespace(), Some("copy"));
    }
}
