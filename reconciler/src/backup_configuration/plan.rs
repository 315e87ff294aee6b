//! What follows from a BackupConfiguration and from what it refers to.

use std::collections::BTreeMap;
use std::time::Duration;

use crds::condition;
use crds::core::BackupConfiguration;
use crds::core::backup_configuration::Session;
use crds::core::backup_configuration::condition as kind;
use crds::storage::Repository;
use crds::storage::backup_storage::BackupStoragePhase;
use crds::violation::Violation;
use jiff::Timestamp;
use kube::ResourceExt;

use super::build::{self, Trigger};
use super::observe::Observed;
use super::status::{Obstacles, next_slot};
use super::validate;
use crate::cluster::Target;
use crate::context::Settings;
use crate::finalizer;
use crate::outcome::Next;
use crate::secret::Encryption;

/// When to look again at what is not watched: Secrets that are not as they should be, targets, new defaults.
const SOON: Duration = Duration::from_secs(15);

/// When to look again when all is well.
const LATER: Duration = Duration::from_mins(5);

/// What is to be written.
#[derive(Debug, Default)]
pub struct Plan {
    /// What is wrong; nothing is created then.
    pub violations: Vec<Violation>,
    /// The Repositories.
    pub repositories: Vec<Repository>,
    /// The CronJobs, by session.
    pub triggers: Vec<(String, Trigger)>,
    /// What keeps sessions from being run.
    pub obstacles: Obstacles,
    /// Whether sessions may have been removed since the last pass.
    pub sweep: bool,
    /// When to look again.
    pub next: Next,
}

/// The plan.
#[must_use]
pub fn plan(
    configuration: &BackupConfiguration,
    observed: &Observed,
    settings: &Settings,
    now: Timestamp,
) -> Plan {
    let violations = validate::validate(configuration, observed);
    let mut plan = Plan { next: next(configuration, observed, now), ..Plan::default() };
    if !violations.is_empty() {
        let invalid =
            |session: &Session| (session.name.clone(), "The configuration is not valid.".to_owned());
        plan.obstacles = configuration.spec.sessions.iter().map(invalid).collect();
        plan.violations = violations;
        return plan;
    }
    plan.sweep = is_new(configuration);
    let mut repositories = BTreeMap::new();
    for session in &configuration.spec.sessions {
        for wanted in &session.repositories {
            if let Some(repository) = wanted_now(configuration, wanted, observed) {
                repositories.insert(wanted.name.clone(), repository);
            }
        }
        if let Some(obstacle) = obstacle(configuration, session, observed) {
            plan.obstacles.insert(session.name.clone(), obstacle);
        } else {
            let trigger = build::trigger(configuration, session, settings);
            plan.triggers.extend(trigger.map(|trigger| (session.name.clone(), trigger)));
        }
    }
    plan.repositories = repositories.into_values().collect();
    plan
}

/// A Repository is made once its storage is ready: only then is it known who may use it, and whether the bucket has a
/// Repository of that name already (contract §4.6). One that exists is kept as it should be in any case.
fn wanted_now(
    configuration: &BackupConfiguration,
    wanted: &crds::core::backup_configuration::SessionRepository,
    observed: &Observed,
) -> Option<Repository> {
    let storage = observed.storages.get(&validate::storage_of(wanted, configuration)?)?.as_ref()?;
    let ready = storage.status.as_ref().is_some_and(|status| status.phase() == BackupStoragePhase::Ready);
    let usable = ready && !finalizer::is_leaving(storage);
    let exists = observed.repositories.contains_key(&wanted.name);
    (usable || exists).then(|| build::repository(configuration, wanted))?
}

/// What keeps a session from being run, although nothing is wrong with the configuration itself.
fn obstacle(configuration: &BackupConfiguration, session: &Session, observed: &Observed) -> Option<String> {
    let home = configuration.namespace().unwrap_or_default();
    let name = crds::name::cron_job(&configuration.name_any(), &session.name);
    if let Some(taken) = observed.cron_jobs.get(&name)
        && !taken
            .owner_references()
            .iter()
            .any(|owner| Some(&owner.uid) == configuration.metadata.uid.as_ref())
    {
        return Some(format!(
            "CronJob \"{home}/{name}\" belongs to somebody else; rename the session, or delete that CronJob"
        ));
    }
    session.repositories.iter().find_map(|wanted| {
        let reference = wanted.encryption_secret.as_ref()?.resolved(&home);
        observed.encryption.get(&reference)?.problem(&reference.to_string(), &home)
    })
}

/// Whether this version of the object has not been through a pass.
fn is_new(configuration: &BackupConfiguration) -> bool {
    let conditions =
        configuration.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let seen = condition::find(conditions, kind::VALIDATION_PASSED)
        .and_then(|condition| condition.observed_generation);
    seen != configuration.metadata.generation
}

fn next(configuration: &BackupConfiguration, observed: &Observed, now: Timestamp) -> Next {
    let waits = configuration.spec.backends.is_empty()
        || configuration.spec.backends.iter().any(|backend| {
            backend.retention_policy.is_none() && super::defaults::policy(configuration, observed).is_none()
        })
        || observed.target == Some(Target::Missing)
        || observed.encryption.values().any(|encryption| *encryption != Encryption::Usable);
    let slots = configuration
        .spec
        .sessions
        .iter()
        .filter_map(|session| next_slot(configuration, session, observed, now));
    // A second later the slot is past, and the status can name the one after it.
    let slot = slots.min().and_then(|slot| Duration::try_from(slot.duration_since(now)).ok());
    let slot = slot.map_or(Next::AwaitChange, |wait| Next::After(wait + Duration::from_secs(1)));
    slot.or_sooner(Next::After(if waits { SOON } else { LATER }))
}

