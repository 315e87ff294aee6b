//! What a BackupConfiguration leaves out and KubeStash's webhooks would fill in (contract §6.2, §6.3).
//!
//! The storage is written into the object, once, as upstream does: were it looked up every time, a new default would
//! silently send the next backup somewhere else. A retention policy is looked up every time: the field belongs to
//! whoever wrote the list of backends, and nothing moves when another policy becomes the default.

use crds::core::BackupConfiguration;
use crds::core::backup_configuration::BackendReference;
use crds::reference::ObjectReference;
use crds::storage::{BackupStorage, RetentionPolicy};
use crds::usage_policy::{self, FromNamespaces, UsagePolicy};
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

use super::observe::Observed;

/// The patch that gives the configuration its default storage; `None` when it names storages, or when there is no
/// default that it may use.
#[must_use]
pub fn backends(configuration: &BackupConfiguration, observed: &Observed) -> Option<Value> {
    if !configuration.spec.backends.is_empty() {
        return None;
    }
    let storage = choose(configuration, observed, &observed.default_storages)?;
    let backend = BackendReference {
        storage_ref: Some(storage),
        retention_policy: policy(configuration, observed),
        ..BackendReference::default()
    };
    // The version makes this fail when somebody else names a storage at the same moment.
    Some(json!({
        "metadata": {"resourceVersion": configuration.metadata.resource_version},
        "spec": {"backends": [backend]},
    }))
}

/// The default retention policy of the configuration, if there is one that it may use.
#[must_use]
pub fn policy(configuration: &BackupConfiguration, observed: &Observed) -> Option<ObjectReference> {
    choose(configuration, observed, &observed.default_policies)
}

/// What has a usage policy.
pub trait Shared: Resource<DynamicType = ()> {
    /// The policy, when the object says one.
    fn usage_policy(&self) -> Option<&UsagePolicy>;
}

impl Shared for BackupStorage {
    fn usage_policy(&self) -> Option<&UsagePolicy> {
        self.spec.usage_policy.as_ref()
    }
}

impl Shared for RetentionPolicy {
    fn usage_policy(&self) -> Option<&UsagePolicy> {
        self.spec.usage_policy.as_ref()
    }
}

/// First one of the own namespace that is only for it, then one that selects the namespace, then one for all; among
/// equals in the order of the API server.
fn choose<K: Shared>(
    configuration: &BackupConfiguration,
    observed: &Observed,
    candidates: &[K],
) -> Option<ObjectReference> {
    let home = configuration.namespace().unwrap_or_default();
    [FromNamespaces::Same, FromNamespaces::Selector, FromNamespaces::All].into_iter().find_map(|from| {
        let fits = |candidate: &&K| {
            let policy = usage_policy::effective(candidate.usage_policy());
            let namespace = candidate.namespace().unwrap_or_default();
            policy.from() == Some(from) && policy.allows(&namespace, &home, &observed.namespace_labels)
        };
        candidates
            .iter()
            .find(fits)
            .map(|found| ObjectReference::new(&found.namespace().unwrap_or_default(), &found.name_any()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage(namespace: &str, name: &str, usage: &Value) -> BackupStorage {
        serde_json::from_value(json!({
            "metadata": {"namespace": namespace, "name": name},
            "spec": {"default": true, "usagePolicy": {"allowedNamespaces": usage}},
        }))
        .unwrap()
    }

    fn configuration(backends: &Value) -> BackupConfiguration {
        serde_json::from_value(json!({
            "metadata": {"namespace": "demo", "name": "shop", "resourceVersion": "7"},
            "spec": {"backends": backends},
        }))
        .unwrap()
    }

    fn chosen(storages: Vec<BackupStorage>) -> Option<String> {
        let observed = Observed {
            default_storages: storages,
            namespace_labels: [("team".to_owned(), "a".to_owned())].into(),
            ..Observed::default()
        };
        let patch = backends(&configuration(&json!([])), &observed)?;
        assert_eq!(patch["metadata"]["resourceVersion"], "7");
        let reference = &patch["spec"]["backends"][0]["storageRef"];
        Some(format!("{}/{}", reference["namespace"].as_str()?, reference["name"].as_str()?))
    }

    #[test]
    fn the_nearest_default_is_taken() {
        let same = || storage("demo", "own", &json!({"from": "Same"}));
        let foreign = || storage("other", "foreign", &json!({"from": "Same"}));
        let all = || storage("infra", "all", &json!({"from": "All"}));
        let own_for_all = || storage("demo", "own-for-all", &json!({"from": "All"}));
        let team = |team: &str| {
            storage(
                "infra",
                "team",
                &json!({"from": "Selector", "selector": {"matchLabels": {"team": team}}}),
            )
        };
        for (storages, expected) in [
            (vec![], None),
            (vec![foreign()], None),
            (vec![all(), team("a"), same()], Some("demo/own")),
            (vec![all(), team("a"), foreign()], Some("infra/team")),
            (vec![all(), team("b")], Some("infra/all")),
            (vec![own_for_all(), team("a")], Some("infra/team")),
            (vec![own_for_all(), all()], Some("demo/own-for-all")),
        ] {
            assert_eq!(chosen(storages).as_deref(), expected);
        }
    }

    #[test]
    fn what_is_named_is_not_filled_in() {
        let observed = Observed {
            default_storages: vec![storage("demo", "own", &json!({"from": "Same"}))],
            ..Observed::default()
        };
        let named = configuration(&json!([{"name": "s3", "storageRef": {"name": "mine"}}]));
        assert_eq!(backends(&named, &observed), None);
    }
}
