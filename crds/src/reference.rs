//! References from one object to another (contract §1.2).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `namespace` and `name` of an object whose kind is known from the field.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectReference {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub namespace: Option<String>,
    #[schemars(length(max = 253))]
    pub name: String,
}

impl ObjectReference {
    /// A reference with both parts named.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: Some(namespace.to_owned()), name: name.to_owned() }
    }

    /// The namespace meant by an object that lives in `referrer_namespace`: its own unless the reference names one.
    /// An empty string counts as absent (contract §13 A9).
    #[must_use]
    pub fn namespace_or<'a>(&'a self, referrer_namespace: &'a str) -> &'a str {
        self.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or(referrer_namespace)
    }

    /// The same reference with the namespace written out.
    #[must_use]
    pub fn resolved(&self, referrer_namespace: &str) -> Self {
        Self::new(self.namespace_or(referrer_namespace), &self.name)
    }
}

impl std::fmt::Display for ObjectReference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.namespace.as_deref() {
            Some(namespace) if !namespace.is_empty() => write!(formatter, "{namespace}/{}", self.name),
            _ => formatter.write_str(&self.name),
        }
    }
}

/// Reference to an object of any kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TypedObjectReference {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub name: String,
}

impl TypedObjectReference {
    /// What stands for "no target" wherever a target must be written: `{apiGroup: na, name: na}`, kind and
    /// namespace left out (contract §13 A10).
    #[must_use]
    pub fn not_applicable() -> Self {
        Self { api_group: Some("na".to_owned()), kind: None, namespace: None, name: "na".to_owned() }
    }

    /// Whether this is [`Self::not_applicable`], however the kind is spelled (absent or empty).
    #[must_use]
    pub fn is_not_applicable(&self) -> bool {
        self.api_group.as_deref() == Some("na")
            && self.name == "na"
            && self.kind.as_deref().unwrap_or_default().is_empty()
    }

    /// Equal in group, kind, namespace and name, absent and empty counting as equal (contract §10 V12).
    #[must_use]
    pub fn same_object(&self, other: &Self) -> bool {
        fn text(value: Option<&String>) -> &str {
            value.map_or("", String::as_str)
        }
        text(self.api_group.as_ref()) == text(other.api_group.as_ref())
            && text(self.kind.as_ref()) == text(other.kind.as_ref())
            && text(self.namespace.as_ref()) == text(other.namespace.as_ref())
            && self.name == other.name
    }
}

/// The reference by which `owner` controls another object: when it goes, the other goes with it, and first
/// (contract §3.3). None for an object that has no UID, since no cluster has made it yet.
#[must_use]
pub fn controller<K: Resource<DynamicType = ()>>(owner: &K) -> Option<OwnerReference> {
    let reference = owner.controller_owner_ref(&())?;
    Some(OwnerReference { block_owner_deletion: Some(true), ..reference })
}

/// Reference to an object in the referrer's own namespace; replaced as a whole by server-side apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct TypedLocalObjectReference {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_group: Option<String>,
    pub kind: String,
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::{ObjectReference, TypedObjectReference};

    #[test]
    fn a_reference_without_namespace_means_the_referrers() {
        let table = [(None, "demo"), (Some(""), "demo"), (Some("storage"), "storage")];
        for (namespace, expected) in table {
            let reference =
                ObjectReference { namespace: namespace.map(str::to_owned), name: "s3".to_owned() };
            assert_eq!(reference.namespace_or("demo"), expected, "{namespace:?}");
            assert_eq!(reference.resolved("demo"), ObjectReference::new(expected, "s3"));
        }
    }

    #[test]
    fn no_target_is_written_without_kind_and_recognised_with_an_empty_one() {
        let written = serde_json::to_string(&TypedObjectReference::not_applicable()).unwrap();
        assert_eq!(written, r#"{"apiGroup":"na","name":"na"}"#);
        let read: TypedObjectReference =
            serde_json::from_str(r#"{"apiGroup":"na","kind":"","name":"na"}"#).unwrap();
        assert!(read.is_not_applicable());
        assert!(read.same_object(&TypedObjectReference::not_applicable()));
    }
}
