//! What a new object uses of a quota: itself, and the Pods that its controller makes of it, which the API server does not
//! see when it judges the object.
//!
//! Source: the names of <https://kubernetes.io/docs/concepts/policy/resource-quotas/>, and for what a Pod asks for KEP-753
//! (sidecar containers) and KEP-2837 (resources of a Pod as a whole).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::amount::Amount;
use crate::manifest::path::Key;

/// Amounts by the names that quotas have for them; of types without the `count/` before them.
pub type Amounts = BTreeMap<String, Amount>;

/// What of a Pod is called `requests`, and what `limits`.
const SORTS: [&str; 2] = ["requests", "limits"];

/// What one object uses, at least: how many nodes a DaemonSet will find is not known, and neither is what a LimitRange
/// adds.
pub fn of(target: &Key, object: &Value) -> Amounts {
    let mut amounts = Amounts::from([(target.group_resource.clone(), Amount::of(1))]);
    let spec = &object["spec"];
    match target.group_resource.as_str() {
        "pods" => add_pods(&mut amounts, spec, 1),
        "deployments.apps" => {
            amounts.insert("replicasets.apps".to_owned(), Amount::of(1));
            made(&mut amounts, spec, count(&spec["replicas"]));
        }
        "replicasets.apps" | "statefulsets.apps" | "replicationcontrollers" => {
            made(&mut amounts, spec, count(&spec["replicas"]));
        }
        "daemonsets.apps" => made(&mut amounts, spec, 1),
        "jobs.batch" if spec["suspend"] != true => {
            let at_once = count(&spec["parallelism"]);
            made(&mut amounts, spec, spec["completions"].as_u64().map_or(at_once, |all| all.min(at_once)));
        }
        "persistentvolumeclaims" => {
            add(&mut amounts, "requests.storage", Amount::read(&spec["resources"]["requests"]["storage"]));
        }
        "services" => {
            let balanced = spec["type"] == "LoadBalancer";
            if balanced {
                add(&mut amounts, "services.loadbalancers", Some(Amount::of(1)));
            }
            let without_ports = balanced && spec["allocateLoadBalancerNodePorts"] == false;
            if (balanced && !without_ports) || spec["type"] == "NodePort" {
                let ports = spec["ports"].as_array().map_or(0, |ports| ports.len() as u64);
                add(&mut amounts, "services.nodeports", Some(Amount::of(ports)));
            }
        }
        _ => {}
    }
    amounts
}

/// One, where nothing is said.
fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(1)
}

/// The Pods that a controller makes.
fn made(amounts: &mut Amounts, spec: &Value, pods: u64) {
    add(amounts, "pods", Some(Amount::of(pods)));
    add_pods(amounts, &spec["template"]["spec"], pods);
}

fn add(amounts: &mut Amounts, name: &str, more: Option<Amount>) {
    if let Some(more) = more.filter(|more| *more > Amount::default()) {
        *amounts.entry(name.to_owned()).or_default() += more;
    }
}

/// What so many Pods ask for.
fn add_pods(amounts: &mut Amounts, pod: &Value, pods: u64) {
    for sort in SORTS {
        for (resource, amount) in asked(pod, sort) {
            let amount = Some(amount.times(pods));
            add(amounts, &format!("{sort}.{resource}"), amount);
            if sort == "requests" {
                // The older name of the same.
                add(amounts, &resource, amount);
            }
        }
    }
}

/// What a Pod asks for, of each resource: the containers that run together or, where it is more, one of those that run
/// before, with the sidecars that were started by then.
fn asked(pod: &Value, sort: &str) -> Amounts {
    let mut together = Amounts::new();
    let mut before = Amounts::new();
    for container in list(&pod["initContainers"]) {
        let own = of_container(container, sort);
        if container["restartPolicy"] == "Always" {
            for (name, amount) in own {
                *together.entry(name).or_default() += amount;
            }
            continue;
        }
        for (name, amount) in own {
            let sum = amount + together.get(&name).copied().unwrap_or_default();
            let most = before.entry(name).or_default();
            *most = sum.max(*most);
        }
    }
    for container in list(&pod["containers"]) {
        for (name, amount) in of_container(container, sort) {
            *together.entry(name).or_default() += amount;
        }
    }
    for (name, amount) in before {
        let most = together.entry(name).or_default();
        *most = amount.max(*most);
    }
    // What the Pod says as a whole stands.
    together.extend(of_container(pod, sort));
    for (name, amount) in fields(&pod["overhead"]) {
        // It makes a limit larger, and none where there is none.
        match together.get_mut(&name) {
            Some(sum) => *sum += amount,
            None if sort == "requests" => drop(together.insert(name, amount)),
            None => {}
        }
    }
    together
}

/// What a container says itself; what it may use at most is also what it asks for, if it does not say less.
fn of_container(container: &Value, sort: &str) -> Amounts {
    let resources = &container["resources"];
    let mut own: Amounts = fields(&resources["limits"]).collect();
    if sort == "requests" {
        own.extend(fields(&resources["requests"]));
    }
    own
}

