//! Starts Jobs: gives them their rights and creates them.

use std::collections::BTreeMap;

use crds::addons::{Addon, Function};
use crds::core::addon_info::AddonInfo;
use crds::reference::ObjectReference;
use crds::storage::{BackupStorage, Repository};
use crds::{name, usage_policy};
use futures::future::try_join_all;
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::{Resource, ResourceExt};
use serde_json::Value;

use crate::access::{self, Access, Needs};
use crate::addon::{self, Purpose, Resolved};
use crate::cluster::{self, Cluster};
use crate::disposition::Disposition;
use crate::secret::Encryption;

/// Why a Job could not be started.
#[derive(Debug)]
pub enum Error {
    /// It will not start before somebody changes something.
    Hopeless(String),
    /// The API server said no, or nothing.
    Cluster(cluster::Error),
}

impl From<cluster::Error> for Error {
    fn from(error: cluster::Error) -> Self {
        Self::Cluster(error)
    }
}

impl Error {
    /// What has to be changed; an error that may pass is given back.
    pub fn for_good(self) -> Result<String, cluster::Error> {
        match self {
            Self::Hopeless(why) => Ok(why),
            // Who is forbidden to create the Job (by a policy, most likely) needs a decision, not patience.
            Self::Cluster(error) if error.disposition() == Disposition::Stall || error.is_forbidden() => {
                Ok(error.to_string())
            }
            Self::Cluster(error) => Err(error),
        }
    }
}

/// Seconds that Kubernetes waits beyond the deadline before it ends a Job: until then the Job ends itself, and tells.
pub const GRACE_SECONDS: i64 = 15;

/// Whole seconds, at least one: zero would be no time at all.
#[must_use]
pub fn seconds_until(deadline: Timestamp, now: Timestamp) -> i64 {
    deadline.duration_since(now).as_secs().max(1)
}

/// Fetches what the tasks in `info` are made of, and puts it together. `built_in` are the variables that the operator
/// gives.
pub async fn resolve(
    cluster: &Cluster,
    purpose: Purpose,
    info: &AddonInfo,
    built_in: &BTreeMap<String, String>,
) -> Result<Resolved, Error> {
    let addon = cluster.find::<Addon>("", &info.name).await?;
    let functions = match &addon {
        Some(addon) => functions(cluster, &addon::function_names(purpose, info, addon)).await?,
        None => BTreeMap::new(),
    };
    addon::resolve(purpose, info, addon.as_ref(), &functions, built_in)
        .map_err(|error| Error::Hopeless(error.to_string()))
}

/// The Functions of these names that exist.
pub async fn functions(
    cluster: &Cluster,
    names: &[String],
) -> Result<BTreeMap<String, Function>, cluster::Error> {
    let found = try_join_all(names.iter().map(|name| cluster.find::<Function>("", name))).await?;
    Ok(names.iter().cloned().zip(found).filter_map(|(name, function)| Some((name, function?))).collect())
}

/// A Job whose ServiceAccount is missing gets no pod, and says so only in an Event.
pub async fn expect_account(cluster: &Cluster, namespace: &str, account: &str) -> Result<(), Error> {
    match cluster.find::<ServiceAccount>(namespace, account).await? {
        Some(_) => Ok(()),
        None => Err(Error::Hopeless(no_account(namespace, account))),
    }
}

/// That the ServiceAccount which the user named does not exist.
#[must_use]
pub fn no_account(namespace: &str, account: &str) -> String {
    format!(
        "ServiceAccount {account:?}, which addon.jobTemplate.spec.serviceAccountName names, does not exist in \
         namespace {namespace:?}"
    )
}

/// Makes the rights so.
pub async fn grant(cluster: &Cluster, access: &Access) -> Result<(), Error> {
    let Access { service_account: _, own_account, roles, bindings } = access;
    futures::try_join!(
        try_join_all(own_account.iter().map(|account| cluster.apply(account))),
        try_join_all(roles.iter().map(|role| cluster.apply(role))),
        try_join_all(bindings.iter().map(|binding| cluster.apply(binding))),
    )?;
    Ok(())
}

