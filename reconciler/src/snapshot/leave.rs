//! A Snapshot that is being deleted: with `deletionPolicy: WipeOut` its data goes first, in a Job (contract §6.4).

use std::time::Duration;

use crds::storage::{DeletionPolicy, Repository, Snapshot};
use crds::{label, name};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::Job;
use kube::{Resource, ResourceExt};

use super::REMOVED_BY;
use crate::access::{self, Party, Trade};
use crate::cluster;
use crate::context::Context;
use crate::executor::{self, State};
use crate::finalizer;
use crate::outcome::Next;
use crate::start;
use crate::workload::{Container, Workload};

/// Seconds that removing Snapshots may take.
const LONGEST_CLEANUP_SECONDS: i64 = 6 * 3600;
/// Between a cleanup that failed and the next one.
const PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// What was read.
#[derive(Debug, Default)]
pub struct Observed {
    /// The Repository, when it exists.
    pub repository: Option<Box<Repository>>,
    /// The retention Job that said that it removes the data.
    pub remover: Option<Box<Job>>,
    /// The cleanup Job of the Repository and session.
    pub cleanup: Option<Box<Job>>,
}

/// What is done.
#[derive(Debug, PartialEq, Eq)]
pub enum Leave {
    /// Nothing holds it back.
    Release,
    /// Somebody is at work; look again then, or when their Job changes.
    Wait(Next),
    /// Start the cleanup Job.
    Clean,
    /// The last cleanup Job has ended and something is left: away with it, so that another can follow.
    ForgetJob,
}

/// What to do with a Snapshot that is being deleted and held by our finalizer.
///
/// Its data goes only while its Repository stays: a Repository that is deleted itself decides about all of its data.
#[must_use]
pub fn decide(snapshot: &Snapshot, observed: &Observed, now: Timestamp) -> Leave {
    let repository_stays = observed.repository.as_ref().is_some_and(|found| !finalizer::is_leaving(&**found));
    if snapshot.deletion_policy() != DeletionPolicy::WipeOut || !repository_stays {
        return Leave::Release;
    }
    let is_at_work = |job: &Job| !executor::is_finished(job) && job.metadata.deletion_timestamp.is_none();
    if observed.remover.as_deref().is_some_and(is_at_work) {
        return Leave::Wait(Next::AwaitChange);
    }
    let Some(job) = &observed.cleanup else { return Leave::Clean };
    match executor::state(job, &[]) {
        State::Waiting(_) | State::Running => Leave::Wait(Next::AwaitChange),
        // It began before this Snapshot was deleted.
        State::Succeeded => Leave::ForgetJob,
        State::Failed(_) => match PAUSE - now.duration_since(ended(job).unwrap_or(now)) {
            left if left > SignedDuration::ZERO => {
                Leave::Wait(Next::After(Duration::try_from(left).unwrap_or_default()))
            }
            _ => Leave::ForgetJob,
        },
    }
}

/// When the Job failed.
fn ended(job: &Job) -> Option<Timestamp> {
    let conditions = job.status.as_ref()?.conditions.as_deref()?;
    let failed = conditions.iter().find(|condition| condition.type_ == "Failed")?;
    failed.last_transition_time.as_ref().map(|time| time.0)
}

/// Name of the Job that removes the data of the Snapshots of a repository and session.
#[must_use]
pub fn job_name(snapshot: &Snapshot) -> String {
    name::join(name::prefix::CLEANUP, &snapshot.spec.repository, &snapshot.spec.session, name::MAX)
}

/// The name of the retention Job that removes the data, if one said so.
#[must_use]
pub fn remover(snapshot: &Snapshot) -> &str {
    snapshot.annotations().get(REMOVED_BY).map_or("", String::as_str)
}

