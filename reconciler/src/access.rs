//! Who our Jobs are, and what they may do (reliability §4.1, contract A38, A40).
//!
//! A Job runs as the ServiceAccount that the user named, who has granted it what it has to read; else as one of our
//! own. Beside that it gets exactly two things: the ClusterRole of its trade, bound in the namespace where it runs,
//! and a Role per namespace that names the very storages, Secrets and policies that it has to read. Bindings of the
//! user are never touched.

use std::collections::{BTreeMap, BTreeSet};

use crds::label;
use crds::name;
use crds::storage::{BackupStorage, Repository};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::{Resource, ResourceExt};

/// The ClusterRole of backup Jobs.
pub const BACKUP_ROLE: &str = "kubestash-backup-job";
/// The ClusterRole of retention Jobs.
pub const RETENTION_ROLE: &str = "kubestash-retention-policy-job";

/// The ClusterRole of restore Jobs.
pub const RESTORE_ROLE: &str = "kubestash-restore-job";

/// The ClusterRole of hook Jobs.
pub const HOOK_ROLE: &str = "kubestash-hook-job";

/// What a Job is and may do. Applied in this order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Access {
    /// Name of the ServiceAccount that the Job runs as.
    pub service_account: String,
    /// The ServiceAccount, unless it is the user's.
    pub own_account: Option<ServiceAccount>,
    /// The Roles that name what the Job reads.
    pub roles: Vec<Role>,
    /// The bindings of these, and of the ClusterRole.
    pub bindings: Vec<RoleBinding>,
}

/// The objects that a Job has to read by name, of any namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs(BTreeMap<String, BTreeMap<Thing, BTreeSet<String>>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Secret,
    Storage,
    Repository,
    Snapshot,
    Policy,
    Template,
}

impl Needs {
    /// The storages and Secrets of `repositories`, whose BackupStorages are `storages` by `namespace/name`.
    #[must_use]
    pub fn of(repositories: &[Repository], storages: &BTreeMap<String, BackupStorage>) -> Self {
        let mut needs = Self::default();
        for repository in repositories {
            let namespace = repository.namespace().unwrap_or_default();
            if let Some(encryption) = &repository.spec.encryption_secret {
                needs.add(Thing::Secret, encryption.namespace_or(&namespace), &encryption.name);
            }
            let Some(storage) = &repository.spec.storage_ref else { continue };
            let storage = storage.resolved(&namespace);
            needs.add(Thing::Storage, storage.namespace_or(&namespace), &storage.name);
            let secret = storages
                .get(&storage.to_string())
                .and_then(|storage| storage.spec.storage.as_ref()?.secret_name());
            if let Some(secret) = secret {
                needs.add(Thing::Secret, storage.namespace_or(&namespace), secret);
            }
        }
        needs
    }

    /// One more Repository.
    #[must_use]
    pub fn repository(mut self, namespace: &str, name: &str) -> Self {
        self.add(Thing::Repository, namespace, name);
        self
    }

    /// One more Snapshot.
    #[must_use]
    pub fn snapshot(mut self, namespace: &str, name: &str) -> Self {
        self.add(Thing::Snapshot, namespace, name);
        self
    }

    /// One more RetentionPolicy.
    #[must_use]
    pub fn policy(mut self, namespace: &str, name: &str) -> Self {
        self.add(Thing::Policy, namespace, name);
        self
    }

    /// One more HookTemplate.
    #[must_use]
    pub fn hook_template(mut self, namespace: &str, name: &str) -> Self {
        self.add(Thing::Template, namespace, name);
        self
    }

    fn add(&mut self, thing: Thing, namespace: &str, name: &str) {
        if !name.is_empty() {
            self.0.entry(namespace.to_owned()).or_default().entry(thing).or_default().insert(name.to_owned());
        }
    }
}

/// What the Jobs of one trade are given.
#[derive(Clone, Copy, Debug)]
pub struct Trade<'a> {
    /// First word of all names: `backup`.
    pub prefix: &'a str,
    /// The ClusterRole.
    pub cluster_role: &'a str,
    /// The ServiceAccount that the user named.
    pub service_account: Option<&'a str>,
}

/// For whom the Jobs work: a session of a BackupConfiguration or of a Repository, or a RestoreSession.
#[derive(Clone, Debug)]
pub struct Party {
    namespace: String,
    name: String,
    session: String,
    labels: BTreeMap<String, String>,
    owner: Option<OwnerReference>,
}

impl Party {
    /// A session of `owner`, or `owner` itself where `session` is empty. What is made for it goes with it: in its own namespace by ownership, elsewhere by
    /// [`labels_of`].
    #[must_use]
    pub fn new<K: Resource<DynamicType = ()>>(owner: &K, session: &str) -> Self {
        let mut labels = label::offshoot_of(owner);
        if !session.is_empty() {
            labels.insert(label::SESSION_NAME.to_owned(), session.to_owned());
        }
        Self {
            namespace: owner.namespace().unwrap_or_default(),
            name: owner.name_any(),
            session: session.to_owned(),
            labels,
            owner: owner.controller_owner_ref(&()),
        }
    }

