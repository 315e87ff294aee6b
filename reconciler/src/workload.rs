//! What a Job of ours looks like: defaults of ours, then what the user wants, in one place for every kind of Job.
//!
//! Pure, and on JSON rather than on the types of k8s-openapi: a pod template may have fields that this build does
//! not know, and they must reach the API server (contract §1.2, §3.6).

mod container;

use std::collections::BTreeMap;

use crds::pod_template::{PodTemplate, PodTemplateSpec, TemplateMetadata};
use crds::runtime::PodRuntimeSettings;
use serde::Serialize;
use serde_json::{Map, Value, json};

pub use container::Container;

/// The user that our containers run as, unless told otherwise: nobody's, and not root.
const USER: i64 = 65532;

/// A Job with one pod.
#[derive(Clone, Debug, Default)]
pub struct Workload {
    name: String,
    namespace: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    pod_labels: BTreeMap<String, String>,
    pod_annotations: BTreeMap<String, String>,
    owner: Option<Value>,
    deadline_seconds: Option<i64>,
    retries: i32,
    containers: Vec<Container>,
    volumes: Vec<Value>,
    /// Fields of the pod's spec, the ones above left out.
    pod: Map<String, Value>,
}

impl Workload {
    /// A Job whose pod runs as `service_account`. `labels` are those of its owner's offshoots (contract §3.1).
    #[must_use]
    pub fn new(
        namespace: &str,
        name: &str,
        service_account: &str,
        labels: &BTreeMap<String, String>,
    ) -> Self {
        let mut pod = Map::new();
        pod.insert("serviceAccountName".to_owned(), json!(service_account));
        // Said at the pod, because a ServiceAccount may say no, and without its token the Job can do nothing.
        pod.insert("automountServiceAccountToken".to_owned(), json!(true));
        pod.insert("enableServiceLinks".to_owned(), json!(false));
        Self {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            labels: labels.clone(),
            pod_labels: labels.clone(),
            pod,
            ..Self::default()
        }
    }

    /// The object that the Job goes with.
    #[must_use]
    pub fn owner(mut self, owner: impl Serialize) -> Self {
        self.owner = serde_json::to_value(owner).ok();
        self
    }

    /// Seconds after which Kubernetes ends the Job.
    #[must_use]
    pub fn deadline_seconds(mut self, seconds: Option<i64>) -> Self {
        self.deadline_seconds = seconds;
        self
    }

    /// How often the pod is tried again when it fails; never unless this is called.
    #[must_use]
    pub fn retries(mut self, retries: i32) -> Self {
        self.retries = retries.max(0);
        self
    }

    /// One more container.
    #[must_use]
    pub fn container(mut self, container: Container) -> Self {
        self.containers.push(container);
        self
    }

    /// One more volume; a later one replaces an earlier one of the same name.
    #[must_use]
    pub fn volume(mut self, volume: Value) -> Self {
        put_by(&mut self.volumes, "name", volume);
        self
    }

    /// What `runtimeSettings.pod` says.
    #[must_use]
    pub fn runtime(mut self, settings: &PodRuntimeSettings) -> Self {
        let mut fields = fields(settings);
        for renamed in ["podLabels", "podAnnotations", "serviceAccountName", "serviceAccountAnnotations"] {
            fields.remove(renamed);
        }
        self.pod.extend(fields);
        add(&mut self.pod_labels, &settings.pod_labels);
        add(&mut self.pod_annotations, &settings.pod_annotations);
        self
    }

    /// What a `jobTemplate` says: of the Job, of the pod, and of every container.
    #[must_use]
    pub fn template(mut self, template: &PodTemplateSpec) -> Self {
        if let Some(TemplateMetadata { labels, annotations }) = &template.controller {
            add(&mut self.labels, labels);
            add(&mut self.annotations, annotations);
        }
        if let Some(TemplateMetadata { labels, annotations }) = &template.metadata {
            add(&mut self.pod_labels, labels);
            add(&mut self.pod_annotations, annotations);
        }
        if let Some(spec) = &template.spec {
            self.pod_template(spec);
        }
        self
    }

    fn pod_template(&mut self, template: &PodTemplate) {
        let mut fields = fields(template);
        for container in &mut self.containers {
            container.template(template);
        }
        // Container fields, what is dealt with by itself, and a reference to objects that only KubeStash knows.
        for elsewhere in container::TEMPLATE_FIELDS.into_iter().chain([
            "volumes",
            "serviceAccountName",
            "podPlacementPolicy",
        ]) {
            fields.remove(elsewhere);
        }
        self.pod.extend(fields);
        for volume in &template.volumes {
            put_by(&mut self.volumes, "name", volume.raw().clone());
        }
    }

    /// The Job's JSON.
    #[must_use]
    pub fn job(mut self) -> Value {
        self.default_pod_security();
        let mut pod = self.pod;
        pod.insert("restartPolicy".to_owned(), json!("Never"));
        pod.insert("containers".to_owned(), self.containers.into_iter().map(Container::json).collect());
        if !self.volumes.is_empty() {
            pod.insert("volumes".to_owned(), Value::Array(self.volumes));
        }
        let mut of_job = metadata(&self.labels, &self.annotations);
        of_job["name"] = json!(self.name);
        of_job["namespace"] = json!(self.namespace);
        if let Some(owner) = self.owner {
            of_job["ownerReferences"] = json!([owner]);
        }
        let mut spec = json!({
            "backoffLimit": self.retries, "completions": 1, "parallelism": 1,
            "template": {"metadata": metadata(&self.pod_labels, &self.pod_annotations), "spec": pod},
        });
        if let Some(seconds) = self.deadline_seconds {
            spec["activeDeadlineSeconds"] = json!(seconds);
        }
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": of_job, "spec": spec})
    }

    /// Restricted (reliability §4.2), unless the user has an opinion about who the pod runs as.
    fn default_pod_security(&mut self) {
        let user_is_chosen = self.containers.iter().any(Container::chooses_its_user);
        self.pod.entry("securityContext").or_insert_with(|| {
            let mut context = json!({"seccompProfile": {"type": "RuntimeDefault"}});
            if !user_is_chosen {
                context["runAsNonRoot"] = json!(true);
                context["runAsUser"] = json!(USER);
                context["runAsGroup"] = json!(USER);
                context["fsGroup"] = json!(USER);
            }
            context
        });
    }
}

fn metadata(labels: &BTreeMap<String, String>, annotations: &BTreeMap<String, String>) -> Value {
    let mut metadata = json!({"labels": labels});
    if !annotations.is_empty() {
        metadata["annotations"] = json!(annotations);
    }
    metadata
}

/// The JSON fields of a struct.
fn fields(of: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(of) {
        Ok(Value::Object(fields)) => fields,
        // The structs that come here are JSON objects by their definition.
        _ => Map::new(),
    }
}

/// Adds what is not there; what is there is ours and is how we find the pod.
fn add(to: &mut BTreeMap<String, String>, more: &BTreeMap<String, String>) {
    for (key, value) in more {
        to.entry(key.clone()).or_insert_with(|| value.clone());
    }
}

/// Puts an element into a list in which `key` is unique.
fn put_by(list: &mut Vec<Value>, key: &str, element: Value) {
    match list.iter_mut().find(|other| other.get(key) == element.get(key)) {
        Some(other) => *other = element,
        None => list.push(element),
    }
}

#[cfg(test)]
mod tests;
