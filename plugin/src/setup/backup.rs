//! A BackupConfiguration from flags: a new one with sane defaults, or an existing one of which only what was typed
//! changes.

use crds::core::BackupConfiguration;
use crds::core::addon_info::{AddonInfo, TaskReference};
use crds::core::backup_configuration::{
    BackendReference, BackupConfigurationSpec, RetryConfig, Session, SessionRepository,
};
use crds::pod_template::{PodTemplate, PodTemplateSpec};
use crds::reference::ObjectReference;
use crds::scheduler::SchedulerSpec;
use serde_json::{Map, Value};

use super::target::Target;
use super::{filters, schedule};
use crate::context;
use crate::failure::{Code, Failure};
use crate::object::Object;
use crate::setup;

/// The addon and the task that back up manifests.
pub const ADDON: &str = "kubedump-addon";
const TASK: &str = "manifest-backup";

/// A backup, as typed.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Backup")]
#[group(id = "backup")]
pub struct Flags {
    /// What to back up: cluster, namespace, namespace/NAME, or KIND/NAME
    #[arg(long, value_name = "TARGET")]
    pub target: Option<String>,
    /// With KIND/NAME: everything that the object owns as well
    #[arg(long)]
    pub include_dependants: bool,
    /// BackupStorage to write to; with the flags of a new storage, its name
    #[arg(long, value_name = "[NAMESPACE/]NAME")]
    pub storage: Option<String>,
    /// Existing RetentionPolicy
    #[arg(long, value_name = "[NAMESPACE/]NAME")]
    pub retention: Option<String>,
    /// When to run: a cron line in UTC, or @hourly, @daily, …; the default is once a night
    #[arg(long, value_name = "CRON")]
    pub schedule: Option<String>,
    /// Name of the session; the default follows from the schedule
    #[arg(long, value_name = "NAME")]
    pub session: Option<String>,
    /// Name of the Repository; the default is NAME-repo
    #[arg(long, value_name = "NAME")]
    pub repository: Option<String>,
    /// Folder in the storage; the default is NAMESPACE/NAME
    #[arg(long, value_name = "PATH")]
    pub directory: Option<String>,
    /// How long one run may take, or none; the default is 1h
    #[arg(long, value_name = "DURATION")]
    pub backup_timeout: Option<String>,
    /// How often a failed run is tried again
    #[arg(long, value_name = "NUMBER")]
    pub retries: Option<i32>,
    /// How long to wait before a failed run is tried again
    #[arg(long, value_name = "DURATION", requires = "retries")]
    pub retry_delay: Option<String>,
    /// How many finished runs stay visible; the default is 3
    #[arg(long, value_name = "NUMBER")]
    pub history_limit: Option<i32>,
    /// Make it paused: nothing runs until it is resumed
    #[arg(long)]
    pub paused: bool,
}

/// What is to be said of a backup. Everything that is `None` stays as it is, or is a default of a new one.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    pub target: Option<Target>,
    pub include_dependants: bool,
    pub filters: filters::Flags,
    /// Namespace and name.
    pub storage: Option<(String, String)>,
    pub retention: Option<(String, String)>,
    pub encryption: Option<(String, String)>,
    pub service_account: Option<String>,
    pub schedule: Option<String>,
    pub session: Option<String>,
    pub repository: Option<String>,
    pub directory: Option<String>,
    pub backup_timeout: Option<String>,
    pub retry: Option<RetryConfig>,
    pub history_limit: Option<i32>,
    pub paused: bool,
}

impl Flags {
    /// Checks what was typed, all but the references and the target.
    pub fn wish(&self) -> Result<Wish, Failure> {
        if let Some(line) = &self.schedule {
            schedule::check(line)?;
        }
        for (flag, name) in [("--session", &self.session), ("--repository", &self.repository)] {
            if let Some(name) = name.as_ref().filter(|name| !setup::is_name(name)) {
                return Err(Failure::usage(format!("{flag} {name} is no name"))
                    .why("names have lower-case letters, digits and -"));
            }
        }
        for (flag, text) in [("--backup-timeout", &self.backup_timeout), ("--retry-delay", &self.retry_delay)]
        {
            if let Some(text) = text.as_ref().filter(|text| *text != "none") {
                context::duration(flag, text)?;
            }
        }
        for (flag, number) in [("--retries", self.retries), ("--history-limit", self.history_limit)] {
            if let Some(number) = number.filter(|number| *number < 0) {
                return Err(Failure::usage(format!("{flag} {number} is less than nothing")));
            }
        }
        Ok(Wish {
            schedule: self.schedule.clone(),
            session: self.session.clone(),
            repository: self.repository.clone(),
            directory: self.directory.clone(),
            backup_timeout: self.backup_timeout.clone(),
            retry: self
                .retries
                .map(|number| RetryConfig { max_retry: Some(number), delay: self.retry_delay.clone() }),
            history_limit: self.history_limit,
            paused: self.paused,
            include_dependants: self.include_dependants,
            ..Wish::default()
        })
    }
}

