//! Starts and ends the Job of a RestoreSession.

use std::collections::BTreeMap;

use crds::core::RestoreSession;
use crds::core::restore_session::RestoreSessionStatus;
use crds::label;
use crds::storage::{Repository, Snapshot};
use k8s_openapi::api::batch::v1::Job;
use kube::{Resource, ResourceExt};

use super::source;
use crate::access::{self, Needs, Party, Trade};
use crate::addon::Purpose;
use crate::cluster::{self, Cluster};
use crate::context::Context;
use crate::start::{self, Error, GRACE_SECONDS, seconds_until};
use crate::workload::Workload;

/// First word of the names of what a restore Job is given.
pub const PREFIX: &str = "restore";

/// Creates the restore Job, unless it is there. It is named as its session (contract §3.4).
pub async fn start_restore(
    context: &Context,
    session: &RestoreSession,
    status: &RestoreSessionStatus,
) -> Result<(), Error> {
    let cluster = &context.cluster;
    let home = session.namespace().unwrap_or_default();
    let info = session.spec.addon.as_ref().ok_or_else(|| gone("spec.addon"))?;
    let account =
        session.service_account().ok_or_else(|| gone("addon.jobTemplate.spec.serviceAccountName"))?;
    start::expect_account(cluster, &home, account).await?;
    let variables = built_in(session, &context.settings.namespace);
    let resolved = start::resolve(cluster, Purpose::Restore, info, &variables).await?;
    let needs = needs(cluster, session, &home).await?;
    let trade = Trade { prefix: PREFIX, cluster_role: access::RESTORE_ROLE, service_account: Some(account) };
    let access = access::access(trade, &Party::new(session, ""), &needs);
    start::grant(cluster, &access).await?;

    let mut labels = label::offshoot_of_restore_session(session);
    labels.insert(label::COMPONENT.to_owned(), label::component::RESTORE.to_owned());
    let deadline = status.restore_deadline.as_ref().map(|deadline| deadline.0);
    let mut workload = Workload::new(&home, &session.name_any(), account, &labels)
        .owner(session.controller_owner_ref(&()))
        .deadline_seconds(deadline.map(|deadline| seconds_until(deadline, context.now()) + GRACE_SECONDS));
    for container in resolved.containers {
        workload = workload.container(container.proxies(&context.settings.proxy));
    }
    for volume in resolved.volumes {
        workload = workload.volume(volume);
    }
    if let Some(template) = &info.job_template {
        workload = workload.template(template);
    }
    start::create(cluster, session, &workload.job()).await
}

fn gone(what: &str) -> Error {
    Error::Hopeless(format!("{what} was removed after the session was found to be valid"))
}

/// What the Job has to read: the Snapshot that was chosen, its Repository, the storage, and what opens both.
async fn needs(cluster: &Cluster, session: &RestoreSession, home: &str) -> Result<Needs, Error> {
    let (namespace, name) =
        source::chosen(session).ok_or_else(|| gone("the Snapshot in status.dependencies"))?;
    let snapshot = cluster.find::<Snapshot>(&namespace, &name).await?;
    let snapshot =
        snapshot.ok_or_else(|| Error::Hopeless(format!("Snapshot \"{namespace}/{name}\" was deleted")))?;
    let of = &snapshot.spec.repository;
    let repository = cluster.find::<Repository>(&namespace, of).await?;
    let mut repository =
        repository.ok_or_else(|| Error::Hopeless(format!("Repository \"{namespace}/{of}\" was deleted")))?;
    repository.spec.encryption_secret = source::encryption(session, &repository);
    let (needs, _) = start::needs(cluster, &[repository], home).await?;
    Ok(needs.snapshot(&namespace, &name).repository(&namespace, of))
}

/// Variables that a Function may use (contract §7.3). `operatorNamespace` is ours: a restore leaves that namespace alone.
#[must_use]
pub fn built_in(session: &RestoreSession, operator_namespace: &str) -> BTreeMap<String, String> {
    let snapshot = source::chosen(session).map(|(_, name)| name).unwrap_or_default();
    BTreeMap::from([
        ("namespace".to_owned(), session.namespace().unwrap_or_default()),
        ("restoreSession".to_owned(), session.name_any()),
        ("snapshot".to_owned(), snapshot),
        ("invokerKind".to_owned(), RestoreSession::kind(&()).into_owned()),
        ("invokerName".to_owned(), session.name_any()),
        ("operatorNamespace".to_owned(), operator_namespace.to_owned()),
    ])
}

/// Deletes the Job of `session`, if there is one that is its own. Its pods are told to stop.
pub async fn end_restore(cluster: &Cluster, session: &RestoreSession) -> Result<(), cluster::Error> {
    let home = session.namespace().unwrap_or_default();
    let Some(job) = cluster.find::<Job>(&home, &session.name_any()).await? else { return Ok(()) };
    let is_own = job.owner_references().iter().any(|owner| Some(&owner.uid) == session.meta().uid.as_ref());
    if is_own { cluster.delete(&job).await } else { Ok(()) }
}
