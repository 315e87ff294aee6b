//! BackupStorage: a bucket, container or volume, with the credentials to use it (contract §1.3).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::{Condition, exists, is_true};
use crate::definition::{Column, Definition, SHOWN_IN_ALL, Scope};
use crate::phase::phase;
use crate::rule::Rule;
use crate::runtime::RuntimeSettings;
use crate::storage::DeletionPolicy;
use crate::usage_policy::UsagePolicy;
use crate::volume::VolumeSource;

/// Condition types and reasons of a BackupStorage (contract §2.1).
pub mod condition {
    pub const BACKEND_INITIALIZED: &str = "BackendInitialized";
    pub const BACKEND_INITIALIZATION_SUCCEEDED: &str = "BackendInitializationSucceeded";
    pub const BACKEND_INITIALIZATION_FAILED: &str = "BackendInitializationFailed";
    /// Absent for a local storage and for one without a Secret.
    pub const BACKEND_SECRET_FOUND: &str = "BackendSecretFound";
    pub const BACKEND_SECRET_AVAILABLE: &str = "BackendSecretAvailable";
    pub const BACKEND_SECRET_NOT_AVAILABLE: &str = "BackendSecretNotAvailable";
}

crate::definition::custom_resource! {
    /// A place to keep backups in.
    BackupStorage: k8s_openapi::NamespaceResourceScope,
    spec: BackupStorageSpec,
    status: BackupStorageStatus;
    Definition {
        group: crate::storage::GROUP,
        kind: "BackupStorage",
        plural: "backupstorages",
        singular: "backupstorage",
        short_names: &[],
        categories: SHOWN_IN_ALL,
        scope: Scope::Namespaced,
        status: true,
        columns: &[
            Column::new("Provider", "string", ".spec.storage.provider"),
            Column::new("Default", "boolean", ".spec.default"),
            Column::new("Deletion-Policy", "string", ".spec.deletionPolicy"),
            Column::new("Total-Size", "string", ".status.totalSize"),
            Column::new("Phase", "string", ".status.phase"),
            Column::AGE,
        ],
        rules: OBJECT_RULES,
    }
}

/// Contract §10, BackupStorage.
const OBJECT_RULES: &[Rule] = &[
    Rule::new("has(self.spec)", "spec is missing: name a provider and its bucket, container or volume"),
    Rule::new(
        "!has(oldSelf.status) || !has(oldSelf.status.repositories) || size(oldSelf.status.repositories) == 0 || \
         (has(self.spec) && has(oldSelf.spec) && has(self.spec.storage) == has(oldSelf.spec.storage) && \
         (!has(self.spec.storage) || self.spec.storage == oldSelf.spec.storage))",
        "spec.storage cannot be changed while repositories are kept in it: create another BackupStorage, or delete \
         the repositories of this one first",
    ),
];

/// A storage that breaks one of these can never be used.
const BACKEND_RULES: &[Rule] = &[
    Rule::new(
        "has(self.provider) && self.provider in ['s3', 'gcs', 'azure', 'local']",
        "provider must be one of s3, gcs, azure, local",
    ),
    Rule::new(
        "!has(self.provider) || self.provider != 's3' || (has(self.s3) && has(self.s3.bucket) && self.s3.bucket != '')",
        "the provider s3 needs s3.bucket",
    ),
    Rule::new(
        "!has(self.provider) || self.provider != 'gcs' || (has(self.gcs) && has(self.gcs.bucket) && \
         self.gcs.bucket != '')",
        "the provider gcs needs gcs.bucket",
    ),
    Rule::new(
        "!has(self.provider) || self.provider != 'azure' || (has(self.azure) && has(self.azure.container) && \
         self.azure.container != '')",
        "the provider azure needs azure.container",
    ),
    Rule::new(
        "!has(self.provider) || self.provider != 'local' || (has(self.local) && has(self.local.mountPath) && \
         self.local.mountPath != '')",
        "the provider local needs local with a volume source and local.mountPath",
    ),
];

/// What the user wants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [Rule::new(
    "has(self.storage)",
    "storage is missing: name a provider and its bucket, container or volume",
)]))]
pub struct BackupStorageSpec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Backend>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_policy: Option<UsagePolicy>,
    /// Whether configurations without a backend get this one; one per namespace.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "Delete"))]
    pub deletion_policy: Option<DeletionPolicy>,
    /// For the Jobs that initialise and clean up this storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_settings: Option<RuntimeSettings>,
}

/// The provider, and the block of that provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = BACKEND_RULES))]
pub struct Backend {
    /// `s3`, `gcs`, `azure` or `local`; see [`Backend::provider`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalBackend>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3Backend>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gcs: Option<GcsBackend>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure: Option<AzureBackend>,
}

