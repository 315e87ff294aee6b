//! `debug operator`: the Deployment, its pods, and what they complain about.

use std::fmt::Write as _;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::LogParams;
use serde_json::Value;

use super::redact::Redactor;
use super::{Finding, render};
use crate::cluster::Cluster;
use crate::commands::version::OPERATOR_LABEL;
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::human;
use crate::output;
use crate::pods;
use crate::streams::Streams;

/// How many lines at the end of a log are searched for complaints, and how many of those are shown.
const SEARCHED: i64 = 2000;
const SHOWN: usize = 10;

/// Look at the operator: its Deployment, its pods, what it complains about
#[derive(Debug, clap::Args)]
pub struct Args {}

impl Args {
    /// Looks.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let cluster = context.cluster().await?;
        let version: Option<Value> = cluster.get_path("/version").await?;
        let deployments: Vec<Deployment> = cluster.list(None, OPERATOR_LABEL).await?;
        let Some(deployment) = deployments.first() else {
            return Err(Failure::new(
                Code::OperatorUnavailable,
                format!("there is no operator in cluster \"{}\"", cluster.context()),
            )
            .why(format!("no Deployment has the label {OPERATOR_LABEL}"))
            .fix("kubectl kubestash install"));
        };
        let namespace = deployment.namespace().unwrap_or_default();
        let pods: Vec<Pod> = cluster.list(Some(&namespace), OPERATOR_LABEL).await?;
        let mut text = format!(
            "cluster     {} (Kubernetes {})\n",
            cluster.context(),
            version.as_ref().and_then(|version| version["gitVersion"].as_str()).unwrap_or("unknown")
        );
        for deployment in &deployments {
            text.push_str(&told(deployment));
        }
        text.push('\n');
        let now = context.environment.now();
        let rows: Vec<Vec<String>> = pods
            .iter()
            .map(|pod| {
                let age = pod.creation_timestamp().map(|time| human::age_at(time.0, now));
                vec![pod.name_any(), phase(pod), restarts(pod).to_string(), age.unwrap_or_default()]
            })
            .collect();
        text.push_str(&output::table(&["POD", "PHASE", "RESTARTS", "AGE"], &rows));
        let findings: Vec<Finding> =
            deployments.iter().flat_map(|deployment| findings(deployment, &pods)).collect();
        if !findings.is_empty() {
            text.push('\n');
            text.push_str(&render(&findings));
        }
        text.push_str(&complaints(&cluster, &namespace, &pods).await);
        streams.results.write_all(text.as_bytes())?;
        Ok(())
    }
}

fn told(deployment: &Deployment) -> String {
    let spec = deployment.spec.as_ref();
    let container = spec
        .and_then(|spec| spec.template.spec.as_ref())
        .and_then(|spec| spec.containers.iter().find(|container| container.name == "operator"));
    let image = container.and_then(|container| container.image.as_deref()).unwrap_or_default();
    let ready = deployment.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or(0);
    let wished = spec.and_then(|spec| spec.replicas).unwrap_or(1);
    format!(
        "operator    {}/{}   {ready}/{wished} ready\nimage       {image}\n",
        deployment.namespace().unwrap_or_default(),
        deployment.name_any()
    )
}

fn phase(pod: &Pod) -> String {
    pod.status.as_ref().and_then(|status| status.phase.clone()).unwrap_or_default()
}

fn restarts(pod: &Pod) -> i32 {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    statuses.into_iter().flatten().map(|status| status.restart_count).sum()
}

fn findings(deployment: &Deployment, pods: &[Pod]) -> Vec<Finding> {
    let (namespace, name) = (deployment.namespace().unwrap_or_default(), deployment.name_any());
    let wished = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let mut findings: Vec<Finding> = pods
        .iter()
        .filter_map(|pod| {
            let why = pods::trouble(pod)?;
            let fix = if why.contains("Image") {
                "kubectl kubestash install --image REF   with an image that the nodes can pull".to_owned()
            } else {
                format!("kubectl describe pod {} -n {namespace}", pod.name_any())
            };
            Some(Finding { what: format!("pod {namespace}/{} does not run", pod.name_any()), why, fix })
        })
        .collect();
    if wished == 0 {
        findings.push(Finding {
            what: format!("Deployment {namespace}/{name} has no pod"),
            why: "it is scaled to 0: nothing is backed up".into(),
            fix: format!("kubectl scale deployment {name} -n {namespace} --replicas=1"),
        });
    }
    findings
}

