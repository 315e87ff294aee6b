//! A plan for programs, and what a restore did. Fields are added, never renamed.

use archive::restore::report::{Line, Report};
use serde_json::{Value, json};

use super::typed::Parameters;
use crate::failure::{Code, Failure};
use crate::output::{self, Format, Shape};

/// What a report is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// `RestorePlan`, `RestoreReport`.
    pub kind: &'static str,
    /// `namespace/name` of the Snapshot.
    pub snapshot: &'a str,
    /// Name of the kubeconfig context.
    pub context: &'a str,
    /// Whose rights were judged.
    pub as_whom: &'a str,
    /// What was asked for.
    pub parameters: &'a Parameters,
}

/// A report in a format; none for a table.
pub fn formatted(report: &Report, about: About<'_>, format: &Format) -> Result<Option<String>, Failure> {
    match format {
        Format::Table | Format::Wide => Ok(None),
        // What would be another one afterwards.
        Format::Name => {
            let changed = report.lines.iter().filter(|line| line.verdict.changes_something());
            Ok(Some(output::lines(changed.map(|line| format!("{}/{}", line.resource, line.name)))))
        }
        format => format.document(&[document(report, about)?], Shape::Named),
    }
}

fn document(report: &Report, about: About<'_>) -> Result<Value, Failure> {
    let lines: Result<Vec<Value>, serde_json::Error> = report.lines.iter().map(line).collect();
    let lines = lines
        .map_err(|error| Failure::new(Code::Fault, "could not write the plan").why(error.to_string()))?;
    Ok(json!({
        "kind": about.kind,
        "plan": report.plan_id(),
        "snapshot": about.snapshot,
        "context": about.context,
        "as": about.as_whom,
        "parameters": about.parameters.0,
        "counts": report.counts(),
        "warnings": report.warnings,
        "objects": lines,
    }))
}

/// A line without the digest of what is in the cluster, which means nothing outside.
fn line(line: &Line) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(line)?;
    if let Some(fields) = value.as_object_mut() {
        fields.remove("live");
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use archive::restore::verdict::Verdict;

    use super::*;

    #[test]
    fn a_plan_is_a_document_and_names_are_those_of_what_changes() {
        let one = |name: &str, verdict| Line {
            resource: "configmaps".into(),
            namespace: Some("shop".into()),
            name: name.into(),
            into: None,
            verdict,
            notes: Vec::new(),
            live: Some("digest".into()),
        };
        let report = Report {
            lines: vec![one("a", Verdict::Create), one("b", Verdict::Unchanged)],
            warnings: Vec::new(),
        };
        let parameters = Parameters::default();
        let about = About {
            kind: "RestorePlan",
            snapshot: "shop/s",
            context: "dev",
            as_whom: "you",
            parameters: &parameters,
        };
        assert_eq!(formatted(&report, about, &Format::Name).unwrap().unwrap(), "configmaps/a\n");
        assert_eq!(formatted(&report, about, &Format::Table).unwrap(), None);
        let value = document(&report, about).unwrap();
        assert_eq!(value["counts"]["created"], 1);
        assert_eq!(
            value["objects"][0],
            json!({"resource": "configmaps", "namespace": "shop", "name": "a", "verdict": "create"})
        );
        assert_eq!(value["plan"].as_str().unwrap().len(), 16);
    }
}
