//! Hooks around a backup: one Job each, one after the other (contract §8.5).

use std::collections::BTreeMap;

use crds::addons::Function;
use crds::core::backup_configuration::BackupHooks;
use crds::core::hook::{ExecutionPolicy, HookExecutionStatus, HookInfo, HookPhase, HookStatus};
use crds::core::hook_template::HookExecutorType;
use crds::core::{BackupConfiguration, BackupSession, BackupSessionStatus, HookTemplate};
use crds::storage::snapshot::SnapshotPhase;
use crds::{label, name, usage_policy, variables};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Resource, ResourceExt};

use crate::access::{self, Needs, Party, Trade};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::start::{self, Error};
use crate::workload::{Container, Workload};

/// Before or after the backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Stage {
    /// Before it.
    Pre,
    /// After it.
    Post,
}

impl Stage {
    /// The hooks of this stage.
    #[must_use]
    pub fn list(self, hooks: &BackupHooks) -> &[HookInfo] {
        match self {
            Self::Pre => &hooks.pre_backup,
            Self::Post => &hooks.post_backup,
        }
    }

    /// Their record.
    #[must_use]
    pub fn record(self, status: &BackupSessionStatus) -> &[HookExecutionStatus] {
        let hooks = status.hooks.as_ref();
        hooks.map_or(&[], |hooks| match self {
            Self::Pre => &hooks.pre_hooks,
            Self::Post => &hooks.post_hooks,
        })
    }

    /// Writes that the hook is in `phase`.
    pub fn write(self, status: &mut BackupSessionStatus, hook: String, phase: HookPhase) {
        let hooks = status.hooks.get_or_insert_with(HookStatus::default);
        let list = match self {
            Self::Pre => &mut hooks.pre_hooks,
            Self::Post => &mut hooks.post_hooks,
        };
        match list.iter_mut().find(|one| one.name == hook) {
            Some(one) => one.phase = Some(phase),
            None => list.push(HookExecutionStatus { name: hook, phase: Some(phase) }),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Post => "post",
        }
    }
}

/// A hook of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Of which list.
    pub stage: Stage,
    /// From zero.
    pub index: usize,
}

/// What comes next in a list of hooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextHook {
    /// This one is to be started.
    Start(Position),
    /// This one runs.
    Await(Position),
    /// This one failed.
    Failed(Position),
    /// All that were to run have succeeded.
    Done,
}

/// The hook that is next. Those whose policy does not fit `failed`, how the backup went so far, are passed over.
#[must_use]
pub fn next(stage: Stage, hooks: &BackupHooks, status: &BackupSessionStatus, failed: bool) -> NextHook {
    let list = stage.list(hooks);
    for index in 0..list.len() {
        let at = Position { stage, index };
        let recorded = stage.record(status).iter().find(|one| one.name == key(list, index));
        match recorded.and_then(|one| one.phase) {
            Some(HookPhase::Failed) => return NextHook::Failed(at),
            Some(HookPhase::Pending) => return NextHook::Await(at),
            None if is_due(&list[index], failed) => return NextHook::Start(at),
            Some(HookPhase::Succeeded) | None => {}
        }
    }
    NextHook::Done
}

/// The name by which the record knows a hook: its own, made unique.
#[must_use]
pub fn key(list: &[HookInfo], index: usize) -> String {
    let Some(hook) = list.get(index) else { return String::new() };
    let is_taken = list[..index].iter().any(|other| other.name == hook.name);
    if hook.name.is_empty() || is_taken { format!("{}{index}", hook.name) } else { hook.name.clone() }
}

fn is_due(hook: &HookInfo, failed: bool) -> bool {
    match hook.execution_policy.unwrap_or_default() {
        ExecutionPolicy::Always => true,
        ExecutionPolicy::OnSuccess => !failed,
        ExecutionPolicy::OnFailure => failed,
    }
}

/// Whether the backup has failed so far.
#[must_use]
pub fn has_failed(status: &BackupSessionStatus) -> bool {
    status.has_failed() || status.snapshots.iter().any(|one| one.phase == Some(SnapshotPhase::Failed))
}

/// Name of the Job of a hook.
#[must_use]
pub fn job_name(session: &BackupSession, at: Position) -> String {
    name::join("hook", &session.name_any(), &format!("{}-{}", at.stage.word(), at.index), name::MAX)
}

/// Creates the Job of a hook, unless it is there.
pub async fn start(
    context: &Context,
    session: &BackupSession,
    configuration: &BackupConfiguration,
    at: Position,
) -> Result<(), Error> {
    let hooks = configuration.session(&session.spec.session).and_then(|session| session.hooks.as_ref());
    let hook = hooks.and_then(|hooks| at.stage.list(hooks).get(at.index));
    let hook =
        hook.ok_or_else(|| Error::Hopeless("the hook is not in the configuration any more".to_owned()))?;
    let template = template(&context.cluster, hook, &session.namespace().unwrap_or_default()).await?;
    let executor = template.spec.executor.as_ref().and_then(|executor| executor.type_);
    let job = match executor {
        Some(HookExecutorType::Pod | HookExecutorType::Operator) => {
            own(context, session, (configuration, hook, &template), at).await?
        }
        Some(HookExecutorType::Function) => function(context, session, (hook, &template), at).await?,
        None => {
            let name = template.name_any();
            return Err(Error::Hopeless(format!("HookTemplate {name:?} has no executor")));
        }
    };
    start::create(&context.cluster, session, &job.job()).await
}

