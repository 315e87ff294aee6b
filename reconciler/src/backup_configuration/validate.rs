//! What is wrong with a BackupConfiguration, all at once (contract §10 V1 to V16).
//!
//! A violation needs somebody to change something: this object, or who may use what. What may come by itself (a
//! storage that is not ready yet, a Secret that is not there yet) is no violation but keeps the configuration from
//! being Ready ([`super::status`]).

use crds::core::BackupConfiguration;
use crds::core::backup_configuration::{BackendReference, Session, SessionRepository};
use crds::name;
use crds::reference::ObjectReference;
use crds::storage::Repository;
use crds::usage_policy::{self, UsagePolicy};
use crds::violation::Violation;
use crds::{duration, label, schedule};
use kube::{Resource, ResourceExt};

use super::defaults::Shared;
use super::observe::Observed;
use crate::addon;

/// All that is wrong.
#[must_use]
pub fn validate(configuration: &BackupConfiguration, observed: &Observed) -> Vec<Violation> {
    let mut violations = configuration.violations();
    violations.extend(name_violation(configuration));
    for (index, backend) in configuration.spec.backends.iter().enumerate() {
        violations.extend(backend_violations(index, backend, configuration, observed));
    }
    for (index, session) in configuration.spec.sessions.iter().enumerate() {
        let path = format!("spec.sessions[{index}]");
        violations.extend(schedule_violations(&path, session));
        violations.extend(addon_violations(&path, session, observed));
        violations.extend(hook_violations(&path, session, configuration, observed));
        for (index, wanted) in session.repositories.iter().enumerate() {
            let path = format!("{path}.repositories[{index}]");
            violations.extend(repository_violations(&path, wanted, configuration, observed));
        }
    }
    violations.sort();
    violations.dedup();
    violations
}

fn violation(path: impl Into<String>, problem: impl Into<String>) -> Violation {
    Violation { path: path.into(), problem: problem.into() }
}

/// V15: who may use a storage or a policy is looked at in every pass, since labels and policies change.
fn backend_violations(
    index: usize,
    backend: &BackendReference,
    configuration: &BackupConfiguration,
    observed: &Observed,
) -> Vec<Violation> {
    let home = configuration.namespace().unwrap_or_default();
    let mut violations = Vec::new();
    if let Some(reference) = &backend.storage_ref
        && let Some(Some(storage)) = observed.storages.get(&reference.resolved(&home))
    {
        let problem = usage_problem(storage, storage.usage_policy(), &home, observed);
        violations
            .extend(problem.map(|problem| violation(format!("spec.backends[{index}].storageRef"), problem)));
    }
    if let Some(reference) = &backend.retention_policy
        && let Some(Some(policy)) = observed.policies.get(&reference.resolved(&home))
    {
        let problem = usage_problem(policy, policy.usage_policy(), &home, observed);
        violations.extend(
            problem.map(|problem| violation(format!("spec.backends[{index}].retentionPolicy"), problem)),
        );
    }
    violations
}

/// Why `object` may not be used from `home`, if it may not.
fn usage_problem<K: Resource<DynamicType = ()>>(
    object: &K,
    policy: Option<&UsagePolicy>,
    home: &str,
    observed: &Observed,
) -> Option<String> {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let policy = usage_policy::effective(policy);
    if policy.allows(&namespace, home, &observed.namespace_labels) {
        return None;
    }
    let allowed = match policy.from() {
        Some(usage_policy::FromNamespaces::Selector) => {
            "namespaces with certain labels, which it does not have"
        }
        _ => "its own namespace",
    };
    let kind = K::kind(&());
    Some(format!(
        "{kind} \"{namespace}/{name}\" may not be used from namespace \"{home}\": its usagePolicy allows only \
         {allowed}"
    ))
}

fn schedule_violations(path: &str, session: &Session) -> Vec<Violation> {
    let mut violations = Vec::new();
    if let Some(scheduler) = &session.scheduler
        && let Err(error) = schedule::parse(&scheduler.schedule)
    {
        violations.push(violation(format!("{path}.scheduler.schedule"), error.to_string()));
    }
    let hooks = session.hooks.iter().flat_map(|hooks| {
        let before =
            hooks.pre_backup.iter().enumerate().map(|(index, hook)| (format!("preBackup[{index}]"), hook));
        let after =
            hooks.post_backup.iter().enumerate().map(|(index, hook)| (format!("postBackup[{index}]"), hook));
        before.chain(after)
    });
    let durations = [
        (format!("{path}.backupTimeout"), session.backup_timeout.as_deref()),
        (
            format!("{path}.retryConfig.delay"),
            session.retry_config.as_ref().and_then(|retry| retry.delay.as_deref()),
        ),
    ];
    let hook_timeouts =
        hooks.map(|(field, hook)| (format!("{path}.hooks.{field}.timeout"), hook.timeout.as_deref()));
    for (path, text) in durations.into_iter().chain(hook_timeouts) {
        let Some(text) = text.filter(|text| !text.is_empty()) else { continue };
        match duration::parse(text) {
            Ok(duration) if duration.is_negative() => {
                violations.push(violation(path, "must not be negative"))
            }
            Ok(_) => {}
            Err(error) => violations.push(violation(path, error.to_string())),
        }
    }
    violations
}

