//! What a BackupConfiguration refers to, as it is now.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crds::addons::{Addon, Function};
use crds::core::backup_configuration::Session;
use crds::core::{BackupConfiguration, HookTemplate};
use crds::label;
use crds::name;
use crds::reference::ObjectReference;
use crds::storage::{BackupStorage, Repository, RetentionPolicy};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::ResourceExt;

use crate::addon::{self, Purpose};
use crate::cluster::{self, Cluster, Kind, Target};
use crate::dependents::Key;
use crate::secret::Encryption;

/// Everything that decides about a BackupConfiguration. References are resolved: their namespaces are written out.
#[derive(Debug, Default)]
pub struct Observed {
    /// Labels of the configuration's namespace.
    pub namespace_labels: BTreeMap<String, String>,
    /// The storages that it names.
    pub storages: BTreeMap<ObjectReference, Option<BackupStorage>>,
    /// The retention policies that it names.
    pub policies: BTreeMap<ObjectReference, Option<RetentionPolicy>>,
    /// Every storage marked as a default, when it names none.
    pub default_storages: Vec<BackupStorage>,
    /// Every retention policy marked as a default, when one is not named.
    pub default_policies: Vec<RetentionPolicy>,
    /// The Repositories that it names and that exist.
    pub repositories: BTreeMap<String, Repository>,
    /// Every Repository of the cluster, when one is to be created.
    pub all_repositories: Vec<Repository>,
    /// The encryption Secrets.
    pub encryption: BTreeMap<ObjectReference, Encryption>,
    /// The Addons.
    pub addons: BTreeMap<String, Option<Addon>>,
    /// The Functions of these that exist.
    pub functions: BTreeMap<String, Function>,
    /// The hook templates.
    pub hook_templates: BTreeMap<ObjectReference, Option<HookTemplate>>,
    /// Whether there is a target, and whether it is there.
    pub target: Option<Target>,
    /// CronJobs with the names of ours, whoever's they are.
    pub cron_jobs: BTreeMap<String, CronJob>,
    /// What was read.
    pub read: BTreeSet<Key>,
}

/// Reads everything that `configuration` refers to.
pub async fn observe(
    cluster: &Cluster,
    configuration: &BackupConfiguration,
) -> Result<Observed, cluster::Error> {
    let mut reader =
        Reader { cluster, home: configuration.namespace().unwrap_or_default(), read: BTreeSet::new() };
    let mut observed = Observed::default();
    if let Some(namespace) = reader.find::<Namespace>("", &reader.home.clone()).await? {
        observed.namespace_labels = namespace.metadata.labels.unwrap_or_default();
    }
    backends(&mut reader, configuration, &mut observed).await?;
    repositories(&mut reader, configuration, &mut observed).await?;
    sessions(&mut reader, configuration, &mut observed).await?;
    if let Some(target) = &configuration.spec.target {
        observed.target = Some(cluster.find_target(target, &reader.home).await?);
    }
    observed.read = reader.read;
    Ok(observed)
}

async fn backends(
    reader: &mut Reader<'_>,
    configuration: &BackupConfiguration,
    observed: &mut Observed,
) -> Result<(), cluster::Error> {
    let backends = &configuration.spec.backends;
    for backend in backends {
        if let Some(reference) = &backend.storage_ref {
            reader.find_into(reference, &mut observed.storages).await?;
        }
        if let Some(reference) = &backend.retention_policy {
            reader.find_into(reference, &mut observed.policies).await?;
        }
    }
    if backends.is_empty() {
        observed.default_storages = reader.cluster.list(None, "").await?;
        observed.default_storages.retain(|storage: &BackupStorage| storage.spec.default);
    }
    if backends.is_empty() || backends.iter().any(|backend| backend.retention_policy.is_none()) {
        observed.default_policies = reader.cluster.list(None, "").await?;
        observed.default_policies.retain(|policy: &RetentionPolicy| policy.spec.default);
        reader.read.extend(observed.default_policies.iter().map(Key::from_object));
    }
    Ok(())
}