/// Which session of an existing backup is meant: the one that was named, or the only one.
pub fn session_of<'a>(
    existing: &'a BackupConfigurationSpec,
    typed: Option<&str>,
) -> Result<Option<&'a Session>, Failure> {
    match (typed, existing.sessions.as_slice()) {
        (Some(name), sessions) => Ok(sessions.iter().find(|session| session.name == name)),
        (None, []) => Ok(None),
        (None, [only]) => Ok(Some(only)),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|session| session.name.as_str()).collect();
            Err(Failure::new(Code::Ambiguous, "it is not clear which session is meant")
                .why(format!("the backup has {}", names.join(", ")))
                .fix(format!("--session {}", names.first().unwrap_or(&"NAME"))))
        }
    }
}

/// The backup as wished. `existing` is what the cluster has under this name.
pub fn object(
    (namespace, name): (&str, &str),
    existing: Option<&BackupConfigurationSpec>,
    wish: &Wish,
) -> Result<Object, Failure> {
    let mut spec = existing.cloned().unwrap_or_default();
    let before = session_of(&spec, wish.session.as_deref())?.cloned();
    if let Some(target) = &wish.target {
        spec.target = target.reference();
    }
    spec.paused |= wish.paused;
    let session = session((namespace, name), &spec, before, wish)?;
    backend(&mut spec, &session, wish);
    match spec.sessions.iter_mut().find(|known| known.name == session.name) {
        Some(known) => *known = session,
        None => spec.sessions.push(session),
    }
    let mut configuration = BackupConfiguration::new(name, spec);
    configuration.metadata = setup::metadata(Some(namespace), name);
    Object::typed(&configuration)
}

fn session(
    (namespace, name): (&str, &str),
    spec: &BackupConfigurationSpec,
    before: Option<Session>,
    wish: &Wish,
) -> Result<Session, Failure> {
    let is_new = before.is_none();
    // A further session writes to where the first one writes, read by the same account.
    let mut session = before.or_else(|| spec.sessions.first().cloned()).unwrap_or_default();
    if let Some(line) = wish.schedule.clone().or_else(|| is_new.then(|| schedule::nightly(namespace, name))) {
        session.name = match (&wish.session, is_new) {
            (Some(name), _) => name.clone(),
            (None, true) => schedule::session_name(&line).to_owned(),
            (None, false) => session.name,
        };
        session.scheduler = Some(SchedulerSpec { schedule: line, ..session.scheduler.unwrap_or_default() });
    }
    match wish.backup_timeout.as_deref() {
        Some("none") => session.backup_timeout = None,
        Some(timeout) => session.backup_timeout = Some(timeout.to_owned()),
        None if is_new => session.backup_timeout = Some("1h".into()),
        None => {}
    }
    session.session_history_limit =
        wish.history_limit.or(session.session_history_limit).or(is_new.then_some(3));
    session.retry_config = match &wish.retry {
        // Upstream's schema knows no retryConfig without a retry.
        Some(retry) if retry.max_retry == Some(0) => None,
        Some(retry) => Some(retry.clone()),
        None => session.retry_config,
    };
    session.addon = Some(addon(session.addon.take().unwrap_or_default(), wish)?);
    session.repositories =
        repositories((namespace, name), spec, std::mem::take(&mut session.repositories), wish);
    Ok(session)
}