    /// Metadata of an object that is made for it.
    fn metadata(&self, name: &str, namespace: &str) -> ObjectMeta {
        let owner = self.owner.clone().filter(|_| self.namespace == namespace);
        ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            labels: Some(self.labels.clone()),
            owner_references: owner.map(|owner| vec![owner]),
            ..ObjectMeta::default()
        }
    }
}

/// The labels by which what was made elsewhere for `owner` is found again.
#[must_use]
pub fn labels_of<K: Resource<DynamicType = ()>>(owner: &K) -> String {
    let (kind, name, namespace) = (K::kind(&()), owner.name_any(), owner.namespace().unwrap_or_default());
    [
        (label::MANAGED_BY, label::MANAGED_BY_KUBESTASH),
        (label::INVOKER_KIND, &*kind),
        (label::INVOKER_NAME, &name),
        (label::INVOKER_NAMESPACE, &namespace),
    ]
    .map(|(key, value)| format!("{key}={value}"))
    .join(",")
}

/// The rights of the Jobs of that trade. They are the same for every run, so that they are written once.
#[must_use]
pub fn access(trade: Trade<'_>, party: &Party, needs: &Needs) -> Access {
    let Party { namespace, name: owner, session, .. } = party;
    let name = name::join(trade.prefix, owner, session, name::MAX);
    let service_account = trade.service_account.unwrap_or(&name).to_owned();
    let subject = Subject {
        kind: "ServiceAccount".to_owned(),
        name: service_account.clone(),
        namespace: Some(namespace.clone()),
        ..Subject::default()
    };
    let own_account = trade
        .service_account
        .is_none()
        .then(|| ServiceAccount { metadata: party.metadata(&name, namespace), ..ServiceAccount::default() });
    let mut bindings =
        vec![binding(party.metadata(&name, namespace), "ClusterRole", trade.cluster_role, &subject)];
    let mut roles = Vec::new();
    for (place, things) in &needs.0 {
        // Elsewhere two owners of the same name but of different namespaces may meet.
        let first = if place == namespace {
            trade.prefix.to_owned()
        } else {
            format!("{}-{namespace}", trade.prefix)
        };
        let last = format!("{session}-storage");
        let name = name::join(&first, owner, last.trim_start_matches('-'), name::MAX);
        roles.push(Role { metadata: party.metadata(&name, place), rules: Some(rules(things)) });
        bindings.push(binding(party.metadata(&name, place), "Role", &name, &subject));
    }
    Access { service_account, own_account, roles, bindings }
}

fn rules(things: &BTreeMap<Thing, BTreeSet<String>>) -> Vec<PolicyRule> {
    things
        .iter()
        .map(|(thing, names)| {
            let (group, resource) = match thing {
                Thing::Secret => ("", "secrets"),
                Thing::Storage => (crds::storage::GROUP, "backupstorages"),
                Thing::Repository => (crds::storage::GROUP, "repositories"),
                Thing::Snapshot => (crds::storage::GROUP, "snapshots"),
                Thing::Policy => (crds::storage::GROUP, "retentionpolicies"),
                Thing::Template => (crds::core::GROUP, "hooktemplates"),
            };
            PolicyRule {
                api_groups: Some(vec![group.to_owned()]),
                resources: Some(vec![resource.to_owned()]),
                resource_names: Some(names.iter().cloned().collect()),
                verbs: vec!["get".to_owned()],
                ..PolicyRule::default()
            }
        })
        .collect()
}

fn binding(metadata: ObjectMeta, kind: &str, role: &str, subject: &Subject) -> RoleBinding {
    RoleBinding {
        metadata,
        role_ref: RoleRef {
            api_group: "rbac.authorization.k8s.io".to_owned(),
            kind: kind.to_owned(),
            name: role.to_owned(),
        },
        subjects: Some(vec![subject.clone()]),
    }
}

#[cfg(test)]
mod tests {
    use crds::core::BackupConfiguration;
    use serde_json::json;

    use super::*;

    fn configuration() -> BackupConfiguration {
        serde_json::from_value(
            json!({"metadata": {"name": "shop", "namespace": "demo", "uid": "c"}, "spec": {}}),
        )
        .unwrap()
    }

    fn party() -> Party {
        Party::new(&configuration(), "nightly")
    }

