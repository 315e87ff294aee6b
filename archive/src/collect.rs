//! From the API server to a stream of files: every object in scope, each type from one list, in the order of the tree.
//!
//! Several types are read at the same time and handed out one after the other, each in pages, each page made into files
//! while the next one is on its way. What waits is bounded: some pages and batches per type in work, whatever the size
//! of the cluster. Memory is that and the chain of names in [`crate::order`].
//!
//! A type that cannot be read, or only in part, stops no other: it becomes a [`Gap`] in the [`Report`]. **A stream that
//! has ended is not a complete backup; only a report without gaps says so.** When [`collect`] fails, or its future is
//! dropped, the stream ends as well.
//!
//! The backup is not of one instant: each type is read at its own time, and a list that expires is continued with
//! later objects. What is created while its type is read may be in this backup or the next.

mod application;
mod arrange;
mod convert;
mod deliver;
mod jobs;
mod lane;
mod listing;
mod page;
pub mod report;
mod totals;
mod work;

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::Client;
use snafu::{ResultExt as _, Snafu};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::api::{self, Api, JSON, Patience};
use crate::discovery::{self, ResourceType, Served, discover};
use crate::entry::Batch;
use crate::error::Permanence;
use crate::progress::Progress;
use crate::scope::{Plan, Scope};
use crate::select::NameFilter;
pub use report::{Cause, Gap, Report};

use arrange::{Arrangement, Extent, Stop};
use convert::Shape;
use jobs::{Job, Portion, Work};
use lane::{Abandoned, Lane};
use listing::{Listing, METADATA, Next, Query};
use totals::Totals;

/// What a collection may use of the API server and of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of a single request.
    pub patience: Patience,
    /// Types that are read at the same time, waiting ones included.
    pub types: usize,
    /// About how many bytes a page has.
    pub page_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { patience: Patience::default(), types: 8, page_bytes: 2 * 1024 * 1024 }
    }
}

/// Why nothing can be collected at all. A part that is missing is a [`Gap`] instead.
#[derive(Debug, Snafu)]
pub enum Error {
    /// No types, no backup.
    #[snafu(display("{source}"))]
    Discover {
        /// Why.
        source: discovery::Error,
    },
    /// The target's kind.
    #[snafu(display("the cluster has no kind {kind:?} in API group {group:?} that could be backed up"))]
    UnknownKind {
        /// The group.
        group: String,
        /// The kind.
        kind: String,
    },
    /// Objects of the target's kind lie in namespaces.
    #[snafu(display("the target {kind} {name:?} has no namespace"))]
    NoNamespace {
        /// The kind.
        kind: String,
        /// The name.
        name: String,
    },
    /// The target does not exist.
    #[snafu(display("the target {kind} {name:?} does not exist"))]
    NoTarget {
        /// The kind.
        kind: String,
        /// The name.
        name: String,
    },
    /// The target cannot be read.
    #[snafu(display("failed to read the target {kind} {name:?}: {source}"))]
    Target {
        /// The kind.
        kind: String,
        /// The name.
        name: String,
        /// Why.
        source: api::Error,
    },
    /// The server does not understand the selector.
    #[snafu(display("the label selector {selector:?} is not valid: {source}"))]
    Selector {
        /// The selector.
        selector: String,
        /// What the server says.
        source: api::Error,
    },
    /// All receivers were dropped.
    #[snafu(display("nobody takes the files any more"))]
    Abandoned,
    /// The token said so.
    #[snafu(display("the collection was cancelled"))]
    Cancelled,
}

impl Error {
    /// Whether trying again may help.
    #[must_use]
    pub fn permanence(&self) -> Permanence {
        let refused = |error: &api::Error| matches!(error.status(), Some(400..=404));
        match self {
            Self::Discover { source: discovery::Error::Ask { source } } | Self::Target { source, .. }
                if refused(source) =>
            {
                Permanence::Permanent
            }
            Self::UnknownKind { .. }
            | Self::NoNamespace { .. }
            | Self::NoTarget { .. }
            | Self::Selector { .. } => Permanence::Permanent,
            Self::Discover { .. } | Self::Target { .. } | Self::Abandoned | Self::Cancelled => {
                Permanence::Temporary
            }
        }
    }
}

