//! What the cluster has to offer to a wizard. What the user may not see is left out; a backup is not planned on it.

use std::collections::{BTreeMap, BTreeSet};

use crds::core::BackupConfiguration;
use crds::storage::backup_storage::BackupStoragePhase;
use crds::storage::{BackupStorage, RetentionPolicy};
use crds::usage_policy::{self, UsagePolicy};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{Namespace, Secret, Service};
use kube::{Resource, ResourceExt as _};
use serde_json::Value;

use super::access::{self, Account};
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::object::Kind;

/// Kinds that are an application even when they own nothing.
const WORKLOADS: [&str; 4] = ["Deployment", "StatefulSet", "DaemonSet", "CronJob"];

/// Names of Services that object stores usually have.
const OBJECT_STORES: [&str; 6] = ["minio", "s3", "rook-ceph-rgw", "versitygw", "seaweedfs-s3", "garage"];

/// An object that others belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// As `--target` takes it.
    pub target: String,
    /// `Kind/name`.
    pub spoken: String,
    pub kind: String,
    pub name: String,
    /// How many objects it owns, directly or not.
    pub dependants: usize,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub namespace: String,
    pub context: String,
    /// How many objects the namespace has, of the types that could be listed.
    pub objects: usize,
    pub workloads: Vec<Workload>,
    pub namespaces: Vec<String>,
    pub backups: Vec<BackupConfiguration>,
    /// Those that this namespace may use, Ready ones first.
    pub storages: Vec<BackupStorage>,
    pub policies: Vec<RetentionPolicy>,
    /// Name and keys of the Secrets of the namespace.
    pub secrets: Vec<(String, BTreeSet<String>)>,
    pub accounts: Vec<Account>,
    /// URL and `namespace/name` of Services that look like object stores.
    pub endpoints: Vec<(String, String)>,
}

impl Facts {
    /// Looks at all that a backup may be made of.
    pub async fn of(cluster: &Cluster, namespace: &str) -> Result<Self, Failure> {
        let mut facts = Self::of_storage(cluster, namespace).await?;
        let objects = sweep(cluster, namespace).await?;
        facts.objects = objects.len();
        facts.workloads = workloads(&objects);
        facts.backups = cluster.list(Some(namespace), "").await?;
        facts.accounts = access::accounts(cluster, namespace).await?;
        let labels: BTreeMap<String, String> = match cluster.get::<Namespace>(None, namespace).await {
            Ok(found) => found.map(|found| found.labels().clone()).unwrap_or_default(),
            Err(error) if error.status() == Some(403) => BTreeMap::new(),
            Err(error) => return Err(error.into()),
        };
        let mut storages: Vec<BackupStorage> = cluster.list_everywhere(namespace).await?;
        storages.retain(|storage| allows(storage, storage.spec.usage_policy.as_ref(), namespace, &labels));
        storages.sort_by_key(|storage| (!is_ready(storage), !storage.spec.default, storage.name_any()));
        let mut policies: Vec<RetentionPolicy> = cluster.list_everywhere(namespace).await?;
        policies.retain(|policy| allows(policy, policy.spec.usage_policy.as_ref(), namespace, &labels));
        policies.sort_by_key(|policy| (!policy.spec.default, policy.name_any()));
        Ok(Self { storages, policies, ..facts })
    }

    /// Looks at what a storage may be made of.
    pub async fn of_storage(cluster: &Cluster, namespace: &str) -> Result<Self, Failure> {
        let namespaces: Vec<Namespace> = cluster.list_permitted(None).await?;
        let services: Vec<Service> = cluster.list_permitted(None).await?;
        let secrets: Vec<Secret> = cluster.list_permitted(Some(namespace)).await?;
        let storages: Vec<BackupStorage> = cluster.list_permitted(Some(namespace)).await?;
        Ok(Self {
            namespace: namespace.into(),
            context: cluster.context().into(),
            namespaces: namespaces.iter().map(kube::ResourceExt::name_any).collect(),
            endpoints: services.iter().filter_map(endpoint).collect(),
            secrets: secrets
                .iter()
                .map(|secret| {
                    let keys = secret.data.iter().flatten().filter(|(_, value)| !value.0.is_empty());
                    (secret.name_any(), keys.map(|(key, _)| key.clone()).collect())
                })
                .collect(),
            storages,
            ..Self::default()
        })
    }

