//! What the restore Job writes into `RestoreSession.status.components`: itself alone, as field manager `kubestash-job`
//! (contract §1.9, §8.6).

use std::collections::BTreeMap;
use std::time::Duration;

use archive::restore::progress::Progress;
use archive::restore::report::Counts;
use crds::core::RestoreSession;
use crds::core::restore_session::{
    ComponentRestoreStatus, RestorePhase, RestoreProgress, RestoreSessionStatus, RestoredObjects,
};
use crds::storage::snapshot::COMPONENT_MANIFEST;

use super::{Done, outcome};
use crate::cluster::{Cluster, Error};
use crate::job::Failed;
use crate::job::figures::{Figures, Told, tenths};
use crate::job::insist::insist;

/// A restore that has ended, however.
#[derive(Debug)]
pub struct Ended {
    /// What became of how many objects.
    pub counts: Counts,
    /// Since the Job began.
    pub elapsed: Duration,
    /// Why it failed, if it did.
    pub failed: Option<Failed>,
    figures: Figures,
    failures: Vec<String>,
    warnings: Vec<String>,
    file: Option<String>,
}

impl Ended {
    /// The end of a restore. One that did not get to its end tells how far it was.
    pub fn new(outcome: Result<Done, Failed>, progress: &Progress, elapsed: Duration) -> Self {
        let (done, failed) = match outcome {
            Ok(done) => (Some(done), None),
            Err(failed) => (None, Some(failed)),
        };
        let report = done.as_ref().map(|done| &done.report);
        let counts = report.map_or_else(|| progress.counts(), archive::restore::report::Report::counts);
        let total = report.map_or_else(|| progress.total(), |report| u64::try_from(report.lines.len()).ok());
        Self {
            counts,
            elapsed,
            failed: failed.or_else(|| report.and_then(outcome::failed)),
            figures: figures(&counts, total, progress.bytes(), elapsed),
            failures: report.map(outcome::failures).unwrap_or_default(),
            warnings: report.map(outcome::warnings).unwrap_or_default(),
            file: done.and_then(|done| done.file),
        }
    }

    /// Why it failed, for people.
    pub fn error(&self) -> Option<&str> {
        self.failed.as_ref().map(|failed| failed.message.as_str())
    }
}

/// The figures of a restore; a file is an object.
pub fn figures(counts: &Counts, total: Option<u64>, bytes: u64, elapsed: Duration) -> Figures {
    let Counts { created, unchanged, updated, left, skipped, pruned, failed } = *counts;
    let files = created + unchanged + updated + left + skipped + pruned + failed;
    Figures { files, total_files: total, bytes, elapsed }
}

/// The component of a restore that has begun. While somebody else's lock is in the way, `holder` says whose: of a
/// component that goes on, the error is what it waits for.
pub fn running(now: Option<(&Figures, &Counts)>, holder: Option<String>) -> ComponentRestoreStatus {
    ComponentRestoreStatus {
        phase: Some(RestorePhase::Running),
        progress: now.map(|(figures, _)| progress(figures)),
        objects: now.map(|(_, counts)| objects(counts)),
        error: holder.map(|holder| format!("the repository is locked: {holder}")),
        ..ComponentRestoreStatus::default()
    }
}

/// The component of a restore that has ended.
pub fn ended(ended: &Ended) -> ComponentRestoreStatus {
    let Ended { counts, elapsed, failed, figures, failures, warnings, file } = ended;
    ComponentRestoreStatus {
        phase: Some(if failed.is_none() { RestorePhase::Succeeded } else { RestorePhase::Failed }),
        progress: Some(progress(figures)),
        duration: Some(tenths(*elapsed)),
        error: ended.error().map(str::to_owned),
        objects: Some(objects(counts)),
        failures: failures.clone(),
        warnings: warnings.clone(),
        report: file.clone(),
    }
}

fn progress(figures: &Figures) -> RestoreProgress {
    let Told { seconds_elapsed, percent_done, total_files, files_done, done, total, speed } = figures.told();
    RestoreProgress {
        seconds_elapsed,
        percent_done,
        total_files,
        files_done,
        restore_done: Some(done),
        total,
        speed,
    }
}