fn addon(mut addon: AddonInfo, wish: &Wish) -> Result<AddonInfo, Failure> {
    if addon.name.is_empty() {
        addon.name = ADDON.into();
    }
    if addon.tasks.is_empty() {
        addon.tasks.push(TaskReference { name: TASK.into(), ..TaskReference::default() });
    }
    if let Some(name) = &wish.service_account {
        let mut template = addon.job_template.take().unwrap_or_default();
        let spec = template.spec.take().unwrap_or_default();
        template = PodTemplateSpec {
            spec: Some(PodTemplate { service_account_name: Some(name.clone()), ..spec }),
            ..template
        };
        addon.job_template = Some(template);
    }
    if let Some(task) = addon.tasks.first_mut() {
        let mut parameters: Map<String, Value> = task.params.take().unwrap_or_default();
        let of_scope = wish.target.as_ref().map(|target| target.parameters(wish.include_dependants));
        if of_scope.is_some() {
            // What followed from the scope before does not hold for another one.
            parameters.remove("IncludeClusterResources");
            parameters.remove("includeDependants");
        }
        parameters.append(&mut wish.filters.parameters(&of_scope.unwrap_or_default())?);
        task.params = (!parameters.is_empty()).then_some(parameters);
    }
    Ok(addon)
}

fn repositories(
    (namespace, name): (&str, &str),
    spec: &BackupConfigurationSpec,
    mut repositories: Vec<SessionRepository>,
    wish: &Wish,
) -> Vec<SessionRepository> {
    if repositories.is_empty() {
        repositories.push(SessionRepository {
            name: format!("{name}-repo"),
            directory: format!("{namespace}/{name}"),
            backend: spec.backends.first().map(|backend| backend.name.clone()).unwrap_or_default(),
            ..SessionRepository::default()
        });
    }
    if let Some(repository) = repositories.first_mut() {
        if let Some((_, storage)) = &wish.storage {
            repository.backend.clone_from(storage);
        }
        if let Some(name) = &wish.repository {
            repository.name.clone_from(name);
        }
        if let Some(directory) = &wish.directory {
            repository.directory.clone_from(directory);
        }
        if let Some((namespace, name)) = &wish.encryption {
            repository.encryption_secret = Some(ObjectReference::new(namespace, name));
        }
    }
    repositories
}

