//! A Job of a session and its pods, as read from the API server.

use crds::{label, name};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::{Resource, ResourceExt};

use crate::cluster::{Cluster, Error};
use crate::executor;

/// A Job and its pods.
#[derive(Clone, Debug, Default)]
pub struct Execution {
    /// Absent when it was never created or is gone.
    pub job: Option<Job>,
    /// Its pods.
    pub pods: Vec<Pod>,
}

impl Execution {
    /// Reads the Job `name` of `session`, and its pods unless it is over well. `component` is what the Job is for.
    pub async fn read<S: Resource<DynamicType = ()>>(
        cluster: &Cluster,
        session: &S,
        name: &str,
        component: &str,
    ) -> Result<Self, Error> {
        let namespace = session.namespace().unwrap_or_default();
        let Some(job) = cluster.find::<Job>(&namespace, name).await? else { return Ok(Self::default()) };
        let pods = match executor::state(&job, &[]) {
            executor::State::Succeeded => Vec::new(),
            _ => pods_of(cluster, session, component).await?,
        };
        let is_of_job = |pod: &Pod| {
            pod.owner_references().iter().any(|owner| Some(&owner.uid) == job.metadata.uid.as_ref())
        };
        let pods = pods.into_iter().filter(is_of_job).collect();
        Ok(Self { job: Some(job), pods })
    }

    /// How it is doing; nothing without a Job.
    #[must_use]
    pub fn state(&self) -> Option<executor::State> {
        self.job.as_ref().map(|job| executor::state(job, &self.pods))
    }
}

/// The pods of a session's Jobs of that component (contract §3.1). They are found by a label that is the session's name;
/// a name that is no label has no Job.
pub async fn pods_of<S: Resource<DynamicType = ()>>(
    cluster: &Cluster,
    session: &S,
    component: &str,
) -> Result<Vec<Pod>, Error> {
    let name = session.name_any();
    if name.len() > name::MAX {
        return Ok(Vec::new());
    }
    let labels = format!("{}={name},{}={component}", label::INVOKER_NAME, label::COMPONENT);
    cluster.list::<Pod>(session.namespace().as_deref(), &labels).await
}
