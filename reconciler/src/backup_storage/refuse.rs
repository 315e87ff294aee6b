//! Why a BackupStorage is not taken into use (contract §10): it would clash with an older one.
//!
//! Upstream refuses such an object in a webhook. Here it exists, and stays NotReady while it clashes. One that is in
//! use already is left alone: turning it off would stop backups that run.

use archive::location::{Location, trimmed};
use crds::storage::BackupStorage;
use crds::storage::backup_storage::{Backend, Provider};
use kube::ResourceExt;

/// The reason, if there is one.
#[must_use]
pub fn refusal(storage: &BackupStorage, all: &[BackupStorage]) -> Option<String> {
    let mut older: Vec<_> = all.iter().filter(|other| is_older(other, storage)).collect();
    older.sort_by_key(|other| {
        (other.metadata.creation_timestamp.clone().map(|time| time.0), other.name_any())
    });
    let mine = storage.spec.storage.as_ref().and_then(place);
    let taken =
        older.iter().find(|other| mine.is_some() && other.spec.storage.as_ref().and_then(place) == mine);
    if let Some(other) = taken {
        return Some(format!(
            "BackupStorage \"{}\" uses this bucket and prefix already; choose another prefix",
            full_name(other)
        ));
    }
    let default = older.iter().find(|other| {
        storage.spec.default && other.spec.default && other.metadata.namespace == storage.metadata.namespace
    });
    default.map(|other| {
        format!(
            "BackupStorage \"{}\" is the default of this namespace already; remove spec.default from one of them",
            full_name(other)
        )
    })
}

fn full_name(storage: &BackupStorage) -> String {
    format!("{}/{}", storage.namespace().unwrap_or_default(), storage.name_any())
}

/// Whether `one` was there before `other`. Of two that were made in the same second the name decides.
fn is_older(one: &BackupStorage, other: &BackupStorage) -> bool {
    let age = |storage: &BackupStorage| {
        let created = storage.metadata.creation_timestamp.as_ref().map(|time| time.0);
        (created, storage.namespace(), storage.name_any())
    };
    one.metadata.uid != other.metadata.uid && age(one) < age(other)
}

/// What makes two storages the same place. Upstream leaves the endpoint out of it, so that one bucket behind two names
/// of a server is noticed; a bucket name is unique at one endpoint only, so here two endpoints are two places.
fn place(backend: &Backend) -> Option<Vec<String>> {
    match (backend.provider()?, Location::of(backend).ok()?) {
        (Provider::S3, Location::S3(s3)) => {
            Some(vec!["s3".to_owned(), s3.endpoint, s3.bucket, trimmed(&s3.prefix)])
        }
        (Provider::Gcs, Location::Gcs(gcs)) => Some(vec!["gcs".to_owned(), gcs.bucket, trimmed(&gcs.prefix)]),
        (Provider::Azure, Location::Azure(azure)) => {
            Some(vec!["azure".to_owned(), azure.account, azure.container, trimmed(&azure.prefix)])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn storage(name: &str, second: u32, spec: &Value) -> BackupStorage {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "demo", "uid": name, "creationTimestamp": format!("2026-11-22T10:00:{second:02}Z")},
            "spec": spec,
        }))
        .unwrap()
    }

    fn s3(bucket: &str, prefix: &str, default: bool) -> Value {
        json!({"default": default, "storage": {"provider": "s3", "s3": {"endpoint": "http://s3", "bucket": bucket, "prefix": prefix}}})
    }

    #[test]
    fn the_younger_of_two_at_one_place_is_refused() {
        let all = [
            storage("first", 1, &s3("b", "x", false)),
            storage("second", 2, &s3("b", "/x/", false)),
            storage("elsewhere", 3, &s3("b", "y", false)),
        ];
        assert_eq!(refusal(&all[0], &all), None);
        assert_eq!(
            refusal(&all[1], &all).as_deref(),
            Some("BackupStorage \"demo/first\" uses this bucket and prefix already; choose another prefix")
        );
        assert_eq!(refusal(&all[2], &all), None);
    }

    #[test]
    fn a_namespace_has_one_default() {
        let all = [storage("first", 1, &s3("b", "x", true)), storage("second", 1, &s3("b", "y", true))];
        assert_eq!(refusal(&all[0], &all), None, "made in the same second, the first name wins");
        assert!(refusal(&all[1], &all).unwrap().contains("demo/first"));
    }

    #[test]
    fn two_volumes_are_never_the_same_place() {
        let local = json!({"storage": {"provider": "local", "local": {"mountPath": "/data"}}});
        let all = [storage("first", 1, &local), storage("second", 2, &local)];
        assert_eq!(refusal(&all[1], &all), None);
    }
}
