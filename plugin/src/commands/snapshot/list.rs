//! `snapshot list`: what was backed up, the newest first.

use crds::storage::Snapshot;
use crds::storage::snapshot::{COMPONENT_MANIFEST, ResticStats};
use jiff::Timestamp;
use kube::ResourceExt;

use crate::commands::list::{self, Alone, Row, SortBy};
use crate::context::Context;
use crate::failure::Failure;
use crate::human;
use crate::streams::Streams;

/// List snapshots, the newest first
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only snapshots of this Repository
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// Only snapshots of this session
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
    /// Only snapshots in this phase
    #[arg(long, value_name = "PHASE")]
    phase: Option<String>,
    /// Only snapshots taken since, for example 7d
    #[arg(long, value_name = "SPAN")]
    since: Option<String>,
    #[command(flatten)]
    list: list::Flags,
}

impl Args {
    /// Lists.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let now = context.environment.now();
        let since = self.since.as_deref().map(|text| list::since(text, now)).transpose()?;
        let wished = |_: &Alone<Snapshot>, snapshot: &Snapshot| self.is_wished(snapshot, since);
        self.list.run(wished, (context, streams)).await
    }

    fn is_wished(&self, snapshot: &Snapshot, since: Option<Timestamp>) -> bool {
        let phase = phase(snapshot);
        self.repository.as_ref().is_none_or(|name| snapshot.spec.repository == *name)
            && self.session.as_ref().is_none_or(|name| snapshot.spec.session == *name)
            && self.phase.as_ref().is_none_or(|wished| wished.eq_ignore_ascii_case(&phase))
            && since.is_none_or(|since| taken(snapshot).is_some_and(|taken| taken >= since))
    }
}

/// When the cluster was as the snapshot has it.
pub(super) fn taken(snapshot: &Snapshot) -> Option<Timestamp> {
    let time = snapshot.status.as_ref().and_then(|status| status.snapshot_time.clone());
    time.or_else(|| snapshot.creation_timestamp()).map(|time| time.0)
}

fn phase(snapshot: &Snapshot) -> String {
    snapshot
        .status
        .as_ref()
        .and_then(|status| status.phase)
        .map_or_else(String::new, |phase| phase.to_string())
}

pub(super) fn stats(snapshot: &Snapshot) -> Option<ResticStats> {
    let components = &snapshot.status.as_ref()?.components;
    let component = components.get(COMPONENT_MANIFEST).or_else(|| components.values().next())?;
    component.restic_stats.first().cloned()
}

/// Bytes that the snapshot holds, and new bytes that it added.
pub(super) fn sizes(snapshot: &Snapshot) -> (Option<u64>, Option<u64>) {
    let summary = stats(snapshot).and_then(|stats| stats.summary).unwrap_or_default();
    let bytes = |text: Option<String>| text.and_then(|text| crds::size::parse(&text).ok());
    (bytes(summary.size), bytes(summary.uploaded))
}

/// How many objects a snapshot holds.
#[must_use]
pub fn objects(snapshot: &Snapshot) -> Option<i64> {
    let progress = stats(snapshot)?.progress?;
    progress.files_done.or(progress.total_files)
}

impl Row for Snapshot {
    const HEADERS: &'static [&'static str] =
        &["NAMESPACE", "NAME", "REPOSITORY", "SESSION", "TAKEN", "OBJECTS", "SIZE", "ADDED", "PHASE"];
    const WIDE: &'static [&'static str] = &["INTEGRITY", "BACKUPSESSION", "RESTIC-ID"];
    const ORDER: SortBy = SortBy::Age;

    fn cells(&self, now: Timestamp) -> Vec<String> {
        let (size, added) = sizes(self);
        let bytes = |number: Option<u64>| number.map(human::bytes).unwrap_or_default();
        let integrity = self.status.as_ref().and_then(|status| status.integrity);
        let id = stats(self).and_then(|stats| stats.summary?.id).unwrap_or_default();
        vec![
            self.namespace().unwrap_or_default(),
            self.name_any(),
            self.spec.repository.clone(),
            self.spec.session.clone(),
            taken(self).map(|taken| human::age_at(taken, now)).unwrap_or_default(),
            objects(self).map(|number| number.to_string()).unwrap_or_default(),
            bytes(size),
            bytes(added),
            phase(self),
            integrity.map(|sound| sound.to_string()).unwrap_or_default(),
            self.spec.backup_session.clone(),
            // As long as restic prints it.
            id.chars().take(8).collect(),
        ]
    }

    fn size(&self) -> Option<u64> {
        sizes(self).0
    }

    fn time(&self) -> Option<Timestamp> {
        taken(self)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::output;

    fn snapshot(name: &str, taken: &str, phase: &str, stats: &Value) -> Snapshot {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"repository": "shop-repo", "session": "nightly", "backupSession": "shop-nightly-1"},
            "status": {"phase": phase, "snapshotTime": taken, "integrity": true, "components": {
                "manifest": {"resticStats": [stats]}}},
        }))
        .unwrap()
    }

    fn two() -> Vec<Snapshot> {
        let summary = json!({"id": "59ec69047a367e56", "size": "1.335 MiB", "uploaded": "2.051 KiB"});
        let whole = json!({"progress": {"totalFiles": 61}, "summary": summary});
        vec![
            snapshot("old", "2026-11-20T02:17:00Z", "Failed", &json!({})),
            snapshot("new", "2026-11-22T02:17:00Z", "Succeeded", &whole),
        ]
    }

    #[test]
    fn a_row_tells_what_a_person_asks_for() {
        let now: Timestamp = "2026-11-22T10:17:00Z".parse().unwrap();
        let mut snapshots = two();
        Snapshot::ORDER.sort(&Alone::<Snapshot>::default(), &mut snapshots).unwrap();
        let rows: Vec<Vec<String>> = snapshots.iter().map(|snapshot| snapshot.cells(now)).collect();
        assert_eq!(
            output::table(&[Snapshot::HEADERS, Snapshot::WIDE].concat(), &rows),
            "NAMESPACE   NAME   REPOSITORY   SESSION   TAKEN   OBJECTS   SIZE     ADDED    PHASE       INTEGRITY   BACKUPSESSION    RESTIC-ID\n\
             shop        new    shop-repo    nightly   8h      61        1.4 MB   2.1 kB   Succeeded   true        shop-nightly-1   59ec6904\n\
             shop        old    shop-repo    nightly   2d8h    <none>    <none>   <none>   Failed      true        shop-nightly-1   <none>\n"
        );
    }

    #[test]
    fn rows_can_be_chosen() {
        let with = |phase: Option<&str>, since: Option<&str>| {
            let words = ["list", "--repository", "shop-repo"];
            let words = words.into_iter().chain(phase.into_iter().flat_map(|phase| ["--phase", phase]));
            let args = Typed::parse_from(words).args;
            let since = since.map(|text| text.parse().unwrap());
            let mut snapshots = two();
            snapshots.retain(|snapshot| args.is_wished(snapshot, since));
            snapshots.iter().map(ResourceExt::name_any).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(with(None, None), "old new");
        assert_eq!(with(Some("succeeded"), None), "new");
        assert_eq!(with(None, Some("2026-11-21T00:00:00Z")), "new");
    }

    #[derive(clap::Parser)]
    struct Typed {
        #[command(flatten)]
        args: Args,
    }
}
