//! Who the Jobs of a session are, and what they may do (reliability §4.1, contract A38, A40).
//!
//! A Job runs as the ServiceAccount that the user named, who has granted it what it has to read; else as one of our
//! own. Beside that it gets exactly two things: the ClusterRole of its trade, bound in the namespace of the session,
//! and a Role per namespace that names the very storages, Secrets and policies that it has to read. Bindings of the
//! user are never touched.

use std::collections::{BTreeMap, BTreeSet};

use crds::core::{BackupConfiguration, BackupSession};
use crds::label;
use crds::name;
use crds::storage::{BackupStorage, Repository};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};

/// The ClusterRole of backup Jobs.
pub const BACKUP_ROLE: &str = "kubestash-backup-job";
/// The ClusterRole of retention Jobs.
pub const RETENTION_ROLE: &str = "kubestash-retention-policy-job";

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
    Policy,
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

    /// One more RetentionPolicy.
    #[must_use]
    pub fn policy(mut self, namespace: &str, name: &str) -> Self {
        self.add(Thing::Policy, namespace, name);
        self
    }

    fn add(&mut self, thing: Thing, namespace: &str, name: &str) {
        if !name.is_empty() {
            self.0.entry(namespace.to_owned()).or_default().entry(thing).or_default().insert(name.to_owned());
        }
    }
}

/// What the Jobs of one trade of a session are given.
#[derive(Clone, Copy, Debug)]
pub struct Trade<'a> {
    /// First word of all names: `backup`.
    pub prefix: &'a str,
    /// The ClusterRole.
    pub cluster_role: &'a str,
    /// The ServiceAccount that the user named.
    pub service_account: Option<&'a str>,
}

/// The rights of the Jobs of `session` in that trade. They are the same for every run, so that they are written once.
#[must_use]
pub fn access(
    trade: Trade<'_>,
    session: &BackupSession,
    configuration: &BackupConfiguration,
    needs: &Needs,
) -> Access {
    let namespace = configuration.namespace().unwrap_or_default();
    let configuration_name = configuration.name_any();
    let session_name = &session.spec.session;
    let name = name::join(trade.prefix, &configuration_name, session_name, name::MAX);
    let service_account = trade.service_account.unwrap_or(&name).to_owned();
    let subject = Subject {
        kind: "ServiceAccount".to_owned(),
        name: service_account.clone(),
        namespace: Some(namespace.clone()),
        ..Subject::default()
    };
    let metadata = |name: &str, in_namespace: &str| metadata(name, in_namespace, configuration, session_name);

    let own_account = trade
        .service_account
        .is_none()
        .then(|| ServiceAccount { metadata: metadata(&name, &namespace), ..ServiceAccount::default() });
    let mut bindings =
        vec![binding(metadata(&name, &namespace), "ClusterRole", trade.cluster_role, &subject)];
    let mut roles = Vec::new();
    for (in_namespace, things) in &needs.0 {
        // Elsewhere two configurations of the same name but of different namespaces may meet.
        let first = if *in_namespace == namespace {
            trade.prefix.to_owned()
        } else {
            format!("{}-{namespace}", trade.prefix)
        };
        let name = name::join(&first, &configuration_name, &format!("{session_name}-storage"), name::MAX);
        roles.push(Role { metadata: metadata(&name, in_namespace), rules: Some(rules(things)) });
        bindings.push(binding(metadata(&name, in_namespace), "Role", &name, &subject));
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
                Thing::Policy => (crds::storage::GROUP, "retentionpolicies"),
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

/// Owned by the configuration where that is possible; elsewhere its finalizer finds them by their labels.
fn metadata(name: &str, namespace: &str, configuration: &BackupConfiguration, session: &str) -> ObjectMeta {
    let mut labels = label::offshoot_of(configuration);
    labels.insert(label::SESSION_NAME.to_owned(), session.to_owned());
    let is_home = configuration.metadata.namespace.as_deref() == Some(namespace);
    let owner = configuration.controller_owner_ref(&()).filter(|_| is_home);
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(namespace.to_owned()),
        labels: Some(labels),
        owner_references: owner.map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn configuration() -> BackupConfiguration {
        serde_json::from_value(
            json!({"metadata": {"name": "shop", "namespace": "demo", "uid": "c"}, "spec": {}}),
        )
        .unwrap()
    }

    fn session() -> BackupSession {
        serde_json::from_value(json!({
            "metadata": {"name": "shop-nightly-1", "namespace": "demo"},
            "spec": {"invoker": {"kind": "BackupConfiguration", "name": "shop"}, "session": "nightly"},
        }))
        .unwrap()
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
        let access = access(trade(), &session(), &configuration(), &needs);
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
        let own = access(trade(), &session(), &configuration(), &Needs::default());
        assert_eq!(own.service_account, "backup-shop-nightly");
        assert_eq!(own.own_account.unwrap().name_any(), "backup-shop-nightly");
        let trade = Trade { service_account: Some("cluster-reader"), ..trade() };
        let of_user = access(trade, &session(), &configuration(), &Needs::default());
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
        let access = access(trade(), &session(), &configuration(), &needs);
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
    fn the_rights_do_not_depend_on_the_run() {
        let mut later = session();
        later.metadata.name = Some("shop-nightly-2".to_owned());
        let needs = Needs::of(&[repository("one", None)], &storages());
        assert_eq!(
            access(trade(), &session(), &configuration(), &needs),
            access(trade(), &later, &configuration(), &needs)
        );
    }
}