async fn repositories(
    reader: &mut Reader<'_>,
    configuration: &BackupConfiguration,
    observed: &mut Observed,
) -> Result<(), cluster::Error> {
    let mut complete = true;
    for wanted in configuration.spec.sessions.iter().flat_map(|session| &session.repositories) {
        let home = reader.home.clone();
        match reader.find::<Repository>(&home, &wanted.name).await? {
            Some(repository) => drop(observed.repositories.insert(wanted.name.clone(), repository)),
            None => complete = false,
        }
        if let Some(reference) = &wanted.encryption_secret {
            let reference = reference.resolved(&home);
            let secret = reader.find::<Secret>(reference.namespace_or(&home), &reference.name).await?;
            observed.encryption.insert(reference, Encryption::of(secret.as_ref(), &home));
        }
    }
    if !complete {
        observed.all_repositories = reader.cluster.list(None, "").await?;
        // Whoever has a directory that we want wakes us when it goes.
        let wanted = configuration.spec.sessions.iter().flat_map(|session| &session.repositories);
        let directories: BTreeSet<String> = wanted.map(|wanted| name::directory(&wanted.directory)).collect();
        let rivals = observed.all_repositories.iter();
        let rivals = rivals.filter(|other| directories.contains(&name::directory(&other.spec.path)));
        reader.read.extend(rivals.map(Key::from_object));
    }
    Ok(())
}

async fn sessions(
    reader: &mut Reader<'_>,
    configuration: &BackupConfiguration,
    observed: &mut Observed,
) -> Result<(), cluster::Error> {
    let home = reader.home.clone();
    for session in &configuration.spec.sessions {
        if let Some(info) = &session.addon {
            let addon = reader.find::<Addon>("", &info.name).await?;
            for name in addon.iter().flat_map(|addon| addon::function_names(Purpose::Backup, info, addon)) {
                if let Some(function) = reader.find::<Function>("", &name).await? {
                    observed.functions.insert(name, function);
                }
            }
            observed.addons.insert(info.name.clone(), addon);
        }
        for reference in hook_templates(session) {
            reader.find_into(&reference, &mut observed.hook_templates).await?;
        }
        let name = name::cron_job(&configuration.name_any(), &session.name);
        if let Some(cron_job) = reader.find::<CronJob>(&home, &name).await? {
            observed.cron_jobs.insert(name, cron_job);
        }
    }
    Ok(())
}

fn hook_templates(session: &Session) -> Vec<ObjectReference> {
    let hooks = session.hooks.iter().flat_map(|hooks| hooks.pre_backup.iter().chain(&hooks.post_backup));
    hooks.filter_map(|hook| hook.hook_template.clone()).collect()
}

/// Reads objects and remembers which.
struct Reader<'a> {
    cluster: &'a Cluster,
    home: String,
    read: BTreeSet<Key>,
}

impl Reader<'_> {
    async fn find<K: Kind>(&mut self, namespace: &str, name: &str) -> Result<Option<K>, cluster::Error> {
        self.read.insert(Key::of::<K>(namespace, name));
        self.cluster.find(namespace, name).await
    }

    async fn find_into<K: Kind>(
        &mut self,
        reference: &ObjectReference,
        found: &mut BTreeMap<ObjectReference, Option<K>>,
    ) -> Result<(), cluster::Error> {
        let reference = reference.resolved(&self.home);
        if let Entry::Vacant(entry) = found.entry(reference) {
            let namespace = entry.key().namespace.clone().unwrap_or_default();
            let object = self.find(&namespace, &entry.key().name.clone()).await?;
            entry.insert(object);
        }
        Ok(())
    }
}

/// Selects what was made for a BackupConfiguration, wherever it is.
#[must_use]
pub fn offshoots(configuration: &BackupConfiguration) -> String {
    format!(
        "{}={},{}=BackupConfiguration,{}={},{}={}",
        label::MANAGED_BY,
        label::MANAGED_BY_KUBESTASH,
        label::INVOKER_KIND,
        label::INVOKER_NAME,
        configuration.name_any(),
        label::INVOKER_NAMESPACE,
        configuration.namespace().unwrap_or_default(),
    )
}