/// Takes the rights away that `owner`'s Jobs were given in other namespaces; those at home go with their owner.
pub async fn revoke<K: Resource<DynamicType = ()>>(
    cluster: &Cluster,
    owner: &K,
) -> Result<(), cluster::Error> {
    if owner.name_any().len() > name::MAX {
        // Nothing could be labelled with it, so nothing was made.
        return Ok(());
    }
    let labels = access::labels_of(owner);
    for binding in cluster.list::<RoleBinding>(None, &labels).await? {
        cluster.delete(&binding).await?;
    }
    for role in cluster.list::<Role>(None, &labels).await? {
        cluster.delete(&role).await?;
    }
    Ok(())
}

/// What Jobs in the namespace `user` that work on these repositories have to read, and the storages among it.
///
/// Whoever may write a Repository can name any storage and any Secret in it, and the Job, which may run as a
/// ServiceAccount of theirs, is about to be given the right to read them: so their owners must have agreed.
pub async fn needs(
    cluster: &Cluster,
    repositories: &[Repository],
    user: &str,
) -> Result<(Needs, Vec<BackupStorage>), Error> {
    let mut storages = BTreeMap::new();
    for repository in repositories {
        let home = repository.namespace().unwrap_or_default();
        if let Some(storage) = storage_of(cluster, repository, user).await? {
            storages.insert(
                ObjectReference::new(&storage.namespace().unwrap_or_default(), &storage.name_any())
                    .to_string(),
                storage,
            );
        }
        if let Some(reference) = &repository.spec.encryption_secret {
            expect_secret(cluster, &reference.resolved(&home), user).await?;
        }
    }
    let needs = Needs::of(repositories, &storages);
    Ok((needs, storages.into_values().collect()))
}

async fn storage_of(
    cluster: &Cluster,
    repository: &Repository,
    user: &str,
) -> Result<Option<BackupStorage>, Error> {
    let Some(reference) = &repository.spec.storage_ref else { return Ok(None) };
    let home = repository.namespace().unwrap_or_default();
    let namespace = reference.namespace_or(&home);
    let Some(storage) = cluster.find::<BackupStorage>(namespace, &reference.name).await? else {
        return Ok(None);
    };
    if namespace == user {
        return Ok(Some(storage));
    }
    let labels =
        cluster.find::<Namespace>("", user).await?.and_then(|user| user.metadata.labels).unwrap_or_default();
    if usage_policy::effective(storage.spec.usage_policy.as_ref()).allows(namespace, user, &labels) {
        return Ok(Some(storage));
    }
    Err(Error::Hopeless(format!(
        "BackupStorage \"{namespace}/{}\" may not be used from namespace {user:?}: its usagePolicy does not allow it",
        reference.name
    )))
}

/// A Secret that is missing is the Job's to tell.
pub async fn expect_secret(cluster: &Cluster, reference: &ObjectReference, user: &str) -> Result<(), Error> {
    let found = cluster.find::<Secret>(reference.namespace_or(user), &reference.name).await?;
    match Encryption::of(found.as_ref(), user) {
        foreign @ Encryption::Foreign => {
            Err(Error::Hopeless(foreign.problem(&reference.to_string(), user).unwrap_or_default()))
        }
        Encryption::Usable | Encryption::Missing | Encryption::Empty => Ok(()),
    }
}

/// Creates a Job that belongs to `owner`, unless it is there.
pub async fn create<K: Resource<DynamicType = ()>>(
    cluster: &Cluster,
    owner: &K,
    job: &Value,
) -> Result<(), Error> {
    if cluster.create_json::<Job>(job).await?.is_some() {
        return Ok(());
    }
    let field = |name: &str| job["metadata"][name].as_str().unwrap_or_default();
    let existing = cluster.find::<Job>(field("namespace"), field("name")).await?;
    let is_ours =
        |job: &Job| job.owner_references().iter().any(|own| Some(&own.uid) == owner.meta().uid.as_ref());
    match existing {
        Some(job) if !is_ours(&job) => Err(Error::Hopeless(format!(
            "a Job {:?} exists in namespace {:?} that does not belong to this {}",
            field("name"),
            field("namespace"),
            K::kind(&())
        ))),
        _ => Ok(()),
    }
}
