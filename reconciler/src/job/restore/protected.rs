//! What a restore must neither change nor remove, because it stands on it itself.
//!
//! A restore that removed the Secret with which it reads, or the binding by which it writes, would leave a cluster that is
//! half of one snapshot, and nobody to make the other half.

use std::collections::BTreeSet;

use archive::manifest::path::Key;
use archive::restore::options::Protected;
use crds::reference::ObjectReference;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, RoleRef, Subject};
use kube::ResourceExt;

use crate::access;
use crate::cluster::Cluster;

/// What the restore stands on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ground {
    /// The namespace of the session.
    pub home: String,
    /// The ServiceAccount that the Job runs as.
    pub account: String,
    /// The namespace of the operator; empty when it is not known.
    pub operator: String,
    /// The Secrets that open storage and repository.
    pub secrets: Vec<ObjectReference>,
}

/// A binding, as far as it matters here.
#[derive(Clone, Debug)]
struct Binding {
    namespace: Option<String>,
    name: String,
    role: RoleRef,
    subjects: Vec<Subject>,
}

/// ClusterRoles and a ClusterRoleBinding that `kubectl kubestash install` makes.
const INSTALLED: [&str; 9] = [
    "kubestash-operator",
    "kubestash-cron-job",
    "kubestash-view",
    "kubestash-edit",
    "kubestash-cluster-reader",
    access::BACKUP_ROLE,
    access::RESTORE_ROLE,
    access::RETENTION_ROLE,
    access::HOOK_ROLE,
];

/// What is protected. Bindings are looked for only when the restore may change what exists; those that the ServiceAccount
/// may not even list, it cannot remove.
pub async fn find(cluster: &Cluster, ground: &Ground, may_change: bool) -> Protected {
    let bindings = if may_change { bindings(cluster, &ground.home).await } else { Vec::new() };
    protected(ground, &bindings)
}

async fn bindings(cluster: &Cluster, home: &str) -> Vec<Binding> {
    let (everywhere, of_cluster) =
        futures::join!(cluster.list::<RoleBinding>(None, ""), cluster.list::<ClusterRoleBinding>(None, ""));
    let namespaced = match everywhere {
        Ok(found) => found,
        Err(_) => cluster.list::<RoleBinding>(Some(home), "").await.unwrap_or_default(),
    };
    let namespaced = namespaced.into_iter().map(|binding| Binding {
        namespace: binding.namespace(),
        name: binding.name_any(),
        role: binding.role_ref,
        subjects: binding.subjects.unwrap_or_default(),
    });
    let of_cluster = of_cluster.unwrap_or_default().into_iter().map(|binding| Binding {
        namespace: None,
        name: binding.name_any(),
        role: binding.role_ref,
        subjects: binding.subjects.unwrap_or_default(),
    });
    namespaced.chain(of_cluster).collect()
}

fn protected(ground: &Ground, bindings: &[Binding]) -> Protected {
    let Ground { home, account, operator, secrets } = ground;
    let mut objects = BTreeSet::from([key("serviceaccounts", Some(home), account)]);
    objects
        .extend(secrets.iter().map(|secret| key("secrets", Some(secret.namespace_or(home)), &secret.name)));
    let definitions = crds::all();
    objects.extend(definitions.iter().map(|definition| {
        key("customresourcedefinitions.apiextensions.k8s.io", None, &definition.name_any())
    }));
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
            key("customresourcedefinitions.apiextensions.k8s.io", None, "restoresessions.core.kubestash.com"),
            of_rights("clusterroles", None, "kubestash-restore-job"),
        ] {
            assert!(objects.contains(&key), "{key}");
        }
        assert!(!objects.contains(&key("secrets", Some("demo"), "keys")));
        let unknown = protected(&Ground { operator: String::new(), ..ground() }, &[]);
        assert!(unknown.namespaces.is_empty());
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
