//! Reads what decides about a RestoreSession.

use std::collections::{BTreeMap, BTreeSet};

use crds::addons::{Addon, Function};
use crds::condition;
use crds::core::restore_session::{RestoreDataSource, condition as word};
use crds::core::{BackupConfiguration, HookTemplate, RestoreSession};
use crds::label;
use crds::storage::{BackupStorage, Repository, Snapshot};
use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use kube::ResourceExt;

use super::observed::{Found, Observed};
use super::source::{self, Wish};
use super::{decide, pause};
use crate::addon::{self, Purpose};
use crate::cluster::{Error, Kind};
use crate::context::Context;
use crate::dependents::Key;
use crate::execution::Execution;
use crate::executor::State;
use crate::hooks::{self, Around};
use crate::secret::Encryption;

/// Reads what matters now. The session is given back as it is after that: the Job reports first and ends then, so that
/// whoever saw its end must look at the report again.
pub async fn observe(
    context: &Context,
    session: RestoreSession,
) -> Result<(RestoreSession, Observed), Error> {
    let cluster = &context.cluster;
    let status = session.status.clone().unwrap_or_default();
    let mut observed = Observed::default();
    if condition::exists(&status.conditions, word::VALIDATION_PASSED) {
        context.dependents.record(&Key::from_object(&session), BTreeSet::new());
    } else {
        observed.found = Some(Box::new(found(context, &session).await?));
    }
    if session.spec.target.is_some() || !status.paused_backups.is_empty() {
        let home = session.namespace().unwrap_or_default();
        observed.configurations = cluster.list::<BackupConfiguration>(Some(&home), "").await?;
        observed.configurations.retain(|one| pause::concerns(one, &session) || pause::is_held(one, &session));
    }
    if let Some(at) = hooks::running(super::hooks(&session), status.hooks.as_ref()) {
        let job = Around::Restore.job_name(&session.name_any(), at);
        observed.hook = Execution::read(cluster, &session, &job, label::component::HOOK).await?;
    }
    let is_running = condition::is_true(&status.conditions, word::RESTORE_EXECUTOR_ENSURED)
        && !decide::is_restored(&status);
    if !is_running {
        return Ok((session, observed));
    }
    observed.restore =
        Execution::read(cluster, &session, &session.name_any(), label::component::RESTORE).await?;
    let may_have_ended = !matches!(observed.restore.state(), Some(State::Waiting(_) | State::Running));
    let fresh = if may_have_ended {
        let namespace = session.namespace().unwrap_or_default();
        cluster.find::<RestoreSession>(&namespace, &session.name_any()).await?.unwrap_or(session)
    } else {
        session
    };
    Ok((fresh, observed))
}

/// What validation looks at. What was looked for wakes the session when it changes.
async fn found(context: &Context, session: &RestoreSession) -> Result<Found, Error> {
    let home = session.namespace().unwrap_or_default();
    let mut reader = Reader { context, key: Key::from_object(session), read: BTreeSet::new() };
    let mut found = Found::default();
    if let Some(source) = &session.spec.data_source {
        data(&mut reader, session, source, &mut found).await?;
    }
    if let Some(info) = &session.spec.addon {
        found.addon = reader.find::<Addon>("", &info.name).await?;
        for name in found.addon.iter().flat_map(|addon| addon::function_names(Purpose::Restore, info, addon))
        {
            if let Some(function) = reader.find::<Function>("", &name).await? {
                found.functions.insert(name, function);
            }
        }
    }
    let account = session.service_account().unwrap_or_default();
    found.account = reader.find::<ServiceAccount>(&home, account).await?.is_some();
    found.hook_templates = templates(&mut reader, session, &home).await?;
    if let Some(namespace) = reader.find::<Namespace>("", &home).await? {
        found.namespace_labels = namespace.metadata.labels.unwrap_or_default();
    }
    if let Some(target) = &session.spec.target {
        found.target = Some(context.cluster.find_target(target, &home).await?);
    }
    Ok(found)
}

async fn data(
    reader: &mut Reader<'_>,
    session: &RestoreSession,
    source: &RestoreDataSource,
    found: &mut Found,
) -> Result<(), Error> {
    let namespace = session.source_namespace();
    let mut repository = source.repository.clone();
    match source::wish(source) {
        Err(_) => {}
        Ok(Wish::Named(name)) => {
            found.snapshots.extend(reader.find::<Snapshot>(&namespace, name).await?);
            if let (true, Some(snapshot)) = (repository.is_empty(), found.snapshots.first()) {
                repository.clone_from(&snapshot.spec.repository);
            }
        }
        Ok(Wish::Latest | Wish::At { .. }) => {
            found.snapshots = reader.context.cluster.list::<Snapshot>(Some(&namespace), "").await?;
            found.snapshots.retain(|snapshot| snapshot.spec.repository == repository);
        }
    }
    found.repository = reader.find::<Repository>(&namespace, &repository).await?;
    let Some(repository) = &found.repository else { return Ok(()) };
    if let Some(reference) = &repository.spec.storage_ref {
        found.storage =
            reader.find::<BackupStorage>(reference.namespace_or(&namespace), &reference.name).await?;
    }
    let home = session.namespace().unwrap_or_default();
    if let Some(secret) = source::encryption(session, repository) {
        let object = reader.context.cluster.find::<Secret>(secret.namespace_or(&home), &secret.name).await?;
        let encryption = Encryption::of(object.as_ref(), &home);
        found.encryption = Some((secret, encryption));
    }
    Ok(())
}

async fn templates(
    reader: &mut Reader<'_>,
    session: &RestoreSession,
    home: &str,
) -> Result<BTreeMap<crds::reference::ObjectReference, Option<HookTemplate>>, Error> {
    let hooks = super::hooks(session);
    let mut found = BTreeMap::new();
    for hook in hooks.pre.iter().chain(hooks.post) {
        let Some(reference) = hook.hook_template.as_ref().map(|reference| reference.resolved(home)) else {
            continue;
        };
        let template = reader.find::<HookTemplate>(reference.namespace_or(home), &reference.name).await?;
        found.insert(reference, template);
    }
    Ok(found)
}

/// Reads objects and remembers which, before each is read: so that no change between the two is missed.
struct Reader<'a> {
    context: &'a Context,
    key: Key,
    read: BTreeSet<Key>,
}

impl Reader<'_> {
    async fn find<K: Kind>(&mut self, namespace: &str, name: &str) -> Result<Option<K>, Error> {
        self.read.insert(Key::of::<K>(namespace, name));
        self.context.dependents.record(&self.key, self.read.clone());
        self.context.cluster.find(namespace, name).await
    }
}
