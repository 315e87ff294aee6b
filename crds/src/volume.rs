//! Volume sources, inlined where KubeStash inlines them (contract §1.2).

use k8s_openapi::api::core::v1::{PersistentVolumeClaimTemplate, Volume};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The sources of a core/v1 volume (`nfs`, `persistentVolumeClaim`, `emptyDir` ...), kept as given.
///
/// Meant to be flattened into the struct that has it: it takes every field that the struct does not name, so
/// that a volume source of a newer Kubernetes is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VolumeSource(pub Map<String, Value>);

impl VolumeSource {
    /// Whether the source is of this kind, for example `nfs`.
    #[must_use]
    pub fn is(&self, kind: &str) -> bool {
        self.0.get(kind).is_some_and(|source| !source.is_null())
    }

    /// The typed view, as a volume of the given name.
    ///
    /// # Errors
    ///
    /// When the fields are those of no volume source.
    pub fn volume(&self, name: &str) -> Result<Volume, serde_json::Error> {
        serde_json::from_value(self.raw_volume(name))
    }

    /// The JSON of a core/v1 volume of the given name.
    #[must_use]
    pub fn raw_volume(&self, name: &str) -> Value {
        let mut volume = self.0.clone();
        volume.insert("name".to_owned(), Value::String(name.to_owned()));
        Value::Object(volume)
    }
}

impl JsonSchema for VolumeSource {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "VolumeSource".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Volume::json_schema(generator);
        schema.remove("required");
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            properties.remove("name");
        }
        schema
    }
}

/// A volume source, or a claim to be made from a template.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VolumeSourceOrTemplate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_claim_template: Option<crate::embedded::Embedded<PersistentVolumeClaimTemplate>>,
    #[serde(flatten)]
    pub source: VolumeSource,
}
