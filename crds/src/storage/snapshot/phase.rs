//! What a Snapshot's conditions and components amount to (contract §2.2, §2.3).

use super::{Component, ComponentPhase, SnapshotPhase, SnapshotStatus, condition};
use crate::condition::{exists, is_false, is_true};

impl SnapshotStatus {
    /// Phase from conditions and components (contract §2.2).
    ///
    #[must_use]
    pub fn phase(&self) -> SnapshotPhase {
        let conditions = &self.conditions;
        let components = self.components_phase();
        if is_false(conditions, condition::METADATA_UPLOADED)
            || is_false(conditions, condition::RECENT_SNAPSHOT_LIST_UPDATED)
            || is_true(conditions, condition::BACKUP_INCOMPLETE)
        {
            SnapshotPhase::Failed
        } else if components == SnapshotPhase::Pending || exists(conditions, condition::METADATA_UPLOADED) {
            components
        } else {
            SnapshotPhase::Running
        }
    }

    /// Phase of the components alone.
    ///
    /// Where `totalComponents` is unset or 0, upstream takes none of none for all, and a component that failed for a
    /// success (contract §2.2). Here nothing has succeeded as long as nobody said how many there are.
    #[must_use]
    pub fn components_phase(&self) -> SnapshotPhase {
        if self.components.is_empty() {
            return SnapshotPhase::Pending;
        }
        let count =
            |phase| self.components.values().filter(|component| component.phase == Some(phase)).count();
        let (succeeded, failed) = (count(ComponentPhase::Succeeded), count(ComponentPhase::Failed));
        let total = usize::try_from(self.total_components.unwrap_or(0)).unwrap_or(0);
        if total > 0 && succeeded == total {
            SnapshotPhase::Succeeded
        } else if failed > 0 {
            SnapshotPhase::Failed
        } else {
            SnapshotPhase::Running
        }
    }

    /// Sum of the component sizes; none when there are no components, when a restic component has no size, or when a
    /// size cannot be read. Other components without a size do not count (contract §2.3).
    #[must_use]
    pub fn total_size(&self) -> Option<String> {
        let mut total = 0_u64;
        for component in self.components.values() {
            match component.size.as_deref().filter(|size| !size.is_empty()) {
                Some(size) => total = total.checked_add(crate::size::parse(size).ok()?)?,
                None if component.restic_stats.is_empty() => {}
                None => return None,
            }
        }
        (!self.components.is_empty()).then(|| crate::size::format(total))
    }

