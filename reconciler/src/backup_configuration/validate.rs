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
use crate::addon::{self, Purpose};

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
        let problem = error.to_string();
        let names_the_line = scheduler.schedule.is_empty() || problem.contains(&scheduler.schedule);
        let problem = if names_the_line { problem } else { format!("\"{}\": {problem}", scheduler.schedule) };
        violations.push(violation(format!("{path}.scheduler.schedule"), problem));
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
                violations.push(violation(path, "must not be negative"));
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
    let problems = addon::problems(Purpose::Backup, info, found, &observed.functions);
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
    if let Some(existing) = observed.repositories.get(&wanted.name) {
        violations.extend(clash(path, wanted, &storage, existing, configuration));
    } else {
        violations.extend(occupied(path, wanted, &storage, configuration, observed));
    }
    violations
}

/// Whose the directory is already.
fn occupied(
    path: &str,
    wanted: &SessionRepository,
    storage: &ObjectReference,
    configuration: &BackupConfiguration,
    observed: &Observed,
) -> Option<Violation> {
    let home = configuration.namespace().unwrap_or_default();
    let place = Some((storage.clone(), name::directory(&wanted.directory)));
    let is_ours =
        |other: &Repository| other.name_any() == wanted.name && other.namespace().as_deref() == Some(&home);
    let other = observed.all_repositories.iter().find(|other| place_of(other) == place && !is_ours(other))?;
    let (namespace, name) = (other.namespace().unwrap_or_default(), other.name_any());
    let problem = format!(
        "\"{}\" of BackupStorage \"{storage}\" belongs to Repository \"{namespace}/{name}\" already; choose another \
         directory",
        wanted.directory
    );
    Some(violation(format!("{path}.directory"), problem))
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fixture::{
        configuration, observed, policy, repository, repository_wish, session, storage,
    };
    use super::*;

    fn told(configuration: &BackupConfiguration, observed: &Observed) -> Vec<String> {
        validate(configuration, observed).iter().map(ToString::to_string).collect()
    }

    fn with_session(change: &Value) -> BackupConfiguration {
        configuration(&json!({"spec": {"sessions": [session(change)]}}))
    }

    #[test]
    fn nothing_is_wrong_with_a_sound_configuration() {
        assert_eq!(told(&configuration(&json!({})), &observed()), [""; 0]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_field() {
        for (change, expected) in [
            (
                json!({"scheduler": {"schedule": "61 2 * * *"}}),
                "spec.sessions[0].scheduler.schedule: \"61 2 * * *\": minute \"61\" is not within 0 and 59",
            ),
            (
                json!({"backupTimeout": "5 minutes"}),
                "spec.sessions[0].backupTimeout: failed to read the duration",
            ),
            (json!({"backupTimeout": "-5m"}), "spec.sessions[0].backupTimeout: must not be negative"),
            (json!({"retryConfig": {"delay": "soon"}}), "spec.sessions[0].retryConfig.delay: failed to read"),
            (
                json!({"hooks": {"postBackup": [{"name": "a", "timeout": "x"}]}}),
                "spec.sessions[0].hooks.postBackup[0].timeout: failed to read",
            ),
            (json!({"addon": {"name": "nope"}}), "spec.sessions[0].addon: Addon \"nope\" does not exist"),
            (
                json!({"addon": {"tasks": [{"name": "manifest-backup", "params": {"Foo": "1"}}]}}),
                "has no parameter \"Foo\"; it has \"IncludeNamespaces\"",
            ),
            (
                json!({"repositories": [repository_wish(&json!({"encryptionSecret": null}))]}),
                "spec.sessions[0].repositories[0].encryptionSecret: is missing",
            ),
            (
                json!({"repositories": [repository_wish(&json!({"directory": "a/../b"}))]}),
                "spec.sessions[0].repositories[0].directory: must not contain",
            ),
        ] {
            let told = told(&with_session(&change), &observed());
            assert!(told.len() == 1 && told[0].contains(expected), "{change}: {told:?}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let configuration = with_session(
            &json!({"scheduler": {"schedule": "never"}, "backupTimeout": "x", "addon": {"name": "nope"}}),
        );
        assert_eq!(told(&configuration, &observed()).len(), 3);
    }

    #[test]
    fn who_may_not_use_a_storage_or_a_policy_is_told() {
        let private = json!({"spec": {"usagePolicy": {"allowedNamespaces": {"from": "Same"}}}});
        let mut observed = observed();
        observed.storages.insert(ObjectReference::new("infra", "store"), Some(storage(&private)));
        observed.policies.insert(ObjectReference::new("infra", "keep"), Some(policy(&private)));
        let told = told(&configuration(&json!({})), &observed);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].starts_with(
                "spec.backends[0].retentionPolicy: RetentionPolicy \"infra/keep\" may not be used"
            )
        );
        assert!(told[1].starts_with("spec.backends[0].storageRef: BackupStorage \"infra/store\" may not be used from namespace \"demo\""));
    }

    #[test]
    fn a_place_belongs_to_one_repository() {
        for (other, refused) in [
            (repository("demo", "repo", "store", "/shop"), false),
            (repository("demo", "other", "store", "shop/"), true),
            (repository("elsewhere", "repo", "store", "/shop"), true),
            (repository("demo", "other", "store", "/shopping"), false),
            (repository("demo", "other", "another", "/shop"), false),
        ] {
            let mut observed = observed();
            observed.all_repositories = vec![other.clone()];
            assert_eq!(told(&configuration(&json!({})), &observed).len(), usize::from(refused), "{other:?}");
        }
    }

    #[test]
    fn a_repository_is_not_moved() {
        for (existing, problem) in [
            (repository("demo", "repo", "store", "shop"), None),
            (
                repository("demo", "repo", "another", "/shop"),
                Some("exists in BackupStorage \"infra/another\""),
            ),
            (
                repository("demo", "repo", "store", "/old"),
                Some("exists in directory \"/old\", not in \"/shop\""),
            ),
        ] {
            let mut observed = observed();
            observed.repositories.insert("repo".to_owned(), existing);
            let told = told(&configuration(&json!({})), &observed).join("; ");
            match problem {
                None => assert_eq!(told, ""),
                Some(problem) => assert!(told.contains(problem), "{told}"),
            }
        }
        let target =
            json!({"spec": {"target": {"apiGroup": "apps", "kind": "Deployment", "name": "orders"}}});
        let mut observed = observed();
        observed.repositories.insert("repo".to_owned(), repository("demo", "repo", "store", "/shop"));
        assert!(told(&configuration(&target), &observed).join("; ").contains("exists for another target"));
    }

    #[test]
    fn what_is_not_there_yet_is_no_violation() {
        let mut observed = observed();
        observed.storages.insert(ObjectReference::new("infra", "store"), None);
        observed.policies.insert(ObjectReference::new("infra", "keep"), None);
        observed
            .encryption
            .insert(ObjectReference::new("demo", "encryption"), crate::secret::Encryption::Missing);
        assert_eq!(told(&configuration(&json!({})), &observed), [""; 0]);
    }
}
