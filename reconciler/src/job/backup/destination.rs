//! One repository of a backup: opened, written, verified, checked, measured, and reported throughout.

use std::sync::Arc;
use std::time::{Duration, Instant};

use archive::collect::Report;
use archive::entry::Entry;
use archive::error::Permanence;
use archive::progress::Progress;
use archive::repository::{self, BackupRequest, Repository};
use archive::worker::Worker;
use crds::storage::snapshot::COMPONENT_MANIFEST;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::stop::Stop;
use super::{Failed, gaps};
use crate::context;
use crate::job::report::{self, Figures, Finished, Reporter, Stored};
use crate::job::target::{self, Target};

/// How the collection ended.
pub type Collected = Result<Arc<Report>, Failed>;

/// Shortest time between two reports of progress.
const SHORTEST: Duration = Duration::from_secs(2);
/// Longest time between two reports of progress, also when there is none.
const LONGEST: Duration = Duration::from_secs(10);

/// What all repositories of a backup have in common.
#[derive(Debug)]
pub struct Site {
    /// The path in the snapshot below which the files are.
    pub root: String,
    /// The tag of the restic snapshot.
    pub tag: String,
    /// Who works.
    pub worker: Worker,
    /// Cancelled before the streams end when they are not complete: a stream that just ends looks complete.
    pub cancel: CancellationToken,
    /// Repositories are opened one after the other: each takes 128 MiB for its key derivation.
    pub opening: Arc<Mutex<()>>,
}

/// A copy of the stream into one repository.
#[derive(Debug)]
pub struct Copy {
    /// Where it is reported.
    pub reporter: Reporter,
    /// Where it goes, or why that is not known.
    pub target: Result<Target, target::Error>,
    /// How far it is.
    pub progress: Arc<Progress>,
    /// The files.
    pub entries: mpsc::Receiver<Arc<Entry>>,
    /// How the collection ended, once it has.
    pub collected: watch::Receiver<Option<Collected>>,
    /// Whether to stop.
    pub stop: Stop,
    /// What it has in common with the others.
    pub site: Site,
}

impl Copy {
    /// Makes the copy and reports it. Gives what went wrong.
    pub async fn run(self) -> Option<Failed> {
        let (reporter, start) = (self.reporter.clone(), Instant::now());
        let path = reporter.path();
        let first = reporter.insist(report::running(&path, None));
        let ticker = tick(self.reporter.clone(), Arc::clone(&self.progress), start);
        let work = async {
            tokio::select! {
                finished = self.copy(start) => finished,
                never = ticker => match never {},
            }
        };
        // The work does not wait for the first report, but the first report does not come after the last.
        let (first, (finished, permanence)) = tokio::join!(first, work);
        if let Err(error) = first {
            tracing::warn!(error = error.to_string(), "the begin of a component was not reported");
        }
        tracing::info!(component = path, error = finished.error, elapsed = ?finished.elapsed, "a component has ended");
        let last = reporter.insist(report::ended(&path, &finished)).await;
        let failed = finished.error.map(|message| Failed { message, permanence });
        match last {
            Ok(()) => failed,
            Err(error) => Some(Failed {
                message: format!("the result was not reported: {error}"),
                permanence: Permanence::Temporary,
            }),
        }
    }

    async fn copy(self, began: Instant) -> (Finished, Permanence) {
        let stop = self.stop.clone();
        let mut finished =
            Finished { stored: None, elapsed: Duration::ZERO, size: None, integrity: None, error: None };
        let outcome = self.write(&mut finished).await;
        finished.elapsed = began.elapsed();
        let mut permanence = Permanence::Permanent;
        if let Err(failed) = outcome {
            let failed = if stop.is_requested() { stop.failed() } else { failed };
            finished.error = Some(failed.message);
            permanence = failed.permanence;
        }
        (finished, permanence)
    }

    async fn write(self, finished: &mut Finished) -> Result<(), Failed> {
        let Self { reporter: _, target, progress, entries, mut collected, stop: _, site } = self;
        let Target { store, directory, password } =
            target.map_err(|error| Failed { message: error.to_string(), permanence: error.permanence() })?;
        let Site { root, tag, worker, opening, cancel } = site;
        let (clock, started) = (Arc::clone(&worker.clock), context::now());
        let repository = {
            let _one_at_a_time = opening.lock().await;
            let place = repository::Site { store, directory, worker, cancel };
            Repository::open_or_initialise(place, &password).await.map_err(failed)?
        };
        let request = BackupRequest {
            entries,
            host: COMPONENT_MANIFEST.to_owned(),
            root: root.clone(),
            tags: vec![tag],
            time: started,
            progress,
        };
        let stored = match repository.backup(request).await {
            // The collection failed, and says why.
            Err(repository::Error::Cancelled) => None,
            stored => Some(stored.map_err(failed)?),
        };
        let collected = collected.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
        let lost = || Failed { message: "cancelled".to_owned(), permanence: Permanence::Temporary };
        let collected = collected.ok_or_else(lost)??;
        let stored = stored.ok_or_else(lost)?;
        let id = if collected.is_complete() {
            stored.id
        } else {
            repository.mark_incomplete(&stored.id).await.map_err(failed)?
        };
        finished.stored = Some(Stored {
            id,
            added: stored.added,
            bytes: stored.bytes,
            files: stored.files,
            host_path: root,
            started,
            ended: clock(),
        });
        judge(&repository, finished).await?;
        if collected.is_complete() { Ok(()) } else { Err(incomplete(&collected)) }
    }
}

/// Size and integrity of the repository. A repository that is not sound fails the component.
async fn judge(repository: &Repository, finished: &mut Finished) -> Result<(), Failed> {
    finished.size = Some(repository.size().await.map_err(failed)?);
    let problems = repository.check().await.map_err(failed)?;
    finished.integrity = Some(problems.is_empty());
    match problems.first() {
        None => Ok(()),
        Some(first) => Err(Failed {
            message: format!(
                "the repository is damaged, {} problems were found, the first: {first}",
                problems.len()
            ),
            permanence: Permanence::Permanent,
        }),
    }
}

fn incomplete(report: &Report) -> Failed {
    let is_temporary = report.gaps.iter().all(|gap| gap.permanence().is_temporary());
    let permanence = if is_temporary { Permanence::Temporary } else { Permanence::Permanent };
    Failed { message: gaps::describe(&report.gaps), permanence }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err takes")]
fn failed(error: repository::Error) -> Failed {
    Failed { permanence: error.permanence(), message: error.to_string() }
}

/// Reports progress until it is dropped.
async fn tick(reporter: Reporter, progress: Arc<Progress>, began: Instant) -> std::convert::Infallible {
    let path = reporter.path();
    let (mut last, mut at) = (None, Instant::now());
    loop {
        tokio::time::sleep(SHORTEST).await;
        let (files, bytes) = (progress.objects(), progress.bytes());
        if last == Some((files, bytes)) && at.elapsed() < LONGEST {
            continue;
        }
        let figures =
            Figures { files, total_files: progress.total_objects(), bytes, elapsed: began.elapsed() };
        if let Err(error) = reporter.write(report::running(&path, Some(&figures))).await {
            tracing::warn!(error = error.to_string(), "progress was not reported");
        }
        (last, at) = (Some((files, bytes)), Instant::now());
    }
}