/// Starts the cleanup Job.
pub async fn clean(
    context: &Context,
    snapshot: &Snapshot,
    repository: &Repository,
) -> Result<(), start::Error> {
    let namespace = repository.namespace().unwrap_or_default();
    let repositories = std::slice::from_ref(repository);
    let (needs, storages) = start::needs(&context.cluster, repositories, &namespace).await?;
    let session = &snapshot.spec.session;
    let trade =
        Trade { prefix: name::prefix::CLEANUP, cluster_role: access::RETENTION_ROLE, service_account: None };
    let access = access::access(trade, &Party::new(repository, session), &needs);
    start::grant(&context.cluster, &access).await?;

    let arguments = [
        "cleanup".to_owned(),
        format!("--namespace={namespace}"),
        format!("--repository={}", repository.name_any()),
        format!("--session={session}"),
    ];
    let mut labels = label::offshoot_of(repository);
    labels.insert(label::COMPONENT.to_owned(), label::component::CLEANER.to_owned());
    labels.insert(label::SESSION_NAME.to_owned(), session.clone());
    let container =
        Container::new("cleanup", &context.settings.image, arguments).proxies(&context.settings.proxy);
    let mut workload = Workload::new(&namespace, &job_name(snapshot), &access.service_account, &labels)
        .owner(repository.controller_owner_ref(&()))
        .deadline_seconds(Some(LONGEST_CLEANUP_SECONDS))
        .container(container);
    if let Some(settings) =
        storages.iter().find_map(|storage| storage.spec.runtime_settings.as_ref()?.pod.as_ref())
    {
        workload = workload.runtime(settings);
    }
    start::create(&context.cluster, repository, &workload.job()).await
}

/// Reads what decides.
pub async fn observe(context: &Context, snapshot: &Snapshot) -> Result<Observed, cluster::Error> {
    let namespace = snapshot.namespace().unwrap_or_default();
    let job = job_name(snapshot);
    let (repository, remover, cleanup) = futures::try_join!(
        context.cluster.find::<Repository>(&namespace, &snapshot.spec.repository),
        context.cluster.find::<Job>(&namespace, remover(snapshot)),
        context.cluster.find::<Job>(&namespace, &job),
    )?;
    Ok(Observed {
        repository: repository.map(Box::new),
        remover: remover.map(Box::new),
        cleanup: cleanup.map(Box::new),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-11-22T10:00:00Z";

    fn snapshot(policy: &str) -> Snapshot {
        serde_json::from_value(json!({
            "metadata": {"name": "a", "deletionTimestamp": NOW, "finalizers": ["kubestash.com/cleanup"]},
            "spec": {"repository": "repo", "session": "nightly", "deletionPolicy": policy},
        }))
        .unwrap()
    }

    fn job(conditions: &Value) -> Box<Job> {
        let job = json!({"metadata": {"name": "j"}, "status": {"conditions": conditions}});
        Box::new(serde_json::from_value(job).unwrap())
    }

    fn observed() -> Observed {
        let repository = serde_json::from_value(json!({"metadata": {"name": "repo"}, "spec": {}})).unwrap();
        Observed { repository: Some(Box::new(repository)), ..Observed::default() }
    }

    fn running() -> Box<Job> {
        job(&json!([]))
    }

    fn failed(at: &str) -> Box<Job> {
        job(&json!([{"type": "Failed", "status": "True", "lastTransitionTime": at}]))
    }

    #[test]
    fn data_goes_first_when_it_is_to_go_and_by_one_job_at_a_time() {
        let done = || Some(job(&json!([{"type": "Complete", "status": "True"}])));
        let wait = || Leave::Wait(Next::AwaitChange);
        for (case, observed, expected) in [
            ("nobody is at work", observed(), Leave::Clean),
            ("a retention Job is at work", Observed { remover: Some(running()), ..observed() }, wait()),
            (
                "the retention Job has died",
                Observed { remover: Some(failed(NOW)), ..observed() },
                Leave::Clean,
            ),
            ("a cleanup Job is at work", Observed { cleanup: Some(running()), ..observed() }, wait()),
            ("a cleanup Job ended before", Observed { cleanup: done(), ..observed() }, Leave::ForgetJob),
            (
                "a cleanup Job failed a moment ago",
                Observed { cleanup: Some(failed("2026-11-22T09:59:00Z")), ..observed() },
                Leave::Wait(Next::After(Duration::from_mins(4))),
            ),
            (
                "a cleanup Job failed some time ago",
                Observed { cleanup: Some(failed("2026-11-22T09:00:00Z")), ..observed() },
                Leave::ForgetJob,
            ),
            ("the Repository is gone", Observed::default(), Leave::Release),
        ] {
            assert_eq!(decide(&snapshot("WipeOut"), &observed, NOW.parse().unwrap()), expected, "{case}");
        }
        assert_eq!(decide(&snapshot("Delete"), &observed(), NOW.parse().unwrap()), Leave::Release);
    }

    #[test]
    fn a_repository_that_is_deleted_decides_about_its_data_itself() {
        let mut observed = observed();
        let repository = observed.repository.as_mut().unwrap();
        repository.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(NOW.parse().unwrap()));
        assert_eq!(decide(&snapshot("WipeOut"), &observed, NOW.parse().unwrap()), Leave::Release);
    }
}
