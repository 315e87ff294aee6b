//! What a new object would share with one that exists, and that the API server lets pass: the host and path of an Ingress,
//! the address of a Service.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::requests::Requests;
use crate::api::JSON;
use crate::manifest::path::Key;

/// Who has what, read when it is first asked for.
#[derive(Default)]
pub struct Collisions {
    ingresses: OnceCell<Taken>,
    services: OnceCell<Taken>,
}

/// The objects that have something, as `namespace/name`.
type Taken = BTreeMap<String, Vec<String>>;

impl Collisions {
    /// What a new object would share with others.
    pub async fn notes(&self, requests: &Requests, target: &Key, object: &Value) -> Vec<String> {
        let of = target.group_resource.as_str();
        let (cell, claims, path): (_, fn(&Value) -> Vec<String>, _) = match of {
            "ingresses.networking.k8s.io" => {
                (&self.ingresses, hosts as _, "/apis/networking.k8s.io/v1/ingresses")
            }
            "services" => (&self.services, addresses as _, "/api/v1/services"),
            _ => return Vec::new(),
        };
        let claimed = claims(object);
        if claimed.is_empty() {
            return Vec::new();
        }
        let taken = cell.get_or_init(|| taken(requests, path, claims)).await;
        notes(&claimed, taken, target)
    }
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    items: Vec<Value>,
}

/// Whoever may not look sees no collision.
async fn taken(requests: &Requests, path: &str, claims: fn(&Value) -> Vec<String>) -> Taken {
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

fn notes(claimed: &[String], taken: &Taken, target: &Key) -> Vec<String> {
    let own = format!("{}/{}", target.namespace.as_deref().unwrap_or_default(), target.name);
    let others = claimed.iter().flat_map(|claim| {
        let others = taken.get(claim).into_iter().flatten().filter(|other| **other != own);
        others.map(move |other| format!("{claim} is also that of {other}"))
    });
    others.collect()
}

/// `host orders.example.com/path` for each rule of an Ingress.
fn hosts(ingress: &Value) -> Vec<String> {
    let mut hosts = Vec::new();
    for rule in ingress["spec"]["rules"].as_array().into_iter().flatten() {
        let Some(host) = rule["host"].as_str().filter(|host| !host.is_empty()) else { continue };
        for path in rule["http"]["paths"].as_array().into_iter().flatten() {
            hosts.push(format!("host {host}{}", path["path"].as_str().unwrap_or("/")));
        }
    }
    hosts
}

/// `address 192.0.2.7` for what a Service asks to be reached at from outside.
fn addresses(service: &Value) -> Vec<String> {
    let balancer = service["spec"]["loadBalancerIP"].as_str().into_iter();
    let external = service["spec"]["externalIPs"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let addresses = balancer.chain(external).filter(|address| !address.is_empty());
    addresses.map(|address| format!("address {address}")).collect()
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
        assert_eq!(hosts(&ingress), ["host a.example.com/x", "host a.example.com/y"]);
        let service = json!({"spec": {"loadBalancerIP": "192.0.2.7", "externalIPs": ["192.0.2.8", ""]}});
        assert_eq!(addresses(&service), ["address 192.0.2.7", "address 192.0.2.8"]);
        let taken = Taken::from([(
            "address 192.0.2.7".to_owned(),
            vec!["shop/front".to_owned(), "other/front".to_owned()],
        )]);
        let target = Key {
            group_resource: "services".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "front".to_owned(),
        };
        assert_eq!(
            notes(&addresses(&service), &taken, &target),
            ["address 192.0.2.7 is also that of other/front"]
        );
        assert!(
            hosts(&json!({})).is_empty() && addresses(&json!({"spec": {"externalIPs": null}})).is_empty()
        );
    }
}
