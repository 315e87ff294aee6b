//! API versions that Kubernetes has removed, and what took their place. Source: the Deprecated API Migration Guide of the
//! Kubernetes documentation, 1.16 to 1.32, and the removals of 1.33 and 1.34.

/// Group, version, plural (`*` for all), and what took its place.
const REMOVED: &[(&str, &str, &str, &str)] = &[
    // 1.16
    ("apps", "v1beta1", "*", "apps/v1"),
    ("apps", "v1beta2", "*", "apps/v1"),
    ("extensions", "v1beta1", "daemonsets", "apps/v1"),
    ("extensions", "v1beta1", "deployments", "apps/v1"),
    ("extensions", "v1beta1", "networkpolicies", "networking.k8s.io/v1"),
    ("extensions", "v1beta1", "podsecuritypolicies", POD_SECURITY),
    ("extensions", "v1beta1", "replicasets", "apps/v1"),
    // 1.22
    (
        "admissionregistration.k8s.io",
        "v1beta1",
        "mutatingwebhookconfigurations",
        "admissionregistration.k8s.io/v1",
    ),
    (
        "admissionregistration.k8s.io",
        "v1beta1",
        "validatingwebhookconfigurations",
        "admissionregistration.k8s.io/v1",
    ),
    ("apiextensions.k8s.io", "v1beta1", "customresourcedefinitions", "apiextensions.k8s.io/v1"),
    ("apiregistration.k8s.io", "v1beta1", "apiservices", "apiregistration.k8s.io/v1"),
    ("certificates.k8s.io", "v1beta1", "certificatesigningrequests", "certificates.k8s.io/v1"),
    ("coordination.k8s.io", "v1beta1", "leases", "coordination.k8s.io/v1"),
    ("extensions", "v1beta1", "ingresses", "networking.k8s.io/v1"),
    ("networking.k8s.io", "v1beta1", "ingresses", "networking.k8s.io/v1"),
    ("networking.k8s.io", "v1beta1", "ingressclasses", "networking.k8s.io/v1"),
    ("rbac.authorization.k8s.io", "v1alpha1", "*", "rbac.authorization.k8s.io/v1"),
    ("rbac.authorization.k8s.io", "v1beta1", "*", "rbac.authorization.k8s.io/v1"),
    ("scheduling.k8s.io", "v1alpha1", "priorityclasses", "scheduling.k8s.io/v1"),
    ("scheduling.k8s.io", "v1beta1", "priorityclasses", "scheduling.k8s.io/v1"),
    ("storage.k8s.io", "v1beta1", "csidrivers", "storage.k8s.io/v1"),
    ("storage.k8s.io", "v1beta1", "csinodes", "storage.k8s.io/v1"),
    ("storage.k8s.io", "v1beta1", "storageclasses", "storage.k8s.io/v1"),
    ("storage.k8s.io", "v1beta1", "volumeattachments", "storage.k8s.io/v1"),
    // 1.25
    ("autoscaling", "v2beta1", "horizontalpodautoscalers", "autoscaling/v2"),
    ("batch", "v1beta1", "cronjobs", "batch/v1"),
    ("discovery.k8s.io", "v1beta1", "endpointslices", "discovery.k8s.io/v1"),
    ("events.k8s.io", "v1beta1", "events", "events.k8s.io/v1"),
    ("node.k8s.io", "v1alpha1", "runtimeclasses", "node.k8s.io/v1"),
    ("node.k8s.io", "v1beta1", "runtimeclasses", "node.k8s.io/v1"),
    ("policy", "v1beta1", "poddisruptionbudgets", "policy/v1"),
    ("policy", "v1beta1", "podsecuritypolicies", POD_SECURITY),
    // 1.26
    ("autoscaling", "v2beta2", "horizontalpodautoscalers", "autoscaling/v2"),
    ("flowcontrol.apiserver.k8s.io", "v1alpha1", "*", "flowcontrol.apiserver.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io", "v1beta1", "*", "flowcontrol.apiserver.k8s.io/v1"),
    // 1.27
    ("storage.k8s.io", "v1beta1", "csistoragecapacities", "storage.k8s.io/v1"),
    // 1.29
    ("flowcontrol.apiserver.k8s.io", "v1beta2", "*", "flowcontrol.apiserver.k8s.io/v1"),
    // 1.32
    ("flowcontrol.apiserver.k8s.io", "v1beta3", "*", "flowcontrol.apiserver.k8s.io/v1"),
    // Alpha and beta types that became stable, and their old versions went.
    (
        "admissionregistration.k8s.io",
        "v1alpha1",
        "validatingadmissionpolicies",
        "admissionregistration.k8s.io/v1",
    ),
    (
        "admissionregistration.k8s.io",
        "v1alpha1",
        "validatingadmissionpolicybindings",
        "admissionregistration.k8s.io/v1",
    ),
    (
        "admissionregistration.k8s.io",
        "v1beta1",
        "validatingadmissionpolicies",
        "admissionregistration.k8s.io/v1",
    ),
    (
        "admissionregistration.k8s.io",
        "v1beta1",
        "validatingadmissionpolicybindings",
        "admissionregistration.k8s.io/v1",
    ),
    ("networking.k8s.io", "v1alpha1", "ipaddresses", "networking.k8s.io/v1"),
    ("networking.k8s.io", "v1alpha1", "servicecidrs", "networking.k8s.io/v1"),
];

/// PodSecurityPolicy has no successor of its kind.
const POD_SECURITY: &str = "Pod Security Admission, by labels of the namespace";

/// What took the place of a type that Kubernetes served in this version once, for example `networking.k8s.io/v1`; none for
/// what was not removed.
#[must_use]
pub fn replacement(group: &str, version: &str, plural: &str) -> Option<&'static str> {
    let is_it = |removed: &&(&str, &str, &str, &str)| {
        removed.0 == group && removed.1 == version && (removed.2 == "*" || removed.2 == plural)
    };
    REMOVED.iter().find(is_it).map(|removed| removed.3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_has_a_successor() {
        for (group, version, plural, successor) in [
            ("extensions", "v1beta1", "ingresses", Some("networking.k8s.io/v1")),
            ("apps", "v1beta2", "statefulsets", Some("apps/v1")),
            ("policy", "v1beta1", "podsecuritypolicies", Some(POD_SECURITY)),
            (
                "flowcontrol.apiserver.k8s.io",
                "v1beta3",
                "flowschemas",
                Some("flowcontrol.apiserver.k8s.io/v1"),
            ),
            ("apps", "v1", "deployments", None),
            ("", "v1", "pods", None),
            ("storage.k8s.io", "v1beta1", "volumeattributesclasses", None),
            ("example.org", "v1beta1", "widgets", None),
        ] {
            assert_eq!(replacement(group, version, plural), successor, "{group}/{version} {plural}");
        }
    }
}
