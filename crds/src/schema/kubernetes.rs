//! What k8s-openapi's schemas leave out of Kubernetes' own: defaults, and how server-side apply merges.
//!
//! Upstream's schemas embed the types of core/v1 of Kubernetes 1.34 with these marks, and an API server fills the
//! defaults in, so objects look different without them.

use serde_json::{Map, Value, json};

const CORE: &str = "io.k8s.api.core.v1.";
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/// Fields of core/v1 that have a default.
const DEFAULTS: &[(&str, &str, &str)] = &[
    ("AzureDiskVolumeSource", "fsType", r#""ext4""#),
    ("AzureDiskVolumeSource", "readOnly", "false"),
    ("ConfigMapEnvSource", "name", r#""""#),
    ("ConfigMapKeySelector", "name", r#""""#),
    ("ConfigMapProjection", "name", r#""""#),
    ("ConfigMapVolumeSource", "name", r#""""#),
    ("ContainerPort", "protocol", r#""TCP""#),
    ("FileKeySelector", "optional", "false"),
    ("GRPCAction", "service", r#""""#),
    ("ISCSIVolumeSource", "iscsiInterface", r#""default""#),
    ("LocalObjectReference", "name", r#""""#),
    ("RBDVolumeSource", "keyring", r#""/etc/ceph/keyring""#),
    ("RBDVolumeSource", "pool", r#""rbd""#),
    ("RBDVolumeSource", "user", r#""admin""#),
    ("ScaleIOVolumeSource", "fsType", r#""xfs""#),
    ("ScaleIOVolumeSource", "storageMode", r#""ThinProvisioned""#),
    ("SecretEnvSource", "name", r#""""#),
    ("SecretKeySelector", "name", r#""""#),
    ("SecretProjection", "name", r#""""#),
];

/// Types that are replaced as a whole.
const ATOMIC: &[&str] = &[
    "io.k8s.api.core.v1.ConfigMapKeySelector",
    "io.k8s.api.core.v1.FileKeySelector",
    "io.k8s.api.core.v1.LocalObjectReference",
    "io.k8s.api.core.v1.NodeSelector",
    "io.k8s.api.core.v1.NodeSelectorTerm",
    "io.k8s.api.core.v1.ObjectFieldSelector",
    "io.k8s.api.core.v1.ResourceFieldSelector",
    "io.k8s.api.core.v1.SecretKeySelector",
    "io.k8s.api.core.v1.TypedLocalObjectReference",
    "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector",
    "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference",
];

/// Adds to the schema of a Kubernetes type what it leaves out; other types are left as they are.
pub(super) fn amend(name: &str, schema: &mut Value) {
    if name == format!("{META}ObjectMeta") {
        *schema = embedded_metadata();
    }
    let Some(schema) = schema.as_object_mut() else { return };
    if ATOMIC.contains(&name) {
        schema.insert("x-kubernetes-map-type".to_owned(), json!("atomic"));
    }
    if let Some(type_) = name.strip_prefix(CORE) {
        for (_, field, default) in DEFAULTS.iter().filter(|(of, ..)| *of == type_) {
            set_default(schema, field, default);
        }
    }
}

/// Gives a field a default; it is then no longer required.
fn set_default(schema: &mut Map<String, Value>, field: &str, default: &str) {
    let default: Value = serde_json::from_str(default).unwrap_or_default();
    if let Some(property) = schema.get_mut("properties").and_then(|properties| properties.get_mut(field)) {
        property["default"] = default;
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| name != field);
        if required.is_empty() {
            schema.remove("required");
        }
    }
}

/// Metadata inside a template: what a user may set there.
fn embedded_metadata() -> Value {
    let text = json!({"type": "string"});
    let texts = json!({"type": "object", "additionalProperties": text});
    json!({
        "type": "object",
        "properties": {
            "annotations": texts,
            "finalizers": {"type": "array", "items": text},
            "generateName": text,
            "labels": texts,
            "name": text,
            "namespace": text,
            "ownerReferences": {
                "type": "array",
                "items": {"$ref": format!("#/$defs/{META}OwnerReference")},
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{Container, EnvVar, Volume};
    use schemars::JsonSchema;
    use serde_json::{Value, json};

    use super::{ATOMIC, CORE, DEFAULTS};

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Everything {
        volume: Volume,
        container: Container,
        env: EnvVar,
        storage: crate::storage::BackupStorageSpec,
        configuration: crate::core::BackupConfigurationSpec,
        hook: crate::core::HookTemplateSpec,
    }

    #[test]
    fn every_type_and_field_of_the_tables_exists() {
        let definitions = schemars::generate::SchemaSettings::draft2020_12()
            .into_generator()
            .into_root_schema_for::<Everything>()
            .to_value()["$defs"]
            .clone();
        for (type_, field, default) in DEFAULTS {
            let definition = &definitions[format!("{CORE}{type_}")];
            assert!(definition["properties"].get(field).is_some(), "{type_} has no {field}");
            assert!(serde_json::from_str::<Value>(default).is_ok(), "{default}");
        }
        for name in ATOMIC {
            assert!(definitions.get(name).is_some(), "no part of a kind is a {name}");
        }
    }

    #[test]
    fn a_field_with_a_default_is_not_required() {
        let schema = crate::schema::of::<EnvVar>();
        let reference = &schema["properties"]["valueFrom"]["properties"]["configMapKeyRef"];
        assert_eq!(reference["properties"]["name"], json!({"type": "string", "default": ""}));
        assert_eq!(reference["required"], json!(["key"]));
        assert_eq!(reference["x-kubernetes-map-type"], "atomic");
    }
}