fn fields(of: &Value) -> impl Iterator<Item = (String, Amount)> {
    let fields = of.as_object().into_iter().flat_map(Map::iter);
    fields.filter_map(|(name, quantity)| Some((name.clone(), Amount::read(quantity)?)))
}

fn list(of: &Value) -> impl Iterator<Item = &Value> {
    of.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(group_resource: &str, spec: &Value) -> String {
        let target = Key {
            group_resource: group_resource.to_owned(),
            namespace: Some("shop".to_owned()),
            name: "a".to_owned(),
        };
        let amounts = of(&target, &json!({ "spec": spec }));
        let own = amounts.get(group_resource).copied();
        let others =
            amounts.iter().filter(|(name, amount)| **name != group_resource || **amount != Amount::of(1));
        assert!(own >= Some(Amount::of(1)), "{amounts:?}");
        others.map(|(name, amount)| format!("{name}={amount}")).collect::<Vec<_>>().join(" ")
    }

    fn pod(containers: &Value) -> Value {
        json!({ "containers": containers })
    }

    #[test]
    fn a_controller_uses_what_its_pods_do() {
        let small = json!({"requests": {"cpu": "100m"}});
        let template = json!({"spec": pod(&json!([{"name": "a", "resources": small}, {"name": "b", "resources": small}]))});
        for (group_resource, spec, expected) in [
            ("configmaps", json!({}), ""),
            ("pods", pod(&json!([{"name": "a", "resources": small}])), "cpu=100m requests.cpu=100m"),
            (
                "deployments.apps",
                json!({"replicas": 3, "template": template}),
                "cpu=600m pods=3 replicasets.apps=1 requests.cpu=600m",
            ),
            ("deployments.apps", json!({"replicas": 0, "template": template}), "replicasets.apps=1"),
            ("statefulsets.apps", json!({"template": template}), "cpu=200m pods=1 requests.cpu=200m"),
            ("daemonsets.apps", json!({"template": template}), "cpu=200m pods=1 requests.cpu=200m"),
            ("jobs.batch", json!({"parallelism": 4, "completions": 2}), "pods=2"),
            ("jobs.batch", json!({"parallelism": 4}), "pods=4"),
            ("jobs.batch", json!({"suspend": true}), ""),
            ("cronjobs.batch", json!({"jobTemplate": {"spec": {"template": template}}}), ""),
            (
                "persistentvolumeclaims",
                json!({"resources": {"requests": {"storage": "1Gi"}}}),
                "requests.storage=1Gi",
            ),
            ("services", json!({"type": "ClusterIP", "ports": [{}]}), ""),
            ("services", json!({"type": "NodePort", "ports": [{}, {}]}), "services.nodeports=2"),
            (
                "services",
                json!({"type": "LoadBalancer", "ports": [{}]}),
                "services.loadbalancers=1 services.nodeports=1",
            ),
            (
                "services",
                json!({"type": "LoadBalancer", "ports": [{}], "allocateLoadBalancerNodePorts": false}),
                "services.loadbalancers=1",
            ),
            // What no API server would have let in.
            ("deployments.apps", json!("x"), "pods=1 replicasets.apps=1"),
            ("pods", json!({"containers": {"a": 1}, "initContainers": [7]}), ""),
        ] {
            assert_eq!(told(group_resource, &spec), expected, "{group_resource} {spec}");
        }
    }

    #[test]
    fn a_pod_asks_for_what_runs_together_or_before() {
        let container = |cpu: &str| json!({"resources": {"requests": {"cpu": cpu}}});
        let sidecar = |cpu: &str| json!({"restartPolicy": "Always", "resources": {"requests": {"cpu": cpu}}});
        for (spec, expected) in [
            (json!({"containers": [container("1"), container("2")]}), "cpu=3 requests.cpu=3"),
            (
                json!({"containers": [container("1")], "initContainers": [container("2"), container("4")]}),
                "cpu=4 requests.cpu=4",
            ),
            (
                json!({"containers": [container("1")], "initContainers": [sidecar("1"), container("3")]}),
                "cpu=4 requests.cpu=4",
            ),
            (
                json!({"containers": [container("3")], "initContainers": [sidecar("2")]}),
                "cpu=5 requests.cpu=5",
            ),
            (
                json!({"containers": [container("1")], "resources": {"requests": {"cpu": "5"}}, "overhead": {"cpu": "1"}}),
                "cpu=6 requests.cpu=6",
            ),
            (
                json!({"containers": [{"resources": {"limits": {"memory": "64Mi"}}}]}),
                "limits.memory=64Mi memory=64Mi requests.memory=64Mi",
            ),
        ] {
            assert_eq!(told("pods", &spec), expected, "{spec}");
        }
    }
}
