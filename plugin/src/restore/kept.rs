//! What became of each object of a restore, as its Job wrote it into the bucket: one JSON object per line.

use archive::restore::report::{Line, Report};
use archive::store;
use crds::core::RestoreSession;
use kube::ResourceExt as _;

use crate::cluster::Cluster;
use crate::failure::{Code, Failure};
use crate::repository::{self, Source};

/// The file in the bucket, if the restore has one.
#[must_use]
pub fn key(session: &RestoreSession) -> Option<&str> {
    let mut components = session.status.iter().flat_map(|status| status.components.values());
    components.find_map(|component| component.report.as_deref())
}

/// Reads the whole report; none, where the restore has written none.
pub async fn read(
    cluster: &Cluster,
    session: &RestoreSession,
    source: Source,
) -> Result<Option<Report>, Failure> {
    let Some(key) = key(session) else { return Ok(None) };
    let name = format!("RestoreSession {}/{}", session.namespace().unwrap_or_default(), session.name_any());
    let data = session.spec.data_source.clone().unwrap_or_default();
    let place = (session.source_namespace(), data.repository);
    // Which components there are is nothing to a file beside them.
    let found = repository::find(cluster, (&place.0, &place.1), &["manifest".to_owned()], source).await?;
    let what = format!("could not read the report of {name}");
    let file = found.bucket.store.get(key).await.map_err(|error| match error {
        store::Error::NotFound { .. } => Failure::new(Code::ObjectMissing, what.clone())
            .why(format!("{key} is not in the bucket any more")),
        other => repository::store_failure(&other, &what),
    })?;
    let mut report =
        lines(&file.content).map_err(|why| Failure::new(Code::RepositoryUnusable, what).why(why))?;
    let components = session.status.iter().flat_map(|status| status.components.values());
    report.warnings = components.flat_map(|component| component.warnings.iter().cloned()).collect();
    Ok(Some(report))
}

fn lines(bytes: &[u8]) -> Result<Report, String> {
    let mut lines: Vec<Line> = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        let read = serde_json::from_slice(line);
        lines.push(read.map_err(|error| format!("line {}: {error}", index + 1))?);
    }
    Ok(Report { lines, warnings: Vec::new() })
}

#[cfg(test)]
mod tests {
    use archive::restore::verdict::Verdict;

    use super::*;

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let line = |name: &str, verdict| Line {
            resource: "configmaps".into(),
            namespace: Some("shop".into()),
            name: name.into(),
            into: None,
            verdict,
            notes: vec!["a note".into()],
            live: None,
        };
        let report = Report {
            lines: vec![line("a", Verdict::Create), line("b", Verdict::Left { changes: Vec::new() })],
            warnings: Vec::new(),
        };
        assert_eq!(lines(&report.json_lines()).unwrap(), report);
        assert!(lines(b"{}\n").unwrap_err().starts_with("line 1: "));
    }
}
