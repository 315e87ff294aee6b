//! What a backup was of, as its Snapshot remembers it.
//!
//! A restore that removes what a snapshot lacks must know what the backup would have taken: what it never looked at is
//! not missing. The configuration that made the backup may be another one by now, or be in another cluster, so the
//! Snapshot carries it along, also in the bucket.

use std::collections::BTreeMap;

use crds::reference::TypedObjectReference;
use crds::storage::Snapshot;
use kube::ResourceExt;
use serde::{Deserialize, Serialize};

use crate::scope::{self, Plan, Target};

/// The annotation of a Snapshot that holds its [`Coverage`] as JSON.
pub const ANNOTATION: &str = "kubestash.com/covers";

/// Target and parameters of a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The target, its namespace written out; absent for a backup without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TypedObjectReference>,
    /// The values of the task's parameters, defaults included. Never absent: nothing must not be read as everything.
    pub parameters: BTreeMap<String, String>,
}

impl Coverage {
    /// The annotation's value.
    #[must_use]
    pub fn annotation(&self) -> String {
        // Text under names that are text can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What the backup of `snapshot` was of; `None` where nobody wrote it down, or not in a way that can be read.
#[must_use]
pub fn of(snapshot: &Snapshot) -> Option<Plan> {
    let Coverage { target, parameters } =
        serde_json::from_str(snapshot.annotations().get(ANNOTATION)?).ok()?;
    let home = snapshot.namespace().unwrap_or_default();
    let target = target.as_ref().and_then(|reference| target_of(reference, &home));
    scope::decide(target.as_ref(), &parameters).ok()
}

/// The target that a reference stands for, if it stands for one. `home` is the namespace of who refers to it.
#[must_use]
pub fn target_of(reference: &TypedObjectReference, home: &str) -> Option<Target> {
    if reference.is_not_applicable() {
        return None;
    }
    let namespace = reference.namespace.clone().filter(|namespace| !namespace.is_empty());
    Some(Target {
        api_group: reference.api_group.clone().unwrap_or_default(),
        kind: reference.kind.clone().unwrap_or_default(),
        namespace: namespace.or_else(|| Some(home.to_owned()).filter(|home| !home.is_empty())),
        name: reference.name.clone(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scope::{Application, Scope};

    fn snapshot(annotation: Option<&str>) -> Snapshot {
        let mut snapshot = json!({"metadata": {"name": "s", "namespace": "demo"}, "spec": {}});
        if let Some(annotation) = annotation {
            snapshot["metadata"]["annotations"] = json!({ANNOTATION: annotation});
        }
        serde_json::from_value(snapshot).unwrap()
    }

    #[test]
    fn what_was_written_down_is_what_was_covered() {
        let coverage = Coverage {
            target: Some(TypedObjectReference {
                api_group: Some("apps".to_owned()),
                kind: Some("Deployment".to_owned()),
                namespace: None,
                name: "orders".to_owned(),
            }),
            parameters: BTreeMap::from([("includeDependants".to_owned(), "true".to_owned())]),
        };
        let plan = of(&snapshot(Some(&coverage.annotation()))).unwrap();
        let application = Application {
            group: "apps".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: Some("demo".to_owned()),
            name: "orders".to_owned(),
            dependants: true,
        };
        assert_eq!(plan.scope, Scope::Application(application));
        let everything = of(&snapshot(Some(&Coverage::default().annotation()))).unwrap();
        assert_eq!(everything.scope, Scope::Cluster);
        assert!(everything.filters.cluster_resources);
    }

    #[test]
    fn what_cannot_be_read_covers_nothing() {
        for annotation in [
            None,
            Some(""),
            Some("[]"),
            Some("{}"),
            Some(r#"{"parameters": {"IncludeClusterResources": "perhaps"}}"#),
            Some(r#"{"target": {"name": "x"}}"#),
        ] {
            assert_eq!(of(&snapshot(annotation)), None, "{annotation:?}");
        }
    }
}
