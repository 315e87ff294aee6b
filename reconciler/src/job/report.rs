//! What a Job writes into `Snapshot.status.components`: itself alone, as field manager `kubestash-job` (contract
//! §1.5, §8.6).

use std::collections::BTreeMap;
use std::time::Duration;

use crds::storage::snapshot::{
    Component, ComponentPhase, Driver, ResticProgress, ResticStats, ResticSummary,
};
use crds::storage::{Snapshot, SnapshotStatus};
use crds::{duration, size};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::cluster::{Cluster, Error};
use crate::disposition::Disposition;

/// Pauses between the attempts to write a status: five attempts, from 10 s on doubling (contract §8.6). The total
/// stays below five minutes.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(10), Duration::from_secs(20), Duration::from_secs(40), Duration::from_secs(80)];

/// Figures of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Files done.
    pub files: u64,
    /// Files expected, when known.
    pub total_files: Option<u64>,
    /// Bytes done, as they were read.
    pub bytes: u64,
    /// Since the run began.
    pub elapsed: Duration,
}

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

/// Progress counts files where it can: how many bytes there will be is known only at the end.
fn progress(figures: &Figures) -> ResticProgress {
    let Figures { files, total_files, bytes, elapsed } = *figures;
    let is_over = total_files == Some(files);
    let percent = total_files.filter(|total| *total > 0).map(|total| hundredths(files.min(total), total));
    let seconds = elapsed.as_secs();
    ResticProgress {
        seconds_elapsed: i64::try_from(seconds).ok(),
        percent_done: percent
            .filter(|(whole, hundredths)| whole + hundredths > 0)
            .map(|(whole, hundredths)| format!("{whole}.{hundredths:02}%")),
        total_files: total_files.and_then(|total| i64::try_from(total).ok()),
        files_done: i64::try_from(files).ok(),
        backup_done: Some(decimal(bytes)),
        total: (is_over && bytes > 0).then(|| decimal(bytes)),
        speed: (seconds > 0).then(|| format!("{}/s", decimal(bytes / seconds))),
    }
}

/// Percent and hundredths of a percent.
fn hundredths(done: u64, total: u64) -> (u64, u64) {
    let share = u64::try_from(u128::from(done) * 10_000 / u128::from(total)).unwrap_or(10_000);
    (share / 100, share % 100)
}

/// A size as progress shows it: decimal units, four significant digits, `393.9MB`.
fn decimal(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let mut unit = 0;
    let mut scale = 1_u64;
    while unit + 1 < UNITS.len() && bytes / scale >= 1000 {
        scale *= 1000;
        unit += 1;
    }
    let whole = bytes / scale;
    // Four digits in all, the last ones dropped rather than rounded up to another unit.
    let digits = 4 - whole.to_string().len();
    let fraction =
        u128::from(bytes % scale) * 10_u128.pow(u32::try_from(digits).unwrap_or(0)) / u128::from(scale);
    let fraction = format!("{fraction:0digits$}");
    let fraction = fraction.trim_end_matches('0');
    let point = if digits == 0 || fraction.is_empty() { "" } else { "." };
    format!("{whole}{point}{}{}", if point.is_empty() { "" } else { fraction }, UNITS[unit])
}

/// A duration in tenths of a second, as `8.2s`.
fn tenths(elapsed: Duration) -> String {
    let tenths = i64::try_from(elapsed.as_millis().div_ceil(100)).unwrap_or(i64::MAX / 100);
    duration::format(SignedDuration::from_millis(tenths * 100))
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
        let mut pauses = PAUSES.into_iter();
        loop {
            let error = match self.write(component.clone()).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            // Forbidden is tried again as well: the right may just be on its way to the API server.
            let may_pass =
                error.disposition() == Disposition::Retry && !error.is_not_found() && !error.is_conflict();
            let Some(pause) = pauses.next().filter(|_| may_pass) else { return Err(error) };
            tracing::warn!(error = error.to_string(), "the status was not written, and is tried again");
            tokio::time::sleep(pause).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_of_progress_are_decimal_with_four_digits() {
        for (bytes, text) in [
            (0, "0B"),
            (999, "999B"),
            (1000, "1kB"),
            (1024, "1.024kB"),
            (1_500_000, "1.5MB"),
            (393_940_000, "393.9MB"),
            (999_999, "999.9kB"),
            (1_000_000_000, "1GB"),
            (u64::MAX, "18.44EB"),
        ] {
            assert_eq!(decimal(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn progress_says_what_is_known() {
        let figures = |files, total_files, bytes, seconds| Figures {
            files,
            total_files,
            bytes,
            elapsed: Duration::from_secs(seconds),
        };
        for (figures, expected) in [
            (figures(0, None, 0, 0), json!({"secondsElapsed": 0, "filesDone": 0, "backupDone": "0B"})),
            (
                figures(5, None, 5000, 2),
                json!({"secondsElapsed": 2, "filesDone": 5, "backupDone": "5kB", "speed": "2.5kB/s"}),
            ),
            (
                figures(1, Some(3), 100, 0),
                json!({"secondsElapsed": 0, "percentDone": "33.33%", "totalFiles": 3, "filesDone": 1, "backupDone": "100B"}),
            ),
            (
                figures(0, Some(3), 0, 1),
                json!({"secondsElapsed": 1, "totalFiles": 3, "filesDone": 0, "backupDone": "0B", "speed": "0B/s"}),
            ),
            (
                figures(3, Some(3), 300, 1),
                json!({"secondsElapsed": 1, "percentDone": "100.00%", "totalFiles": 3, "filesDone": 3, "backupDone": "300B", "total": "300B", "speed": "300B/s"}),
            ),
        ] {
            assert_eq!(serde_json::to_value(progress(&figures)).unwrap(), expected);
        }
    }

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