/// One repository that takes all files, and whom to tell how many there will be.
#[derive(Clone, Debug)]
pub struct Output {
    /// Dropping the receiver stops this output only.
    pub entries: mpsc::Sender<Batch>,
    /// Gets the expected number of objects; what is done counts the repository itself.
    pub progress: Arc<Progress>,
}

/// Reads all that `plan` is about through `client` and hands each file to every output. Returns when all types are
/// through; the senders are dropped then.
///
/// The client should be made with [`api::configure`].
pub async fn collect(
    client: Client,
    plan: &Plan,
    limits: &Limits,
    outputs: Vec<Output>,
    cancel: &CancellationToken,
) -> Result<Report, Error> {
    let api = Api::new(client, limits.patience);
    tokio::select! {
        biased;
        () = cancel.cancelled() => CancelledSnafu.fail(),
        outcome = run(&api, plan, limits, outputs) => outcome,
    }
}

async fn run(api: &Api, plan: &Plan, limits: &Limits, outputs: Vec<Output>) -> Result<Report, Error> {
    let (discovered, namespaces) = futures::join!(discover(api), existing_namespaces(api, plan));
    let discovered = discovered.context(DiscoverSnafu)?;
    check_selector(api, plan).await?;
    check_namespace(api, plan).await?;
    let work = match &plan.scope {
        Scope::Cluster | Scope::Namespace { .. } => jobs::lists(plan, &discovered),
        Scope::Application(target) => application::work(api, plan, target, &discovered, limits).await?,
    };
    let mut warnings = misspelt_namespaces(plan, namespaces.as_ref());
    let progress = outputs.iter().map(|output| Arc::clone(&output.progress)).collect();
    let Work { jobs, gaps, warnings: noted } = work;
    let totals = Totals::new(progress, jobs.len(), is_countable(plan));
    let reader = Reader { api, plan, limits, namespaces, totals };
    let mut report = deliver::all(&reader, &jobs, outputs).await?;
    warnings.extend(noted);
    report.gaps.splice(0..0, gaps);
    report.warnings.splice(0..0, warnings);
    reader.totals.finish(report.objects);
    Ok(report)
}

/// The namespaces at the beginning of the run; none when they may not be listed, or when nobody needs to know.
async fn existing_namespaces(api: &Api, plan: &Plan) -> Option<BTreeSet<String>> {
    if plan.scope != Scope::Cluster {
        return None;
    }
    let of = ResourceType {
        group: String::new(),
        plural: "namespaces".to_owned(),
        namespaced: false,
        versions: vec![Served {
            version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            status_subresource: true,
        }],
        aggregated: false,
    };
    let query = Query { of: &of, namespace: None, selector: None, accept: METADATA };
    let mut listing = Listing::new(api, query, Limits::default().page_bytes);
    let mut names = BTreeSet::new();
    loop {
        match listing.next().await {
            Next::Part(part) => names.extend(part.items.iter().filter_map(application::name)),
            Next::End => return Some(names),
            Next::Gone | Next::Broken(_) => return None,
        }
    }
}

fn misspelt_namespaces(plan: &Plan, namespaces: Option<&BTreeSet<String>>) -> Vec<String> {
    let Some(namespaces) = namespaces else { return Vec::new() };
    let literal = plan.filters.namespaces.literal().unwrap_or_default();
    let missing = literal.into_iter().filter(|name| !namespaces.contains(*name));
    missing.map(|name| format!("IncludeNamespaces names {name:?}, which does not exist")).collect()
}

/// Whether the server's count of objects is the number of files.
fn is_countable(plan: &Plan) -> bool {
    let filters = &plan.filters;
    let all_namespaces = filters.namespaces == NameFilter::default();
    filters.labels.is_open() && (all_namespaces || filters.namespaces.literal().is_some())
}

