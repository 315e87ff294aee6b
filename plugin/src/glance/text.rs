//! What objects say, in few words.

use crds::core::BackupConfiguration;
use crds::storage::backup_storage::{Backend, Provider};
use crds::storage::{Repository, RetentionPolicySpec};
use kube::ResourceExt as _;

use crate::human;

/// What is backed up: `cluster`, `namespace`, `Deployment/orders`; with the namespace where it is another one.
#[must_use]
pub fn target(configuration: &BackupConfiguration) -> String {
    let Some(target) = configuration.spec.target.as_ref().filter(|target| !target.is_not_applicable()) else {
        return "cluster".into();
    };
    let own = configuration.namespace().unwrap_or_default();
    let kind = target.kind.as_deref().unwrap_or_default();
    match target.namespace.as_deref().filter(|namespace| !namespace.is_empty() && *namespace != own) {
        _ if kind == "Namespace" && target.name == own => "namespace".into(),
        _ if kind == "Namespace" => format!("namespace {}", target.name),
        Some(namespace) => format!("{kind}/{namespace}/{}", target.name),
        None => format!("{kind}/{}", target.name),
    }
}

/// Where a backend keeps its data, `s3 backups/dev/shop`.
#[must_use]
pub fn backend(backend: &Backend) -> String {
    format!("{} {}", backend.provider, place(backend))
}

/// Bucket and prefix of a backend, `backups/dev/shop`; of a local one, its path.
#[must_use]
pub fn place(backend: &Backend) -> String {
    let (root, below) = match backend.provider() {
        Some(Provider::S3) => backend.s3.as_ref().map(|s3| (Some(s3.bucket.clone()), s3.prefix.clone())),
        Some(Provider::Gcs) => backend.gcs.as_ref().map(|gcs| (Some(gcs.bucket.clone()), gcs.prefix.clone())),
        Some(Provider::Azure) => {
            backend.azure.as_ref().map(|azure| (Some(azure.container.clone()), azure.prefix.clone()))
        }
        Some(Provider::Local) => {
            backend.local.as_ref().map(|local| (local.mount_path.clone(), local.sub_path.clone()))
        }
        None => None,
    }
    .unwrap_or_default();
    let parts = [root, below];
    let parts: Vec<&str> = parts
        .iter()
        .flatten()
        .map(|part| part.trim_end_matches('/'))
        .filter(|part| !part.is_empty())
        .collect();
    parts.join("/")
}

/// A size as a status has it, for people: `312 kB`. What cannot be read stays as it is.
#[must_use]
pub fn size(text: Option<&String>) -> String {
    let Some(text) = text else { return String::new() };
    crds::size::parse(text).map_or_else(|_| text.clone(), human::bytes)
}

/// The size of a repository in bytes.
#[must_use]
pub fn repository_size(repository: &Repository) -> Option<u64> {
    crds::size::parse(repository.status.as_ref()?.size.as_ref()?).ok()
}

/// What a policy keeps: `7 daily, 4 weekly, at most 1y`.
#[must_use]
pub fn retention_words(spec: &RetentionPolicySpec) -> String {
    let kept = spec.successful_snapshots.clone().unwrap_or_default();
    let counts = [
        (kept.last, "last"),
        (kept.hourly, "hourly"),
        (kept.daily, "daily"),
        (kept.weekly, "weekly"),
        (kept.monthly, "monthly"),
        (kept.yearly, "yearly"),
    ];
    let mut parts: Vec<String> =
        counts.into_iter().filter_map(|(number, word)| Some(format!("{} {word}", number?))).collect();
    let period = spec.max_retention_period.as_deref().map(str::trim).filter(|period| !period.is_empty());
    parts.extend(period.map(|period| format!("at most {period}")));
    parts.join(", ")
}

/// The policies that a backup names, `shop/weekly`.
#[must_use]
pub fn retention(configuration: &BackupConfiguration) -> String {
    let own = configuration.namespace().unwrap_or_default();
    let mut names: Vec<String> = configuration
        .spec
        .backends
        .iter()
        .filter_map(|backend| Some(backend.retention_policy.as_ref()?.resolved(&own).to_string()))
        .collect();
    names.dedup();
    names.join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_target_is_named_as_it_is_typed() {
        let of = |of: Value| {
            let body = json!({"metadata": {"name": "a", "namespace": "shop"}, "spec": {"target": of}});
            target(&serde_json::from_value(body).unwrap())
        };
        assert_eq!(of(Value::Null), "cluster");
        assert_eq!(of(json!({"kind": "Namespace", "name": "shop"})), "namespace");
        assert_eq!(of(json!({"kind": "Namespace", "name": "web"})), "namespace web");
        assert_eq!(
            of(json!({"kind": "Deployment", "name": "orders", "namespace": "shop"})),
            "Deployment/orders"
        );
        assert_eq!(
            of(json!({"kind": "Deployment", "name": "orders", "namespace": "web"})),
            "Deployment/web/orders"
        );
    }

    #[test]
    fn a_backend_is_named_by_provider_bucket_and_prefix() {
        let of = |value: Value| backend(&serde_json::from_value(value).unwrap());
        assert_eq!(of(json!({"provider": "s3", "s3": {"bucket": "b", "prefix": "dev/"}})), "s3 b/dev");
        assert_eq!(of(json!({"provider": "azure", "azure": {"container": "c"}})), "azure c");
        assert_eq!(of(json!({"provider": "local", "local": {"mountPath": "/data"}})), "local /data");
    }

    #[test]
    fn a_policy_is_told_in_words() {
        let spec = json!({"maxRetentionPeriod": "1y", "successfulSnapshots": {"daily": 7, "weekly": 4}});
        assert_eq!(retention_words(&serde_json::from_value(spec).unwrap()), "7 daily, 4 weekly, at most 1y");
    }
}
