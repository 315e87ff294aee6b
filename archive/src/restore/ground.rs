//! What a restore must neither change nor remove, because it stands on it itself.
//!
//! A restore that removed the Secret with which it reads, or the binding by which it writes, would leave a cluster that is
//! half of one snapshot, and nobody to make the other half. Whoever plans a restore and whoever does it take the same for
//! granted, so that both come to the same plan.

use std::collections::BTreeSet;

use crds::reference::ObjectReference;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, RoleRef, Subject};
use kube::ResourceExt;

use super::kinds::DEFINITIONS;
use super::options::Protected;
use crate::manifest::path::Key;

/// What the restore stands on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ground {
    /// The namespace of the session.
    pub home: String,
    /// The ServiceAccount that the Job runs as; empty when there is none yet.
    pub account: String,
    /// The namespace of the operator; empty when it is not known.
    pub operator: String,
    /// The namespace of the Snapshot and its Repository.
    pub source: String,
    /// The Secrets that open storage and repository.
    pub secrets: Vec<ObjectReference>,
}

/// A binding, as far as it matters here.
#[derive(Clone, Debug)]
pub struct Binding {
    namespace: Option<String>,
    name: String,
    role: RoleRef,
    subjects: Vec<Subject>,
}

impl From<RoleBinding> for Binding {
    fn from(binding: RoleBinding) -> Self {
        Self {
            namespace: binding.namespace(),
            name: binding.name_any(),
            role: binding.role_ref,
            subjects: binding.subjects.unwrap_or_default(),
        }
    }
}

impl From<ClusterRoleBinding> for Binding {
    fn from(binding: ClusterRoleBinding) -> Self {
        Self {
            namespace: None,
            name: binding.name_any(),
            role: binding.role_ref,
            subjects: binding.subjects.unwrap_or_default(),
        }
    }
}

/// ClusterRoles and a ClusterRoleBinding that `kubectl kubestash install` makes.
const INSTALLED: [&str; 9] = [
    "kubestash-operator",
    "kubestash-cron-job",
    "kubestash-view",
    "kubestash-edit",
    "kubestash-cluster-reader",
    "kubestash-backup-job",
    "kubestash-restore-job",
    "kubestash-retention-policy-job",
    "kubestash-hook-job",
];

/// What is protected. The bindings of the ServiceAccount matter only to a restore that may change what exists.
#[must_use]
pub fn protected(ground: &Ground, bindings: &[Binding]) -> Protected {
    let Ground { home, account, operator, source, secrets } = ground;
    let mut objects = BTreeSet::new();
    if !account.is_empty() {
        objects.insert(key("serviceaccounts", Some(home), account));
    }
    objects
        .extend(secrets.iter().map(|secret| key("secrets", Some(secret.namespace_or(home)), &secret.name)));
    // With a namespace goes what is in it, the running Job included.
    let places = secrets.iter().map(|secret| secret.namespace_or(home)).chain([home.as_str(), source]);
    objects.extend(places.map(|place| key("namespaces", None, place)));
    let definitions = crds::all();
    objects.extend(definitions.iter().map(|definition| key(DEFINITIONS, None, &definition.name_any())));
    for name in INSTALLED {
        objects.insert(of_rights("clusterroles", None, name));
        objects.insert(of_rights("clusterrolebindings", None, name));
    }
    for Binding { namespace, name, role, subjects } in bindings {
        let home_of_binding = namespace.as_deref().unwrap_or_default();
        if !subjects.iter().any(|subject| is_account(subject, home_of_binding, (home, account))) {
            continue;
        }
        let namespace = namespace.as_deref();
        let kind = if namespace.is_some() { "rolebindings" } else { "clusterrolebindings" };
        objects.insert(of_rights(kind, namespace, name));
        objects.insert(match role.kind.as_str() {
            "Role" => of_rights("roles", namespace, &role.name),
            _ => of_rights("clusterroles", None, &role.name),
        });
    }
    let namespaces = Some(operator.clone()).filter(|operator| !operator.is_empty());
    Protected { namespaces: namespaces.into_iter().collect(), objects }
}