/// The HookTemplate, when it may be used from `home`.
async fn template(cluster: &Cluster, hook: &HookInfo, home: &str) -> Result<HookTemplate, Error> {
    let reference = hook.hook_template.as_ref();
    let reference =
        reference.ok_or_else(|| Error::Hopeless(format!("hook {:?} names no HookTemplate", hook.name)))?;
    let (namespace, name) = (reference.namespace_or(home), &reference.name);
    let found = cluster.find::<HookTemplate>(namespace, name).await?;
    let found = found
        .ok_or_else(|| Error::Hopeless(format!("HookTemplate \"{namespace}/{name}\" does not exist")))?;
    if namespace == home {
        return Ok(found);
    }
    let labels = cluster.find::<Namespace>("", home).await?.and_then(|home| home.metadata.labels);
    let policy = usage_policy::effective(found.spec.usage_policy.as_ref());
    if policy.allows(namespace, home, &labels.unwrap_or_default()) {
        return Ok(found);
    }
    Err(Error::Hopeless(format!(
        "HookTemplate \"{namespace}/{name}\" may not be used from namespace {home:?}: its usagePolicy does not allow it"
    )))
}

/// A Job of our own, which acts on pods or sends requests.
async fn own(
    context: &Context,
    session: &BackupSession,
    (configuration, hook, template): (&BackupConfiguration, &HookInfo, &HookTemplate),
    at: Position,
) -> Result<Workload, Error> {
    let needs =
        Needs::default().hook_template(&template.namespace().unwrap_or_default(), &template.name_any());
    let account = hook.runtime_settings.as_ref().and_then(|settings| settings.pod.as_ref());
    let account = account.and_then(|pod| pod.service_account_name.as_deref()).filter(|name| !name.is_empty());
    let trade = Trade { prefix: "hook", cluster_role: access::HOOK_ROLE, service_account: account };
    let access = access::access(trade, &Party::new(configuration, &session.spec.session), &needs);
    start::grant(&context.cluster, &access).await?;
    let arguments = [
        "hook".to_owned(),
        format!("--namespace={}", session.namespace().unwrap_or_default()),
        format!("--backupsession={}", session.name_any()),
        format!("--stage={}", at.stage.word()),
        format!("--index={}", at.index),
    ];
    let container = Container::new("hook", &context.settings.image, arguments);
    Ok(finished(session, (hook, container.proxies(&context.settings.proxy)), &access.service_account, at))
}

/// A Job of the Function that the template names. It has no rights but those that the hook's settings give it.
async fn function(
    context: &Context,
    session: &BackupSession,
    (hook, template): (&HookInfo, &HookTemplate),
    at: Position,
) -> Result<Workload, Error> {
    let executor = template.spec.executor.as_ref().and_then(|executor| executor.function.as_ref());
    let executor = executor.ok_or_else(|| {
        Error::Hopeless(format!("HookTemplate {:?} has no executor.function", template.name_any()))
    })?;
    let found = context.cluster.find::<Function>("", &executor.name).await?;
    let found =
        found.ok_or_else(|| Error::Hopeless(format!("Function {:?} does not exist", executor.name)))?;
    let function = variables::expand_object(&found.spec, &values(session, hook, template))
        .map_err(|error| Error::Hopeless(format!("Function {:?}: {error}", executor.name)))?;
    let mut container = Container::of_function("hook", &function);
    for mount in &executor.volume_mounts {
        container = container.mount(mount);
    }
    for variable in &executor.env {
        container = container.variable(variable);
    }
    let container = container.proxies(&context.settings.proxy);
    let account = hook.runtime_settings.as_ref().and_then(|settings| settings.pod.as_ref());
    let account = account.and_then(|pod| pod.service_account_name.as_deref()).unwrap_or("default");
    let mut workload = finished(session, (hook, container), account, at).retries(hook.max_retry.unwrap_or(0));
    for volume in &executor.volumes {
        workload = workload.volume(volume.raw().clone());
    }
    Ok(workload)
}

