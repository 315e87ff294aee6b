//! Addon: the tasks that can be run on a kind of target (contract §1.10).

use k8s_openapi::api::core::v1::VolumeMount;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{Column, Definition, SHOWN_IN_ALL, Scope};
use crate::embedded::Embedded;
use crate::storage::snapshot::Driver;
use crate::volume::VolumeSourceOrTemplate;

crate::definition::custom_resource! {
    /// Backup and restore tasks.
    Addon: k8s_openapi::ClusterResourceScope,
    spec: AddonSpec;
    Definition {
        group: crate::addons::GROUP,
        kind: "Addon",
        plural: "addons",
        singular: "addon",
        short_names: &[],
        categories: SHOWN_IN_ALL,
        scope: Scope::Cluster,
        status: false,
        columns: &[Column::AGE],
        rules: &[],
    }
}

/// What can be done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddonSpec {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backup_tasks: Vec<Task>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restore_tasks: Vec<Task>,
}

/// One task: a Function with parameters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Name of a Function.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub function: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<Driver>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<TaskExecutor>,
    /// One executor, however many replicas the target has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub singleton: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<ParameterDefinition>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volume_template: Vec<VolumeTemplate>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volume_mounts: Vec<Embedded<VolumeMount>>,
}

/// What runs a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TaskExecutor {
    Job,
    Sidecar,
    EphemeralContainer,
    MultiLevelJob,
}

/// A parameter that a user may set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParameterDefinition {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

/// A volume that a task needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VolumeTemplate {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<VolumeSourceOrTemplate>,
}

impl AddonSpec {
    /// The backup task of that name.
    #[must_use]
    pub fn backup_task(&self, name: &str) -> Option<&Task> {
        self.backup_tasks.iter().find(|task| task.name == name)
    }

    /// The restore task of that name.
    #[must_use]
    pub fn restore_task(&self, name: &str) -> Option<&Task> {
        self.restore_tasks.iter().find(|task| task.name == name)
    }
}
