//! From which namespaces a BackupStorage, RetentionPolicy or HookTemplate may be used (contract §6.1).

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rule::Rule;

/// Who may refer to the object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsagePolicy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_namespaces: Option<AllowedNamespaces>,
}

/// The namespaces that are allowed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [Rule::new(
    "!has(self.from) || self.from != 'Selector' || has(self.selector)",
    "selector is missing: `from: Selector` allows namespaces by their labels; say which, or use Same or All",
)]))]
pub struct AllowedNamespaces {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "Same"))]
    pub from: Option<FromNamespaces>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// How the allowed namespaces are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FromNamespaces {
    /// Every namespace.
    All,
    /// Namespaces whose labels match the selector.
    Selector,
    /// The object's own namespace.
    Same,
}

impl UsagePolicy {
    /// What an object without a usage policy gets: its own namespace only (contract §10, mutating webhooks).
    #[must_use]
    pub fn same_namespace() -> Self {
        Self {
            allowed_namespaces: Some(AllowedNamespaces { from: Some(FromNamespaces::Same), selector: None }),
        }
    }

    /// Whether an object in `object_namespace` with this policy may be used from `user_namespace`, a namespace with
    /// the labels `user_namespace_labels`. Without `from` nobody may; a selector that is not valid matches nothing.
    #[must_use]
    pub fn allows(
        &self,
        object_namespace: &str,
        user_namespace: &str,
        user_namespace_labels: &BTreeMap<String, String>,
    ) -> bool {
        let Some(allowed) = &self.allowed_namespaces else { return false };
        match allowed.from {
            None => false,
            Some(FromNamespaces::All) => true,
            Some(FromNamespaces::Same) => object_namespace == user_namespace,
            Some(FromNamespaces::Selector) => {
                allowed.selector.as_ref().is_some_and(|selector| matches(selector, user_namespace_labels))
            }
        }
    }

    /// The policy's `from`, when it has one.
    #[must_use]
    pub fn from(&self) -> Option<FromNamespaces> {
        self.allowed_namespaces.as_ref().and_then(|allowed| allowed.from)
    }
}

/// The policy that counts for an object whose policy field may be empty.
#[must_use]
pub fn effective(policy: Option<&UsagePolicy>) -> UsagePolicy {
    policy.cloned().unwrap_or_else(UsagePolicy::same_namespace)
}

/// Whether labels match a selector, by the rules of apimachinery: all requirements hold, an empty selector matches
/// everything, and one that is not valid matches nothing.
#[must_use]
pub fn matches(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let equal = selector
        .match_labels
        .iter()
        .flatten()
        .all(|(key, value)| labels.get(key).is_some_and(|found| found == value));
    let expressions = selector.match_expressions.iter().flatten().all(|requirement| {
        let found = labels.get(&requirement.key);
        let values = requirement.values.as_deref().unwrap_or_default();
        match requirement.operator.as_str() {
            "In" => found.is_some_and(|found| values.contains(found)),
            "NotIn" => !values.is_empty() && found.is_none_or(|found| !values.contains(found)),
            "Exists" => values.is_empty() && found.is_some(),
            "DoesNotExist" => values.is_empty() && found.is_none(),
            _ => false,
        }
    });
    equal && expressions
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::UsagePolicy;

    fn allows(policy: &serde_json::Value, user: &str, labels: &[(&str, &str)]) -> bool {
        let policy: UsagePolicy = serde_json::from_value(policy.clone()).unwrap();
        let labels: BTreeMap<String, String> =
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        policy.allows("storage", user, &labels)
    }

    /// Policy, user's namespace and its labels, whether it is allowed.
    type Row<'a> = (serde_json::Value, &'a str, &'a [(&'a str, &'a str)], bool);

    #[test]
    fn a_policy_allows_the_namespaces_it_names() {
        let selector = |selector: serde_json::Value| json!({"allowedNamespaces": {"from": "Selector", "selector": selector}});
        let team = [("team", "a")];
        let table: &[Row] = &[
            (json!({}), "storage", &[], false),
            (json!({"allowedNamespaces": {}}), "storage", &[], false),
            (json!({"allowedNamespaces": {"from": "All"}}), "demo", &[], true),
            (json!({"allowedNamespaces": {"from": "Same"}}), "storage", &[], true),
            (json!({"allowedNamespaces": {"from": "Same"}}), "demo", &[], false),
            (json!({"allowedNamespaces": {"from": "Selector"}}), "demo", &team, false),
            (selector(json!({})), "demo", &[], true),
            (selector(json!({"matchLabels": {"team": "a"}})), "demo", &team, true),
            (selector(json!({"matchLabels": {"team": "b"}})), "demo", &team, false),
            (selector(json!({"matchLabels": {"team": "a", "x": "y"}})), "demo", &team, false),
        ];
        for (policy, user, labels, expected) in table {
            assert_eq!(allows(policy, user, labels), *expected, "{policy} from {user} with {labels:?}");
        }
    }

    #[test]
    fn selector_operators_are_those_of_kubernetes() {
        let table = [
            ("In", json!(["a", "b"]), true),
            ("In", json!(["b"]), false),
            ("In", json!([]), false),
            ("NotIn", json!(["b"]), true),
            ("NotIn", json!(["a"]), false),
            ("NotIn", json!([]), false),
            ("Exists", json!([]), true),
            ("Exists", json!(["a"]), false),
            ("DoesNotExist", json!([]), false),
            ("Nonsense", json!(["a"]), false),
        ];
        for (operator, values, expected) in table {
            let policy = json!({"allowedNamespaces": {"from": "Selector", "selector": {"matchExpressions": [
                {"key": "team", "operator": operator, "values": values}]}}});
            assert_eq!(allows(&policy, "demo", &[("team", "a")]), expected, "{operator} {values}");
        }
        let absent = json!({"allowedNamespaces": {"from": "Selector", "selector": {"matchExpressions": [
            {"key": "team", "operator": "NotIn", "values": ["a"]}]}}});
        assert!(allows(&absent, "demo", &[]), "NotIn holds for a label that is not there");
    }
}
