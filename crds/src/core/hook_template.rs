//! HookTemplate: something to do before or after a backup or restore (contract §1.11).

use k8s_openapi::api::core::v1::{
    EnvVar, ExecAction, HTTPGetAction, HTTPHeader, TCPSocketAction, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::addons::addon::ParameterDefinition;
use crate::definition::{Column, Definition, SHOWN_IN_ALL, Scope};
use crate::embedded::Embedded;
use crate::rule::Rule;
use crate::usage_policy::UsagePolicy;

crate::definition::custom_resource! {
    /// A hook to refer to.
    HookTemplate: k8s_openapi::NamespaceResourceScope,
    spec: HookTemplateSpec;
    Definition {
        group: crate::core::GROUP,
        kind: "HookTemplate",
        plural: "hooktemplates",
        singular: "hooktemplate",
        short_names: &[],
        categories: SHOWN_IN_ALL,
        scope: Scope::Namespaced,
        status: false,
        columns: &[
            Column::new("Executor", "string", ".spec.executor.type"),
            // There is no such field; the column is upstream's and stays blank.
            Column::new("Timeout", "string", ".spec.timeout"),
            Column::AGE,
        ],
        rules: &[Rule::new("has(self.spec)", "spec is missing: say what the hook does and who does it")],
    }
}

/// Contract §10, HookTemplate.
const SPEC_RULES: &[Rule] = &[
    Rule::new("has(self.executor)", "executor is missing: set executor.type to Function, Pod or Operator"),
    Rule::new(
        "!has(self.executor) || (has(self.executor.type) && self.executor.type == 'Function') || has(self.action)",
        "action is missing: only a Function executor works without; add exec, httpGet, httpPost or tcpSocket",
    ),
];

/// Contract §10, HookTemplate.
const EXECUTOR_RULES: &[Rule] = &[
    Rule::new(
        "!has(self.type) || self.type != 'Function' || has(self.function)",
        "function is missing: an executor of type Function needs function.name",
    ),
    Rule::new(
        "!has(self.type) || self.type != 'Pod' || (has(self.pod) && has(self.pod.selector) && \
         self.pod.selector.split(',').all(item, item.contains('=')))",
        "an executor of type Pod needs pod.selector, written as key=value,key2=value2",
    ),
];

/// What is done, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = SPEC_RULES))]
pub struct HookTemplateSpec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_policy: Option<UsagePolicy>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<ParameterDefinition>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<HookExecutor>,
}

/// One of the actions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<Embedded<ExecAction>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_get: Option<Embedded<HTTPGetAction>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_post: Option<HttpPostAction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_socket: Option<Embedded<TCPSocketAction>>,
    /// Container of the pod to act in; its first one unless named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_name: Option<String>,
}

/// A POST request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpPostAction {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    pub port: IntOrString,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http_headers: Vec<Embedded<HTTPHeader>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub form: Vec<FormEntry>,
}

/// A field of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FormEntry {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// Who does it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = EXECUTOR_RULES))]
pub struct HookExecutor {
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<HookExecutorType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionHookExecutor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodHookExecutor>,
}

/// Kinds of executors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HookExecutorType {
    /// A Job of a Function.
    Function,
    /// A pod that is already there.
    Pod,
    /// The operator.
    Operator,
}

/// A Function to run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FunctionHookExecutor {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<Embedded<EnvVar>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volume_mounts: Vec<Embedded<VolumeMount>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Embedded<Volume>>,
}

/// Pods to act in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodHookExecutor {
    /// Labels, as `key=value,key2=value2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub selector: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Embedded<OwnerReference>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "ExecuteOnOne"))]
    pub strategy: Option<PodHookStrategy>,
}

/// How many of the pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PodHookStrategy {
    /// The first one that is ready.
    #[default]
    ExecuteOnOne,
    ExecuteOnAll,
}
