//! Starts the Jobs of a BackupSession: fetches what they are made of, gives them their rights, creates them.

use std::collections::BTreeMap;

use crds::addons::{Addon, Function};
use crds::core::backup_configuration::Session;
use crds::core::{BackupConfiguration, BackupSession, BackupSessionStatus};
use crds::label;
use crds::name;
use crds::storage::Repository;
use futures::future::try_join_all;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Resource, ResourceExt};

use super::observed::Observed;
use super::retention;
use crate::access::{self, Access, Party, Trade};
use crate::addon::{self, Resolved};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::start::{self, Error};
use crate::workload::{Container, Workload};

/// Seconds that Kubernetes waits beyond the deadline before it ends a Job: until then the Job ends itself, and tells.
const GRACE_SECONDS: i64 = 15;

/// Seconds that removing Snapshots may take.
const LONGEST_RETENTION_SECONDS: i64 = 6 * 3600;

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
    let (needs, _) = start::needs(&context.cluster, &repositories(observed)).await?;
    let trade = Trade { prefix: "backup", cluster_role: access::BACKUP_ROLE, service_account: account };
    let access = access::access(trade, &Party::new(configuration, &session.spec.session), &needs);
    start::grant(&context.cluster, &access).await?;

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
    start::create(&context.cluster, session, &workload.job()).await
}

/// Creates the retention Job, unless it is there.
pub async fn start_retention(
    context: &Context,
    session: &BackupSession,
    observed: &Observed,
) -> Result<(), Error> {
    let (configuration, _) = invoker(session, observed)?;
    let (mut needs, storages) = start::needs(&context.cluster, &repositories(observed)).await?;
    for (_, policy) in retention::references(session, configuration) {
        needs = needs.policy(policy.namespace_or(&session.namespace().unwrap_or_default()), &policy.name);
    }
    let trade = Trade {
        prefix: name::prefix::RETENTION_POLICY,
        cluster_role: access::RETENTION_ROLE,
        service_account: None,
    };
    let access = access::access(trade, &Party::new(configuration, &session.spec.session), &needs);
    start::grant(&context.cluster, &access).await?;

    let name = name::retention_job(&session.name_any());
    let arguments = [
        "retain".to_owned(),
        format!("--namespace={}", session.namespace().unwrap_or_default()),
        format!("--backupsession={}", session.name_any()),
        format!("--job={name}"),
    ];
    let container = Container::new("retention-policy", &context.settings.image, arguments)
        .proxies(&context.settings.proxy);
    let mut workload = workload(session, &name, label::component::RETENTION_POLICY, &access)
        .deadline_seconds(Some(LONGEST_RETENTION_SECONDS))
        .container(container);
    if let Some(settings) =
        storages.iter().find_map(|storage| storage.spec.runtime_settings.as_ref()?.pod.as_ref())
    {
        workload = workload.runtime(settings);
    }
    start::create(&context.cluster, session, &workload.job()).await
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

fn repositories(observed: &Observed) -> Vec<Repository> {
    observed.repositories.values().cloned().collect()
}

fn workload(session: &BackupSession, name: &str, component: &str, access: &Access) -> Workload {
    let mut labels = label::offshoot_of_backup_session(session);
    labels.insert(label::COMPONENT.to_owned(), component.to_owned());
    let namespace = session.namespace().unwrap_or_default();
    Workload::new(&namespace, name, &access.service_account, &labels).owner(session.controller_owner_ref(&()))
}

/// Whole seconds, at least one: zero would be no time at all.
fn seconds_until(deadline: Timestamp, now: Timestamp) -> i64 {
    deadline.duration_since(now).as_secs().max(1)
}
