//! Whether what would be made exceeds a quota. The server judges each object of a plan by itself, as if none of the others
//! were made: together they may be too many.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::Value;

use super::coming::Coming;
use crate::api::{Api, JSON, encoded};
use crate::manifest::path::Key;
use amount::Amount;
use demand::Amounts;

mod amount;
mod demand;

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

/// What the objects of a plan would use, by namespace.
#[derive(Debug, Default)]
pub struct Demands(Mutex<BTreeMap<String, Amounts>>);

impl Demands {
    /// This one would be made.
    pub fn add(&self, target: &Key, object: &Value) {
        let Some(namespace) = &target.namespace else { return };
        let of = demand::of(target, object);
        // A panic elsewhere leaves sums that are too small: the warning is lost, nothing else.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sums = all.entry(namespace.clone()).or_default();
        for (name, amount) in of {
            *sums.entry(name).or_default() += amount;
        }
    }

    /// A warning for each quota that they would exceed together.
    pub async fn warnings(&self, api: &Api, coming: &Coming) -> Vec<String> {
        let mut all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        // A namespace that does not exist has no quota.
        all.retain(|namespace, _| !coming.has_namespace(namespace));
        stream::iter(all)
            .map(|(namespace, sums)| async move {
                let path = format!("/api/v1/namespaces/{}/resourcequotas", encoded(&namespace));
                match api.get_json::<List>(&path, JSON).await {
                    Ok(list) => {
                        list.items.iter().flat_map(|quota| exceeded(&namespace, quota, &sums)).collect()
                    }
                    // Whoever may not look has no warning: the restore itself says what was too much.
                    Err(_) => Vec::new(),
                }
            })
            .buffered(AT_ONCE)
            .collect::<Vec<Vec<String>>>()
            .await
            .concat()
    }
}

fn exceeded(namespace: &str, quota: &Quota, sums: &Amounts) -> Vec<String> {
    // With scopes it counts some of the Pods only.
    if !quota.spec.scopes.is_empty() || quota.spec.scope_selector.is_some() {
        return Vec::new();
    }
    let too_many = quota.status.hard.iter().filter_map(|(counted, hard)| {
        let resource = counted.strip_prefix("count/").unwrap_or(counted);
        let (more, hard) = (*sums.get(resource)?, Amount::read(hard)?);
        let used = quota.status.used.get(counted).and_then(Amount::read).unwrap_or_default();
        (used + more > hard).then(|| {
            format!(
                "quota {:?} of namespace {namespace:?} allows {hard} {resource}: {used} are used and at least {more} more \
                 would be",
                quota.metadata.name
            )
        })
    });
    too_many.collect()
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
        let made = [("pods", "3"), ("deployments.apps", "2"), ("requests.cpu", "300m"), ("limits.cpu", "1")];
        let made = made.map(|(name, amount)| (name.to_owned(), Amount::read(&json!(amount)).unwrap()));
        let made = Amounts::from(made);
        let told = exceeded(
            "shop",
            &quota(json!({"metadata": {"name": "q"}, "status": {
                "hard": {"pods": "4", "count/deployments.apps": "1k", "secrets": "0", "requests.cpu": "500m",
                    "limits.cpu": "8"},
                "used": {"pods": "2", "count/deployments.apps": "999", "requests.cpu": "250m"}}})),
            &made,
        );
        assert_eq!(
            told,
            [
                r#"quota "q" of namespace "shop" allows 1000 deployments.apps: 999 are used and at least 2 more would be"#,
                r#"quota "q" of namespace "shop" allows 4 pods: 2 are used and at least 3 more would be"#,
                r#"quota "q" of namespace "shop" allows 500m requests.cpu: 250m are used and at least 300m more would be"#,
            ]
        );
        let scoped = json!({"metadata": {"name": "q"}, "spec": {"scopes": ["BestEffort"]},
            "status": {"hard": {"pods": "0"}}});
        assert!(exceeded("shop", &quota(scoped), &made).is_empty());
        assert!(exceeded("shop", &quota(json!({"metadata": {"name": "q"}})), &made).is_empty());
    }
}