#[cfg(test)]
mod tests {
    use crds::reference::ObjectReference;
    use serde_json::{Value, json};

    use super::super::fixture::{configuration, observed, repository, session, storage};
    use super::*;
    use crate::proxy::Proxy;

    fn of(configuration: &BackupConfiguration, observed: &Observed) -> Plan {
        let settings = Settings {
            image: "kubestash:1".to_owned(),
            version: "0.1.0",
            namespace: "kubestash".to_owned(),
            proxy: Proxy::default(),
        };
        plan(configuration, observed, &settings, "2026-11-22T10:00:00Z".parse().unwrap())
    }

    fn names(plan: &Plan) -> (Vec<String>, Vec<String>) {
        let repositories = plan.repositories.iter().map(ResourceExt::name_any).collect();
        (repositories, plan.triggers.iter().map(|(session, _)| session.clone()).collect())
    }

    fn some(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_sound_configuration_gets_its_repositories_and_triggers() {
        let hourly = session(&json!({"name": "hourly"}));
        let configuration = configuration(&json!({"spec": {"sessions": [session(&json!({})), hourly]}}));
        let plan = of(&configuration, &observed());
        assert_eq!(
            names(&plan),
            (some(&["repo"]), some(&["nightly", "hourly"])),
            "a shared repository is made once"
        );
        assert!(plan.violations.is_empty() && plan.obstacles.is_empty());
    }

    #[test]
    fn nothing_is_made_of_an_invalid_configuration() {
        let wrong = session(&json!({"scheduler": {"schedule": "never"}}));
        let plan = of(&configuration(&json!({"spec": {"sessions": [wrong]}})), &observed());
        assert_eq!(names(&plan), (vec![], vec![]));
        assert_eq!(plan.violations.len(), 1);
        assert_eq!(plan.obstacles.len(), 1);
        assert!(!plan.sweep, "an error in the spec must not delete what runs");
    }

    #[test]
    fn a_repository_waits_until_its_storage_is_ready() {
        let leaving = json!({"metadata": {"deletionTimestamp": "2026-11-22T10:00:00Z"}});
        for (change, exists, made) in [
            (json!({}), false, true),
            (json!({"status": null}), false, false),
            (json!({"status": null}), true, true),
            (leaving, false, false),
        ] {
            let mut observed = observed();
            observed.storages.insert(ObjectReference::new("infra", "store"), Some(storage(&change)));
            if exists {
                observed.repositories.insert("repo".to_owned(), repository("demo", "repo", "store", "/shop"));
            }
            let plan = of(&configuration(&json!({})), &observed);
            assert_eq!(plan.repositories.len(), usize::from(made), "{change} {exists}");
            assert_eq!(plan.triggers.len(), 1);
        }
    }

    fn cron_job(owner: &str) -> k8s_openapi::api::batch::v1::CronJob {
        serde_json::from_value(json!({"metadata": {"name": "trigger-shop-nightly", "ownerReferences": [
            {"apiVersion": "core.kubestash.com/v1alpha1", "kind": "BackupConfiguration", "name": "x", "uid": owner}]}}))
        .unwrap()
    }

    #[test]
    fn a_cron_job_of_somebody_else_is_not_taken() {
        for (owner, obstacles) in [("u-1", 0), ("u-2", 1)] {
            let mut observed = observed();
            observed.cron_jobs.insert("trigger-shop-nightly".to_owned(), cron_job(owner));
            let plan = of(&configuration(&json!({})), &observed);
            assert_eq!((plan.obstacles.len(), plan.triggers.len()), (obstacles, 1 - obstacles), "{owner}");
        }
    }

    #[test]
    fn a_session_without_its_password_is_not_scheduled_and_looked_at_soon() {
        for encryption in [Encryption::Missing, Encryption::Empty, Encryption::Foreign] {
            let mut observed = observed();
            observed.encryption.insert(ObjectReference::new("demo", "encryption"), encryption);
            let plan = of(&configuration(&json!({})), &observed);
            assert!(plan.obstacles["nightly"].contains("demo/encryption"), "{encryption:?}");
            assert_eq!((plan.triggers.len(), plan.next), (0, Next::After(SOON)));
        }
    }

    #[test]
    fn old_sessions_are_swept_once_per_version() {
        let seen = |generation: i64| -> Value {
            json!({"status": {"conditions": [{"type": "ValidationPassed", "status": "True", "observedGeneration": generation,
                                               "lastTransitionTime": "2026-11-22T10:00:00Z"}]}})
        };
        for (change, sweep) in [(json!({}), true), (seen(2), true), (seen(3), false)] {
            assert_eq!(of(&configuration(&change), &observed()).sweep, sweep, "{change}");
        }
    }

    #[test]
    fn the_next_look_is_just_after_the_next_slot() {
        let every_minute = session(&json!({"scheduler": {"schedule": "* * * * *"}}));
        let plan = of(&configuration(&json!({"spec": {"sessions": [every_minute]}})), &observed());
        assert_eq!(plan.next, Next::After(Duration::from_secs(61)));
        assert_eq!(of(&configuration(&json!({})), &observed()).next, Next::After(LATER));
    }
}