/// The last lines of the pods' logs that are warnings or errors.
async fn complaints(cluster: &Cluster, namespace: &str, pods: &[Pod]) -> String {
    let redactor = Redactor::default();
    let mut text = String::new();
    for pod in pods.iter().filter(|pod| pods::has_started(pod)) {
        let params = LogParams {
            container: Some("operator".into()),
            tail_lines: Some(SEARCHED),
            ..LogParams::default()
        };
        let name = pod.name_any();
        let log = match super::bundle::read_log(cluster, namespace, &name, &params).await {
            Ok(log) => log,
            Err(failure) => {
                let _ = writeln!(text, "\nno log of {name}: {}", failure.what());
                continue;
            }
        };
        let complaints: Vec<Complaint> = log.lines().filter_map(complaint).collect();
        if complaints.is_empty() {
            let _ = writeln!(text, "\n{name} complains about nothing (last {SEARCHED} lines)");
            continue;
        }
        let number = human::counted(complaints.len(), "complaint");
        let _ = writeln!(text, "\n{name}: {number}; the last ones:");
        for Complaint { time, told } in last(&complaints) {
            let _ = writeln!(text, "  {time}  {}", redactor.text(told));
        }
    }
    text
}

/// What a pod complains about, and when it did so last.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Complaint {
    time: String,
    told: String,
}

/// The last different complaints, oldest first.
fn last(complaints: &[Complaint]) -> Vec<&Complaint> {
    let mut shown: Vec<&Complaint> = Vec::new();
    for complaint in complaints.iter().rev() {
        if shown.len() < SHOWN && !shown.iter().any(|known| known.told == complaint.told) {
            shown.push(complaint);
        }
    }
    shown.reverse();
    shown
}

/// A line of the log that is a warning or an error.
fn complaint(line: &str) -> Option<Complaint> {
    if !is_complaint(line) {
        return None;
    }
    let Ok(json) = serde_json::from_str::<Value>(line) else {
        let (time, told) = line.split_once(' ').unwrap_or(("", line));
        return Some(Complaint { time: time.to_owned(), told: told.trim().to_owned() });
    };
    let field = |name: &str| json[name].as_str().unwrap_or_default();
    // To the second: the rest says nothing to a person.
    let time = field("timestamp").split('.').next().unwrap_or_default().to_owned();
    let mut told = field("message").to_owned();
    if !field("name").is_empty() {
        let _ = write!(told, " ({} {}/{})", field("controller"), field("namespace"), field("name"));
    }
    if !field("error").is_empty() {
        let _ = write!(told, ": {}", field("error"));
    }
    Some(Complaint { time, told })
}

/// A warning or an error, in the operator's JSON or in plain lines.
fn is_complaint(line: &str) -> bool {
    let json: Option<Value> = serde_json::from_str(line).ok();
    let level = json.as_ref().and_then(|line| line["level"].as_str());
    match level {
        Some(level) => matches!(level.to_ascii_uppercase().as_str(), "WARN" | "WARNING" | "ERROR"),
        None => line.split_whitespace().take(4).any(|word| matches!(word, "WARN" | "ERROR" | "error:")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_told_from_news() {
        for (line, complaint) in [
            (r#"{"level":"ERROR","message":"x"}"#, true),
            (r#"{"level":"warn","message":"x"}"#, true),
            (r#"{"level":"INFO","message":"an ERROR was corrected"}"#, false),
            ("2026-11-22T14:00:00Z  WARN kubestash: x", true),
            ("2026-11-22T14:00:00Z  INFO kubestash: no error", false),
        ] {
            assert_eq!(is_complaint(line), complaint, "{line}");
        }
    }

    #[test]
    fn complaints_are_told_in_words_and_each_once() {
        let line = |second: u8, error: &str| {
            format!(
                r#"{{"timestamp":"2026-11-22T14:00:0{second}.123Z","level":"WARN","message":"a pass failed",
                "controller":"snapshot","namespace":"shop","name":"a","error":"{error}"}}"#
            )
        };
        let all: Vec<Complaint> =
            [line(1, "x"), line(2, "y"), line(3, "x")].iter().filter_map(|line| complaint(line)).collect();
        let shown: Vec<String> =
            last(&all).iter().map(|shown| format!("{} {}", shown.time, shown.told)).collect();
        assert_eq!(
            shown,
            [
                "2026-11-22T14:00:02 a pass failed (snapshot shop/a): y",
                "2026-11-22T14:00:03 a pass failed (snapshot shop/a): x"
            ]
        );
    }
}
