//! Starts the Jobs of a BackupSession: fetches what they are made of, gives them their rights, creates them.

use std::collections::BTreeMap;

use crds::addons::{Addon, Function};
use crds::core::backup_configuration::Session;
use crds::core::{BackupConfiguration, BackupSession, BackupSessionStatus};
use crds::label;
use crds::name;
use crds::storage::{BackupStorage, Repository};
use futures::future::try_join_all;
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Resource, ResourceExt};
use serde_json::Value;

use super::access::{self, Access, Needs, Trade};
use super::decide::Observed;
use super::retention;
use crate::addon::{self, Resolved};
use crate::cluster::{self, Cluster};
use crate::context::Context;
use crate::outcome::Disposition;
use crate::workload::{Container, Workload};

/// Seconds that Kubernetes waits beyond the deadline before it ends a Job: until then the Job ends itself, and tells.
const GRACE_SECONDS: i64 = 15;

/// Seconds that removing Snapshots may take.
const LONGEST_RETENTION_SECONDS: i64 = 6 * 3600;

/// Why a Job could not be started.
#[derive(Debug)]
pub enum Error {
    /// It will not start before somebody changes something.
    Hopeless(String),
    /// The API server said no, or nothing.
    Cluster(cluster::Error),
}

impl From<cluster::Error> for Error {
    fn from(error: cluster::Error) -> Self {
        Self::Cluster(error)
    }
}

impl Error {
    /// What has to be changed; an error that may pass is given back.
    pub fn for_good(self) -> Result<String, cluster::Error> {
        match self {
            Self::Hopeless(why) => Ok(why),
            // Who is forbidden to create the Job (by a policy, most likely) needs a decision, not patience.
            Self::Cluster(error) if error.disposition() == Disposition::Stall || error.is_forbidden() => {
                Ok(error.to_string())
            }
            Self::Cluster(error) => Err(error),
        }
    }
}

/// Creates the backup Job, unless it is there.
pub async fn start_backup(
    context: &Context,
    session: &BackupSession,
    observed: &Observed,
    status: &BackupSessionStatus,
) -> Result<(), Error> {
    let (configuration, of_configuration) = invoker(session, observed)?;
    let info = of_configuration
        .addon
        .as_ref()
        .ok_or_else(|| Error::Hopeless(format!("session {:?} names no Addon", of_configuration.name)))?;
    let resolved = resolve(&context.cluster, session, info).await?;
    let template = info.job_template.as_ref();
    let account = template
        .and_then(|template| template.spec.as_ref()?.service_account_name.as_deref())
        .filter(|account| !account.is_empty());
    if let Some(account) = account {
        expect_account(&context.cluster, configuration, account).await?;
    }
    let needs = needs(&context.cluster, observed).await?;
    let trade = Trade { prefix: "backup", cluster_role: access::BACKUP_ROLE, service_account: account };
    let access = access::access(trade, session, configuration, &needs);
    grant(&context.cluster, &access).await?;

    let deadline = status.backup_deadline.as_ref().map(|deadline| deadline.0);
    let mut workload = workload(session, &session.name_any(), label::component::BACKUP, &access)
        .deadline_seconds(deadline.map(|deadline| seconds_until(deadline, context.now()) + GRACE_SECONDS));
    for container in resolved.containers {
        workload = workload.container(container.proxies(&context.settings.proxy));
    }
    for volume in resolved.volumes {
        workload = workload.volume(volume);
    }
    if let Some(template) = template {
        workload = workload.template(template);
    }
    create(&context.cluster, session, &workload.job()).await
}

/// Creates the retention Job, unless it is there.
pub async fn start_retention(
    context: &Context,
    session: &BackupSession,
    observed: &Observed,
) -> Result<(), Error> {
    let (configuration, _) = invoker(session, observed)?;
    let mut needs = needs(&context.cluster, observed).await?;
    for (_, policy) in retention::references(session, configuration) {
        needs = needs.policy(policy.namespace_or(&session.namespace().unwrap_or_default()), &policy.name);
    }
    let trade = Trade {
        prefix: name::prefix::RETENTION_POLICY,
        cluster_role: access::RETENTION_ROLE,
        service_account: None,
    };
    let access = access::access(trade, session, configuration, &needs);
    grant(&context.cluster, &access).await?;

    let arguments = [
        "retain".to_owned(),
        format!("--namespace={}", session.namespace().unwrap_or_default()),
        format!("--backupsession={}", session.name_any()),
    ];
    let container = Container::new("retention-policy", &context.settings.image, arguments)
        .proxies(&context.settings.proxy);
    let name = name::retention_job(&session.name_any());
    let workload = workload(session, &name, label::component::RETENTION_POLICY, &access)
        .deadline_seconds(Some(LONGEST_RETENTION_SECONDS))
        .container(container);
    create(&context.cluster, session, &workload.job()).await
}

