//! `kubestash backup`: one pass over the API server into all repositories of a session (DESIGN §4).
//!
//! The repositories are independent: one that fails is reported and stops no other. What concerns all of them (the
//! API server cannot be read, the deadline, SIGTERM) fails each of them. Everything that was asked for is reported in
//! the Snapshots; the exit code says the same to Kubernetes.

mod destination;
mod gaps;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use archive::collect::{self, Limits, Output, Report, collect};
use archive::coverage;
use archive::error::Permanence;
use archive::progress::Progress;
use archive::scope::{self, Plan};
use crds::storage::snapshot::COMPONENT_MANIFEST;
use futures::future::join_all;
use kube::ResourceExt;
use snafu::{ResultExt, Snafu};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinError;

use super::report::Reporter;
use super::stop::Stop;
use super::{Failed, Failure, target, wipe};
use crate::args::Backup;
use crate::cluster::Cluster;
use crate::context;
use destination::{Collected, Copy, Site};
use work::{Destination, Work};

/// Batches that wait between the collection and a repository: what is read of a small cluster while a repository is
/// opened, which takes half a second.
const WAITING: usize = 32;

/// Why a backup is not complete. What concerns single repositories is in their Snapshots.
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
    /// The session's objects cannot be read.
    #[snafu(display("{source}"))]
    Read {
        /// Why.
        source: target::Error,
    },
    /// At least one repository has no complete backup.
    #[snafu(display("{failed} of {total} repositories have no complete backup: {first}"))]
    Incomplete {
        /// How many.
        failed: usize,
        /// Of how many.
        total: usize,
        /// What the first of them says.
        first: String,
        /// Whether trying again can help any of them.
        permanence: Permanence,
    },
}

impl Failure for Error {
    fn permanence(&self) -> Permanence {
        match self {
            Self::Connect { .. } | Self::Signals { .. } => Permanence::Temporary,
            Self::Read { source } => source.permanence(),
            Self::Incomplete { permanence, .. } => *permanence,
        }
    }
}

/// Makes the backup that the session wants.
pub async fn run(arguments: Backup) -> Result<(), Error> {
    let cluster = super::connect(arguments.pod.clone()).await.context(ConnectSnafu)?;
    let work =
        work::read(&cluster, &arguments.namespace, &arguments.backupsession).await.context(ReadSnafu)?;
    let remaining = work.deadline.map(|deadline| deadline.duration_since(context::now()));
    let stop = Stop::watch("backup", remaining).context(SignalsSnafu)?;
    let total = work.destinations.len();
    tracing::info!(
        namespace = arguments.namespace,
        backupsession = arguments.backupsession,
        repositories = total,
        "backup begins"
    );
    let failed: Vec<Failed> =
        back_up(&cluster, &arguments, work, &stop).await.into_iter().flatten().collect();
    let Some(first) = failed.first() else { return Ok(()) };
    let is_temporary = failed.iter().any(|one| one.permanence.is_temporary());
    let permanence = if is_temporary { Permanence::Temporary } else { Permanence::Permanent };
    IncompleteSnafu { failed: failed.len(), total, first: first.message.clone(), permanence }.fail()
}

/// Gives the failure of each repository that failed.
async fn back_up(cluster: &Cluster, arguments: &Backup, work: Work, stop: &Stop) -> Vec<Option<Failed>> {
    let plan = plan(arguments, &work);
    let (collected, _) = watch::channel(None::<Collected>);
    let (opening, cancel) = (Arc::new(Mutex::new(())), stop.token().child_token());
    let mut outputs = Vec::new();
    let mut copies = Vec::new();
    for Destination { snapshot, target } in work.destinations {
        let (entries, receiver) = mpsc::channel(WAITING);
        let progress = Arc::new(Progress::new());
        outputs.push(Output { entries, progress: Arc::clone(&progress) });
        copies.push(Copy {
            reporter: Reporter::new(cluster, &snapshot, COMPONENT_MANIFEST),
            target,
            progress,
            entries: receiver,
            collected: collected.subscribe(),
            stop: stop.clone(),
            site: Site {
                root: root(&arguments.scratch_dir),
                tag: format!("{}{}", wipe::SESSION_TAG, work.session.name_any()),
                pod: arguments.pod.clone(),
                opening: Arc::clone(&opening),
                cancel: cancel.clone(),
            },
        });
    }
    let ended = join_all(copies.into_iter().map(|copy| tokio::spawn(copy.run())));
    // Senders of our own keep the streams open until it is known how the collection ended.
    let open: Vec<_> = outputs.iter().map(|output| output.entries.clone()).collect();
    let outcome = match plan {
        Ok(plan) => read_cluster(cluster, &plan, outputs, stop).await,
        Err(error) => Err(Failed { message: error.to_string(), permanence: Permanence::Permanent }),
    };
    if outcome.is_err() {
        cancel.cancel();
    }
    collected.send_replace(Some(outcome));
    drop(open);
    let lost = |error: JoinError| Failed { message: error.to_string(), permanence: Permanence::Temporary };
    ended.await.into_iter().map(|joined| joined.unwrap_or_else(|error| Some(lost(error)))).collect()
}

/// Where the files appear in the snapshot: KubeStash's path, which exists there only (DESIGN §4 rule 11).
fn root(scratch: &str) -> String {
    let scratch = scratch.trim_end_matches('/');
    let scratch = if scratch.is_empty() { "/kubestash-tmp" } else { scratch };
    format!("{scratch}/{COMPONENT_MANIFEST}")
}

/// What is to be read: the target of the Snapshots, which have the same, and the parameters.
fn plan(arguments: &Backup, work: &Work) -> Result<Plan, scope::Error> {
    let home = work.session.namespace().unwrap_or_default();
    let target = work.destinations.iter().find_map(|destination| {
        let spec = &destination.snapshot.spec;
        coverage::target_of(spec.app_ref.as_ref()?, &home)
    });
    scope::decide(target.as_ref(), &parameters(arguments))
}

/// The parameters under the names that the Addon gives them (contract §7.1, §7.8).
fn parameters(arguments: &Backup) -> BTreeMap<String, String> {
    let Backup { filters, sanitize, label_selector, include_dependants, .. } = arguments;
    let given = [
        ("sanitize", sanitize),
        ("labelSelector", label_selector),
        ("includeDependants", include_dependants),
    ];
    filters.parameters().chain(given).map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

async fn read_cluster(cluster: &Cluster, plan: &Plan, outputs: Vec<Output>, stop: &Stop) -> Collected {
    match collect(cluster.client().clone(), plan, &Limits::default(), outputs, stop.token()).await {
        Ok(report) => {
            log(&report);
            Ok(Arc::new(report))
        }
        Err(collect::Error::Cancelled) => Err(stop.failed()),
        Err(error) => Err(Failed { message: error.to_string(), permanence: error.permanence() }),
    }
}

fn log(report: &Report) {
    let Report { types, objects, bytes, gaps, warnings } = report;
    tracing::info!(types, objects, bytes, gaps = gaps.len(), "the cluster was read");
    for warning in warnings {
        tracing::warn!(warning, "something was left out");
    }
    for gap in gaps {
        tracing::warn!(gap = gap.to_string(), "something could not be read");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_path_in_the_snapshot_is_that_of_kubestash() {
        for (scratch, root) in [
            ("/kubestash-tmp", "/kubestash-tmp/manifest"),
            ("/tmp/", "/tmp/manifest"),
            ("", "/kubestash-tmp/manifest"),
        ] {
            assert_eq!(super::root(scratch), root);
        }
    }
}
