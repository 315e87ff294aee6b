//! Which namespaces may use an object, from a flag.

use crds::usage_policy::{AllowedNamespaces, FromNamespaces, UsagePolicy};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

use crate::failure::Failure;
use crate::setup;

/// Which namespaces may use an object: `same`, `all`, `a,b`, or `selector=key=value,…`.
pub fn parse(flag: &str, text: &str) -> Result<UsagePolicy, Failure> {
    let from = |from| {
        Ok(UsagePolicy { allowed_namespaces: Some(AllowedNamespaces { from: Some(from), selector: None }) })
    };
    let selected = |selector| UsagePolicy {
        allowed_namespaces: Some(AllowedNamespaces {
            from: Some(FromNamespaces::Selector),
            selector: Some(selector),
        }),
    };
    match text {
        "same" => return from(FromNamespaces::Same),
        "all" => return from(FromNamespaces::All),
        _ => {}
    }
    if let Some(labels) = text.strip_prefix("selector=") {
        let pairs: Option<_> = labels.split(',').map(|pair| pair.split_once('=')).collect();
        let pairs: Vec<(&str, &str)> = pairs.ok_or_else(|| {
            Failure::usage(format!("{flag} {text} is no selector"))
                .fix(format!("{flag} selector=team=shop,stage=prod"))
        })?;
        let labels = pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        return Ok(selected(LabelSelector { match_labels: Some(labels), match_expressions: None }));
    }
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    if let Some(wrong) = names.iter().find(|name| !setup::is_name(name)) {
        return Err(Failure::usage(format!("{flag}: \"{wrong}\" is no namespace"))
            .fix(format!("{flag} same, all, a list of namespaces, or selector=KEY=VALUE")));
    }
    Ok(selected(LabelSelector {
        match_labels: None,
        match_expressions: Some(vec![LabelSelectorRequirement {
            key: "kubernetes.io/metadata.name".into(),
            operator: "In".into(),
            values: Some(names),
        }]),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn namespaces_may_be_allowed_in_four_ways() {
        let policy = |text| serde_json::to_value(parse("--allow-namespaces", text).unwrap()).unwrap();
        assert_eq!(policy("same"), json!({"allowedNamespaces": {"from": "Same"}}));
        assert_eq!(policy("all"), json!({"allowedNamespaces": {"from": "All"}}));
        assert_eq!(
            policy("a,b"),
            json!({"allowedNamespaces": {"from": "Selector", "selector": {"matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["a", "b"]}]}}})
        );
        assert_eq!(
            policy("selector=team=shop"),
            json!({"allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "shop"}}}})
        );
        assert!(parse("--allow-namespaces", "A B").is_err());
        assert!(parse("--allow-namespaces", "selector=team").is_err());
    }
}
