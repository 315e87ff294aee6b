//! One repository of a backup: opened, written, verified, checked, measured, and reported throughout.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use archive::collect::Report;
use archive::entry::Batch;
use archive::error::Permanence;
use archive::progress::Progress;
use archive::repository::{self, BackupRequest, Repository};
use crds::storage::snapshot::COMPONENT_MANIFEST;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::gaps;
use crate::context;
use crate::job::figures::Figures;
use crate::job::report::{self, Finished, Reporter, Stored};
use crate::job::stop::Stop;
use crate::job::target::{self, Target};
use crate::job::{Failed, tick};

/// Whose lock is in the way.
type Telling = watch::Sender<Option<String>>;

/// How the collection ended.
pub type Collected = Result<Arc<Report>, Failed>;

/// What all repositories of a backup have in common.
#[derive(Debug)]
pub struct Site {
    /// The path in the snapshot below which the files are.
    pub root: String,
    /// The tag of the restic snapshot.
    pub tag: String,
    /// The name of the pod.
    pub pod: Option<String>,
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
    pub entries: mpsc::Receiver<Batch>,
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
        let (telling, waits) = watch::channel(None);
        let ticker = tick(self.reporter.clone(), Arc::clone(&self.progress), waits, start);
        let work = async {
            tokio::select! {
                finished = self.copy(telling, start) => finished,
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

    async fn copy(self, telling: Telling, began: Instant) -> (Finished, Permanence) {
        let stop = self.stop.clone();
        let mut finished =
            Finished { stored: None, elapsed: Duration::ZERO, size: None, integrity: None, error: None };
        let outcome = self.write(telling, &mut finished).await;
        finished.elapsed = began.elapsed();
        let mut permanence = Permanence::Permanent;
        if let Err(failed) = outcome {
            let failed = if stop.is_requested() { stop.failed() } else { failed };
            finished.error = Some(failed.message);
            permanence = failed.permanence;
        }
        (finished, permanence)
    }

    async fn write(self, telling: Telling, finished: &mut Finished) -> Result<(), Failed> {
        let Self { reporter: _, target, progress, entries, mut collected, stop: _, site } = self;
        let target =
            target.map_err(|error| Failed { message: error.to_string(), permanence: error.permanence() })?;
        let stream = Stream { entries, progress, telling, collected: collected.clone() };
        let trouble = match work(target, stream, site, finished).await {
            Ok(()) => return Ok(()),
            Err(trouble) => trouble,
        };
        match trouble {
            Trouble::Failed(failed) => Err(failed),
            // By a collection that failed, which says why; or by the wish to stop, which the caller knows of.
            Trouble::Cancelled => {
                let outcome =
                    collected.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
                Err(outcome.and_then(Result::err).unwrap_or_else(|| Failed {
                    message: "cancelled".to_owned(),
                    permanence: Permanence::Temporary,
                }))
            }
        }
    }
}

/// What comes from the cluster.
struct Stream {
    entries: mpsc::Receiver<Batch>,
    progress: Arc<Progress>,
    telling: Telling,
    collected: watch::Receiver<Option<Collected>>,
}

/// What ends the work on a repository before its end.
enum Trouble {
    Cancelled,
    Failed(Failed),
}

impl From<repository::Error> for Trouble {
    fn from(error: repository::Error) -> Self {
        match error {
            repository::Error::Cancelled => Self::Cancelled,
            error => Self::Failed(error.into()),
        }
    }
}

/// Opens the repository and fills it, under one lock.
async fn work(target: Target, stream: Stream, site: Site, finished: &mut Finished) -> Result<(), Trouble> {
    let Target { store, directory, password, jobs, secrets: _ } = target;
    let worker = jobs.worker(site.pod.as_deref());
    let place = repository::Site { store, directory, worker, cancel: site.cancel.clone() };
    let repository = {
        let _one_at_a_time = site.opening.lock().await;
        Repository::open_or_initialise(place, &password)
            .await?
            .asking(Arc::new(jobs))
            .telling_waits(stream.telling.clone())
    };
    repository.hold().await?;
    let outcome = fill(&repository, stream, site, finished).await;
    repository.release().await;
    outcome
}

async fn fill(
    repository: &Repository,
    stream: Stream,
    site: Site,
    finished: &mut Finished,
) -> Result<(), Trouble> {
    let (started, Stream { entries, progress, telling: _, mut collected }) = (context::now(), stream);
    let request = BackupRequest {
        entries,
        host: COMPONENT_MANIFEST.to_owned(),
        root: site.root.clone(),
        tags: vec![site.tag],
        time: started,
        progress,
    };
    let stored = repository.backup(request).await?;
    // The stream has ended, so the collection has told how.
    let report = collected.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
    let report = report.and_then(Result::ok).ok_or(Trouble::Cancelled)?;
    let id = if report.is_complete() { stored.id } else { repository.mark_incomplete(&stored.id).await? };
    finished.stored = Some(Stored {
        id,
        added: stored.added,
        bytes: stored.bytes,
        files: stored.files,
        host_path: site.root,
        started,
        ended: context::now(),
    });
    finished.size = Some(repository.size().await?);
    let problems = repository.check().await?;
    finished.integrity = Some(problems.is_empty());
    if let Some(first) = problems.first() {
        return Err(Trouble::Failed(damaged(problems.len(), first)));
    }
    if report.is_complete() { Ok(()) } else { Err(Trouble::Failed(incomplete(&report))) }
}

fn damaged(problems: usize, first: &str) -> Failed {
    let message = format!("the repository is damaged, {problems} problems were found, the first: {first}");
    Failed { message, permanence: Permanence::Permanent }
}

fn incomplete(report: &Report) -> Failed {
    let is_temporary = report.gaps.iter().all(|gap| gap.permanence().is_temporary());
    let permanence = if is_temporary { Permanence::Temporary } else { Permanence::Permanent };
    Failed { message: gaps::describe(&report.gaps), permanence }
}

/// Reports progress, and whose lock it waits for, until it is dropped.
async fn tick(
    reporter: Reporter,
    progress: Arc<Progress>,
    waits: watch::Receiver<Option<String>>,
    began: Instant,
) -> Infallible {
    let path = reporter.path();
    let look = || (progress.objects(), progress.bytes(), waits.borrow().clone());
    tick::tick(look, |(files, bytes, holder)| {
        let figures =
            Figures { files, total_files: progress.total_objects(), bytes, elapsed: began.elapsed() };
        let component = report::waiting(report::running(&path, Some(&figures)), holder.as_deref());
        let reporter = &reporter;
        async move { reporter.write(component).await }
    })
    .await
}
