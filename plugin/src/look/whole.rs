//! Whether a snapshot holds all that it should: what it lacks may have existed, unless it is whole.

use crds::name::sync;
use crds::storage::Snapshot;
use crds::storage::snapshot::SnapshotPhase;
use kube::ResourceExt as _;

/// What can be said of what a snapshot lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// It did not exist.
    Yes,
    /// It may have existed: the backup failed.
    No,
    /// Nothing yet, for this reason.
    NotYet(&'static str),
}

/// Whether this one is.
#[must_use]
pub fn whole(snapshot: &Snapshot) -> Whole {
    let is_on_its_way =
        || snapshot.annotations().get(sync::ANNOTATION).is_some_and(|state| state == sync::PENDING);
    match snapshot.status.as_ref().and_then(|status| status.phase) {
        Some(SnapshotPhase::Succeeded) => Whole::Yes,
        Some(SnapshotPhase::Failed) => Whole::No,
        _ if is_on_its_way() => Whole::NotYet("it was found in the bucket, and its status is not here yet"),
        _ => Whole::NotYet("its backup has not finished"),
    }
}

/// Whether what a snapshot lacks did not exist.
#[must_use]
pub fn is_whole(snapshot: &Snapshot) -> bool {
    whole(snapshot) == Whole::Yes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_backup_that_succeeded_is_whole_and_only_one_that_failed_is_not() {
        let told = |sync: &str, phase: Option<&str>| {
            let snapshot = json!({
                "metadata": {"annotations": {"kubestash.com/sync": sync}},
                "spec": {},
                "status": {"phase": phase},
            });
            whole(&serde_json::from_value(snapshot).unwrap())
        };
        assert_eq!(told("done", Some("Succeeded")), Whole::Yes);
        assert_eq!(told("pending", Some("Succeeded")), Whole::Yes);
        assert_eq!(told("done", Some("Failed")), Whole::No);
        assert_eq!(told("done", Some("Running")), Whole::NotYet("its backup has not finished"));
        assert!(matches!(told("pending", None), Whole::NotYet(why) if why.contains("found in the bucket")));
    }
}
