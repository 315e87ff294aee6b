//! Which Addon carries out a backup or restore, with which tasks and parameters (contract §1.2).

use k8s_openapi::api::core::v1::{EnvVar, PersistentVolumeClaimTemplate, Volume, VolumeMount};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::core::backup_configuration::rules;
use crate::embedded::Embedded;
use crate::pod_template::PodTemplateSpec;
use crate::runtime::ContainerRuntimeSettings;
use crate::volume::VolumeSourceOrTemplate;

/// An Addon and what to do with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddonInfo {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = rules::MAX_NAME))]
    pub name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = rules::MAX_TASKS))]
    pub tasks: Vec<TaskReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_runtime_settings: Option<ContainerRuntimeSettings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_template: Option<PodTemplateSpec>,
}

/// A task of the Addon.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskReference {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = rules::MAX_NAME))]
    pub name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<Embedded<EnvVar>>,
    /// Free-form; the values are strings in practice, see [`TaskReference::parameters`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "free_form")]
    pub params: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_volumes: Option<TargetVolumes>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addon_volumes: Vec<AddonVolume>,
}

/// Volumes of the target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetVolumes {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Embedded<Volume>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volume_mounts: Vec<Embedded<VolumeMount>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volume_claim_templates: Vec<Embedded<PersistentVolumeClaimTemplate>>,
}

/// What to use for a volume that the Addon's task asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddonVolume {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<VolumeSourceOrTemplate>,
}

/// Schema of an object that is kept whatever it is.
pub(crate) fn free_form(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

impl AddonInfo {
    /// The ServiceAccount that the Job runs as, where somebody named one.
    #[must_use]
    pub fn service_account(&self) -> Option<&str> {
        let account = self.job_template.as_ref()?.spec.as_ref()?.service_account_name.as_deref();
        account.filter(|account| !account.is_empty())
    }
}

impl TaskReference {
    /// The parameters as text: strings as they are, `true` and `3` as they are written, anything else as JSON.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, String)> {
        self.params.iter().flatten().map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.as_str(), text)
        })
    }
}
