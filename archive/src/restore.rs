//! Bringing back what a snapshot holds: what would happen ([`plan`]), and making it happen ([`restore`]).
//!
//! Both are one and the same walk over the objects; a plan sends every write as `dryRun=All`, so that the API server
//! itself, with its admission, webhooks and quotas, says what it would do. What a plan says and what a restore did are
//! of one type, a [`Report`], and can be compared.
//!
//! An object is written by one request, in the order of what depends on what, in parallel within a tier, and its owners
//! are known by then. So a restore that is killed leaves nothing half done: the next one finds what is there unchanged and
//! makes the rest.

pub mod card;
pub mod choose;
pub mod compare;
pub mod ground;
pub mod kinds;
pub mod options;
pub mod preflight;
pub mod prepare;
pub mod problem;
pub mod progress;
pub mod references;
pub mod removed;
pub mod report;
pub mod tier;
pub mod transform;
pub mod verdict;

mod chosen;
mod collisions;
mod coming;
mod create;
mod draft;
mod existing;
mod fields;
mod identity;
mod lists;
mod namespaces;
mod outcome;
mod owners;
mod patch;
mod pods;
mod prune;
mod quota;
mod requests;
mod rounds;
mod source;
mod surplus;
mod types;
mod walk;
mod watch;

use std::sync::{Arc, RwLock};

use kube::Client;
use snafu::{ResultExt as _, Snafu, ensure};
use tokio_util::sync::CancellationToken;

use crate::api::{Api, Patience};
use crate::discovery::{self, Discovered, discover};
use crate::error::Permanence;
use crate::repository::look::Reader;
use chosen::Chosen;
use collisions::Collisions;
use coming::Coming;
use options::Options;
use owners::Owners;
use preflight::Missing;
use progress::Progress;
use quota::Demands;
use report::Report;
use requests::Requests;
use source::Contents;
use types::Types;
use walk::{Results, Walk};

/// What is brought back.
#[derive(Clone, Debug)]
pub struct Source {
    /// The repository.
    pub reader: Arc<Reader>,
    /// Id of the restic snapshot, in full.
    pub snapshot: String,
    /// The path in it below which the manifests are, for example `/kubestash-tmp/manifest`.
    pub root: String,
}

/// Why nothing can be said or done at all. What goes wrong with single objects is in the [`Report`].
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
pub enum Error {
    /// The snapshot cannot be read.
    #[snafu(display("failed to read the snapshot: {source}"))]
    Read {
        /// Why.
        source: crate::repository::Error,
    },
    /// The cluster does not say which types it has.
    #[snafu(display("{source}"))]
    Discover {
        /// Why.
        source: crate::discovery::Error,
    },
    /// What the snapshot lacks cannot be told from what the backup did not see.
    #[snafu(display("nothing can be removed: {reason}"))]
    Prune {
        /// Why.
        reason: &'static str,
    },
    /// Stopped from outside.
    #[snafu(display("the restore was stopped"))]
    Cancelled,
    /// The cluster is not any more what the plan was made for.
    #[snafu(display(
        "the cluster has changed since plan {expected} was shown: now it would be plan {found} ({now}); nothing was \
         changed"
    ))]
    Moved {
        /// The plan that was shown.
        expected: String,
        /// What it would be now.
        found: String,
        /// The new plan in a line.
        now: String,
    },
}

impl Error {
    /// Whether trying again can help.
    #[must_use]
    pub const fn permanence(&self) -> Permanence {
        match self {
            Self::Read { .. } | Self::Discover { .. } | Self::Cancelled => Permanence::Temporary,
            Self::Moved { .. } | Self::Prune { .. } => Permanence::Permanent,
        }
    }
}

