//! `metadata.yaml`, the file that marks a storage as initialised and lists its repositories (contract §4.2).

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Serialize};

use crate::storage::backup_storage::RepositoryInfo;

/// Name of the file, directly below the storage's prefix.
pub const FILE_NAME: &str = "metadata.yaml";

/// Content of the file. It has no `metadata`: `creationTimestamp` stands at the top.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendMeta {
    pub api_version: String,
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_version: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<RepositoryInfo>,
}

impl BackendMeta {
    /// The file of a storage that has no repositories yet.
    #[must_use]
    pub fn new(operator_version: &str, now: Timestamp) -> Self {
        Self {
            api_version: format!("{}/{}", crate::config::GROUP, crate::VERSION),
            kind: "BackendMeta".to_owned(),
            creation_timestamp: Some(Time(now)),
            operator_version: Some(operator_version.to_owned()),
            repositories: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::BackendMeta;

    #[test]
    fn a_new_file_has_four_keys() {
        let meta = BackendMeta::new("v0.1.0", "2025-08-19T09:30:00Z".parse().unwrap());
        let expected = json!({
            "apiVersion": "config.kubestash.com/v1alpha1", "kind": "BackendMeta",
            "creationTimestamp": "2025-08-19T09:30:00Z", "operatorVersion": "v0.1.0",
        });
        assert_eq!(serde_json::to_value(&meta).unwrap(), expected);
    }

    #[test]
    fn a_file_with_repositories_reads_back_as_it_was() {
        let given = json!({
            "apiVersion": "config.kubestash.com/v1alpha1", "kind": "BackendMeta",
            "creationTimestamp": "2025-08-19T09:30:00Z", "operatorVersion": "v0.29.0",
            "repositories": [
                {"name": "cluster-repo", "namespace": "demo", "path": "/cluster-manifests", "size": "1.596 MiB"},
                {"name": "other", "namespace": "gone", "path": "other", "synced": false, "error": "no namespace"},
            ],
        });
        let meta: BackendMeta = serde_json::from_value(given.clone()).unwrap();
        assert_eq!(serde_json::to_value(&meta).unwrap(), given);
    }
}
