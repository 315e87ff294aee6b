//! Reads what decides about a BackupSession.

use std::collections::{BTreeMap, BTreeSet};

use crds::addons::Addon;
use crds::condition;
use crds::core::backup_session::condition as word;
use crds::core::{BackupConfiguration, BackupSession};
use crds::label;
use crds::name;
use crds::storage::snapshot::SnapshotPhase;
use crds::storage::{Repository, RetentionPolicy, Snapshot};
use futures::future::try_join_all;
use kube::ResourceExt;

use super::observed::Observed;
use super::retention;
use crate::cluster::{Cluster, Error, Kind};
use crate::context::Context;
use crate::dependents::Key;
use crate::execution::Execution;
use crate::hooks::{self, Around};

/// Reads the configuration, the siblings, Repositories and Snapshots, and the Jobs as far as they matter now.
pub async fn observe(context: &Context, session: &BackupSession) -> Result<Observed, Error> {
    let (cluster, namespace) = (&context.cluster, session.namespace().unwrap_or_default());
    // Other kinds that could invoke, such as BackupBatch, are not known here.
    let invoker = match super::invoker(session) {
        (kind, name) if kind == BackupConfiguration::DEFINITION.kind => name,
        _ => "",
    };
    let (configuration, all) = futures::try_join!(
        cluster.find::<BackupConfiguration>(&namespace, invoker),
        cluster.list::<BackupSession>(Some(&namespace), ""),
    )?;
    let siblings = all.into_iter().filter(|other| is_sibling(session, other)).collect();
    let mut observed = Observed { configuration, siblings, ..Observed::default() };

    let repositories = repository_names(session, observed.configuration.as_ref());
    let snapshots: Vec<String> = status_snapshots(session);
    let keys = repositories.iter().map(|name| Key::of::<Repository>(&namespace, name));
    let keys = keys.chain(snapshots.iter().map(|name| Key::of::<Snapshot>(&namespace, name)));
    // Before they are read, so that no change between the two is missed.
    context.dependents.record(&Key::from_object(session), keys.collect());
    (observed.repositories, observed.snapshots) = futures::try_join!(
        by_name::<Repository>(cluster, &namespace, &repositories),
        by_name::<Snapshot>(cluster, &namespace, &snapshots),
    )?;

    let status = session.status.clone().unwrap_or_default();
    if !condition::exists(&status.conditions, word::SNAPSHOTS_ENSURED) {
        observed.addon =
            cluster.find::<Addon>("", addon_name(session, observed.configuration.as_ref())).await?;
    }
    let lists = super::hooks(session, observed.configuration.as_ref());
    if let Some(at) = hooks::running(lists, status.hooks.as_ref()) {
        let job = Around::Backup.job_name(&session.name_any(), at);
        observed.hook = Execution::read(cluster, session, &job, label::component::HOOK).await?;
    }
    let has = |type_: &str| condition::is_true(&status.conditions, type_);
    if observed.snapshots.values().all(is_completed) {
        retention_of(cluster, session, &mut observed).await?;
        if has(word::RETENTION_POLICY_EXECUTOR_ENSURED) {
            let job = name::retention_job(&session.name_any());
            observed.retention =
                Execution::read(cluster, session, &job, label::component::RETENTION_POLICY).await?;
        }
    } else if has(word::BACKUP_EXECUTOR_ENSURED) {
        let job = session.name_any();
        observed.backup = Execution::read(cluster, session, &job, label::component::BACKUP).await?;
    }
    Ok(observed)
}

/// The Addon that carries out the session; empty where none is named.
fn addon_name<'a>(session: &BackupSession, configuration: Option<&'a BackupConfiguration>) -> &'a str {
    let info = configuration.and_then(|found| found.session(&session.spec.session)?.addon.as_ref());
    info.map_or("", |info| &info.name)
}

/// Of the same invoker and session, and not the same.
fn is_sibling(session: &BackupSession, other: &BackupSession) -> bool {
    session.metadata.uid != other.metadata.uid
        && session.spec.session == other.spec.session
        && super::invoker(session) == super::invoker(other)
}

fn is_completed(snapshot: &Snapshot) -> bool {
    let phase = snapshot.status.as_ref().and_then(|status| status.phase);
    phase.is_some_and(SnapshotPhase::is_completed)
}

/// The Repositories that the configuration wants, or wanted when the Snapshots were made.
fn repository_names(session: &BackupSession, configuration: Option<&BackupConfiguration>) -> Vec<String> {
    let wanted = configuration
        .and_then(|configuration| configuration.session(&session.spec.session))
        .into_iter()
        .flat_map(|session| session.repositories.iter().map(|repository| repository.name.clone()));
    let used =
        session.status.iter().flat_map(|status| status.snapshots.iter().map(|one| one.repository.clone()));
    let names: BTreeSet<String> = wanted.chain(used).collect();
    names.into_iter().collect()
}

fn status_snapshots(session: &BackupSession) -> Vec<String> {
    session.status.iter().flat_map(|status| status.snapshots.iter().map(|one| one.name.clone())).collect()
}

async fn by_name<K: Kind>(
    cluster: &Cluster,
    namespace: &str,
    names: &[String],
) -> Result<BTreeMap<String, K>, Error> {
    let found = try_join_all(names.iter().map(|name| cluster.find::<K>(namespace, name))).await?;
    Ok(names.iter().cloned().zip(found).filter_map(|(name, object)| Some((name, object?))).collect())
}

/// What the retention policies have to judge.
async fn retention_of(
    cluster: &Cluster,
    session: &BackupSession,
    observed: &mut Observed,
) -> Result<(), Error> {
    let Some(configuration) = &observed.configuration else { return Ok(()) };
    let references = retention::references(session, configuration);
    if references.is_empty() {
        return Ok(());
    }
    let namespace = session.namespace().unwrap_or_default();
    let policies = try_join_all(references.iter().map(|(_, policy)| async {
        let found = cluster.find::<RetentionPolicy>(policy.namespace_or(&namespace), &policy.name).await?;
        Ok(found.map(|found| (policy.to_string(), found)))
    }));
    let (policies, kept) = futures::try_join!(policies, cluster.list::<Snapshot>(Some(&namespace), ""))?;
    observed.policies = policies.into_iter().flatten().collect();
    observed.kept =
        kept.into_iter().filter(|snapshot| snapshot.spec.session == session.spec.session).collect();
    Ok(())
}
