//! Function: the container that carries a task out (contract §1.10).

use k8s_openapi::api::core::v1::{ContainerPort, VolumeDevice, VolumeMount};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{Column, Definition, SHOWN_IN_ALL, Scope};
use crate::embedded::Embedded;
use crate::runtime::ContainerRuntimeSettings;

crate::definition::custom_resource! {
    /// A container to run. Its strings may have `${...}` in them, see [`crate::variables`].
    Function: k8s_openapi::ClusterResourceScope,
    spec: FunctionSpec;
    Definition {
        group: crate::addons::GROUP,
        kind: "Function",
        plural: "functions",
        singular: "function",
        short_names: &["fn"],
        categories: SHOWN_IN_ALL,
        scope: Scope::Cluster,
        status: false,
        columns: &[Column::AGE],
        rules: &[],
    }
}

/// The container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FunctionSpec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Embedded<ContainerPort>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volume_mounts: Vec<Embedded<VolumeMount>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volume_devices: Vec<Embedded<VolumeDevice>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_settings: Option<ContainerRuntimeSettings>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub available_versions: Vec<String>,
}
