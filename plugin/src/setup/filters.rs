//! Which objects of the target are backed up: the parameters of the manifest task.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::failure::Failure;

/// Filters, as typed.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Filters")]
#[group(id = "filters")]
pub struct Flags {
    /// Only these namespaces, comma separated
    #[arg(long, value_name = "NAMES")]
    pub include_namespaces: Option<String>,
    /// Not these namespaces
    #[arg(long, value_name = "NAMES")]
    pub exclude_namespaces: Option<String>,
    /// Only these resource types, for example deployments.apps,secrets
    #[arg(long, value_name = "TYPES")]
    pub include_resources: Option<String>,
    /// Not these resource types
    #[arg(long, value_name = "TYPES")]
    pub exclude_resources: Option<String>,
    /// Whether objects that belong to no namespace are included; the whole cluster includes them unless told otherwise
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub include_cluster_resources: Option<bool>,
    /// Only objects that have all of these labels, for example app=shop,tier
    #[arg(long, value_name = "LABELS")]
    pub and_label_selectors: Option<String>,
    /// Only objects that have one of these labels
    #[arg(long, value_name = "LABELS")]
    pub or_label_selectors: Option<String>,
    /// Only objects that this Kubernetes label selector matches
    #[arg(long, value_name = "SELECTOR")]
    pub label_selector: Option<String>,
    /// Any parameter of the addon's task, as KEY=VALUE; may be repeated
    #[arg(long = "param", value_name = "KEY=VALUE")]
    pub params: Vec<String>,
}

impl Flags {
    /// The parameters of the task: those that follow from the scope, then the filters, then what `--param` says.
    pub fn parameters(&self, of_scope: &[(&str, &str)]) -> Result<Map<String, Value>, Failure> {
        let mut parameters: BTreeMap<String, String> =
            of_scope.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let cluster_resources = self.include_cluster_resources.map(|include| include.to_string());
        let filters = [
            ("IncludeNamespaces", &self.include_namespaces),
            ("ExcludeNamespaces", &self.exclude_namespaces),
            ("IncludeResources", &self.include_resources),
            ("ExcludeResources", &self.exclude_resources),
            ("IncludeClusterResources", &cluster_resources),
            ("ANDedLabelSelectors", &self.and_label_selectors),
            ("ORedLabelSelectors", &self.or_label_selectors),
            ("labelSelector", &self.label_selector),
        ];
        for (key, value) in filters {
            if let Some(value) = value {
                parameters.insert(key.into(), value.clone());
            }
        }
        for pair in &self.params {
            let (key, value) = pair.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| {
                Failure::usage(format!("--param {pair} has no value")).fix("--param KEY=VALUE")
            })?;
            parameters.insert(key.into(), value.into());
        }
        Ok(parameters.into_iter().map(|(key, value)| (key, Value::String(value))).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_follow_the_scope_and_parameters_have_the_last_word() {
        let flags = Flags {
            include_namespaces: Some("shop,pay".into()),
            include_cluster_resources: Some(false),
            params: vec!["IncludeNamespaces=shop".into(), "ANDedLabelSelectors=app=orders".into()],
            ..Flags::default()
        };
        let parameters = flags.parameters(&[("IncludeClusterResources", "true")]).unwrap();
        assert_eq!(
            Value::Object(parameters),
            json!({"IncludeNamespaces": "shop", "IncludeClusterResources": "false", "ANDedLabelSelectors": "app=orders"})
        );
    }

    #[test]
    fn a_parameter_without_a_value_is_refused() {
        for pair in ["key", "=value"] {
            let flags = Flags { params: vec![pair.into()], ..Flags::default() };
            assert!(flags.parameters(&[]).is_err(), "{pair}");
        }
    }
}