    /// Looks at the policies that a namespace has.
    pub async fn of_retention(cluster: &Cluster, namespace: &str) -> Result<Self, Failure> {
        let policies = cluster.list_permitted(Some(namespace)).await?;
        let (namespace, context) = (namespace.into(), cluster.context().into());
        Ok(Self { namespace, context, policies, ..Self::default() })
    }

    /// Secrets that have all of these keys.
    #[must_use]
    pub fn secrets_with(&self, keys: &[&str]) -> Vec<&str> {
        let has = |secret: &&(String, BTreeSet<String>)| keys.iter().all(|key| secret.1.contains(*key));
        self.secrets.iter().filter(has).map(|(name, _)| name.as_str()).collect()
    }

    /// The S3 storage on this place, as `namespace/name`. Slashes around a part mean nothing.
    #[must_use]
    pub fn storage_at(&self, endpoint: Option<&str>, bucket: &str, prefix: Option<&str>) -> Option<String> {
        let same = |one: Option<&str>, other: Option<&str>| {
            one.unwrap_or_default().trim_matches('/') == other.unwrap_or_default().trim_matches('/')
        };
        let found = self.storages.iter().find(|storage| {
            let s3 = storage.spec.storage.as_ref().and_then(|backend| backend.s3.as_ref());
            s3.is_some_and(|s3| {
                same(s3.endpoint.as_deref(), endpoint)
                    && same(Some(&s3.bucket), Some(bucket))
                    && same(s3.prefix.as_deref(), prefix)
            })
        });
        found.map(|storage| format!("{}/{}", storage.namespace().unwrap_or_default(), storage.name_any()))
    }

    /// The backup that has this target already: by kind and name as in `spec.target`, none meaning the whole cluster.
    #[must_use]
    pub fn covered(&self, target: Option<(&str, &str)>) -> Option<String> {
        let same = |backup: &&BackupConfiguration| {
            let known = backup.spec.target.as_ref();
            known.map(|known| (known.kind.as_deref().unwrap_or_default(), known.name.as_str())) == target
        };
        self.backups.iter().find(same).map(kube::ResourceExt::name_any)
    }
}

/// Whether the operator reached the storage.
#[must_use]
pub fn is_ready(storage: &BackupStorage) -> bool {
    storage.status.as_ref().and_then(|status| status.phase) == Some(BackupStoragePhase::Ready)
}

fn allows<K: Resource>(
    object: &K,
    policy: Option<&UsagePolicy>,
    namespace: &str,
    labels: &BTreeMap<String, String>,
) -> bool {
    let of = object.meta().namespace.as_deref().unwrap_or_default();
    usage_policy::effective(policy).allows(of, namespace, labels)
}

fn endpoint(service: &Service) -> Option<(String, String)> {
    let (namespace, name) = (service.namespace()?, service.name_any());
    if !OBJECT_STORES.contains(&name.as_str()) {
        return None;
    }
    let port = service.spec.as_ref()?.ports.as_ref()?.first()?.port;
    let scheme = if port == 443 { "https" } else { "http" };
    Some((format!("{scheme}://{name}.{namespace}.svc:{port}"), format!("{namespace}/{name}")))
}

/// The metadata of every object of the namespace, with its kind. A type that cannot be listed is not counted.
async fn sweep(cluster: &Cluster, namespace: &str) -> Result<Vec<(Kind, Value)>, Failure> {
    let served = cluster.discover().await?;
    let kinds = served
        .into_iter()
        .filter(|served| served.namespaced && served.listable && served.kind.plural != "events")
        .map(|served| served.kind);
    let lists = futures::stream::iter(kinds).map(|kind| async move {
        let items = cluster.list_kind(&kind, namespace).await.unwrap_or_default();
        items.into_iter().map(|item| (kind.clone(), item)).collect::<Vec<_>>()
    });
    Ok(lists.buffered(8).collect::<Vec<_>>().await.concat())
}

