//! `manifestOptions` of a RestoreSession: what to restore of the manifests of workloads and databases
//! (contract §1.9.1). The manifest backup of this project does not use them; they are kept for those who do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::reference::{ObjectReference, TypedLocalObjectReference};

/// One block per engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManifestOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<WorkloadManifestOptions>,
    #[serde(default, rename = "mongoDB", skip_serializing_if = "Option::is_none")]
    pub mongo_db: Option<DatabaseManifestOptions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<DatabaseManifestOptions>,
    #[serde(default, rename = "mySQL", skip_serializing_if = "Option::is_none")]
    pub my_sql: Option<DatabaseManifestOptions>,
    #[serde(default, rename = "mariaDB", skip_serializing_if = "Option::is_none")]
    pub maria_db: Option<DatabaseManifestOptions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clickhouse: Option<DatabaseManifestOptions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zoo_keeper: Option<DatabaseManifestOptions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub singlestore: Option<DatabaseManifestOptions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<DatabaseManifestOptions>,
    #[serde(default, rename = "msSQLServer", skip_serializing_if = "Option::is_none")]
    pub ms_sql_server: Option<MsSqlServerManifestOptions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub druid: Option<DruidManifestOptions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis_sentinel: Option<RedisSentinelManifestOptions>,
}

/// A workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadManifestOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_namespace: Option<String>,
}

/// A database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseManifestOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub db: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub db_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub auth_secret: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_secret_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub archiver: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archiver_ref: Option<ObjectReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub config_secret: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_secret_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub init_script: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_issuer_ref: Option<TypedLocalObjectReference>,
}

/// Microsoft SQL Server: as other databases, without a config Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MsSqlServerManifestOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub db: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub db_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub auth_secret: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_secret_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub archiver: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archiver_ref: Option<ObjectReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub init_script: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_issuer_ref: Option<TypedLocalObjectReference>,
}

/// Druid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DruidManifestOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub db: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub db_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub auth_secret: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_secret_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub config_secret: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_secret_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub deep_storage_secret: Option<bool>,
}

/// Redis Sentinel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedisSentinelManifestOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub sentinel: Option<bool>,
    /// The JSON name has a capital S.
    #[serde(default, rename = "SentinelName", skip_serializing_if = "Option::is_none")]
    pub sentinel_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub auth_secret: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_secret_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_issuer_ref: Option<TypedLocalObjectReference>,
}
