//! A driver that performs one step after the other must come nearer to its end.
//!
//! Conditions are its memory: a step that leaves the status as it was would be decided again, for ever. That cannot come
//! from a rule alone, but from outside: a field of the status that has to go stays when another field manager holds it as
//! well (KEP-555), a field that a definition of another version does not know is dropped, a webhook changes what was
//! written.

use kube::Resource;
use snafu::Snafu;

/// Steps in a row that may leave the object as it is: one more than a step that changes other objects only.
const PATIENCE: u32 = 2;

/// Counts the steps that left their object as it was.
#[derive(Debug, Default)]
pub struct Progress {
    still: u32,
}

/// No step changes anything any more, and the end has not come.
#[derive(Debug, PartialEq, Eq, Snafu)]
#[snafu(display(
    "its status stays as it was although it was written; who else holds fields of it: {}",
    if holders.is_empty() { "nobody".to_owned() } else { holders.join(", ") }
))]
pub struct Stuck {
    /// The other field managers of the status.
    pub holders: Vec<String>,
}

impl Progress {
    /// A step was performed by `manager` and made `after` of `before`.
    ///
    /// # Errors
    /// When too many have changed nothing.
    pub fn step<K: Resource>(&mut self, before: &K, after: &K, manager: &str) -> Result<(), Stuck> {
        let version = |object: &K| object.meta().resource_version.clone();
        self.still = if version(before) == version(after) { self.still + 1 } else { 0 };
        if self.still <= PATIENCE { Ok(()) } else { Err(Stuck { holders: holders(after, manager) }) }
    }
}

fn holders<K: Resource>(object: &K, manager: &str) -> Vec<String> {
    let entries = object.meta().managed_fields.iter().flatten();
    let of_status = entries.filter(|entry| entry.subresource.as_deref() == Some("status"));
    let mut names: Vec<String> = of_status.filter_map(|entry| entry.manager.clone()).collect();
    names.retain(|name| name != manager);
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use crds::core::RestoreSession;
    use serde_json::json;

    use super::*;

    fn session(version: &str) -> RestoreSession {
        let entry =
            |manager: &str, subresource: &str| json!({"manager": manager, "subresource": subresource});
        let fields = [entry("kubestash", "status"), entry("kubectl-edit", "status"), entry("helm", "")];
        serde_json::from_value(json!({
            "metadata": {"name": "again", "resourceVersion": version, "managedFields": fields}, "spec": {},
        }))
        .unwrap()
    }

    #[test]
    fn steps_that_change_nothing_end_and_tell_who_holds_the_status() {
        let mut progress = Progress::default();
        for version in ["2", "2", "2", "3", "3", "3"] {
            assert_eq!(progress.step(&session("1"), &session(version), "kubestash"), Ok(()));
        }
        for (before, stuck) in [("7", false), ("7", false), ("7", true), ("6", false), ("7", false)] {
            let told = progress.step(&session(before), &session("7"), "kubestash");
            assert_eq!(told.is_err(), stuck, "{told:?}");
            if let Err(told) = told {
                assert!(told.to_string().ends_with("holds fields of it: kubectl-edit"), "{told}");
            }
        }
    }
}
