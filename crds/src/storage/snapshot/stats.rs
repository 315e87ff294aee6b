//! What the tools tell of a component they made.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// One restic snapshot of a component.
///
/// Written with `summary` and `progress`. Snapshot files in buckets that are older than mid-2026 have the summary's
/// fields directly in the element: reading accepts both (contract §1.5), so that such a bucket can be adopted. The
/// API server's schema has the nested form only, as upstream's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResticStats {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<ResticSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<ResticProgress>,
}

/// A finished restic snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResticSummary {
    /// The restic snapshot's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What was added to the repository, restic's `data_added`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploaded: Option<String>,
    /// The path that was given to restic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_path: Option<String>,
    /// What was read, restic's `total_bytes_processed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
}

/// A restic snapshot being made. Sizes are decimal, for example `393.9MB`, the speed ends in `/s`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResticProgress {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_elapsed: Option<i64>,
    /// `12.34%`; absent while nothing is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent_done: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_files: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_done: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_done: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EitherForm {
    summary: Option<ResticSummary>,
    progress: Option<ResticProgress>,
    #[serde(flatten)]
    flat: ResticSummary,
}

impl<'de> Deserialize<'de> for ResticStats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = EitherForm::deserialize(deserializer)?;
        let flat = (read.flat != ResticSummary::default()).then_some(read.flat);
        Ok(Self { summary: read.summary.or(flat), progress: read.progress })
    }
}

/// A WAL-G backup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WalGStats {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub databases: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_time: Option<Time>,
}

/// A volume snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VolumeSnapshotterStats {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pvc_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_snapshot_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_snapshot_time: Option<Time>,
}

/// Schema of what tools other than ours tell: kept, whatever it is.
pub(super) fn foreign(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// Schema of a list of [`foreign`] objects.
pub(super) fn foreign_list(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": foreign(generator)})
}
