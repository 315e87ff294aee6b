//! `debug restore`: the restores that failed, and those that do not get on, each with its one cause.

use std::time::Duration;

use crds::core::RestoreSession;
use crds::label;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;

use super::{Finding, render};
use crate::commands::lookup;
use crate::commands::restore::list::told_phase;
use crate::context::Context;
use crate::failure::Failure;
use crate::human;
use crate::pods;
use crate::progress::outcome::Outcomes;
use crate::progress::restore;
use crate::streams::Streams;

/// Find the restores that failed, and say why and what to do
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The restore; the default is all of the namespace
    name: Option<String>,
}

impl Args {
    /// Looks, and says what was found.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let mut sessions: Vec<RestoreSession> = match &self.name {
            Some(name) => vec![lookup::one(&cluster, &namespace, name).await?],
            None => cluster.list(Some(&namespace), "").await?,
        };
        if sessions.is_empty() {
            crate::commands::create::installed(&cluster).await?;
        }
        sessions.sort_by_key(|session| std::cmp::Reverse((session.creation_timestamp(), session.name_any())));
        let managed = format!("{}={}", label::MANAGED_BY, label::MANAGED_BY_KUBESTASH);
        let pods: Vec<Pod> = cluster.list(Some(&namespace), &managed).await?;
        let now = context.environment.now();
        let findings: Vec<Finding> =
            sessions.iter().filter_map(|session| finding(session, &pods, now)).collect();
        if findings.is_empty() {
            let about = self.name.as_deref().map_or_else(
                || format!("the restores of namespace {namespace}"),
                |name| format!("restore {namespace}/{name}"),
            );
            streams.story.plain(&format!("Nothing failed in {about}."));
        }
        streams.results.write_all(render(&findings).as_bytes())?;
        Ok(())
    }
}

/// Why a restore failed, or does not get on.
fn finding(session: &RestoreSession, pods: &[Pod], now: Timestamp) -> Option<Finding> {
    let (namespace, name) = (session.namespace().unwrap_or_default(), session.name_any());
    let age = session.creation_timestamp().map(|time| human::age_at(time.0, now)).unwrap_or_default();
    if !restore::is_over(session) {
        let mut own = pods.iter().filter(|pod| pod.labels().get(label::INVOKER_NAME) == Some(&name));
        let (pod, trouble) = own.find_map(|pod| Some((pod.name_any(), pods::trouble(pod)?)))?;
        return Some(Finding {
            what: format!("RestoreSession {namespace}/{name}   does not get on, started {age} ago"),
            why: format!("pod {pod}: {}", trouble.lines().next().unwrap_or_default()),
            fix: format!("kubectl describe pod {pod} -n {namespace}"),
        });
    }
    let outcome = restore::of(session, Duration::ZERO)?;
    let Outcomes::Failed { why, fix, .. } = outcome.result else { return None };
    let failures = outcome.restored.map(|restored| restored.failures).unwrap_or_default();
    let why = [vec![why], failures].concat().join("\n");
    Some(Finding {
        what: format!("RestoreSession {namespace}/{name}   {} {age} ago", told_phase(session)),
        why,
        fix,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(status: &serde_json::Value, pods: &[Pod]) -> Option<Finding> {
        let session: RestoreSession = serde_json::from_value(json!({
            "metadata": {"name": "a", "namespace": "shop", "creationTimestamp": "2026-11-22T10:12:00Z"},
            "spec": {}, "status": status}))
        .unwrap();
        finding(&session, pods, "2026-11-22T10:17:00Z".parse().unwrap())
    }

    #[test]
    fn a_failure_tells_its_cause_and_the_objects_that_are_missing() {
        let component = json!({"phase": "Failed", "error": "1 object was not restored\nmore",
            "objects": {"created": 1, "failed": 1}, "failures": ["deployments.apps shop/orders: quota exceeded"]});
        let found = told(&json!({"phase": "Failed", "components": {"manifest": component}}), &[]).unwrap();
        assert_eq!(found.what, "RestoreSession shop/a   Failed 5m ago");
        assert_eq!(found.why, "1 object was not restored\ndeployments.apps shop/orders: quota exceeded");
        assert!(found.fix.contains("restore status a -n shop -v"), "{}", found.fix);
        assert_eq!(told(&json!({"phase": "Succeeded"}), &[]), None);
    }

    #[test]
    fn a_restore_that_does_not_get_on_tells_of_its_pod() {
        let waiting = json!({"waiting": {"reason": "ErrImagePull", "message": "no such host"}});
        let status = json!({"name": "c", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": waiting});
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"name": "a-x7k", "labels": {"kubestash.com/invoker-name": "a"}},
            "status": {"phase": "Pending", "containerStatuses": [status]}}))
        .unwrap();
        let found = told(&json!({"phase": "Running"}), &[pod]).unwrap();
        assert_eq!(found.why, "pod a-x7k: ErrImagePull: no such host");
    }
}
