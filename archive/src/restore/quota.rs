//! Whether what would be made exceeds a quota. The server judges each object of a plan by itself, as if none of the others
//! were made: together they may be too many.

use std::collections::BTreeMap;

use futures::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::Value;

use super::coming::Coming;
use super::report::Line;
use super::verdict::Verdict;
use crate::api::{Api, JSON, encoded};

/// Namespaces that are asked for at the same time.
const AT_ONCE: usize = 16;

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    items: Vec<Quota>,
}

#[derive(Deserialize)]
struct Quota {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    scopes: Vec<String>,
    scope_selector: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    hard: BTreeMap<String, Value>,
    used: BTreeMap<String, Value>,
}

/// How many objects of each type would be made.
type Made = BTreeMap<String, u64>;

/// A warning for each quota that the objects of a plan would exceed by their number.
pub async fn warnings(api: &Api, lines: &[Line], coming: &Coming) -> Vec<String> {
    let mut made: BTreeMap<String, Made> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.verdict == Verdict::Create) {
        let Some(namespace) = line.place().filter(|_| line.namespace.is_some()) else { continue };
        // A namespace that does not exist has no quota.
        if !coming.has_namespace(namespace) {
            let made = made.entry(namespace.to_owned()).or_default();
            *made.entry(line.resource.clone()).or_default() += 1;
        }
    }
    stream::iter(made)
        .map(|(namespace, made)| async move {
            let path = format!("/api/v1/namespaces/{}/resourcequotas", encoded(&namespace));
            match api.get_json::<List>(&path, JSON).await {
                Ok(list) => list.items.iter().flat_map(|quota| exceeded(&namespace, quota, &made)).collect(),
                // Whoever may not look has no warning: the restore itself says what was too much.
                Err(_) => Vec::new(),
            }
        })
        .buffered(AT_ONCE)
        .collect::<Vec<Vec<String>>>()
        .await
        .concat()
}

fn exceeded(namespace: &str, quota: &Quota, made: &Made) -> Vec<String> {
    // With scopes it counts some of the Pods only.
    if !quota.spec.scopes.is_empty() || quota.spec.scope_selector.is_some() {
        return Vec::new();
    }
    let too_many = quota.status.hard.iter().filter_map(|(counted, hard)| {
        let resource = counted.strip_prefix("count/").unwrap_or(counted);
        let (more, hard) = (*made.get(resource)?, number(hard)?);
        let used = quota.status.used.get(counted).and_then(number).unwrap_or_default();
        (used + more > hard).then(|| {
            format!(
                "quota {:?} of namespace {namespace:?} allows {hard} {resource}: {used} are there and {more} would be \
                 made",
                quota.metadata.name
            )
        })
    });
    too_many.collect()
}

/// A count. Quantities may have a suffix; that of counts is `k` at most.
fn number(quantity: &Value) -> Option<u64> {
    match quantity {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => match text.strip_suffix('k') {
            Some(thousands) => thousands.parse::<u64>().ok()?.checked_mul(1000),
            None => text.parse().ok(),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn quota(value: Value) -> Quota {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_would_be_too_many_is_told() {
        let made = Made::from([("pods".to_owned(), 3), ("deployments.apps".to_owned(), 2)]);
        let told = exceeded(
            "shop",
            &quota(json!({"metadata": {"name": "q"}, "status": {
                "hard": {"pods": "4", "count/deployments.apps": "1k", "secrets": "0", "requests.cpu": "500m"},
                "used": {"pods": "2", "count/deployments.apps": "999"}}})),
            &made,
        );
        assert_eq!(
            told,
            [
                r#"quota "q" of namespace "shop" allows 1000 deployments.apps: 999 are there and 2 would be made"#,
                r#"quota "q" of namespace "shop" allows 4 pods: 2 are there and 3 would be made"#,
            ]
        );
        let scoped = json!({"metadata": {"name": "q"}, "spec": {"scopes": ["BestEffort"]},
            "status": {"hard": {"pods": "0"}}});
        assert!(exceeded("shop", &quota(scoped), &made).is_empty());
        assert!(exceeded("shop", &quota(json!({"metadata": {"name": "q"}})), &made).is_empty());
    }
}
