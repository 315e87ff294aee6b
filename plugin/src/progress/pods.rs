//! The pods of a run, and the warnings about them.

use std::collections::BTreeMap;

use crds::condition::Condition;
use crds::label;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::ResourceExt as _;

use super::change::Change;
use super::{Stage, State};
use crate::{human, pods};

/// What was seen of the pods that the operator made for one run.
#[derive(Clone, Debug, Default)]
pub struct Pods {
    pods: BTreeMap<String, Pod>,
    /// The newest warning about each object.
    warnings: BTreeMap<String, String>,
}

impl Pods {
    /// Whether a change is about a pod of this run, or about its Job.
    #[must_use]
    pub fn concerns(&self, change: &Change, run: &str) -> bool {
        match change {
            Change::Pod(pod) => pod.labels().get(label::INVOKER_NAME).is_some_and(|invoker| invoker == run),
            Change::PodGone(name) => self.pods.contains_key(name),
            Change::Warning(event) => self.is_about(event, run),
            _ => false,
        }
    }

    fn is_about(&self, event: &Event, run: &str) -> bool {
        let about = event.involved_object.name.as_deref().unwrap_or_default();
        // The Job is named as the run, its pods begin with that: a warning may be seen before its pod is.
        let of_job = about.strip_prefix(run).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        of_job || self.pods.contains_key(about)
    }

    /// Takes note of a change that concerns them.
    pub fn note(&mut self, change: &Change) {
        match change {
            Change::Pod(pod) => drop(self.pods.insert(pod.name_any(), (**pod).clone())),
            Change::PodGone(name) => drop(self.pods.remove(name)),
            Change::Warning(event) => {
                let name = event.involved_object.name.clone().unwrap_or_default();
                self.warnings.insert(name, event.message.clone().unwrap_or_default());
            }
            _ => {}
        }
    }

    fn newest(&self) -> Option<&Pod> {
        self.pods.values().max_by_key(|pod| pod.creation_timestamp())
    }

    /// `pod NAME is Running, last warning: …`
    #[must_use]
    pub fn told(&self) -> Option<String> {
        let pod = self.newest()?;
        let name = pod.name_any();
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("not started");
        let warning = self.warnings.get(&name).and_then(|warning| warning.lines().next());
        let warning = warning.map_or_else(String::new, |warning| format!(", last warning: {warning}"));
        Some(format!("pod {name} is {phase}{warning}"))
    }

    /// What is wrong with the newest pod, if anything is.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let newest = self.newest()?;
        Some(format!("pod {}: {}", newest.name_any(), pods::trouble(newest)?))
    }

    /// The newest warning about what has not started yet.
    #[must_use]
    pub fn warning(&self, run: &str) -> Option<String> {
        let newest = self.newest();
        let about = newest.map_or_else(|| run.to_owned(), kube::ResourceExt::name_any);
        let is_going = newest.is_some_and(pods::has_started);
        self.warnings
            .get(&about)
            .filter(|_| !is_going)
            .map(|warning| warning.lines().next().unwrap_or_default().to_owned())
    }

    /// The stage in which the Job gets its pod. `component` is the label of the Job that does the work; `reported`, whether
    /// it said something already.
    #[must_use]
    pub fn stage(&self, ensured: Option<&Condition>, component: &str, reported: bool) -> Stage {
        let is_meant = |pod: &&Pod| pod.labels().get(label::COMPONENT).is_none_or(|label| label == component);
        let pod = self.pods.values().filter(is_meant).max_by_key(|pod| pod.creation_timestamp());
        let started = pod.is_some_and(pods::has_started) || reported;
        let state = match ensured.map(State::of) {
            Some(State::Failed) => State::Failed,
            _ if started => State::Done,
            Some(_) => State::Active,
            None => State::Todo,
        };
        let started_at = pod.and_then(|pod| pod.status.as_ref()?.start_time.as_ref()).map(|time| time.0);
        let asked_at = ensured.map(|condition| condition.last_transition_time.0);
        Stage {
            detail: match (pod.map(kube::ResourceExt::name_any), state) {
                (Some(name), State::Done) => format!("{name} started"),
                (Some(name), _) => name,
                (None, _) => String::new(),
            },
            took: asked_at.zip(started_at).filter(|_| started).map(|(from, to)| human::between(from, to)),
            ..Stage::new("pod", state)
        }
    }
}