fn addon_violations(path: &str, session: &Session, observed: &Observed) -> Vec<Violation> {
    let Some(info) = session.addon.as_ref().filter(|info| !info.name.is_empty()) else { return Vec::new() };
    let found = observed.addons.get(&info.name).and_then(Option::as_ref);
    let problems = addon::problems(info, found, &observed.functions);
    problems.into_iter().map(|problem| violation(format!("{path}.addon"), problem.to_string())).collect()
}

/// V16.
fn hook_violations(
    path: &str,
    session: &Session,
    configuration: &BackupConfiguration,
    observed: &Observed,
) -> Vec<Violation> {
    let home = configuration.namespace().unwrap_or_default();
    let hooks = session.hooks.iter().flat_map(|hooks| hooks.pre_backup.iter().chain(&hooks.post_backup));
    let templates = hooks.filter_map(|hook| {
        let reference = hook.hook_template.as_ref()?.resolved(&home);
        observed.hook_templates.get(&reference)?.as_ref()
    });
    templates
        .filter_map(|template| usage_problem(template, template.spec.usage_policy.as_ref(), &home, observed))
        .map(|problem| violation(format!("{path}.hooks"), problem))
        .collect()
}

/// V12, V14, and what the engine needs.
fn repository_violations(
    path: &str,
    wanted: &SessionRepository,
    configuration: &BackupConfiguration,
    observed: &Observed,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    if wanted.encryption_secret.as_ref().is_none_or(|secret| secret.name.is_empty()) {
        let problem = "is missing: a repository is encrypted; name a Secret with the key RESTIC_PASSWORD";
        violations.push(violation(format!("{path}.encryptionSecret"), problem));
    }
    if name::directory(&wanted.directory).split('/').any(|segment| matches!(segment, "." | "..")) {
        violations
            .push(violation(format!("{path}.directory"), "must not contain \".\" or \"..\" as a segment"));
    }
    let Some(storage) = storage_of(wanted, configuration) else { return violations };
    match observed.repositories.get(&wanted.name) {
        Some(existing) => violations.extend(clash(path, wanted, &storage, existing, configuration)),
        None => {
            let home = configuration.namespace().unwrap_or_default();
            let same_place = observed.all_repositories.iter().find(|other| {
                place_of(other) == Some((storage.clone(), name::directory(&wanted.directory)))
                    && !(other.name_any() == wanted.name && other.namespace().as_deref() == Some(&home))
            });
            violations.extend(same_place.map(|other| {
                let (namespace, name) = (other.namespace().unwrap_or_default(), other.name_any());
                let problem = format!(
                    "\"{}\" of BackupStorage \"{storage}\" belongs to Repository \"{namespace}/{name}\" already; \
                     choose another directory",
                    wanted.directory
                );
                violation(format!("{path}.directory"), problem)
            }));
        }
    }
    violations
}

/// How an existing Repository differs from what is wanted in what cannot change.
fn clash(
    path: &str,
    wanted: &SessionRepository,
    storage: &ObjectReference,
    existing: &Repository,
    configuration: &BackupConfiguration,
) -> Option<Violation> {
    let home = configuration.namespace().unwrap_or_default();
    let name = format!("Repository \"{home}/{}\"", wanted.name);
    let problem = if existing.spec.storage_ref.as_ref().map(|reference| reference.resolved(&home)).as_ref()
        != Some(storage)
    {
        let found = existing.spec.storage_ref.as_ref().map(|reference| reference.resolved(&home).to_string());
        format!("exists in BackupStorage \"{}\", not in \"{storage}\"", found.unwrap_or_default())
    } else if name::directory(&existing.spec.path) != name::directory(&wanted.directory) {
        format!("exists in directory \"{}\", not in \"{}\"", existing.spec.path, wanted.directory)
    } else if existing
        .spec
        .app_ref
        .as_ref()
        .is_some_and(|target| !target.same_object(&configuration.app_ref()))
    {
        "exists for another target".to_owned()
    } else {
        return None;
    };
    Some(violation(format!("{path}.name"), format!("{name} {problem}; choose another name")))
}

/// The storage of a repository, its namespace written out.
#[must_use]
pub fn storage_of(
    wanted: &SessionRepository,
    configuration: &BackupConfiguration,
) -> Option<ObjectReference> {
    let home = configuration.namespace().unwrap_or_default();
    let backend = configuration.backend(&wanted.backend)?;
    backend.storage_ref.as_ref().map(|reference| reference.resolved(&home))
}

/// Storage and directory of a Repository.
fn place_of(repository: &Repository) -> Option<(ObjectReference, String)> {
    let home = repository.namespace().unwrap_or_default();
    let storage = repository.spec.storage_ref.as_ref()?.resolved(&home);
    Some((storage, name::directory(&repository.spec.path)))
}

/// Whether the name of the configuration can be a label value, by which its offshoots are found.
#[must_use]
fn name_violation(configuration: &BackupConfiguration) -> Option<Violation> {
    let name = configuration.name_any();
    (name.len() > name::MAX).then(|| {
        let problem = format!(
            "has {} characters; it becomes the label {}, which takes {}",
            name.len(),
            label::INVOKER_NAME,
            name::MAX
        );
        violation("metadata.name", problem)
    })
}
