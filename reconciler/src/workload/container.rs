//! The executor container of a Job.

use crds::addons::function::FunctionSpec;
use crds::pod_template::PodTemplate;
use crds::runtime::ContainerRuntimeSettings;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{fields, put_by};
use crate::proxy::Proxy;

/// Fields of a pod template that belong to the executor container (contract §1.2).
pub(super) const TEMPLATE_FIELDS: [&str; 8] = [
    "args",
    "env",
    "resources",
    "livenessProbe",
    "readinessProbe",
    "lifecycle",
    "containerSecurityContext",
    "volumeMounts",
];

/// A container being put together; what is set later wins.
#[derive(Clone, Debug, Default)]
pub struct Container {
    fields: Map<String, Value>,
    arguments: Vec<Value>,
    environment: Vec<Value>,
    environment_from: Vec<Value>,
    mounts: Vec<Value>,
}

impl Container {
    /// A container of `image` that is given `arguments`.
    #[must_use]
    pub fn new(name: &str, image: &str, arguments: impl IntoIterator<Item = String>) -> Self {
        let mut container = Self::default();
        container.set("name", json!(name));
        container.set("image", json!(image));
        container.arguments = arguments.into_iter().map(Value::String).collect();
        container
    }

    /// The container of a Function, its variables already replaced.
    #[must_use]
    pub fn of_function(name: &str, function: &FunctionSpec) -> Self {
        let image = function.image.as_deref().unwrap_or_default();
        let mut container = Self::new(name, image, function.args.iter().cloned());
        let mut given = fields(function);
        for elsewhere in ["image", "args", "runtimeSettings", "volumeMounts", "availableVersions"] {
            given.remove(elsewhere);
        }
        container.fields.extend(given);
        for mount in &function.volume_mounts {
            container = container.mount(mount);
        }
        match &function.runtime_settings {
            Some(settings) => container.runtime(settings),
            None => container,
        }
    }

    /// The proxy variables, in capitals and in small letters as programs differ.
    #[must_use]
    pub fn proxies(mut self, proxies: &Proxy) -> Self {
        let Proxy { http_proxy, https_proxy, no_proxy } = proxies;
        for (name, value) in
            [("HTTP_PROXY", http_proxy), ("HTTPS_PROXY", https_proxy), ("NO_PROXY", no_proxy)]
        {
            let Some(value) = value else { continue };
            for name in [name.to_owned(), name.to_lowercase()] {
                self = self.variable(json!({"name": name, "value": value}));
            }
        }
        self
    }

    /// One more environment variable, a core/v1 `EnvVar`.
    #[must_use]
    pub fn variable(mut self, variable: impl Serialize) -> Self {
        if let Ok(variable) = serde_json::to_value(variable) {
            put_by(&mut self.environment, "name", variable);
        }
        self
    }

    /// One more mount, a core/v1 `VolumeMount`; a later one takes the place of an earlier one at the same path.
    #[must_use]
    pub fn mount(mut self, mount: impl Serialize) -> Self {
        if let Ok(mount) = serde_json::to_value(mount) {
            put_by(&mut self.mounts, "mountPath", mount);
        }
        self
    }

    /// What `runtimeSettings.container` says.
    #[must_use]
    pub fn runtime(mut self, settings: &ContainerRuntimeSettings) -> Self {
        let mut given = fields(settings);
        for elsewhere in ["env", "envFrom", "nice", "ionice"] {
            given.remove(elsewhere);
        }
        self.fields.extend(given);
        for variable in &settings.env {
            self = self.variable(variable);
        }
        self.environment_from.extend(settings.env_from.iter().map(|source| source.raw().clone()));
        let nice = settings.nice.as_ref().and_then(|nice| nice.adjustment);
        let class = settings.ionice.as_ref().and_then(|ionice| ionice.class);
        let class_data = settings.ionice.as_ref().and_then(|ionice| ionice.class_data);
        for (name, value) in
            [("NICE_ADJUSTMENT", nice), ("IONICE_CLASS", class), ("IONICE_CLASS_DATA", class_data)]
        {
            if let Some(value) = value {
                self = self.variable(json!({"name": name, "value": value.to_string()}));
            }
        }
        self
    }

    /// The container's part of a pod template. Arguments are added to the Function's.
    pub(super) fn template(&mut self, template: &PodTemplate) {
        self.arguments.extend(template.args.iter().cloned().map(Value::String));
        for variable in &template.env {
            put_by(&mut self.environment, "name", variable.raw().clone());
        }
        for mount in &template.volume_mounts {
            put_by(&mut self.mounts, "mountPath", mount.raw().clone());
        }
        let mut given = fields(template);
        for (field, becomes) in [
            ("resources", "resources"),
            ("livenessProbe", "livenessProbe"),
            ("readinessProbe", "readinessProbe"),
            ("lifecycle", "lifecycle"),
            ("containerSecurityContext", "securityContext"),
        ] {
            if let Some(value) = given.remove(field) {
                self.set(becomes, value);
            }
        }
    }

    /// Whether somebody said who this container runs as.
    pub(super) fn chooses_its_user(&self) -> bool {
        let chosen =
            |field: &str| self.fields.get("securityContext").and_then(|context| context.get(field)).is_some();
        chosen("runAsUser") || chosen("runAsNonRoot")
    }

    /// The container's JSON, our defaults where nobody said anything.
    pub(super) fn json(mut self) -> Value {
        self.or_default("imagePullPolicy", || json!("IfNotPresent"));
        // The last lines of the log then are in the pod's status, and from there in ours.
        self.or_default("terminationMessagePolicy", || json!("FallbackToLogsOnError"));
        self.or_default("securityContext", || {
            json!({
                "allowPrivilegeEscalation": false,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": true,
            })
        });
        // A backup needs 128 MiB to open a repository (scrypt) and stays below 256 MiB in all; the limit leaves it
        // room and still protects the node.
        self.or_default(
            "resources",
            || json!({"requests": {"cpu": "50m", "memory": "192Mi"}, "limits": {"memory": "512Mi"}}),
        );
        let Self { mut fields, arguments, environment, environment_from, mounts } = self;
        for (name, list) in [
            ("args", arguments),
            ("env", environment),
            ("envFrom", environment_from),
            ("volumeMounts", mounts),
        ] {
            if !list.is_empty() {
                fields.insert(name.to_owned(), Value::Array(list));
            }
        }
        Value::Object(fields)
    }

    fn set(&mut self, field: &str, value: Value) {
        self.fields.insert(field.to_owned(), value);
    }

    fn or_default(&mut self, field: &str, value: impl FnOnce() -> Value) {
        self.fields.entry(field).or_insert_with(value);
    }
}
