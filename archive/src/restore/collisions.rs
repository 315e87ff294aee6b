//! What a new object would share with one that exists: the host and path of an Ingress, the address of a Service, a port
//! of the nodes. The API server lets all but the last pass; that one it refuses, which a plan has to know by itself of an
//! object that cannot be shown to the server yet.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::requests::Requests;
use super::verdict::{Problem, ProblemKind};
use crate::api::JSON;
use crate::manifest::path::Key;

/// Who has what, read when it is first asked for.
#[derive(Default)]
pub struct Collisions {
    ingresses: OnceCell<Taken>,
    services: OnceCell<Taken>,
}

/// What a new object would share with others.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// Nobody minds, but somebody should know.
    pub notes: Vec<String>,
    /// Why the API server would refuse it.
    pub refusal: Option<Problem>,
}

/// What an object asks to be reached by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    /// A host and path, of an Ingress.
    Host(String),
    /// What a Service asks to be reached at from outside.
    Address(String),
    /// A port of every node: the allocator has each once, whatever the protocol.
    NodePort(u64),
}

impl fmt::Display for Claim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => write!(formatter, "host {host}"),
            Self::Address(address) => write!(formatter, "address {address}"),
            Self::NodePort(port) => write!(formatter, "node port {port}"),
        }
    }
}

/// The objects that have something, as `namespace/name`.
type Taken = BTreeMap<Claim, Vec<String>>;

impl Collisions {
    /// What a new object would share with others. Whoever may not look sees nothing.
    pub async fn shared(&self, requests: &Requests, target: &Key, object: &Value) -> Shared {
        let of = target.group_resource.as_str();
        let (cell, claims, path): (_, fn(&Value) -> Vec<Claim>, _) = match of {
            "ingresses.networking.k8s.io" => {
                (&self.ingresses, hosts as _, "/apis/networking.k8s.io/v1/ingresses")
            }
            "services" => (&self.services, of_service as _, "/api/v1/services"),
            _ => return Shared::default(),
        };
        let claimed = claims(object);
        if claimed.is_empty() {
            return Shared::default();
        }
        let taken = cell.get_or_init(|| taken(requests, path, claims)).await;
        shared(&claimed, taken, target)
    }
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    items: Vec<Value>,
}

async fn taken(requests: &Requests, path: &str, claims: fn(&Value) -> Vec<Claim>) -> Taken {
    let mut taken = Taken::new();
    let Ok(list) = requests.api().get_json::<List>(path, JSON).await else { return taken };
    for object in list.items {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        let name = format!("{}/{}", text("namespace"), text("name"));
        for claim in claims(&object) {
            taken.entry(claim).or_default().push(name.clone());
        }
    }
    taken
}

fn shared(claimed: &[Claim], taken: &Taken, target: &Key) -> Shared {
    let own = format!("{}/{}", target.namespace.as_deref().unwrap_or_default(), target.name);
    let mut shared = Shared::default();
    for claim in claimed {
        for other in taken.get(claim).into_iter().flatten().filter(|other| **other != own) {
            if matches!(claim, Claim::NodePort(_)) {
                let message = format!("{claim} is that of {other}");
                shared.refusal.get_or_insert(Problem { kind: ProblemKind::Collision, message });
            } else {
                shared.notes.push(format!("{claim} is also that of {other}"));
            }
        }
    }
    shared
}

/// Those of each rule of an Ingress.
fn hosts(ingress: &Value) -> Vec<Claim> {
    let mut hosts = Vec::new();
    for rule in ingress["spec"]["rules"].as_array().into_iter().flatten() {
        let Some(host) = rule["host"].as_str().filter(|host| !host.is_empty()) else { continue };
        for path in rule["http"]["paths"].as_array().into_iter().flatten() {
            hosts.push(Claim::Host(format!("{host}{}", path["path"].as_str().unwrap_or("/"))));
        }
    }
    hosts
}

fn of_service(service: &Value) -> Vec<Claim> {
    let spec = &service["spec"];
    let balancer = spec["loadBalancerIP"].as_str().into_iter();
    let external = spec["externalIPs"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let addresses = balancer.chain(external).filter(|address| !address.is_empty());
    let ports = spec["ports"].as_array().into_iter().flatten();
    let ports = ports.filter_map(|port| port["nodePort"].as_u64()).filter(|port| *port > 0);
    let addresses = addresses.map(|address| Claim::Address(address.to_owned()));
    addresses.chain(ports.map(Claim::NodePort)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_shared_with_another_is_told() {
        let ingress = json!({"spec": {"rules": [
            {"host": "a.example.com", "http": {"paths": [{"path": "/x"}, {"path": "/y"}]}},
            {"http": {"paths": [{"path": "/"}]}}]}});
        let host = |text: &str| Claim::Host(text.to_owned());
        assert_eq!(hosts(&ingress), [host("a.example.com/x"), host("a.example.com/y")]);
        assert!(
            hosts(&json!({})).is_empty() && of_service(&json!({"spec": {"externalIPs": null}})).is_empty()
        );

        let service = json!({"spec": {"loadBalancerIP": "192.0.2.7", "externalIPs": ["192.0.2.8", ""],
            "ports": [{"port": 80}, {"port": 81, "nodePort": 0}, {"port": 82, "nodePort": 30080}]}});
        let claimed = of_service(&service);
        let address = |text: &str| Claim::Address(text.to_owned());
        assert_eq!(claimed, [address("192.0.2.7"), address("192.0.2.8"), Claim::NodePort(30080)]);
        let target = Key {
            group_resource: "services".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "front".to_owned(),
        };
        let had_by = |claim: Claim, names: &[&str]| {
            Taken::from([(claim, names.iter().map(|name| (*name).to_owned()).collect())])
        };
        for (taken, notes, refusal) in [
            (
                had_by(address("192.0.2.7"), &["shop/front", "other/front"]),
                &["address 192.0.2.7 is also that of other/front"][..],
                None,
            ),
            (
                had_by(Claim::NodePort(30080), &["other/front"]),
                &[][..],
                Some("node port 30080 is that of other/front"),
            ),
            (had_by(Claim::NodePort(30080), &["shop/front"]), &[][..], None),
        ] {
            let shared = shared(&claimed, &taken, &target);
            assert_eq!(shared.notes, notes);
            assert_eq!(shared.refusal.as_ref().map(|problem| &*problem.message), refusal);
        }
    }
}
