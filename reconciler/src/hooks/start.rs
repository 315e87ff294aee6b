//! Creates the Jobs of hooks.

use std::collections::BTreeMap;

use crds::addons::Function;
use crds::core::HookTemplate;
use crds::core::hook::HookInfo;
use crds::core::hook_template::HookExecutorType;
use crds::{label, usage_policy, variables};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Resource, ResourceExt};

use super::{Around, Lists, Position};
use crate::access::{self, Needs, Party, Trade};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::start::{self, Error};
use crate::workload::{Container, Workload};

/// A session with hooks.
#[derive(Debug)]
pub struct Occasion<'a, S> {
    /// What the hooks are around.
    pub around: Around,
    /// The BackupSession or RestoreSession: the Jobs belong to it.
    pub session: &'a S,
    /// Its hooks.
    pub lists: Lists<'a>,
    /// For whom the Jobs' rights are made.
    pub party: Party,
    /// Labels of what is made for the session.
    pub labels: BTreeMap<String, String>,
    /// What a Function of a hook may use (contract §7.3).
    pub variables: BTreeMap<String, String>,
}

/// A hook of an occasion, with its template.
struct Wanted<'a> {
    at: Position,
    hook: &'a HookInfo,
    template: HookTemplate,
}

/// Creates the Job of a hook, unless it is there.
pub async fn start<S: Resource<DynamicType = ()>>(
    context: &Context,
    occasion: &Occasion<'_, S>,
    at: Position,
) -> Result<(), Error> {
    let hook = occasion.lists.of(at.stage).get(at.index);
    let hook = hook.ok_or_else(|| Error::Hopeless("the hook does not exist any more".to_owned()))?;
    let home = occasion.session.namespace().unwrap_or_default();
    let template = template(&context.cluster, hook, &home).await?;
    let executor = template.spec.executor.as_ref().and_then(|executor| executor.type_);
    let wanted = Wanted { at, hook, template };
    let job = match executor {
        Some(HookExecutorType::Pod | HookExecutorType::Operator) => own(context, occasion, &wanted).await?,
        Some(HookExecutorType::Function) => function(context, occasion, &wanted).await?,
        None => {
            let name = wanted.template.name_any();
            return Err(Error::Hopeless(format!("HookTemplate {name:?} has no executor")));
        }
    };
    start::create(&context.cluster, occasion.session, &job.job()).await
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
async fn own<S: Resource<DynamicType = ()>>(
    context: &Context,
    occasion: &Occasion<'_, S>,
    wanted: &Wanted<'_>,
) -> Result<Workload, Error> {
    let Wanted { at, hook, template } = wanted;
    let needs =
        Needs::default().hook_template(&template.namespace().unwrap_or_default(), &template.name_any());
    let account = hook.runtime_settings.as_ref().and_then(|settings| settings.pod.as_ref());
    let account = account.and_then(|pod| pod.service_account_name.as_deref()).filter(|name| !name.is_empty());
    let trade =
        Trade { prefix: occasion.around.prefix(), cluster_role: access::HOOK_ROLE, service_account: account };
    let access = access::access(trade, &occasion.party, &needs);
    start::grant(&context.cluster, &access).await?;
    let arguments = [
        "hook".to_owned(),
        format!("--namespace={}", occasion.session.namespace().unwrap_or_default()),
        format!("--{}={}", occasion.around.argument(), occasion.session.name_any()),
        format!("--stage={}", at.stage.word()),
        format!("--index={}", at.index),
    ];
    let container = Container::new("hook", &context.settings.image, arguments);
    Ok(finished(occasion, wanted, container.proxies(&context.settings.proxy), &access.service_account))
}

/// A Job of the Function that the template names. It has no rights but those that the hook's settings give it.
async fn function<S: Resource<DynamicType = ()>>(
    context: &Context,
    occasion: &Occasion<'_, S>,
    wanted: &Wanted<'_>,
) -> Result<Workload, Error> {
    let Wanted { at: _, hook, template } = wanted;
    let executor = template.spec.executor.as_ref().and_then(|executor| executor.function.as_ref());
    let executor = executor.ok_or_else(|| {
        Error::Hopeless(format!("HookTemplate {:?} has no executor.function", template.name_any()))
    })?;
    let found = context.cluster.find::<Function>("", &executor.name).await?;
    let found =
        found.ok_or_else(|| Error::Hopeless(format!("Function {:?} does not exist", executor.name)))?;
    let values = values(occasion.variables.clone(), hook, template);
    let function = variables::expand_object(&found.spec, &values)
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
    let mut workload = finished(occasion, wanted, container, account).retries(hook.max_retry.unwrap_or(0));
    for volume in &executor.volumes {
        workload = workload.volume(volume.raw().clone());
    }
    Ok(workload)
}

/// Built-in variables, defaults of the template, then what the hook gives.
fn values(
    mut values: BTreeMap<String, String>,
    hook: &HookInfo,
    template: &HookTemplate,
) -> BTreeMap<String, String> {
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
fn finished<S: Resource<DynamicType = ()>>(
    occasion: &Occasion<'_, S>,
    wanted: &Wanted<'_>,
    mut container: Container,
    account: &str,
) -> Workload {
    let Wanted { at, hook, template: _ } = wanted;
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
    let mut labels = occasion.labels.clone();
    labels.insert(label::COMPONENT.to_owned(), label::component::HOOK.to_owned());
    let namespace = occasion.session.namespace().unwrap_or_default();
    let name = occasion.around.job_name(&occasion.session.name_any(), *at);
    let mut workload = Workload::new(&namespace, &name, account, &labels)
        .owner(occasion.session.controller_owner_ref(&()))
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

    #[test]
    fn a_job_has_time_for_all_attempts() {
        let hook = |value| serde_json::from_value::<HookInfo>(value).unwrap();
        assert_eq!(deadline(&hook(json!({"timeout": "1m", "maxRetry": 2}))), Some(270));
        assert_eq!(deadline(&hook(json!({"maxRetry": 2}))), None);
    }
}
