//! `restore list`: what was brought back, the newest first.

use crds::core::RestoreSession;
use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::commands::list::{self, Alone, Row, SortBy};
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::restore::counts;
use crate::streams::Streams;

/// List restores, the newest first
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only restores in this phase
    #[arg(long, value_name = "PHASE")]
    phase: Option<String>,
    /// Only restores made since, for example 7d
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
        let wished = |_: &Alone<RestoreSession>, session: &RestoreSession| {
            let made = session.creation_timestamp().map(|time| time.0);
            self.phase.as_ref().is_none_or(|phase| phase.eq_ignore_ascii_case(&told_phase(session)))
                && since.is_none_or(|since| made.is_some_and(|made| made >= since))
        };
        self.list.run(wished, (context, streams)).await
    }
}

/// The phase as a cell.
#[must_use]
pub fn told_phase(session: &RestoreSession) -> String {
    // What the operator has not seen yet waits for it.
    let phase = session.status.as_ref().and_then(|status| status.phase);
    let pending = crds::core::restore_session::RestorePhase::Pending;
    list::phase(session, Some(phase.unwrap_or(pending)))
}

impl Row for RestoreSession {
    const HEADERS: &'static [&'static str] =
        &["NAMESPACE", "NAME", "SNAPSHOT", "PHASE", "RESTORED", "FAILED", "TOOK", "AGE"];
    const WIDE: &'static [&'static str] = &["REPOSITORY", "SERVICEACCOUNT"];
    const ORDER: SortBy = SortBy::Age;
    const HAS_SIZE: bool = false;

    fn cells(&self, now: Timestamp) -> Vec<String> {
        let source = self.spec.data_source.clone().unwrap_or_default();
        let status = self.status.clone().unwrap_or_default();
        let counts = status.components.values().find_map(counts);
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        vec![
            self.namespace().unwrap_or_default(),
            self.name_any(),
            source.snapshot,
            told_phase(self),
            number(counts.map(|counts| counts.created + counts.updated)),
            number(counts.map(|counts| counts.failed)),
            status.duration.unwrap_or_default(),
            list::age(self, now),
            source.repository,
            self.service_account().unwrap_or_default().to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::output;

    #[test]
    fn a_row_tells_what_a_person_asks_for() {
        let now: Timestamp = "2026-11-22T10:17:00Z".parse().unwrap();
        let session: RestoreSession = serde_json::from_value(json!({
            "metadata": {"name": "restore-shop-1", "namespace": "shop", "creationTimestamp": "2026-11-22T10:12:00Z"},
            "spec": {"dataSource": {"repository": "shop-repo", "snapshot": "shop-repo-1"}},
            "status": {"phase": "Failed", "duration": "8s", "components": {"manifest": {"objects": {"created": 2, "updated": 1, "failed": 3}}}},
        }))
        .unwrap();
        let fresh: RestoreSession =
            serde_json::from_value(json!({"metadata": {"name": "new", "namespace": "shop"}, "spec": {}}))
                .unwrap();
        assert_eq!(
            output::table(
                RestoreSession::HEADERS,
                &[session.cells(now)[..8].to_vec(), fresh.cells(now)[..8].to_vec()]
            ),
            "NAMESPACE   NAME             SNAPSHOT      PHASE     RESTORED   FAILED   TOOK     AGE\n\
             shop        restore-shop-1   shop-repo-1   Failed    3          3        8s       5m\n\
             shop        new              <none>        Pending   <none>     <none>   <none>   <none>\n"
        );
    }
}
