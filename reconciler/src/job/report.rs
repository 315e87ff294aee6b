//! What a Job writes into `Snapshot.status.components`: itself alone, as field manager `kubestash-job` (contract
//! §1.5, §8.6).

use std::collections::BTreeMap;
use std::time::Duration;

use crds::size;
use crds::storage::snapshot::{
    Component, ComponentPhase, Driver, ResticProgress, ResticStats, ResticSummary,
};
use crds::storage::{Snapshot, SnapshotStatus};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::figures::{Figures, Told, tenths};
use super::insist::insist;
use crate::cluster::{Cluster, Error};

/// A finished run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The restic snapshot, when one was kept.
    pub stored: Option<Stored>,
    /// Since the run began.
    pub elapsed: Duration,
    /// Size of the restic repository in bytes.
    pub size: Option<u64>,
    /// Whether the restic repository is sound.
    pub integrity: Option<bool>,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// A restic snapshot that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its id.
    pub id: String,
    /// Bytes added to the repository.
    pub added: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Files in it.
    pub files: u64,
    /// The path in it below which the files are.
    pub host_path: String,
    /// When the run began.
    pub started: Timestamp,
    /// When the snapshot was complete.
    pub ended: Timestamp,
}

/// The component of a run that has begun.
#[must_use]
pub fn running(path: &str, figures: Option<&Figures>) -> Component {
    let stats = figures.map(|figures| ResticStats { summary: None, progress: Some(progress(figures)) });
    Component {
        path: Some(path.to_owned()),
        phase: Some(ComponentPhase::Running),
        driver: Some(Driver::Restic),
        restic_stats: stats.into_iter().collect(),
        ..Component::default()
    }
}

/// The same while somebody else's lock is in the way: of a component that goes on, the error is what it waits for.
#[must_use]
pub fn waiting(component: Component, holder: Option<&str>) -> Component {
    let error = holder.map(|holder| format!("the repository is locked: {holder}"));
    Component { error, ..component }
}

/// The component of a run that has ended.
#[must_use]
pub fn ended(path: &str, finished: &Finished) -> Component {
    let Finished { stored, elapsed, size: bytes, integrity, error } = finished;
    let stats = stored.as_ref().map(|stored| ResticStats {
        summary: Some(summary(stored)),
        progress: Some(progress(&Figures {
            files: stored.files,
            total_files: Some(stored.files),
            bytes: stored.bytes,
            elapsed: *elapsed,
        })),
    });
    Component {
        path: Some(path.to_owned()),
        phase: Some(if error.is_none() { ComponentPhase::Succeeded } else { ComponentPhase::Failed }),
        driver: Some(Driver::Restic),
        size: bytes.map(size::format),
        duration: Some(tenths(*elapsed)),
        integrity: *integrity,
        error: error.clone(),
        restic_stats: stats.into_iter().collect(),
        ..Component::default()
    }
}

fn summary(stored: &Stored) -> ResticSummary {
    ResticSummary {
        id: Some(stored.id.clone()),
        uploaded: Some(size::format(stored.added)),
        host_path: Some(stored.host_path.clone()),
        size: Some(size::format(stored.bytes)),
        start_time: Some(Time(stored.started)),
        end_time: Some(Time(stored.ended)),
    }
}

fn progress(figures: &Figures) -> ResticProgress {
    let Told { seconds_elapsed, percent_done, total_files, files_done, done, total, speed } = figures.told();
    ResticProgress {
        seconds_elapsed,
        percent_done,
        total_files,
        files_done,
        backup_done: Some(done),
        total,
        speed,
    }
}

/// Writes one component of one Snapshot.
#[derive(Clone, Debug)]
pub struct Reporter {
    cluster: Cluster,
    snapshot: Snapshot,
    name: &'static str,
}

impl Reporter {
    /// Reports the component `name` of `snapshot`.
    #[must_use]
    pub fn new(cluster: &Cluster, snapshot: &Snapshot, name: &'static str) -> Self {
        Self { cluster: cluster.clone(), snapshot: snapshot.clone(), name }
    }

    /// Where the component is, relative to the Repository's path.
    #[must_use]
    pub fn path(&self) -> String {
        self.snapshot.component_path(self.name)
    }

    /// Writes the component once.
    pub async fn write(&self, component: Component) -> Result<(), Error> {
        let components = BTreeMap::from([(self.name.to_owned(), component)]);
        let status = SnapshotStatus { components, ..SnapshotStatus::default() };
        self.cluster.apply_status(&self.snapshot, &status).await.map(drop)
    }

    /// Writes the component, and tries again what may pass.
    pub async fn insist(&self, component: Component) -> Result<(), Error> {
        insist(|| self.write(component.clone())).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored() -> Stored {
        Stored {
            id: "ab".repeat(32),
            added: 831_488,
            bytes: 5_350_000,
            files: 793,
            host_path: "/kubestash-tmp/manifest".to_owned(),
            started: Timestamp::UNIX_EPOCH,
            ended: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_component_that_waits_for_a_lock_goes_on_and_names_its_holder() {
        let running = running("p", None);
        assert_eq!(waiting(running.clone(), None), running);
        let waiting = serde_json::to_value(waiting(running, Some("shared lock of a@b (process 1)"))).unwrap();
        assert_eq!(waiting["phase"], "Running");
        assert_eq!(waiting["error"], "the repository is locked: shared lock of a@b (process 1)");
    }

    #[test]
    fn a_component_that_ended_well_has_all_figures() {
        let finished = Finished {
            stored: Some(stored()),
            elapsed: Duration::from_millis(8140),
            size: Some(1_673_527),
            integrity: Some(true),
            error: None,
        };
        let component = serde_json::to_value(ended("repository/v1/nightly/manifest", &finished)).unwrap();
        assert_eq!(component["phase"], "Succeeded");
        assert_eq!(component["driver"], "Restic");
        assert_eq!(component["duration"], "8.2s");
        assert_eq!(component["size"], "1.596 MiB");
        assert_eq!(component["integrity"], true);
        assert_eq!(component["resticStats"][0]["summary"]["uploaded"], "812.000 KiB");
        assert_eq!(component["resticStats"][0]["summary"]["hostPath"], "/kubestash-tmp/manifest");
        assert_eq!(component["resticStats"][0]["progress"]["percentDone"], "100.00%");
    }

    #[test]
    fn a_component_that_failed_says_why_and_keeps_the_snapshot_that_was_kept() {
        let finished = Finished {
            stored: None,
            elapsed: Duration::from_secs(1),
            size: None,
            integrity: None,
            error: Some("no such bucket".to_owned()),
        };
        let component = serde_json::to_value(ended("p", &finished)).unwrap();
        assert_eq!(
            component,
            json!({"path": "p", "phase": "Failed", "driver": "Restic", "duration": "1s", "error": "no such bucket"})
        );
        let incomplete = Finished { stored: Some(stored()), ..finished };
        let component = serde_json::to_value(ended("p", &incomplete)).unwrap();
        assert_eq!(component["phase"], "Failed");
        assert_eq!(component["resticStats"][0]["summary"]["id"], "ab".repeat(32));
    }
}
