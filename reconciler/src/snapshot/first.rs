//! What the status of a Snapshot says from its beginning on.

use crds::core::BackupSession;
use crds::name;
use crds::storage::SnapshotStatus;
use crds::storage::snapshot::VerificationStatus;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt as _;

/// The components that a manifest backup has.
const COMPONENTS: i32 = 1;

/// Adds what is not there yet. It is part of every status that is written: an apply that left it out, for having read the
/// Snapshot before it was there, would take it away again.
pub fn complete(status: &mut SnapshotStatus, session: &BackupSession) {
    status.snapshot_time.get_or_insert_with(|| Time(time(session)));
    status.total_components.get_or_insert(COMPONENTS);
    status.verification_status.get_or_insert(VerificationStatus::NotVerified);
}

/// The second of the slot, when the session's name ends in one, else that of its creation (contract §13 A6).
#[must_use]
pub fn time(session: &BackupSession) -> Timestamp {
    name::epoch_of(&session.name_any())
        .and_then(|epoch| Timestamp::from_second(epoch).ok())
        .or_else(|| session.metadata.creation_timestamp.as_ref().map(|time| time.0))
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_known_from_the_beginning_is_added_and_nothing_is_changed() {
        let session: BackupSession = serde_json::from_value(json!({
            "metadata": {"name": "shop-nightly-1755596627"},
            "spec": {"invoker": {"kind": "BackupConfiguration", "name": "shop"}, "session": "nightly"},
        }))
        .unwrap();
        let mut status = SnapshotStatus::default();
        complete(&mut status, &session);
        assert_eq!(status.snapshot_time.as_ref().unwrap().0.to_string(), "2025-08-19T09:43:47Z");
        assert_eq!(status.total_components, Some(1));
        let before = SnapshotStatus { total_components: Some(2), ..status.clone() };
        let mut after = before.clone();
        complete(&mut after, &session);
        assert_eq!(after, before);
    }
}