/// The backend that the session's repository uses, with the storage and the retention that are wished.
fn backend(spec: &mut BackupConfigurationSpec, session: &Session, wish: &Wish) {
    let Some(name) = session.repositories.first().map(|repository| repository.backend.clone()) else {
        return;
    };
    let position = spec.backends.iter().position(|backend| backend.name == name);
    let position = position.unwrap_or_else(|| {
        // Another storage for the same backup: the retention that held before holds there as well.
        let retention_policy = spec.backends.first().and_then(|backend| backend.retention_policy.clone());
        let unused: Vec<String> = spec
            .sessions
            .iter()
            .filter(|other| other.name != session.name)
            .flat_map(|other| other.repositories.iter().map(|repository| repository.backend.clone()))
            .collect();
        spec.backends.retain(|backend| unused.contains(&backend.name));
        spec.backends.push(BackendReference { name, storage_ref: None, retention_policy });
        spec.backends.len() - 1
    });
    let backend = &mut spec.backends[position];
    if let Some((namespace, name)) = &wish.storage {
        backend.storage_ref = Some(ObjectReference::new(namespace, name));
    }
    if let Some((namespace, name)) = &wish.retention {
        backend.retention_policy = Some(ObjectReference::new(namespace, name));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn owned(namespace: &str, name: &str) -> (String, String) {
        (namespace.into(), name.into())
    }

    fn full() -> Wish {
        Wish {
            target: Some(Target::Namespace("shop".into())),
            storage: Some(owned("backups", "minio")),
            retention: Some(owned("shop", "shop")),
            encryption: Some(owned("shop", "shop-encryption")),
            service_account: Some("backup-reader".into()),
            schedule: Some("17 2 * * *".into()),
            ..Wish::default()
        }
    }

    fn spec(existing: Option<&Value>, wish: &Wish) -> Value {
        let existing: Option<BackupConfigurationSpec> =
            existing.map(|spec| serde_json::from_value(spec.clone()).unwrap());
        object(("shop", "shop"), existing.as_ref(), wish).unwrap().body["spec"].clone()
    }

    #[test]
    fn a_new_backup_is_complete() {
        assert_eq!(
            spec(None, &full()),
            json!({
                "target": {"kind": "Namespace", "name": "shop"},
                "backends": [{
                    "name": "minio",
                    "storageRef": {"namespace": "backups", "name": "minio"},
                    "retentionPolicy": {"namespace": "shop", "name": "shop"}}],
                "sessions": [{
                    "name": "nightly",
                    "scheduler": {"schedule": "17 2 * * *", "jobTemplate": {}},
                    "backupTimeout": "1h",
                    "sessionHistoryLimit": 3,
                    "addon": {
                        "name": "kubedump-addon",
                        "tasks": [{"name": "manifest-backup"}],
                        "jobTemplate": {"spec": {"serviceAccountName": "backup-reader"}}},
                    "repositories": [{
                        "name": "shop-repo", "backend": "minio", "directory": "shop/shop",
                        "encryptionSecret": {"namespace": "shop", "name": "shop-encryption"}}]}],
            })
        );
    }

    #[test]
    fn of_an_existing_backup_only_what_is_typed_changes() {
        let before = spec(None, &full());
        assert_eq!(spec(Some(&before), &Wish::default()), before);
        let reader = Wish { service_account: Some("other".into()), ..Wish::default() };
        let mut expected = before.clone();
        expected["sessions"][0]["addon"]["jobTemplate"]["spec"]["serviceAccountName"] = "other".into();
        assert_eq!(spec(Some(&before), &reader), expected);
    }

    #[test]
    fn another_schedule_keeps_the_sessions_name_and_with_it_the_repository() {
        let hourly = Wish { schedule: Some("@hourly".into()), ..Wish::default() };
        let after = spec(Some(&spec(None, &full())), &hourly);
        assert_eq!(after["sessions"][0]["name"], "nightly");
        assert_eq!(after["sessions"][0]["scheduler"]["schedule"], "@hourly");
    }

    #[test]
    fn another_session_is_added_beside_the_first() {
        let weekly =
            Wish { session: Some("weekly".into()), schedule: Some("@weekly".into()), ..Wish::default() };
        let after = spec(Some(&spec(None, &full())), &weekly);
        assert_eq!(after["sessions"].as_array().unwrap().len(), 2);
        assert_eq!(after["sessions"][1]["name"], "weekly");
        assert_eq!(after["sessions"][1]["repositories"], after["sessions"][0]["repositories"]);
        let unclear =
            object(("shop", "shop"), Some(&serde_json::from_value(after).unwrap()), &Wish::default());
        assert!(unclear.unwrap_err().render(false).contains("the backup has nightly, weekly"));
    }

    #[test]
    fn another_storage_replaces_the_backend_and_keeps_its_retention() {
        let moved = Wish { storage: Some(owned("shop", "s3")), ..Wish::default() };
        let after = spec(Some(&spec(None, &full())), &moved);
        assert_eq!(
            after["backends"],
            json!([{"name": "s3", "storageRef": {"namespace": "shop", "name": "s3"},
                "retentionPolicy": {"namespace": "shop", "name": "shop"}}])
        );
        assert_eq!(after["sessions"][0]["repositories"][0]["backend"], "s3");
    }

    #[test]
    fn another_scope_drops_the_parameters_of_the_old_one() {
        let before = spec(None, &Wish { target: Some(Target::Cluster), ..full() });
        let params = &before["sessions"][0]["addon"]["tasks"][0]["params"];
        assert_eq!(*params, json!({"IncludeClusterResources": "true"}));
        let after =
            spec(Some(&before), &Wish { target: Some(Target::Namespace("shop".into())), ..Wish::default() });
        assert!(after["sessions"][0]["addon"]["tasks"][0].get("params").is_none(), "{after}");
    }

    #[test]
    fn flags_that_cannot_be_meant_are_refused() {
        let with = |change: fn(&mut Flags)| {
            let mut flags = Flags::default();
            change(&mut flags);
            flags.wish()
        };
        assert!(with(|flags| flags.schedule = Some("often".into())).is_err());
        assert!(with(|flags| flags.session = Some("Nightly".into())).is_err());
        assert!(with(|flags| flags.backup_timeout = Some("long".into())).is_err());
        assert!(with(|flags| flags.retries = Some(-1)).is_err());
        assert!(with(|flags| flags.backup_timeout = Some("none".into())).is_ok());
    }
}
