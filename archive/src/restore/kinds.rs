//! What is known of types by their names: which are built in, which give rights, which decide what may be written.

use crate::manifest::path::Key;

/// The type whose objects define types.
pub const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// Groups that the API server itself serves. Others that end in `k8s.io` come as custom resources.
const BUILT_IN: [&str; 24] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// What has no meaning in another life of the cluster (contract §7.6), and what nobody can make. The names of the contract
/// that no type has (`storage`, two singulars) are left out, their plurals are here.
const NOT_RESTORABLE: [&str; 13] = [
    "backupsessions.core.kubestash.com",
    "backupverificationsessions.core.kubestash.com",
    "backupverifiers.core.kubestash.com",
    "componentstatuses",
    "csinodes.storage.k8s.io",
    "events",
    "events.events.k8s.io",
    "nodes",
    "repositories.storage.kubestash.com",
    "restoresessions.core.kubestash.com",
    "snapshots.storage.kubestash.com",
    "storageversions.internal.apiserver.k8s.io",
    "volumeattachments.storage.k8s.io",
];

const RIGHTS: [&str; 4] = ["clusterrolebindings", "clusterroles", "rolebindings", "roles"];

const ADMISSION: [&str; 6] = [
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "mutatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
];

/// The part after the first dot of `deployments.apps`; empty for the core group.
#[must_use]
pub fn group(group_resource: &str) -> &str {
    group_resource.split_once('.').map_or("", |(_, group)| group)
}

/// `deployments` of `deployments.apps`.
#[must_use]
pub fn plural(group_resource: &str) -> &str {
    group_resource.split_once('.').map_or(group_resource, |(plural, _)| plural)
}

/// Whether the API server itself serves a group: then it fills in what is left out, and drops `status` on a create.
#[must_use]
pub fn is_built_in(group: &str) -> bool {
    BUILT_IN.contains(&group)
}

/// Whether objects of a type are never brought back.
#[must_use]
pub fn is_restorable(group_resource: &str) -> bool {
    !NOT_RESTORABLE.contains(&group_resource)
}

/// Whether a type says who may do what.
#[must_use]
pub fn gives_rights(group_resource: &str) -> bool {
    group(group_resource) == "rbac.authorization.k8s.io" && RIGHTS.contains(&plural(group_resource))
}

/// Whether a type decides what may be written, or who answers for a part of the API.
#[must_use]
pub fn rules_admission(group_resource: &str) -> bool {
    match group(group_resource) {
        "admissionregistration.k8s.io" => ADMISSION.contains(&plural(group_resource)),
        "apiregistration.k8s.io" => plural(group_resource) == "apiservices",
        _ => false,
    }
}

/// Whether a type belongs to the backup system itself.
#[must_use]
pub fn is_backup_system(group_resource: &str) -> bool {
    let group = group(group_resource);
    group == "kubestash.com" || group.ends_with(".kubestash.com")
}

/// Whether it is the object that a namespace is.
#[must_use]
pub fn is_namespace(key: &Key) -> bool {
    key.group_resource == "namespaces" && key.namespace.is_none()
}

/// Whether the controller of a built-in kind makes objects of a type again from `(group, kind)`, so that they must not be
/// made beside it. Claims of a StatefulSet are not among them: their owner does not make them anew.
#[must_use]
pub fn is_made_by(group_resource: &str, owner: (&str, &str)) -> bool {
    match group_resource {
        "replicasets.apps" => owner == ("apps", "Deployment"),
        "controllerrevisions.apps" => matches!(owner, ("apps", "DaemonSet" | "StatefulSet")),
        "jobs.batch" => owner == ("batch", "CronJob"),
        "endpointslices.discovery.k8s.io" | "endpoints" => owner == ("", "Service"),
        "pods" => matches!(
            owner,
            ("apps", "DaemonSet" | "ReplicaSet" | "StatefulSet")
                | ("batch", "Job")
                | ("", "Node" | "ReplicationController")
        ),
        // The claims of generic ephemeral volumes, and of resources.
        "persistentvolumeclaims" | "resourceclaims.resource.k8s.io" => owner == ("", "Pod"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_a_plural_and_a_group() {
        for (name, of, plural_of) in [
            ("pods", "", "pods"),
            ("deployments.apps", "apps", "deployments"),
            ("roles.rbac.authorization.k8s.io", "rbac.authorization.k8s.io", "roles"),
        ] {
            assert_eq!((group(name), plural(name)), (of, plural_of));
        }
    }

    #[test]
    fn built_in_is_what_no_crd_brings() {
        for (group, built_in) in [
            ("", true),
            ("apps", true),
            ("networking.k8s.io", true),
            ("gateway.networking.k8s.io", false),
            ("snapshot.storage.k8s.io", false),
            ("metrics.k8s.io", false),
            ("example.org", false),
        ] {
            assert_eq!(is_built_in(group), built_in, "{group}");
        }
    }

    #[test]
    fn sessions_and_nodes_stay_where_they_are() {
        for (name, restorable) in [
            ("nodes", false),
            ("events.events.k8s.io", false),
            ("snapshots.storage.kubestash.com", false),
            ("backupconfigurations.core.kubestash.com", true),
            ("backupstorages.storage.kubestash.com", true),
            ("nodes.example.org", true),
            ("volumesnapshots.snapshot.storage.k8s.io", true),
        ] {
            assert_eq!(is_restorable(name), restorable, "{name}");
        }
    }

    #[test]
    fn rights_and_admission_are_known_by_group() {
        for (name, rights, admission) in [
            ("roles.rbac.authorization.k8s.io", true, false),
            ("clusterrolebindings.rbac.authorization.k8s.io", true, false),
            ("roles.example.org", false, false),
            ("validatingwebhookconfigurations.admissionregistration.k8s.io", false, true),
            ("mutatingadmissionpolicybindings.admissionregistration.k8s.io", false, true),
            ("apiservices.apiregistration.k8s.io", false, true),
            ("apiservices.example.org", false, false),
            ("pods", false, false),
        ] {
            assert_eq!((gives_rights(name), rules_admission(name)), (rights, admission), "{name}");
        }
    }

    #[test]
    fn only_what_a_built_in_controller_makes_is_made_again() {
        for (name, owner, made) in [
            ("replicasets.apps", ("apps", "Deployment"), true),
            ("replicasets.apps", ("argoproj.io", "Rollout"), false),
            ("pods", ("apps", "ReplicaSet"), true),
            ("pods", ("", "Node"), true),
            ("pods", ("tekton.dev", "TaskRun"), false),
            ("jobs.batch", ("batch", "CronJob"), true),
            ("controllerrevisions.apps", ("apps", "StatefulSet"), true),
            ("endpointslices.discovery.k8s.io", ("", "Service"), true),
            ("persistentvolumeclaims", ("apps", "StatefulSet"), false),
            ("persistentvolumeclaims", ("", "Pod"), true),
            ("secrets", ("apps", "Deployment"), false),
        ] {
            assert_eq!(is_made_by(name, owner), made, "{name} of {owner:?}");
        }
    }
}