/// What a restore would do, object by object. Writes nothing.
pub async fn plan(
    client: Client,
    source: &Source,
    options: &Options,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<Report, Error> {
    tokio::select! {
        biased;
        () = stop.cancelled() => CancelledSnafu.fail(),
        report = async {
            let read = Read::of(source, options).await?;
            run(&client, &read, progress, true).await
        } => report,
    }
}

/// Brings back what `options` ask for, and says what became of each object. With [`Options::plan`] it first looks whether
/// the plan that was shown still holds.
pub async fn restore(
    client: Client,
    source: &Source,
    options: &Options,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<Report, Error> {
    tokio::select! {
        biased;
        () = stop.cancelled() => CancelledSnafu.fail(),
        report = async {
            let read = Read::of(source, options).await?;
            if let Some(expected) = &options.plan {
                let now = run(&client, &read, &Progress::new(), true).await?;
                let (found, counts) = (now.plan_id(), now.counts());
                ensure!(found == *expected, MovedSnafu { expected, found, now: counts.planned() });
            }
            run(&client, &read, progress, false).await
        } => report,
    }
}

/// What was read once for all walks.
struct Read {
    options: Arc<Options>,
    contents: Contents,
    chosen: Chosen,
}

impl Read {
    async fn of(source: &Source, options: &Options) -> Result<Self, Error> {
        if options.prune {
            ensure!(options.covered.is_some(), PruneSnafu { reason: "what the backup covered is not known" });
            let reason = "what an incomplete backup lacks may exist all the same";
            ensure!(!options.incomplete, PruneSnafu { reason });
        }
        let options = Arc::new(options.clone());
        let contents = source::read(source, &options).await?;
        let chosen = Chosen::of(&contents, &options);
        Ok(Self { options, contents, chosen })
    }
}

async fn run(client: &Client, read: &Read, progress: &Progress, planning: bool) -> Result<Report, Error> {
    let Read { options, contents, chosen } = read;
    let api = Api::new(client.clone(), Patience::default());
    let taken = chosen.taken();
    progress.expect((taken.len() + chosen.lines.len()) as u64);
    for line in &chosen.lines {
        progress.add(&line.verdict, 0);
    }
    let mut warnings = contents.warnings.clone();
    let discovered = discover(&api).await.context(DiscoverSnafu)?;
    warnings.extend(discovered.warnings.iter().cloned());
    warnings.extend(unseen(&discovered));
    let missing = match preflight::missing(&api, walk::needs(contents, &taken, options)).await {
        Ok(missing) => missing,
        Err(error) => {
            warnings.push(format!("which rights are missing is not known: {error}"));
            Missing::default()
        }
    };
    warnings.extend(missing.rights().map(|right| format!("missing right: {right}")));
    let walk = Walk {
        options,
        contents,
        chosen,
        progress,
        requests: Requests::new(api, planning),
        types: RwLock::new(Types::of(discovered)),
        owners: Owners::of(&contents.cards, &taken),
        coming: Coming::default(),
        demands: Demands::default(),
        missing,
        collisions: Collisions::default(),
        surroundings: chosen.surroundings(contents, options),
    };
    finish(&walk, warnings).await
}

/// Walks, removes what is to be removed, and puts the report together.
async fn finish(walk: &Walk<'_>, mut warnings: Vec<String>) -> Result<Report, Error> {
    let mut results = Results::default();
    walk.rounds(&mut results).await?;
    warnings.extend(std::mem::take(&mut results.warnings));
    let mut lines = walk.lines(results);
    if walk.requests.planning() {
        warnings.extend(walk.demands.warnings(walk.requests.api(), &walk.coming).await);
    }
    lines.extend(walk.chosen.lines.iter().cloned());
    if let Some(covered) = walk.options.covered.as_ref().filter(|_| walk.options.prune) {
        let is_namespace = |line: &&report::Line| line.resource == "namespaces";
        let made = lines.iter().filter(is_namespace).map(|line| line.name.clone()).collect();
        let (pruned, noted) = walk.prune(covered, &made).await;
        lines.extend(pruned);
        warnings.extend(noted);
    }
    Ok(Report { lines, warnings })
}

/// Types that the cluster may have and does not tell.
fn unseen(discovered: &Discovered) -> Vec<String> {
    let told = |unseen: &discovery::Unseen| {
        format!("the types of {}/{} cannot be seen: its server does not answer", unseen.group, unseen.version)
    };
    discovered.unseen.iter().filter(|unseen| !unseen.aggregated).map(told).collect()
}