/// The objects that nobody owns and that are applications, or own something; those with most dependants first.
fn workloads(objects: &[(Kind, Value)]) -> Vec<Workload> {
    let text = |item: &Value, path: &str| item.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let mut owned: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, item) in objects {
        let owners = item.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        for owner in owners.into_iter().flatten().filter_map(|owner| text(owner, "/uid")) {
            owned.entry(owner).or_default().push(text(item, "/metadata/uid").unwrap_or_default());
        }
    }
    let is_root = |item: &Value| item.pointer("/metadata/ownerReferences").is_none();
    let mut workloads: Vec<Workload> = objects
        .iter()
        .filter(|(kind, item)| is_root(item) && !kind.group.ends_with("kubestash.com"))
        .filter_map(|(kind, item)| {
            let name = text(item, "/metadata/name")?;
            let dependants = below(&text(item, "/metadata/uid")?, &owned);
            let is_workload = kind.group.is_empty() || kind.group == "apps" || kind.group == "batch";
            let counts = WORKLOADS.contains(&kind.kind.as_str()) && is_workload;
            // A Service owns its EndpointSlices, which nobody would back up by themselves.
            if !counts && (dependants == 0 || kind.group.is_empty()) {
                return None;
            }
            let resource = if is_workload { kind.kind.to_lowercase() } else { kind.resource() };
            Some(Workload {
                target: format!("{resource}/{name}"),
                spoken: format!("{}/{name}", kind.kind),
                kind: kind.kind.clone(),
                name,
                dependants,
            })
        })
        .collect();
    workloads.sort_by(|one, other| (&one.kind, &one.name).cmp(&(&other.kind, &other.name)));
    workloads
}

/// How many objects belong to this one, each counted once.
fn below(uid: &str, owned: &BTreeMap<String, Vec<String>>) -> usize {
    let (mut seen, mut open) = (BTreeSet::new(), vec![uid]);
    while let Some(next) = open.pop() {
        for child in owned.get(next).into_iter().flatten() {
            if seen.insert(child.as_str()) {
                open.push(child);
            }
        }
    }
    seen.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(group: &str, kind: &str, name: &str, owner: Option<&str>) -> (Kind, Value) {
        let mut item = json!({"metadata": {"name": name, "uid": format!("{kind}-{name}")}});
        if let Some(owner) = owner {
            item["metadata"]["ownerReferences"] = json!([{"uid": owner}]);
        }
        let plural = format!("{}s", kind.to_lowercase());
        (Kind { group: group.into(), version: "v1".into(), kind: kind.into(), plural }, item)
    }

    #[test]
    fn an_application_is_what_nobody_owns_with_all_that_belongs_to_it() {
        let objects = [
            object("apps", "Deployment", "orders", None),
            object("apps", "ReplicaSet", "orders-1", Some("Deployment-orders")),
            object("", "Pod", "orders-1-a", Some("ReplicaSet-orders-1")),
            object("", "Pod", "orders-1-b", Some("ReplicaSet-orders-1")),
            object("", "Service", "orders", None),
            object("discovery.k8s.io", "EndpointSlice", "orders-x", Some("Service-orders")),
            object("example.com", "Gizmo", "g", None),
            object("apps", "StatefulSet", "g-db", Some("Gizmo-g")),
            object("example.com", "Gizmo", "alone", None),
            object("core.kubestash.com", "BackupConfiguration", "b", None),
            object("core.kubestash.com", "BackupSession", "b-1", Some("BackupConfiguration-b")),
        ];
        let found: Vec<(String, usize)> =
            workloads(&objects).into_iter().map(|found| (found.target, found.dependants)).collect();
        assert_eq!(found, [("deployment/orders".to_owned(), 3), ("gizmos.example.com/g".to_owned(), 1)]);
    }
}
