//! `kubestash restore`: brings back what a RestoreSession names (DESIGN §2, contract §8.7).
//!
//! The Job runs as the ServiceAccount that the user named and writes with its rights alone. What it can say is in the
//! status of its session, while it works and in the end; what became of each object is in a file in the storage.

mod outcome;
mod protected;
mod report;
mod work;

use std::sync::Arc;
use std::time::Instant;

use archive::bucket;
use archive::error::Permanence;
use archive::lock::{self, Mode};
use archive::repository::look::Reader;
use archive::repository::{self, Repository};
use archive::restore::progress::Progress;
use archive::restore::report::Report;
use archive::restore::{self, Source};
use archive::store;
use crds::core::RestoreSession;
use kube::ResourceExt;
use snafu::{OptionExt, ResultExt, Snafu};
use tokio::sync::watch;

use super::stop::Stop;
use super::{Failed, Failure, permanence, tick};
use crate::args::Restore;
use crate::cluster::{self, Cluster};
use crate::context;
use report::{Ended, Reporter};
use work::Work;

/// Why a restore is not complete.
#[derive(Debug, Snafu)]
pub enum Error {
    /// No cluster.
    #[snafu(display("failed to find the API server: {source}"))]
    Connect {
        /// Why.
        source: kube::Error,
    },
    /// No handler for SIGTERM.
    #[snafu(display("failed to handle signals: {source}"))]
    Signals {
        /// Why.
        source: std::io::Error,
    },
    /// The API server said no, or nothing.
    #[snafu(display("{source}"))]
    Cluster {
        /// Why.
        source: cluster::Error,
    },
    /// No such session.
    #[snafu(display("RestoreSession \"{name}\" does not exist"))]
    NoSession {
        /// Its name.
        name: String,
    },
    /// What the session was told.
    #[snafu(display("{message}"))]
    Incomplete {
        /// What.
        message: String,
        /// Whether trying again can help.
        permanence: Permanence,
    },
}

impl Failure for Error {
    fn permanence(&self) -> Permanence {
        match self {
            Self::Connect { .. } | Self::Signals { .. } => Permanence::Temporary,
            Self::Cluster { source } => permanence(source),
            Self::NoSession { .. } => Permanence::Permanent,
            Self::Incomplete { permanence, .. } => *permanence,
        }
    }
}

/// Whose lock is in the way.
type Telling = watch::Sender<Option<String>>;

/// Restores what the session wants.
pub async fn run(arguments: Restore) -> Result<(), Error> {
    let cluster = super::connect(arguments.pod.clone()).await.context(ConnectSnafu)?;
    let Restore { namespace, restoresession: name, snapshot, .. } = &arguments;
    let session = cluster.find::<RestoreSession>(namespace, name).await.context(ClusterSnafu)?;
    let session = session.context(NoSessionSnafu { name })?;
    let deadline = session.status.as_ref().and_then(|status| status.restore_deadline.as_ref());
    let remaining = deadline.map(|deadline| deadline.0.duration_since(context::now()));
    let stop = Stop::watch("restore", remaining).context(SignalsSnafu)?;
    tracing::info!(namespace, restoresession = name, snapshot, "restore begins");

    let (progress, start) = (Arc::new(Progress::new()), Instant::now());
    let (telling, waits) = watch::channel(None);
    let reporter = Reporter::new(&cluster, &session);
    let first = reporter.insist(report::running(None, None));
    let look = || (progress.counts(), progress.total(), progress.bytes(), waits.borrow().clone());
    let ticker = tick::tick(look, |(counts, total, bytes, holder)| {
        let figures = report::figures(&counts, total, bytes, start.elapsed());
        let (component, reporter) = (report::running(Some((&figures, &counts)), holder), &reporter);
        async move { reporter.write(component).await }
    });
    let work = async {
        tokio::select! {
            outcome = restore(&cluster, (&arguments, &session), &progress, (telling, &stop)) => outcome,
            never = ticker => match never {},
        }
    };
    // The work does not wait for the first report, but the first report does not come after the last.
    let (first, outcome) = tokio::join!(first, work);
    if let Err(error) = first {
        tracing::warn!(error = error.to_string(), "the begin of the restore was not reported");
    }
    let ended = Ended::new(outcome, &progress, start.elapsed());
    tracing::info!(counts = ended.counts.done(), error = ended.error(), elapsed = ?ended.elapsed, "the restore has ended");
    let last = reporter.insist(report::ended(&ended)).await;
    last.context(ClusterSnafu)?;
    match ended.failed {
        Some(Failed { message, permanence }) => IncompleteSnafu { message, permanence }.fail(),
        None => Ok(()),
    }
}