/// Built-in variables, defaults of the template, then what the hook gives.
fn values(session: &BackupSession, hook: &HookInfo, template: &HookTemplate) -> BTreeMap<String, String> {
    let (kind, invoker) = super::invoker(session);
    let mut values = BTreeMap::from([
        ("namespace".to_owned(), session.namespace().unwrap_or_default()),
        ("backupSession".to_owned(), session.name_any()),
        ("invokerKind".to_owned(), kind.to_owned()),
        ("invokerName".to_owned(), invoker.to_owned()),
    ]);
    for parameter in &template.spec.params {
        if let Some(default) = &parameter.default {
            values.insert(parameter.name.clone(), default.clone());
        }
    }
    for (name, value) in hook.params.iter().flatten() {
        values.insert(name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    values
}

/// The Job with what the hook itself says about it.
fn finished(
    session: &BackupSession,
    (hook, mut container): (&HookInfo, Container),
    account: &str,
    at: Position,
) -> Workload {
    for variable in &hook.variables {
        container = container.variable(variable);
    }
    for mount in &hook.volume_mounts {
        container = container.mount(mount);
    }
    let settings = hook.runtime_settings.as_ref();
    if let Some(settings) = settings.and_then(|settings| settings.container.as_ref()) {
        container = container.runtime(settings);
    }
    let mut labels = label::offshoot_of_backup_session(session);
    labels.insert(label::COMPONENT.to_owned(), label::component::HOOK.to_owned());
    let namespace = session.namespace().unwrap_or_default();
    let mut workload = Workload::new(&namespace, &job_name(session, at), account, &labels)
        .owner(session.controller_owner_ref(&()))
        .deadline_seconds(deadline(hook))
        .container(container);
    if let Some(settings) = settings.and_then(|settings| settings.pod.as_ref()) {
        workload = workload.runtime(settings);
    }
    for volume in &hook.volumes {
        workload = workload.volume(volume.raw().clone());
    }
    workload
}

/// Seconds after which Kubernetes ends the Job: enough for all attempts.
fn deadline(hook: &HookInfo) -> Option<i64> {
    let timeout = crds::duration::parse(hook.timeout.as_deref()?).ok()?.as_secs();
    let attempts = i64::from(hook.max_retry.unwrap_or(0).max(0)) + 1;
    Some(timeout.saturating_add(30).saturating_mul(attempts))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hooks() -> BackupHooks {
        serde_json::from_value(json!({"postBackup": [
            {"name": "always"}, {"name": "good", "executionPolicy": "OnSuccess"}, {"name": "bad", "executionPolicy": "OnFailure"},
            {"name": "always"}, {},
        ]}))
        .unwrap()
    }

    fn status(recorded: &[(&str, &str)]) -> BackupSessionStatus {
        let list: Vec<_> =
            recorded.iter().map(|(name, phase)| json!({"name": name, "phase": phase})).collect();
        serde_json::from_value(json!({"hooks": {"postHooks": list}})).unwrap()
    }

    fn at(index: usize) -> Position {
        Position { stage: Stage::Post, index }
    }

    #[test]
    fn hooks_come_one_after_the_other_as_their_policy_says() {
        let done = ("always", "Succeeded");
        for (recorded, failed, expected) in [
            (vec![], false, NextHook::Start(at(0))),
            (vec![("always", "Pending")], false, NextHook::Await(at(0))),
            (vec![("always", "Failed")], false, NextHook::Failed(at(0))),
            (vec![done], false, NextHook::Start(at(1))),
            (vec![done], true, NextHook::Start(at(2))),
            (vec![done, ("good", "Succeeded")], false, NextHook::Start(at(3))),
            (vec![done, ("bad", "Succeeded"), ("always3", "Succeeded")], true, NextHook::Start(at(4))),
            (
                vec![done, ("bad", "Succeeded"), ("always3", "Succeeded"), ("4", "Succeeded")],
                true,
                NextHook::Done,
            ),
        ] {
            assert_eq!(
                next(Stage::Post, &hooks(), &status(&recorded), failed),
                expected,
                "{recorded:?} {failed}"
            );
        }
        assert_eq!(next(Stage::Pre, &hooks(), &status(&[]), false), NextHook::Done);
    }

    #[test]
    fn the_record_is_kept_by_name() {
        let mut status = BackupSessionStatus::default();
        Stage::Pre.write(&mut status, "a".to_owned(), HookPhase::Pending);
        Stage::Pre.write(&mut status, "b".to_owned(), HookPhase::Pending);
        Stage::Pre.write(&mut status, "a".to_owned(), HookPhase::Succeeded);
        let record: Vec<_> =
            Stage::Pre.record(&status).iter().map(|one| (one.name.as_str(), one.phase.unwrap())).collect();
        assert_eq!(record, [("a", HookPhase::Succeeded), ("b", HookPhase::Pending)]);
        assert!(Stage::Post.record(&status).is_empty());
    }

    #[test]
    fn a_job_has_time_for_all_attempts() {
        let hook = |value| serde_json::from_value::<HookInfo>(value).unwrap();
        assert_eq!(deadline(&hook(json!({"timeout": "1m", "maxRetry": 2}))), Some(270));
        assert_eq!(deadline(&hook(json!({"maxRetry": 2}))), None);
    }
}
