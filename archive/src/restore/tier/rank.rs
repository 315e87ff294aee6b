//! Which types come before which. Source: contract §7.6, and what a real API server does with other orders: classes before
//! what names them, accounts before their tokens, fixed ports before those that are given out, limits after what they
//! limit, admission after what it would refuse.

use crate::restore::card::Card;
use crate::restore::kinds;

/// Smaller comes first.
pub fn rank(card: &Card) -> u8 {
    let resource = card.key.group_resource.as_str();
    let group = card.group();
    match resource {
        "customresourcedefinitions.apiextensions.k8s.io" => 0,
        "namespaces" => 1,
        "csidrivers.storage.k8s.io"
        | "networkpolicies.networking.k8s.io"
        | "servicecidrs.networking.k8s.io" => 2,
        _ if is_class(card) || group == "flowcontrol.apiserver.k8s.io" => 2,
        "serviceaccounts" => 3,
        "roles.rbac.authorization.k8s.io" | "clusterroles.rbac.authorization.k8s.io" => 4,
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => 5,
        "secrets" | "configmaps" => 6,
        "persistentvolumes"
        | "volumesnapshotcontents.snapshot.storage.k8s.io"
        | "volumesnapshots.snapshot.storage.k8s.io" => 7,
        "persistentvolumeclaims" => 8,
        "services" if card.fixed => 9,
        "services" => 10,
        "endpoints" | "endpointslices.discovery.k8s.io" | "ipaddresses.networking.k8s.io" => 11,
        "pods" | "podtemplates" | "replicationcontrollers" => 12,
        _ if matches!(group, "apps" | "batch") => 12,
        "resourcequotas" | "limitranges" => 15,
        "apiservices.apiregistration.k8s.io" => 18,
        "mutatingadmissionpolicies.admissionregistration.k8s.io"
        | "validatingadmissionpolicies.admissionregistration.k8s.io" => 16,
        _ if kinds::rules_admission(resource) => 17,
        _ if matches!(group, "autoscaling" | "policy" | "extensions" | "networking.k8s.io") => 14,
        _ => 13,
    }
}

/// Classes of storage, priority, ingress, runtimes, gateways, snapshots, devices: what others name to say how they want to
/// be served. They belong to the cluster. The singular is contract A21.
fn is_class(card: &Card) -> bool {
    let plural = kinds::plural(&card.key.group_resource);
    card.key.namespace.is_none() && (plural.ends_with("classes") || plural == "volumesnapshotclass")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifest::path::Key;
    use crate::restore::options::Options;

    fn rank_of(group_resource: &str, namespaced: bool) -> u8 {
        let key = Key {
            group_resource: group_resource.to_owned(),
            namespace: namespaced.then(|| "n".to_owned()),
            name: "a".to_owned(),
        };
        let api_version = match kinds::group(group_resource) {
            "" => "v1".to_owned(),
            group => format!("{group}/v1"),
        };
        let object = json!({
            "apiVersion": api_version, "kind": "K", "metadata": {"name": "a", "namespace": key.namespace}});
        rank(&Card::read(&key, object.as_object().unwrap(), &Options::default()).unwrap())
    }

    #[test]
    fn types_are_in_the_order_of_what_depends_on_what() {
        let order = [
            ("customresourcedefinitions.apiextensions.k8s.io", false),
            ("namespaces", false),
            ("storageclasses.storage.k8s.io", false),
            ("serviceaccounts", true),
            ("roles.rbac.authorization.k8s.io", true),
            ("rolebindings.rbac.authorization.k8s.io", true),
            ("secrets", true),
            ("persistentvolumes", false),
            ("persistentvolumeclaims", true),
            ("services", true),
            ("endpoints", true),
            ("statefulsets.apps", true),
            ("widgets.example.org", true),
            ("ingresses.networking.k8s.io", true),
            ("resourcequotas", true),
            ("validatingadmissionpolicies.admissionregistration.k8s.io", false),
            ("validatingwebhookconfigurations.admissionregistration.k8s.io", false),
            ("apiservices.apiregistration.k8s.io", false),
        ];
        let ranks: Vec<u8> =
            order.iter().map(|(resource, namespaced)| rank_of(resource, *namespaced)).collect();
        assert!(ranks.is_sorted() && ranks.windows(2).all(|pair| pair[0] < pair[1]), "{ranks:?}");
    }

    #[test]
    fn types_of_one_sort_go_together() {
        for (left, right, namespaced) in [
            ("storageclasses.storage.k8s.io", "gatewayclasses.gateway.networking.k8s.io", false),
            ("storageclasses.storage.k8s.io", "priorityclasses.scheduling.k8s.io", false),
            ("storageclasses.storage.k8s.io", "volumesnapshotclasses.snapshot.storage.k8s.io", false),
            ("secrets", "configmaps", true),
            ("pods", "cronjobs.batch", true),
            ("horizontalpodautoscalers.autoscaling", "poddisruptionbudgets.policy", true),
            ("clusterclasses.cluster.x-k8s.io", "widgets.example.org", true),
            (
                "validatingadmissionpolicybindings.admissionregistration.k8s.io",
                "mutatingwebhookconfigurations.admissionregistration.k8s.io",
                false,
            ),
        ] {
            assert_eq!(rank_of(left, namespaced), rank_of(right, namespaced), "{left} {right}");
        }
    }

    #[test]
    fn a_service_with_a_port_of_its_own_comes_before_the_others() {
        let key = Key {
            group_resource: "services".to_owned(),
            namespace: Some("n".to_owned()),
            name: "a".to_owned(),
        };
        let ranked = |safe: bool, spec: serde_json::Value| {
            let object = json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "n"}, "spec": spec});
            let options = Options { safe, ..Options::default() };
            rank(&Card::read(&key, object.as_object().unwrap(), &options).unwrap())
        };
        let free = ranked(true, json!({"ports": [{"port": 80}]}));
        for (safe, spec, first) in [
            (true, json!({"ports": [{"port": 80, "nodePort": 30080}]}), true),
            (true, json!({"clusterIP": "10.0.0.1"}), false),
            (false, json!({"clusterIP": "10.0.0.1"}), true),
            (false, json!({"clusterIP": "None"}), false),
        ] {
            assert_eq!(ranked(safe, spec.clone()) < free, first, "{spec}");
        }
    }
}