    /// Whether all components are sound; none when there are no components, when a restic component does not say, or
    /// when no component says (contract §2.3).
    #[must_use]
    pub fn total_integrity(&self) -> Option<bool> {
        let unsaid =
            |component: &Component| component.integrity.is_none() && !component.restic_stats.is_empty();
        if self.components.values().any(unsaid) {
            return None;
        }
        self.components.values().filter_map(|component| component.integrity).reduce(|all, one| all && one)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::SnapshotStatus;
    use crate::condition::conditions;

    /// A status with a component for each word; `-` is a component that has no phase yet.
    fn status(total: i32, components: &str, words: &str) -> SnapshotStatus {
        let component = |phase: &str| if phase == "-" { json!({}) } else { json!({"phase": phase}) };
        let components: serde_json::Map<String, Value> = components
            .split_whitespace()
            .enumerate()
            .map(|(index, phase)| (format!("component-{index}"), component(phase)))
            .collect();
        let status = json!({"totalComponents": total, "components": components});
        SnapshotStatus { conditions: conditions(words), ..serde_json::from_value(status).unwrap() }
    }

    const UPLOADED: &str = "RecentSnapshotListUpdated=True SnapshotMetadataUploaded=True";

    #[test]
    fn the_phase_is_that_of_the_first_row_that_holds() {
        let table = [
            // Row 1: what failed outside of the components.
            (1, "Succeeded", "SnapshotMetadataUploaded=False", "Failed"),
            (1, "Succeeded", "RecentSnapshotListUpdated=False SnapshotMetadataUploaded=True", "Failed"),
            (1, "Running", "BackupIncomplete=True", "Failed"),
            (1, "", "BackupIncomplete=True", "Failed"),
            (1, "Succeeded", "BackupIncomplete=False SnapshotMetadataUploaded=True", "Succeeded"),
            // Row 2: nothing has begun, uploaded or not.
            (1, "", "RecentSnapshotListUpdated=True", "Pending"),
            (0, "", "", "Pending"),
            (1, "", UPLOADED, "Pending"),
            // Row 3: the metadata is there (whatever its status but False), so the components decide.
            (1, "Succeeded", UPLOADED, "Succeeded"),
            (1, "Failed", UPLOADED, "Failed"),
            (2, "Succeeded Failed", UPLOADED, "Failed"),
            (2, "Succeeded Running", UPLOADED, "Running"),
            (1, "Succeeded", "SnapshotMetadataUploaded=Unknown", "Succeeded"),
            // Row 4: still to be uploaded.
            (1, "Succeeded", "RecentSnapshotListUpdated=True", "Running"),
            (1, "Failed", "RecentSnapshotListUpdated=True", "Running"),
            (1, "Running", "RecentSnapshotListUpdated=True", "Running"),
        ];
        for (total, components, words, phase) in table {
            let status = status(total, components, words);
            assert_eq!(status.phase().as_str(), phase, "{total}: [{components}] {words}");
        }
    }

    #[test]
    fn the_components_phase_counts_against_the_total() {
        let table = [
            (1, "", "Pending"),
            (2, "Succeeded Succeeded", "Succeeded"),
            (2, "Succeeded", "Running"),
            (2, "Failed Failed", "Failed"),
            (2, "Succeeded Failed", "Failed"),
            (3, "Failed Running", "Failed"),
            (3, "Failed", "Failed"),
            (2, "Pending Pending", "Running"),
            (2, "Succeeded Pending", "Running"),
            // Progress is written before the phase: neither failed nor succeeded.
            (1, "-", "Running"),
            (2, "Succeeded -", "Running"),
            // Without a total, none of none is no success.
            (0, "-", "Running"),
            (0, "Running", "Running"),
            (0, "Failed", "Failed"),
            (0, "Succeeded", "Running"),
        ];
        for (total, components, phase) in table {
            assert_eq!(
                status(total, components, "").components_phase().as_str(),
                phase,
                "{total}: [{components}]"
            );
        }
    }

    fn summed(components: &Value) -> (Option<String>, Option<bool>) {
        let status: SnapshotStatus = serde_json::from_value(json!({"components": components})).unwrap();
        (status.total_size(), status.total_integrity())
    }

    #[test]
    fn size_and_integrity_are_those_of_all_components() {
        let restic = json!([{}]);
        let table = [
            (json!({}), None, None),
            (
                json!({"a": {"size": "1.000 MiB", "integrity": true}, "b": {"size": "512 B", "integrity": true}}),
                Some("1.000 MiB"),
                Some(true),
            ),
            (
                json!({"a": {"size": "1 KiB", "integrity": true}, "b": {"size": "1 KiB", "integrity": false}}),
                Some("2.000 KiB"),
                Some(false),
            ),
            // Not known for every restic component.
            (json!({"a": {"size": "1 B", "integrity": true}, "b": {"resticStats": restic}}), None, None),
            // A component of another driver that says nothing does not count.
            (
                json!({"a": {"size": "1 B", "integrity": true}, "b": {"driver": "VolumeSnapshotter"}}),
                Some("1 B"),
                Some(true),
            ),
            (json!({"a": {}}), Some("0 B"), None),
            (json!({"a": {"size": "much", "integrity": true}}), None, Some(true)),
        ];
        for (components, size, integrity) in table {
            assert_eq!(summed(&components), (size.map(str::to_owned), integrity), "{components}");
        }
    }
}
