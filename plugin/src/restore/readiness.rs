//! Whether what was brought back runs: a Deployment that is there again is not yet an application that works.

use std::time::Duration;

use archive::restore::report::{Line, Report};
use archive::restore::verdict::Verdict as Became;
use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use kube::Resource;

use crate::cluster::{Asked, Cluster, Followed};
use crate::context::Context;
use crate::failure::Failure;
use crate::human;
use crate::story::Glyph;
use crate::streams::Streams;
use crate::wait::{self, Verdict, Waited};

/// Workloads that are told one by one, and watched at the same time.
const SHOWN: usize = 20;

/// How many of a workload's pods are ready, of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ready {
    ready: i32,
    wanted: i32,
}

/// A workload that a restore made or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Workload<'a> {
    resource: &'a str,
    namespace: &'a str,
    name: &'a str,
}

/// Waits until the workloads of a restore that is over are ready, at most so long, and says so of each. One that does not
/// come up is a warning: the restore has done its part.
pub async fn tell(
    cluster: &Cluster,
    report: &Report,
    limit: Duration,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(), Failure> {
    let workloads: Vec<Workload<'_>> = report.lines.iter().filter_map(Workload::of).collect();
    if workloads.is_empty() || limit.is_zero() {
        return Ok(());
    }
    let shown = &workloads[..workloads.len().min(SHOWN)];
    let what = human::counted(shown.len(), "workload");
    let text = format!("waiting for {what} to be ready, at most {}", human::duration(limit));
    streams.story.remark(Glyph::Waiting, &text, "Ctrl-C stops the waiting, nothing else");
    let begun = context.environment.now();
    let waited = shown.iter().map(|workload| workload.wait(cluster, limit, (begun, context)));
    let width = shown.iter().map(|workload| workload.told().len()).max().unwrap_or(0);
    for (workload, waited) in shown.iter().zip(join_all(waited).await) {
        let told = workload.told();
        match waited {
            Ok(Waited::Reached((ready, took))) => {
                let Ready { ready, wanted } = ready;
                let text = format!("{told:width$}   {ready}/{wanted} ready after {}", human::duration(took));
                streams.story.line(Glyph::Done, &text);
            }
            Ok(Waited::TimedOut(why)) => {
                streams.story.remark(Glyph::Warning, &format!("{told:width$}   {why}"), &workload.advice());
            }
            Ok(Waited::Interrupted(exit)) => {
                return Err(Failure::stopped(exit, "stopped waiting; the restore is done"));
            }
            // Who restores need not be allowed to watch.
            Err(failure) => {
                streams.story.line(Glyph::Warning, &format!("{told:width$}   {}", failure.what()));
            }
        }
    }
    let more = workloads.len() - shown.len();
    if more > 0 {
        streams.story.plain(&format!("… and {} more", human::counted(more, "workload")));
    }
    Ok(())
}

impl<'a> Workload<'a> {
    fn of(line: &'a Line) -> Option<Self> {
        let resource = line.resource.as_str();
        let is_workload = matches!(resource, "deployments.apps" | "statefulsets.apps" | "daemonsets.apps");
        let changed =
            matches!(line.verdict, Became::Create | Became::Recreate { .. } | Became::Update { .. });
        let namespace = line.place()?;
        (is_workload && changed).then_some(Self { resource, namespace, name: &line.name })
    }

    fn told(&self) -> String {
        format!("{}/{}", self.resource, self.name)
    }

    /// What tells why it is not ready.
    fn advice(&self) -> String {
        let kind = self.resource.split('.').next().unwrap_or_default();
        format!("kubectl describe {kind} {} -n {}", self.name, self.namespace)
    }

    async fn wait(
        &self,
        cluster: &Cluster,
        limit: Duration,
        since: (Timestamp, &Context),
    ) -> Result<Waited<(Ready, Duration)>, Failure> {
        match self.resource {
            "deployments.apps" => self.until::<Deployment>((cluster, limit), deployment, since).await,
            "statefulsets.apps" => self.until::<StatefulSet>((cluster, limit), stateful_set, since).await,
            _ => self.until::<DaemonSet>((cluster, limit), daemon_set, since).await,
        }
    }

    async fn until<K>(
        &self,
        (cluster, limit): (&Cluster, Duration),
        ready: fn(&K) -> Option<Ready>,
        (begun, context): (Timestamp, &Context),
    ) -> Result<Waited<(Ready, Duration)>, Failure>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Followed,
    {
        let asked = Asked {
            verb: "watch",
            resource: self.resource.to_owned(),
            namespace: Some(self.namespace.to_owned()),
            name: Some(self.name.to_owned()),
        };
        let objects = cluster.follow::<K>(self.namespace, self.name);
        wait::until(objects, (cluster, asked), Some(limit), |object: Option<&K>| {
            let Some(object) = object else { return Verdict::NotYet("it is gone again".to_owned()) };
            match ready(object) {
                None => Verdict::NotYet("its controller has not looked at it yet".to_owned()),
                Some(found) if found.ready >= found.wanted => {
                    Verdict::Reached((found, human::between(begun, context.environment.now())))
                }
                Some(Ready { ready, wanted }) => Verdict::NotYet(format!("{ready}/{wanted} ready")),
            }
        })
        .await
    }
}

/// None, while the controller has not seen the newest of it.
fn deployment(object: &Deployment) -> Option<Ready> {
    let status = object.status.as_ref()?;
    let seen = status.observed_generation >= object.metadata.generation;
    let wanted = object.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    // Pods of an earlier form do not count.
    let ready = status.ready_replicas.unwrap_or(0).min(status.updated_replicas.unwrap_or(0));
    seen.then_some(Ready { ready, wanted })
}

fn stateful_set(object: &StatefulSet) -> Option<Ready> {
    let status = object.status.as_ref()?;
    let seen = status.observed_generation >= object.metadata.generation;
    let wanted = object.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    seen.then_some(Ready { ready: status.ready_replicas.unwrap_or(0), wanted })
}

fn daemon_set(object: &DaemonSet) -> Option<Ready> {
    let status = object.status.as_ref()?;
    let seen = status.observed_generation >= object.metadata.generation;
    seen.then_some(Ready { ready: status.number_ready, wanted: status.desired_number_scheduled })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read<K: serde::de::DeserializeOwned>(replicas: &Value, status: &Value) -> K {
        let spec = json!({"replicas": replicas, "selector": {}, "template": {}, "serviceName": "a"});
        serde_json::from_value(json!({"metadata": {"generation": 2}, "spec": spec, "status": status}))
            .unwrap()
    }

    fn told(ready: Option<Ready>) -> Option<String> {
        ready.map(|Ready { ready, wanted }| format!("{ready}/{wanted}"))
    }

    #[test]
    fn a_deployment_is_ready_when_pods_of_its_newest_form_are() {
        for (replicas, status, expected) in [
            (json!(2), json!({}), None),
            (json!(2), json!({"observedGeneration": 1, "readyReplicas": 2, "updatedReplicas": 2}), None),
            (json!(2), json!({"observedGeneration": 2}), Some("0/2")),
            (
                json!(2),
                json!({"observedGeneration": 2, "readyReplicas": 2, "updatedReplicas": 1}),
                Some("1/2"),
            ),
            (
                json!(2),
                json!({"observedGeneration": 2, "readyReplicas": 2, "updatedReplicas": 2}),
                Some("2/2"),
            ),
            (json!(null), json!({"observedGeneration": 2}), Some("0/1")),
            (json!(0), json!({"observedGeneration": 2}), Some("0/0")),
        ] {
            let found = told(deployment(&read(&replicas, &status)));
            assert_eq!(found.as_deref(), expected, "{replicas} {status}");
        }
    }

    #[test]
    fn stateful_and_daemon_sets_count_as_their_controllers_do() {
        let status = json!({"observedGeneration": 2, "readyReplicas": 1, "replicas": 3});
        assert_eq!(told(stateful_set(&read(&json!(3), &status))).as_deref(), Some("1/3"));
        let status = json!({"observedGeneration": 2, "numberReady": 1, "desiredNumberScheduled": 2,
            "currentNumberScheduled": 2, "numberMisscheduled": 0});
        assert_eq!(told(daemon_set(&read(&json!(null), &status))).as_deref(), Some("1/2"));
    }

    #[test]
    fn only_workloads_that_a_restore_made_or_changed_are_waited_for() {
        let line = |resource: &str, verdict| Line {
            resource: resource.into(),
            namespace: Some("shop".into()),
            name: "a".into(),
            into: Some("copy".into()),
            verdict,
            notes: Vec::new(),
            live: None,
        };
        let made = line("deployments.apps", Became::Create);
        assert_eq!(
            Workload::of(&made),
            Some(Workload { resource: "deployments.apps", namespace: "copy", name: "a" })
        );
        assert_eq!(Workload::of(&line("deployments.apps", Became::Unchanged)), None);
        assert_eq!(Workload::of(&line("configmaps", Became::Create)), None);
    }
}
