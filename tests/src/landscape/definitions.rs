//! Resource types shaped like those that well-known operators install: one table, from which both the
//! CustomResourceDefinitions and the resources are made. Groups and fields are this project's own.

use std::collections::BTreeMap;

use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Map, Value, json};

use super::specs;

/// What a type does with `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is a subresource: only the controller writes it.
    Subresource,
    /// It is a field like others: data.
    Plain,
    /// There is none.
    Absent,
}

/// A resource type of an operator.
#[derive(Clone, Copy, Debug)]
pub struct ResourceType {
    pub group: &'static str,
    pub kind: &'static str,
    pub cluster: bool,
    pub status: Status,
    /// Served versions; the first is the one that is stored, which need not be the preferred one.
    pub versions: &'static [&'static str],
    /// The n-th spec. All have the fields of the first one, or fewer.
    pub spec: fn(usize) -> Value,
}

const fn namespaced(group: &'static str, kind: &'static str, spec: fn(usize) -> Value) -> ResourceType {
    ResourceType { group, kind, cluster: false, status: Status::Subresource, versions: &["v1"], spec }
}

impl ResourceType {
    const fn cluster(self) -> Self {
        Self { cluster: true, ..self }
    }

    const fn status(self, status: Status) -> Self {
        Self { status, ..self }
    }

    const fn versions(self, versions: &'static [&'static str]) -> Self {
        Self { versions, ..self }
    }

    /// The type in its stored version.
    #[must_use]
    pub fn resource(&self) -> ApiResource {
        ApiResource::from_gvk(&GroupVersionKind::gvk(self.group, self.versions[0], self.kind))
    }
}

const CERTIFICATES: &str = "certificates.example.com";
const ACME: &str = "acme.certificates.example.com";
const MONITORING: &str = "monitoring.example.com";
const DELIVERY: &str = "delivery.example.com";
const MESH: &str = "mesh.example.com";
const SECURITY: &str = "security.mesh.example.com";
const COMPOSE: &str = "compose.example.com";
const RULES: &str = "rules.example.com";
const STREAMS: &str = "streams.example.com";
/// Its Service has the name of Kubernetes' own.
pub const SERVING: &str = "serving.example.com";
/// Its Cluster owns what it runs.
pub const DATABASES: &str = "databases.example.com";

