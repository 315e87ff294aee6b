//! Reads what decides about a BackupSession.

use std::collections::{BTreeMap, BTreeSet};

use crds::condition;
use crds::core::backup_session::condition as word;
use crds::core::hook::HookPhase;
use crds::core::{BackupConfiguration, BackupSession};
use crds::label;
use crds::name;
use crds::storage::snapshot::SnapshotPhase;
use crds::storage::{Repository, RetentionPolicy, Snapshot};
use futures::future::try_join_all;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::hooks::{self, Position, Stage};
use super::observed::{Execution, Observed};
use super::retention;
use crate::cluster::{Cluster, Error, Kind};
use crate::context::Context;
use crate::dependents::Key;
use crate::executor;

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

    if let Some(at) = running_hook(session, observed.configuration.as_ref()) {
        observed.hook =
            execution(cluster, session, &hooks::job_name(session, at), label::component::HOOK).await?;
    }
    let status = session.status.clone().unwrap_or_default();
    let has = |type_: &str| condition::is_true(&status.conditions, type_);
    if observed.snapshots.values().all(is_completed) {
        retention_of(cluster, session, &mut observed).await?;
        if has(word::RETENTION_POLICY_EXECUTOR_ENSURED) {
            let name = name::retention_job(&session.name_any());
            observed.retention =
                execution(cluster, session, &name, label::component::RETENTION_POLICY).await?;
        }
    } else if has(word::BACKUP_EXECUTOR_ENSURED) {
        observed.backup = execution(cluster, session, &session.name_any(), label::component::BACKUP).await?;
    }
    Ok(observed)
}

/// The hook that is recorded as pending.
fn running_hook(session: &BackupSession, configuration: Option<&BackupConfiguration>) -> Option<Position> {
    let list = configuration?.session(&session.spec.session)?.hooks.as_ref()?;
    let status = session.status.as_ref()?;
    [Stage::Pre, Stage::Post].into_iter().find_map(|stage| {
        let record = stage.record(status);
        let index = stage.list(list).iter().enumerate().map(|(index, _)| index).find(|index| {
            let key = hooks::key(stage.list(list), *index);
            record.iter().any(|one| one.name == key && one.phase == Some(HookPhase::Pending))
        })?;
        Some(Position { stage, index })
    })
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

/// A Job of the session, and its pods unless it is over well.
async fn execution(
    cluster: &Cluster,
    session: &BackupSession,
    name: &str,
    component: &str,
) -> Result<Execution, Error> {
    let namespace = session.namespace().unwrap_or_default();
    let Some(job) = cluster.find::<Job>(&namespace, name).await? else { return Ok(Execution::default()) };
    let labels = format!("{}={},{}={component}", label::INVOKER_NAME, session.name_any(), label::COMPONENT);
    let pods = match executor::state(&job, &[]) {
        executor::State::Succeeded => Vec::new(),
        _ => cluster.list::<Pod>(Some(&namespace), &labels).await?,
    };
    Ok(Execution { job: Some(job), pods })
}