fn invoker<'a>(
    session: &BackupSession,
    observed: &'a Observed,
) -> Result<(&'a BackupConfiguration, &'a Session), Error> {
    let gone = || {
        let (invoker, name) = (super::invoker(session).1, &session.spec.session);
        Error::Hopeless(format!("session {name:?} of BackupConfiguration {invoker:?} is gone"))
    };
    let configuration = observed.configuration.as_ref().ok_or_else(gone)?;
    let session = configuration.session(&session.spec.session).ok_or_else(gone)?;
    Ok((configuration, session))
}

async fn resolve(
    cluster: &Cluster,
    session: &BackupSession,
    info: &crds::core::addon_info::AddonInfo,
) -> Result<Resolved, Error> {
    let addon = cluster.find::<Addon>("", &info.name).await?;
    let names = addon.as_ref().map(|addon| addon::function_names(info, addon)).unwrap_or_default();
    let found = try_join_all(names.iter().map(|name| cluster.find::<Function>("", name))).await?;
    let functions: BTreeMap<String, Function> =
        names.into_iter().zip(found).filter_map(|(name, function)| Some((name, function?))).collect();
    let built_in = BTreeMap::from([
        ("namespace".to_owned(), session.namespace().unwrap_or_default()),
        ("backupSession".to_owned(), session.name_any()),
        ("invokerKind".to_owned(), super::invoker(session).0.to_owned()),
        ("invokerName".to_owned(), super::invoker(session).1.to_owned()),
    ]);
    addon::resolve(info, addon.as_ref(), &functions, &built_in)
        .map_err(|error| Error::Hopeless(error.to_string()))
}

/// A Job whose ServiceAccount is missing gets no pod, and says so only in an Event.
async fn expect_account(
    cluster: &Cluster,
    configuration: &BackupConfiguration,
    account: &str,
) -> Result<(), Error> {
    let namespace = configuration.namespace().unwrap_or_default();
    match cluster.find::<ServiceAccount>(&namespace, account).await? {
        Some(_) => Ok(()),
        None => Err(Error::Hopeless(format!(
            "ServiceAccount {account:?}, which addon.jobTemplate.spec.serviceAccountName names, does not exist in \
             namespace {namespace:?}"
        ))),
    }
}

async fn needs(cluster: &Cluster, observed: &Observed) -> Result<Needs, Error> {
    let repositories: Vec<Repository> = observed.repositories.values().cloned().collect();
    let references: Vec<_> = repositories
        .iter()
        .filter_map(|repository| {
            let storage = repository.spec.storage_ref.as_ref()?;
            Some(storage.resolved(&repository.namespace().unwrap_or_default()))
        })
        .collect();
    let found = try_join_all(references.iter().map(|reference| {
        cluster.find::<BackupStorage>(reference.namespace.as_deref().unwrap_or_default(), &reference.name)
    }))
    .await?;
    let storages = references.iter().map(ToString::to_string).zip(found);
    let storages = storages.filter_map(|(name, storage)| Some((name, storage?))).collect();
    Ok(Needs::of(&repositories, &storages))
}

async fn grant(cluster: &Cluster, access: &Access) -> Result<(), Error> {
    let Access { service_account: _, own_account, roles, bindings } = access;
    futures::try_join!(
        try_join_all(own_account.iter().map(|account| cluster.apply(account))),
        try_join_all(roles.iter().map(|role| cluster.apply(role))),
        try_join_all(bindings.iter().map(|binding| cluster.apply(binding))),
    )?;
    Ok(())
}

fn workload(session: &BackupSession, name: &str, component: &str, access: &Access) -> Workload {
    let mut labels = label::offshoot_of_backup_session(session);
    labels.insert(label::COMPONENT.to_owned(), component.to_owned());
    let namespace = session.namespace().unwrap_or_default();
    Workload::new(&namespace, name, &access.service_account, &labels).owner(session.controller_owner_ref(&()))
}

async fn create(cluster: &Cluster, session: &BackupSession, job: &Value) -> Result<(), Error> {
    if cluster.create_json::<Job>(job).await?.is_some() {
        return Ok(());
    }
    let (namespace, name) =
        (session.namespace().unwrap_or_default(), job["metadata"]["name"].as_str().unwrap_or_default());
    let existing = cluster.find::<Job>(&namespace, name).await?;
    let is_ours = |job: &Job| {
        job.owner_references().iter().any(|owner| Some(&owner.uid) == session.meta().uid.as_ref())
    };
    match existing {
        Some(job) if !is_ours(&job) => Err(Error::Hopeless(format!(
            "a Job {name:?} exists in namespace {namespace:?} that does not belong to this BackupSession"
        ))),
        _ => Ok(()),
    }
}

/// Whole seconds, at least one: zero would be no time at all.
fn seconds_until(deadline: Timestamp, now: Timestamp) -> i64 {
    deadline.duration_since(now).as_secs().max(1)
}