/// Every type.
pub const TYPES: &[ResourceType] = &[
    namespaced(CERTIFICATES, "Certificate", specs::certificate).versions(&["v1", "v1beta1"]),
    namespaced(CERTIFICATES, "CertificateRequest", specs::certificate_request),
    namespaced(CERTIFICATES, "Issuer", specs::issuer),
    namespaced(CERTIFICATES, "ClusterIssuer", specs::issuer).cluster(),
    namespaced(ACME, "Order", specs::order),
    namespaced(ACME, "Challenge", specs::challenge),
    namespaced(MONITORING, "Monitor", specs::monitor),
    namespaced(MONITORING, "ServiceMonitor", specs::service_monitor).status(Status::Absent),
    namespaced(MONITORING, "PodMonitor", specs::service_monitor).status(Status::Absent),
    namespaced(MONITORING, "AlertRule", specs::alert_rule).status(Status::Absent),
    namespaced(MONITORING, "ScrapeConfig", specs::service_monitor).versions(&["v1alpha1"]),
    namespaced(DELIVERY, "Application", specs::application).status(Status::Plain).versions(&["v1alpha1"]),
    namespaced(DELIVERY, "ApplicationSet", specs::application_set),
    namespaced(DELIVERY, "Project", specs::project).status(Status::Plain),
    namespaced(DELIVERY, "Workflow", specs::workflow).status(Status::Plain),
    namespaced(DELIVERY, "Rollout", specs::rollout),
    // Stored in the oldest version, preferred in the newest.
    namespaced(MESH, "Gateway", specs::gateway).versions(&["v1alpha3", "v1beta1", "v1"]),
    namespaced(MESH, "VirtualService", specs::virtual_service).versions(&["v1beta1", "v1"]),
    namespaced(MESH, "DestinationRule", specs::destination_rule).versions(&["v1beta1", "v1"]),
    namespaced(MESH, "ServiceEntry", specs::service_entry),
    namespaced(SECURITY, "PeerAuthentication", specs::peer_authentication),
    namespaced(SECURITY, "AuthorizationPolicy", specs::authorization_policy),
    namespaced(COMPOSE, "Composition", specs::composition).cluster().status(Status::Absent),
    namespaced(COMPOSE, "CompositeDefinition", specs::composite_definition).cluster(),
    namespaced(COMPOSE, "Provider", specs::provider).cluster(),
    namespaced(COMPOSE, "ProviderConfig", specs::provider_config).cluster().versions(&["v1beta1", "v1"]),
    namespaced(RULES, "Policy", specs::policy),
    namespaced(RULES, "ClusterPolicy", specs::policy).cluster(),
    namespaced(RULES, "PolicyReport", specs::report).status(Status::Absent),
    namespaced(STREAMS, "Broker", specs::broker).versions(&["v1beta2"]),
    namespaced(STREAMS, "Topic", specs::topic).status(Status::Plain).versions(&["v1beta2"]),
    namespaced(STREAMS, "StreamUser", specs::stream_user).versions(&["v1beta2"]),
    namespaced(STREAMS, "Connector", specs::connector).versions(&["v1beta2"]),
    namespaced(SERVING, "Service", specs::serving),
    namespaced(SERVING, "Configuration", specs::serving),
    namespaced(SERVING, "Revision", specs::serving),
    namespaced(SERVING, "Route", specs::route),
    namespaced(DATABASES, "Cluster", specs::database),
    namespaced(DATABASES, "Pooler", specs::pooler),
    namespaced(DATABASES, "ScheduledBackup", specs::scheduled_backup),
];

/// The CustomResourceDefinition of a type. `text` is one more description, for one that is larger than client-side apply
/// can hold.
#[must_use]
pub fn definition(type_: &ResourceType, text: &str) -> Value {
    let resource = type_.resource();
    let mut properties = BTreeMap::from([("spec", schema(&(type_.spec)(0)))]);
    if type_.status != Status::Absent {
        properties.insert(
            "status",
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "description": "What was seen."}),
        );
    }
    let versions: Vec<Value> = type_
        .versions
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let mut version = json!({
                "name": name,
                "served": true,
                "storage": index == 0,
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "description": format!("{} {name}. {text}", type_.kind),
                    "required": ["spec"],
                    "properties": properties,
                }},
                "additionalPrinterColumns": [
                    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
                ],
            });
            if type_.status == Status::Subresource {
                version["subresources"] = json!({"status": {}});
            }
            version
        })
        .collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{}.{}", resource.plural, type_.group)},
        "spec": {
            "group": type_.group,
            "scope": if type_.cluster { "Cluster" } else { "Namespaced" },
            "names": {
                "kind": type_.kind,
                "listKind": format!("{}List", type_.kind),
                "plural": resource.plural,
                "singular": type_.kind.to_lowercase(),
                "categories": ["landscape"],
            },
            "versions": versions,
        },
    })
}

/// The structural schema that takes values like this one. What is an empty object here may hold anything.
fn schema(example: &Value) -> Value {
    match example {
        Value::Object(fields) if fields.is_empty() => {
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
        }
        Value::Object(fields) => {
            let properties: Map<String, Value> =
                fields.iter().map(|(name, value)| (name.clone(), schema(value))).collect();
            json!({"type": "object", "properties": properties})
        }
        Value::Array(items) => {
            json!({"type": "array", "items": items.first().map_or_else(|| json!({"type": "string"}), schema)})
        }
        Value::Bool(_) => json!({"type": "boolean"}),
        Value::Number(number) if number.is_f64() => json!({"type": "number"}),
        Value::Number(_) => json!({"type": "integer"}),
        Value::String(_) | Value::Null => json!({"type": "string"}),
    }
}
