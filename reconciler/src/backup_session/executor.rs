//! Starts the Jobs of a BackupSession: fetches what they are made of, gives them their rights, creates them.

use std::collections::BTreeMap;

use crds::core::backup_configuration::Session;
use crds::core::{BackupConfiguration, BackupSession, BackupSessionStatus};
use crds::label;
use crds::name;
use crds::storage::Repository;
use kube::{Resource, ResourceExt};

use super::observed::Observed;
use super::retention;
use crate::access::{self, Access, Party, Trade};
use crate::addon::Purpose;
use crate::context::Context;
use crate::start::{self, Error, GRACE_SECONDS, seconds_until};
use crate::workload::{Container, Workload};

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
    let resolved = start::resolve(&context.cluster, Purpose::Backup, info, &built_in(session)).await?;
    let home = session.namespace().unwrap_or_default();
    let template = info.job_template.as_ref();
    let account = info.service_account();
    if let Some(account) = account {
        start::expect_account(&context.cluster, &home, account).await?;
    }
    let (needs, _) = start::needs(&context.cluster, &repositories(observed), &home).await?;
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
    let home = session.namespace().unwrap_or_default();
    let (mut needs, storages) = start::needs(&context.cluster, &repositories(observed), &home).await?;
    for (_, policy) in retention::references(session, configuration) {
        needs = needs.policy(policy.namespace_or(&home), &policy.name);
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

/// Variables that a Function may use (contract §7.3).
pub fn built_in(session: &BackupSession) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("namespace".to_owned(), session.namespace().unwrap_or_default()),
        ("backupSession".to_owned(), session.name_any()),
        ("invokerKind".to_owned(), super::invoker(session).0.to_owned()),
        ("invokerName".to_owned(), super::invoker(session).1.to_owned()),
    ])
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