/// What came of a restore that went to its end.
#[derive(Debug)]
pub struct Done {
    /// What became of each object.
    report: Report,
    /// The file that says so, when it could be written.
    file: Option<String>,
}

async fn restore(
    cluster: &Cluster,
    (arguments, session): (&Restore, &RestoreSession),
    progress: &Progress,
    (telling, stop): (Telling, &Stop),
) -> Result<Done, Failed> {
    let work = work::read(cluster, arguments, session).await?;
    let restored = restore_from(cluster, &work, progress, (telling, stop)).await;
    let report = match restored {
        Err(_) if stop.is_requested() => return Err(stop.failed()),
        restored => restored?,
    };
    for warning in &report.warnings {
        tracing::warn!(warning, "something is worth knowing");
    }
    let name = (arguments.namespace.as_str(), arguments.restoresession.as_str());
    let lines = report.json_lines();
    let written = bucket::write_restore_report(&*work.target.store, &work.path, name, lines).await;
    let file = written
        .inspect_err(|error| tracing::warn!(error = error.to_string(), "the report was not kept"))
        .ok();
    Ok(Done { report, file })
}

/// Opens the repository and restores from it, under a shared lock: what is read must not be pruned meanwhile.
async fn restore_from(
    cluster: &Cluster,
    work: &Work,
    progress: &Progress,
    (telling, stop): (Telling, &Stop),
) -> Result<Report, Failed> {
    let place = repository::Site {
        store: Arc::clone(&work.target.store),
        directory: work.target.directory.clone(),
        worker: work.jobs.worker(work.pod.as_deref()),
        cancel: stop.token().clone(),
    };
    let repository = Repository::open(place, &work.target.password).await?;
    let repository = repository.asking(Arc::new(work.jobs.clone())).telling_waits(telling);
    let lock = match repository.lock(Mode::Shared).await {
        Ok(lock) => lock,
        // Whoever has lost a cluster may have nothing but a key that reads. A lock that is in the way was waited for.
        Err(error) if is_denied(&error) => {
            let mut report = read_and_write(cluster, work, repository, (progress, stop)).await?;
            report.warnings.push(format!("no lock was taken, nobody must prune meanwhile: {error}"));
            return Ok(report);
        }
        Err(error) => return Err(error.into()),
    };
    let outcome = tokio::select! {
        outcome = read_and_write(cluster, work, repository, (progress, stop)) => outcome,
        () = lock.lost().cancelled() => Err(Failed {
            message: "the lock of the repository was lost: its storage could not be written for too long".to_owned(),
            permanence: Permanence::Temporary,
        }),
    };
    if let Err(error) = lock.release().await {
        tracing::warn!(error = error.to_string(), "the lock was not released and will go stale");
    }
    outcome
}

/// Whether the storage does not let us write a lock.
const fn is_denied(error: &repository::Error) -> bool {
    matches!(
        error,
        repository::Error::Lock {
            source: lock::Error::Store { source: store::Error::AccessDenied { .. }, .. },
            ..
        }
    )
}

async fn read_and_write(
    cluster: &Cluster,
    work: &Work,
    repository: Repository,
    (progress, stop): (&Progress, &Stop),
) -> Result<Report, Failed> {
    let reader = Arc::new(Reader::of(repository).await?);
    let source = Source { reader, snapshot: work.stored.id.clone(), root: work.stored.root.clone() };
    let restored =
        restore::restore(cluster.client().clone(), &source, &work.options, progress, stop.token()).await;
    restored.map_err(|error| Failed { message: error.to_string(), permanence: error.permanence() })
}

/// The namespace of the session, in which its Job runs.
fn home(session: &RestoreSession) -> String {
    session.namespace().unwrap_or_default()
}
