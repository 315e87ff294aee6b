//! RetentionPolicy: which snapshots stay (contract §1.6).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{Column, Definition, NOT_SHOWN_IN_ALL, Scope};
use crate::rule::Rule;
use crate::usage_policy::UsagePolicy;

crate::definition::custom_resource! {
    /// Rules for keeping snapshots.
    RetentionPolicy: k8s_openapi::NamespaceResourceScope,
    spec: RetentionPolicySpec;
    Definition {
        group: crate::storage::GROUP,
        kind: "RetentionPolicy",
        plural: "retentionpolicies",
        singular: "retentionpolicy",
        short_names: &[],
        categories: NOT_SHOWN_IN_ALL,
        scope: Scope::Namespaced,
        status: false,
        columns: &[
            Column::new("Max-Retention-Period", "string", ".spec.maxRetentionPeriod"),
            Column::new("Default", "boolean", ".spec.default"),
            Column::AGE,
        ],
        rules: &[Rule::new("has(self.spec)", "spec is missing: say which snapshots to keep")],
    }
}

/// Contract §6.5; the expression is [`crate::retention_period::PATTERN`].
const PERIOD_RULES: &[Rule] = &[Rule::new(
    r"self.matches('^\\s*(-?[0-9]+(y|mo|w|d|h|m))*\\s*$')",
    "write a period as numbers with the units y, mo, w, d, h or m and no spaces, for example 30d or 1y6mo",
)];

/// What the user wants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [Rule::new(
    "(has(self.maxRetentionPeriod) && self.maxRetentionPeriod != '') || has(self.successfulSnapshots)",
    "say what to keep: set maxRetentionPeriod, successfulSnapshots or both",
)]))]
pub struct RetentionPolicySpec {
    /// Everything older goes, for example `1y6mo`; see [`crate::retention_period`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), extend("x-kubernetes-validations" = PERIOD_RULES))]
    pub max_retention_period: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_policy: Option<UsagePolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successful_snapshots: Option<SuccessfulSnapshots>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_snapshots: Option<FailedSnapshots>,
    /// Whether backends without a policy get this one; one per namespace.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
}

/// How many of the snapshots that succeeded are kept; what any rule keeps is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SuccessfulSnapshots {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hourly: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yearly: Option<i32>,
}

/// How many of the snapshots that failed are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedSnapshots {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 1))]
    pub last: Option<i32>,
}

impl RetentionPolicySpec {
    /// How many failed snapshots stay: 1 unless said otherwise, whether or not the block is there.
    #[must_use]
    pub fn failed_to_keep(&self) -> i32 {
        self.failed_snapshots.as_ref().and_then(|failed| failed.last).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::{FailedSnapshots, PERIOD_RULES, RetentionPolicySpec};
    use crate::retention_period::PATTERN;

    #[test]
    fn the_api_server_checks_periods_by_the_pattern_of_the_parser() {
        let expression = format!("self.matches('{}')", PATTERN.replace('\\', r"\\"));
        assert_eq!(PERIOD_RULES[0].rule, expression);
    }

    #[test]
    fn one_failed_snapshot_is_kept_unless_said_otherwise() {
        let spec =
            |failed_snapshots| RetentionPolicySpec { failed_snapshots, ..RetentionPolicySpec::default() };
        assert_eq!(spec(None).failed_to_keep(), 1);
        assert_eq!(spec(Some(FailedSnapshots { last: None })).failed_to_keep(), 1);
        assert_eq!(spec(Some(FailedSnapshots { last: Some(0) })).failed_to_keep(), 0);
    }
}