/// A volume: its source, inlined, and how it is mounted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalBackend {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_path: Option<String>,
    /// Sub-path of the volume mount; no prefix of object keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<i64>,
    #[serde(flatten)]
    pub source: VolumeSource,
}

/// A bucket of an S3-compatible object store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct S3Backend {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub bucket: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<i64>,
    #[serde(default, rename = "insecureTLS", skip_serializing_if = "std::ops::Not::not")]
    pub insecure_tls: bool,
}

/// A bucket of Google Cloud Storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GcsBackend {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub bucket: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<i64>,
}

/// A container of Azure Blob Storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AzureBackend {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_account: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub container: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<i64>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupStorageStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub phase: Option<BackupStoragePhase>,
    /// Sum over the repositories, for example `1.596 MiB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_size: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<RepositoryInfo>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// One repository of a storage; the same shape is kept in the bucket's `metadata.yaml` (contract §4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryInfo {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// Whether the Repository object exists in this cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

phase! {
    /// Phase of a BackupStorage.
    BackupStoragePhase { Ready, NotReady }
}

/// Who keeps the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Local,
    S3,
    Gcs,
    Azure,
}

impl Backend {
    /// The provider, when the word is one of the four.
    #[must_use]
    pub fn provider(&self) -> Option<Provider> {
        match self.provider.as_str() {
            "local" => Some(Provider::Local),
            "s3" => Some(Provider::S3),
            "gcs" => Some(Provider::Gcs),
            "azure" => Some(Provider::Azure),
            _ => None,
        }
    }

    /// Name of the Secret with the credentials, when one is named. It lives beside the BackupStorage.
    #[must_use]
    pub fn secret_name(&self) -> Option<&str> {
        match self.provider()? {
            Provider::Local => None,
            Provider::S3 => self.s3.as_ref()?.secret_name.as_deref(),
            Provider::Gcs => self.gcs.as_ref()?.secret_name.as_deref(),
            Provider::Azure => self.azure.as_ref()?.secret_name.as_deref(),
        }
        .filter(|name| !name.is_empty())
    }
}

impl BackupStorage {
    /// What deletion does to the data.
    #[must_use]
    pub fn deletion_policy(&self) -> DeletionPolicy {
        self.spec.deletion_policy.unwrap_or_default()
    }
}

impl BackupStorageStatus {
    /// Ready when the backend is initialised and its Secret, where it has one, was found (contract §2.2).
    #[must_use]
    pub fn phase(&self) -> BackupStoragePhase {
        let secret = !exists(&self.conditions, condition::BACKEND_SECRET_FOUND)
            || is_true(&self.conditions, condition::BACKEND_SECRET_FOUND);
        if is_true(&self.conditions, condition::BACKEND_INITIALIZED) && secret {
            BackupStoragePhase::Ready
        } else {
            BackupStoragePhase::NotReady
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Backend, BackupStorageStatus, Provider};
    use crate::condition::conditions;

    #[test]
    fn a_storage_is_ready_when_initialised_and_no_secret_is_missing() {
        let table = [
            ("", "NotReady"),
            ("BackendInitialized=True", "Ready"),
            ("BackendInitialized=False", "NotReady"),
            ("BackendInitialized=Unknown", "NotReady"),
            ("BackendInitialized=True BackendSecretFound=True", "Ready"),
            ("BackendInitialized=True BackendSecretFound=False", "NotReady"),
            ("BackendInitialized=True BackendSecretFound=Unknown", "NotReady"),
            ("BackendSecretFound=True", "NotReady"),
        ];
        for (words, phase) in table {
            let status = BackupStorageStatus { conditions: conditions(words), ..Default::default() };
            assert_eq!(status.phase().as_str(), phase, "{words}");
        }
    }

    #[test]
    fn a_backend_has_the_secret_of_its_own_provider() {
        let mut backend: Backend = serde_json::from_value(json!({
            "provider": "s3", "s3": {"bucket": "b", "secretName": "s3-secret"},
            "gcs": {"bucket": "b", "secretName": ""}, "local": {"mountPath": "/"},
        }))
        .unwrap();
        let table = [
            ("s3", Some(Provider::S3), Some("s3-secret")),
            ("gcs", Some(Provider::Gcs), None),
            ("azure", Some(Provider::Azure), None),
            ("local", Some(Provider::Local), None),
            ("S3", None, None),
            ("", None, None),
        ];
        for (word, provider, secret) in table {
            backend.provider = word.to_owned();
            assert_eq!((backend.provider(), backend.secret_name()), (provider, secret), "{word}");
        }
    }
}
