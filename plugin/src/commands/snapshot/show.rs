//! `snapshot show`: one snapshot in full.

use crds::storage::Snapshot;
use crds::storage::snapshot::{Component, VerificationStatus};
use jiff::Timestamp;
use kube::ResourceExt as _;

use super::list::taken;
use super::which;
use crate::card::Card;
use crate::cluster::Cluster;
use crate::commands::show::{self, Shown};
use crate::commands::{list, lookup, removal};
use crate::context::Context;
use crate::failure::Failure;
use crate::glance;
use crate::human;
use crate::look::finding;
use crate::output::Format;
use crate::streams::Streams;

/// Show snapshots in full: components, sizes, integrity, errors, and what deletion does
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Names of snapshots, their beginnings or those of restic ids, latest, or latest~1 for the one before
    #[arg(required_unless_present_any = ["selector", "all"], value_name = "NAME")]
    names: Vec<String>,
    /// Only snapshots of this Repository
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// The snapshots with these labels
    #[arg(short = 'l', long, conflicts_with = "names", value_name = "LABELS")]
    selector: Option<String>,
    /// All snapshots of the namespace
    #[arg(long, conflicts_with_all = ["names", "selector"])]
    all: bool,
    /// Output format
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    output: Format,
}

impl Args {
    /// Shows.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let snapshots = if self.names.is_empty() {
            let choice = lookup::Choice { names: Vec::new(), selector: self.selector, all: self.all };
            let mut found: Vec<Snapshot> = choice.objects(&cluster, &namespace).await?;
            found.retain(|found| self.repository.as_ref().is_none_or(|name| found.spec.repository == *name));
            found
        } else {
            which::meant(&cluster, &namespace, (&self.names, self.repository.as_deref())).await?
        };
        show::print(&snapshots, &self.output, (&cluster, &namespace), (context, streams)).await
    }
}

impl Shown for Snapshot {
    type Surroundings = ();

    async fn surroundings(_: &[Self], _: &Cluster, _: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn card(&self, (): &(), _: &Context, now: Timestamp) -> Card {
        card(self, now)
    }
}

fn card(snapshot: &Snapshot, now: Timestamp) -> Card {
    let status = snapshot.status.clone().unwrap_or_default();
    let phase = list::phase(snapshot, status.phase);
    let taken = taken(snapshot).map(|time| format!("{time}   {} ago", human::age_at(time, now)));
    let integrity = match status.integrity {
        Some(true) => "sound",
        Some(false) => "damaged",
        None => "not checked yet",
    };
    let verified = match status.verification_status {
        Some(VerificationStatus::Verified) => "yes",
        Some(VerificationStatus::VerificationFailed) => "failed",
        Some(VerificationStatus::NotVerified) | None => "no",
    };
    let components: Vec<Vec<String>> =
        status.components.iter().map(|(name, component)| row(name, component)).collect();
    let errors: Vec<String> = status
        .components
        .iter()
        .filter_map(|(name, component)| Some(format!("{name}: {}", component.error.as_ref()?)))
        .collect();
    Card::default()
        .row("Snapshot", format!("{}   {phase}", lookup::place(snapshot)))
        .row("Taken", taken.unwrap_or_default())
        .row("Repository", snapshot.spec.repository.clone())
        .row("Session", snapshot.spec.session.clone())
        .row("Run", snapshot.spec.backup_session.clone())
        .row("Integrity", integrity)
        .row("Verified", verified)
        .row("Restore", how_to_restore(snapshot))
        .row("When deleted", removal::fate(snapshot.deletion_policy()))
        .row("Error", errors.join("\n"))
        .table(&["COMPONENT", "PHASE", "OBJECTS", "SIZE", "ADDED", "TOOK", "RESTIC-ID"], &components)
}

/// The command that shows what would come back; nothing of a snapshot that holds nothing.
fn how_to_restore(snapshot: &Snapshot) -> String {
    if !finding::is_stored(snapshot) {
        return String::new();
    }
    let (namespace, name) = (snapshot.namespace().unwrap_or_default(), snapshot.name_any());
    format!("kubectl kubestash restore plan {name} -n {namespace}")
}

fn row(name: &str, component: &Component) -> Vec<String> {
    let stats = component.restic_stats.first().cloned().unwrap_or_default();
    let summary = stats.summary.unwrap_or_default();
    let objects = stats.progress.and_then(|progress| progress.files_done.or(progress.total_files));
    vec![
        name.to_owned(),
        component.phase.map(|phase| phase.to_string()).unwrap_or_default(),
        objects.map(|number| number.to_string()).unwrap_or_default(),
        glance::size(summary.size.as_ref()),
        glance::size(summary.uploaded.as_ref()),
        component.duration.clone().unwrap_or_default(),
        summary.id.unwrap_or_default(),
    ]
}
