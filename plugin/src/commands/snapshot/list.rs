//! `snapshot list`: what was backed up, the newest first.

use std::cmp::Reverse;

use clap::ValueEnum;
use crds::storage::Snapshot;
use crds::storage::snapshot::{COMPONENT_MANIFEST, ResticStats};
use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::commands::create;
use crate::commands::list::{self, Rows};
use crate::context::Context;
use crate::failure::Failure;
use crate::human;
use crate::streams::Streams;

/// What the rows are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// The newest first.
    #[default]
    Time,
    /// The largest first.
    Size,
    Name,
}

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
    /// What to sort by
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    sort_by: Sort,
    #[command(flatten)]
    list: list::Flags,
}

impl Args {
    /// Lists.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let now = context.environment.now();
        let since = self.since.as_deref().map(|text| list::since(text, now)).transpose()?;
        let namespace = self.list.namespace(context)?;
        let cluster = context.cluster().await?;
        let mut snapshots: Vec<Snapshot> = cluster.list(namespace.as_deref(), &self.list.selector).await?;
        if snapshots.is_empty() {
            create::installed(&cluster).await?;
        }
        snapshots.retain(|snapshot| self.is_wished(snapshot, since));
        sort(&mut snapshots, self.sort_by);
        let rows = |snapshots: &[Snapshot], wide| rows(snapshots, now, wide);
        self.list.print_objects(&snapshots, rows, (context, streams))
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

pub(super) fn objects(snapshot: &Snapshot) -> Option<i64> {
    let progress = stats(snapshot)?.progress?;
    progress.files_done.or(progress.total_files)
}

fn sort(snapshots: &mut [Snapshot], by: Sort) {
    match by {
        Sort::Time => snapshots.sort_by_key(|snapshot| (Reverse(taken(snapshot)), snapshot.name_any())),
        Sort::Size => snapshots.sort_by_key(|snapshot| (Reverse(sizes(snapshot).0), snapshot.name_any())),
        Sort::Name => snapshots.sort_by_key(|snapshot| (snapshot.namespace(), snapshot.name_any())),
    }
}

fn rows(snapshots: &[Snapshot], now: Timestamp, wide: bool) -> Rows {
    let mut headers =
        vec!["NAMESPACE", "NAME", "REPOSITORY", "SESSION", "TAKEN", "OBJECTS", "SIZE", "ADDED", "PHASE"];
    if wide {
        headers.extend(["INTEGRITY", "BACKUPSESSION", "RESTIC-ID"]);
    }
    Rows { headers, rows: snapshots.iter().map(|snapshot| row(snapshot, now, wide)).collect() }
}

fn row(snapshot: &Snapshot, now: Timestamp, wide: bool) -> Vec<String> {
    let (size, added) = sizes(snapshot);
    let bytes = |number: Option<u64>| number.map(human::bytes).unwrap_or_default();
    let mut row = vec![
        snapshot.namespace().unwrap_or_default(),
        snapshot.name_any(),
        snapshot.spec.repository.clone(),
        snapshot.spec.session.clone(),
        taken(snapshot).map(|taken| human::age_at(taken, now)).unwrap_or_default(),
        objects(snapshot).map(|number| number.to_string()).unwrap_or_default(),
        bytes(size),
        bytes(added),
        phase(snapshot),
    ];
    if wide {
        let integrity = snapshot.status.as_ref().and_then(|status| status.integrity);
        let id = stats(snapshot).and_then(|stats| stats.summary?.id).unwrap_or_default();
        row.push(integrity.map(|sound| sound.to_string()).unwrap_or_default());
        row.push(snapshot.spec.backup_session.clone());
        // As long as restic prints it.
        row.push(id.chars().take(8).collect());
    }
    row
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::output::{self, Format};

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
        sort(&mut snapshots, Sort::Time);
        let rows = rows(&snapshots, now, true);
        assert_eq!(
            output::table(&rows.headers, &rows.rows),
            "NAMESPACE   NAME   REPOSITORY   SESSION   TAKEN   OBJECTS   SIZE     ADDED    PHASE       INTEGRITY   BACKUPSESSION    RESTIC-ID\n\
             shop        new    shop-repo    nightly   8h      61        1.4 MB   2.1 kB   Succeeded   true        shop-nightly-1   59ec6904\n\
             shop        old    shop-repo    nightly   2d8h    <none>    <none>   <none>   Failed      true        shop-nightly-1   <none>\n"
        );
    }

    #[test]
    fn rows_can_be_chosen_and_sorted() {
        let list = list::Flags {
            all_namespaces: false,
            selector: String::new(),
            no_headers: false,
            output: Format::Table,
        };
        let with = |phase: Option<&str>, since: Option<&str>| {
            let args = Args {
                repository: Some("shop-repo".into()),
                session: None,
                phase: phase.map(str::to_owned),
                since: None,
                sort_by: Sort::Name,
                list: list.clone(),
            };
            let since = since.map(|text| text.parse().unwrap());
            let mut snapshots = two();
            snapshots.retain(|snapshot| args.is_wished(snapshot, since));
            sort(&mut snapshots, args.sort_by);
            list::in_full(&snapshots, Format::Name).unwrap().unwrap()
        };
        assert_eq!(
            with(None, None),
            "snapshot.storage.kubestash.com/new\nsnapshot.storage.kubestash.com/old\n"
        );
        assert_eq!(with(Some("succeeded"), None), "snapshot.storage.kubestash.com/new\n");
        assert_eq!(with(None, Some("2026-11-21T00:00:00Z")), "snapshot.storage.kubestash.com/new\n");
    }
}