fn objects(counts: &Counts) -> RestoredObjects {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let Counts { created, unchanged, updated, left, skipped, pruned, failed } = *counts;
    RestoredObjects {
        created: number(created),
        unchanged: number(unchanged),
        updated: number(updated),
        left: number(left),
        skipped: number(skipped),
        pruned: number(pruned),
        failed: number(failed),
    }
}

/// Writes the component of one RestoreSession.
#[derive(Clone, Debug)]
pub struct Reporter {
    cluster: Cluster,
    session: RestoreSession,
}

impl Reporter {
    /// Reports the restore of `session`.
    pub fn new(cluster: &Cluster, session: &RestoreSession) -> Self {
        Self { cluster: cluster.clone(), session: session.clone() }
    }

    /// Writes the component once.
    pub async fn write(&self, component: ComponentRestoreStatus) -> Result<(), Error> {
        let components = BTreeMap::from([(COMPONENT_MANIFEST.to_owned(), component)]);
        let status = RestoreSessionStatus { components, ..RestoreSessionStatus::default() };
        self.cluster.apply_status(&self.session, &status).await.map(drop)
    }

    /// Writes the component, and tries again what may pass.
    pub async fn insist(&self, component: ComponentRestoreStatus) -> Result<(), Error> {
        insist(|| self.write(component.clone())).await
    }
}

#[cfg(test)]
mod tests {
    use archive::error::Permanence;
    use archive::restore::report::{Line, Report};
    use archive::restore::verdict::Verdict;
    use serde_json::json;

    use super::*;

    fn line(name: &str, verdict: Verdict) -> Line {
        Line {
            resource: "configmaps".to_owned(),
            namespace: Some("shop".to_owned()),
            name: name.to_owned(),
            into: None,
            verdict,
            notes: Vec::new(),
            live: None,
        }
    }

    #[test]
    fn a_restore_that_ended_well_says_all_there_is() {
        let report = Report {
            lines: vec![line("a", Verdict::Create), line("b", Verdict::Unchanged)],
            warnings: vec![],
        };
        let done = Done { report, file: Some("shop/restores/demo-again.jsonl".to_owned()) };
        let progress = Progress::new();
        progress.add(&Verdict::Create, 3000);
        let ended = Ended::new(Ok(done), &progress, Duration::from_millis(2040));
        assert_eq!(
            serde_json::to_value(super::ended(&ended)).unwrap(),
            json!({
                "phase": "Succeeded",
                "duration": "2.1s",
                "progress": {"secondsElapsed": 2, "percentDone": "100.00%", "totalFiles": 2, "filesDone": 2,
                             "restoreDone": "3kB", "total": "3kB", "speed": "1.5kB/s"},
                "objects": {"created": 1, "unchanged": 1, "updated": 0, "left": 0, "skipped": 0, "pruned": 0, "failed": 0},
                "report": "shop/restores/demo-again.jsonl",
            })
        );
    }

    #[test]
    fn a_restore_that_was_stopped_says_how_far_it_was() {
        let progress = Progress::new();
        progress.expect(4);
        progress.add(&Verdict::Create, 100);
        let stopped = Failed { message: "deadline exceeded".to_owned(), permanence: Permanence::Temporary };
        let ended = Ended::new(Err(stopped), &progress, Duration::from_secs(1));
        let component = serde_json::to_value(super::ended(&ended)).unwrap();
        assert_eq!(
            (&component["phase"], &component["error"]),
            (&json!("Failed"), &json!("deadline exceeded"))
        );
        assert_eq!(component["progress"]["percentDone"], "25.00%");
        assert_eq!(component["objects"]["created"], 1);
    }

    #[test]
    fn a_restore_that_waits_for_a_lock_goes_on_and_names_its_holder() {
        let component = serde_json::to_value(running(None, Some("a@b".to_owned()))).unwrap();
        assert_eq!(component, json!({"phase": "Running", "error": "the repository is locked: a@b"}));
    }
}