/// A selector that the server refuses would otherwise be a gap of every type.
async fn check_selector(api: &Api, plan: &Plan) -> Result<(), Error> {
    let Some(selector) = &plan.filters.label_selector else { return Ok(()) };
    // Where the reader has rights: who may not list is told that first.
    let literal = plan.filters.namespaces.literal().unwrap_or_default();
    let namespace = match &plan.scope {
        Scope::Cluster => literal.first().copied(),
        Scope::Namespace { name } => Some(name.as_str()),
        Scope::Application(target) => target.namespace.as_deref(),
    };
    let place = namespace.map(|name| format!("/namespaces/{}", api::encoded(name))).unwrap_or_default();
    let path = format!("/api/v1{place}/pods?limit=1&labelSelector={}", api::encoded(selector));
    match api.get(&path, JSON).await {
        Err(error) if error.status() == Some(400) => Err(error).context(SelectorSnafu { selector }),
        _ => Ok(()),
    }
}

/// A namespace that does not exist would otherwise be an empty backup. That it cannot be read is told at its turn.
async fn check_namespace(api: &Api, plan: &Plan) -> Result<(), Error> {
    let Scope::Namespace { name } = &plan.scope else { return Ok(()) };
    match api.get(&format!("/api/v1/namespaces/{}", api::encoded(name)), JSON).await {
        Err(error) if error.is_absent() => NoTargetSnafu { kind: "Namespace", name }.fail(),
        _ => Ok(()),
    }
}

/// What all types are read with.
pub(crate) struct Reader<'a> {
    api: &'a Api,
    plan: &'a Plan,
    limits: &'a Limits,
    namespaces: Option<BTreeSet<String>>,
    totals: Totals,
}

impl Reader<'_> {
    fn listing<'a>(&'a self, of: &'a ResourceType, namespace: Option<&'a str>) -> Listing<'a> {
        let selector = self.plan.filters.label_selector.as_deref();
        Listing::new(self.api, Query { of, namespace, selector, accept: JSON }, self.limits.page_bytes)
    }

    fn shape(&self, of: &ResourceType) -> Arc<Shape> {
        Arc::new(Shape {
            group_resource: of.group_resource(),
            labels: self.plan.filters.labels.clone(),
            sanitize: self.plan.sanitize,
        })
    }

    fn admits_namespace(&self, namespace: &str) -> bool {
        self.plan.filters.namespaces.admits(namespace)
    }

    fn admits(&self, namespace: Option<&str>) -> bool {
        namespace.is_none_or(|namespace| self.admits_namespace(namespace))
    }

    /// Whether a namespace is to be read and may exist.
    fn has_namespace(&self, namespace: &str) -> bool {
        let exists = self.namespaces.as_ref().is_none_or(|known| known.contains(namespace));
        exists && self.admits_namespace(namespace)
    }

    /// Reads one type.
    async fn read(&self, job: &Job, lane: &mut Lane) -> Result<(), Abandoned> {
        match &job.part {
            Portion::All => self.read_list(&job.of, None, lane).await,
            Portion::Within(namespaces) => {
                for namespace in namespaces {
                    self.read_list(&job.of, Some(namespace), lane).await?;
                }
                Ok(())
            }
            Portion::Only(places) => {
                lane.expect(&self.totals, places.len() as u64);
                application::read_objects(self, &job.of, places, lane).await
            }
        }
    }

    async fn read_list(
        &self,
        of: &ResourceType,
        namespace: Option<&str>,
        lane: &mut Lane,
    ) -> Result<(), Abandoned> {
        let shape = self.shape(of);
        let before = lane.handed_out();
        if !of.aggregated {
            let extent = if namespace.is_some() { Extent::Namespace } else { Extent::All };
            let arrangement = Arrangement::new(self, of, Arc::clone(&shape), lane, extent);
            match arrangement.read(self.listing(of, namespace)).await {
                Ok(()) => return Ok(()),
                Err(Stop::Unwanted { source }) => return Err(source),
                Err(stop @ Stop::Unsorted { .. }) => {
                    tracing::warn!(resource = of.group_resource(), error = %stop, "a list is read again as a whole");
                }
            }
        }
        let listing = self.listing(of, namespace);
        let entries = arrange::read_whole(self, of, &shape, lane, listing).await;
        arrange::hand_out_sorted(of, lane, entries, before).await
    }
}