/// Whether the subject is the ServiceAccount, or a group that it is in.
fn is_account(subject: &Subject, home_of_binding: &str, (namespace, name): (&str, &str)) -> bool {
    match subject.kind.as_str() {
        "ServiceAccount" => {
            subject.name == name && subject.namespace.as_deref().unwrap_or(home_of_binding) == namespace
        }
        "User" => subject.name == format!("system:serviceaccount:{namespace}:{name}"),
        "Group" => {
            matches!(subject.name.as_str(), "system:serviceaccounts" | "system:authenticated")
                || subject.name == format!("system:serviceaccounts:{namespace}")
        }
        _ => false,
    }
}

fn of_rights(resource: &str, namespace: Option<&str>, name: &str) -> Key {
    key(&format!("{resource}.rbac.authorization.k8s.io"), namespace, name)
}

fn key(group_resource: &str, namespace: Option<&str>, name: &str) -> Key {
    Key {
        group_resource: group_resource.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn ground() -> Ground {
        Ground {
            home: "demo".to_owned(),
            account: "restorer".to_owned(),
            operator: "kubestash".to_owned(),
            source: "backups".to_owned(),
            secrets: vec![ObjectReference::new("storage", "keys"), ObjectReference::new("demo", "password")],
        }
    }

    fn binding(namespace: Option<&str>, name: &str, role: (&str, &str), subject: &Value) -> Binding {
        Binding {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
            role: RoleRef { kind: role.0.to_owned(), name: role.1.to_owned(), ..RoleRef::default() },
            subjects: vec![serde_json::from_value(subject.clone()).unwrap()],
        }
    }

    #[test]
    fn what_opens_the_repository_and_who_restores_is_protected() {
        let Protected { namespaces, objects } = protected(&ground(), &[]);
        assert_eq!(namespaces.into_iter().collect::<Vec<_>>(), ["kubestash"]);
        for key in [
            key("secrets", Some("storage"), "keys"),
            key("secrets", Some("demo"), "password"),
            key("serviceaccounts", Some("demo"), "restorer"),
            key("namespaces", None, "demo"),
            key("namespaces", None, "storage"),
            key("namespaces", None, "backups"),
            key("customresourcedefinitions.apiextensions.k8s.io", None, "restoresessions.core.kubestash.com"),
            of_rights("clusterroles", None, "kubestash-restore-job"),
        ] {
            assert!(objects.contains(&key), "{key}");
        }
        assert!(!objects.contains(&key("secrets", Some("demo"), "keys")));
        let unknown = Ground { operator: String::new(), account: String::new(), ..ground() };
        let unknown = protected(&unknown, &[]);
        assert!(unknown.namespaces.is_empty());
        assert!(!unknown.objects.contains(&key("serviceaccounts", Some("demo"), "")));
    }

    #[test]
    fn the_rights_of_who_restores_are_protected_with_what_they_bind() {
        let account = json!({"kind": "ServiceAccount", "name": "restorer", "namespace": "demo"});
        let other = json!({"kind": "ServiceAccount", "name": "restorer", "namespace": "shop"});
        let group = json!({"kind": "Group", "name": "system:serviceaccounts:demo"});
        let bindings = [
            binding(Some("shop"), "by-role", ("Role", "writer"), &account),
            binding(Some("demo"), "by-group", ("ClusterRole", "admin"), &group),
            binding(None, "everywhere", ("ClusterRole", "restorer"), &account),
            binding(Some("shop"), "foreign", ("Role", "foreign"), &other),
        ];
        let objects = protected(&ground(), &bindings).objects;
        for key in [
            of_rights("rolebindings", Some("shop"), "by-role"),
            of_rights("roles", Some("shop"), "writer"),
            of_rights("rolebindings", Some("demo"), "by-group"),
            of_rights("clusterroles", None, "admin"),
            of_rights("clusterrolebindings", None, "everywhere"),
            of_rights("clusterroles", None, "restorer"),
        ] {
            assert!(objects.contains(&key), "{key}");
        }
        assert!(!objects.contains(&of_rights("rolebindings", Some("shop"), "foreign")));
        assert!(!objects.contains(&of_rights("roles", Some("shop"), "foreign")));
    }
}