    fn repository(name: &str, storage_namespace: Option<&str>) -> Repository {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "demo"},
            "spec": {"storageRef": {"namespace": storage_namespace, "name": "s3"}, "encryptionSecret": {"name": "encryption"}},
        }))
        .unwrap()
    }

    fn storages() -> BTreeMap<String, BackupStorage> {
        let storage = || {
            serde_json::from_value(
                json!({"spec": {"storage": {"provider": "s3", "s3": {"secretName": "keys"}}}}),
            )
            .unwrap()
        };
        BTreeMap::from([("storage/s3".to_owned(), storage()), ("demo/s3".to_owned(), storage())])
    }

    fn trade<'a>() -> Trade<'a> {
        Trade { prefix: "backup", cluster_role: BACKUP_ROLE, service_account: None }
    }

    #[test]
    fn a_job_may_get_the_very_objects_that_it_needs() {
        let needs = Needs::of(&[repository("one", Some("storage")), repository("two", None)], &storages());
        let access = access(trade(), &party(), &needs);
        let rules: Vec<_> = access
            .roles
            .iter()
            .flat_map(|role| {
                let namespace = role.namespace().unwrap();
                role.rules.clone().unwrap().into_iter().map(move |rule| {
                    (
                        namespace.clone(),
                        rule.resources.unwrap().remove(0),
                        rule.resource_names.unwrap(),
                        rule.verbs,
                    )
                })
            })
            .collect();
        let get = || vec!["get".to_owned()];
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            rules,
            [
                ("demo".to_owned(), "secrets".to_owned(), names(&["encryption", "keys"]), get()),
                ("demo".to_owned(), "backupstorages".to_owned(), names(&["s3"]), get()),
                ("storage".to_owned(), "secrets".to_owned(), names(&["keys"]), get()),
                ("storage".to_owned(), "backupstorages".to_owned(), names(&["s3"]), get()),
            ]
        );
        let bound: Vec<_> = access
            .bindings
            .iter()
            .map(|binding| (binding.namespace().unwrap(), binding.role_ref.kind.clone()))
            .collect();
        assert_eq!(
            bound,
            [
                ("demo".to_owned(), "ClusterRole".to_owned()),
                ("demo".to_owned(), "Role".to_owned()),
                ("storage".to_owned(), "Role".to_owned())
            ]
        );
    }

    #[test]
    fn an_own_account_is_made_only_when_the_user_named_none() {
        let own = access(trade(), &party(), &Needs::default());
        assert_eq!(own.service_account, "backup-shop-nightly");
        assert_eq!(own.own_account.unwrap().name_any(), "backup-shop-nightly");
        let trade = Trade { service_account: Some("cluster-reader"), ..trade() };
        let of_user = access(trade, &party(), &Needs::default());
        assert_eq!(of_user.service_account, "cluster-reader");
        assert_eq!(of_user.own_account, None);
        assert_eq!(of_user.bindings[0].subjects.as_ref().unwrap()[0].name, "cluster-reader");
        assert_eq!(
            of_user.bindings[0].name_any(),
            "backup-shop-nightly",
            "named after the session, not the user's account"
        );
    }

    #[test]
    fn what_lies_elsewhere_is_not_owned_but_labelled_and_named_after_both_namespaces() {
        let needs = Needs::of(&[repository("one", Some("storage"))], &storages());
        let access = access(trade(), &party(), &needs);
        let elsewhere =
            access.roles.iter().find(|role| role.namespace().as_deref() == Some("storage")).unwrap();
        assert_eq!(elsewhere.name_any(), "backup-demo-shop-nightly-storage");
        assert_eq!(elsewhere.metadata.owner_references, None);
        let labels = elsewhere.metadata.labels.as_ref().unwrap();
        assert_eq!(labels.get(label::INVOKER_NAME).map(String::as_str), Some("shop"));
        assert_eq!(labels.get(label::INVOKER_NAMESPACE).map(String::as_str), Some("demo"));
        let at_home = access.roles.iter().find(|role| role.namespace().as_deref() == Some("demo")).unwrap();
        assert!(at_home.metadata.owner_references.is_some());
    }

    #[test]
    fn a_restore_is_a_party_without_a_session() {
        let owner = configuration();
        let needs = Needs::default().snapshot("demo", "s").repository("demo", "r").policy("demo", "keep");
        let trade =
            Trade { prefix: "restore", cluster_role: RESTORE_ROLE, service_account: Some("restorer") };
        let access = access(trade, &Party::new(&owner, ""), &needs);
        assert_eq!(access.bindings[0].name_any(), "restore-shop");
        assert_eq!(access.roles[0].name_any(), "restore-shop-storage");
        assert!(!access.roles[0].labels().contains_key(label::SESSION_NAME));
        let resources: Vec<_> = access.roles[0]
            .rules
            .iter()
            .flatten()
            .map(|rule| {
                (rule.resources.clone().unwrap().remove(0), rule.resource_names.clone().unwrap().remove(0))
            })
            .collect();
        let pair = |resource: &str, name: &str| (resource.to_owned(), name.to_owned());
        assert_eq!(
            resources,
            [pair("repositories", "r"), pair("snapshots", "s"), pair("retentionpolicies", "keep")]
        );
    }

    #[test]
    fn what_lies_elsewhere_is_found_by_its_labels() {
        let labels = party().labels;
        for pair in labels_of(&configuration()).split(',') {
            let (key, value) = pair.split_once('=').unwrap();
            assert_eq!(labels.get(key).map(String::as_str), Some(value));
        }
    }
}
