//! Which repositories a storage has: those of the cluster, and those that only the bucket knows.

use crds::size;
use crds::storage::backup_storage::RepositoryInfo;
use crds::storage::{DeletionPolicy, Repository};
use kube::ResourceExt;

use super::sync;
use crate::finalizer;

/// The entries of the Repositories in the cluster. One whose data is being wiped out is no entry any more; one whose
/// Snapshots are not all here yet is left to [`sync`]. What was said when it was brought here, `before`, stays said.
#[must_use]
pub fn present(repositories: &[Repository], before: &[RepositoryInfo]) -> Vec<RepositoryInfo> {
    let present = repositories
        .iter()
        .filter(|repository| !is_being_wiped(repository) && !sync::is_pending(*repository));
    present
        .map(entry)
        .map(|entry| {
            let same =
                |known: &&RepositoryInfo| known.name == entry.name && known.namespace == entry.namespace;
            let known = before.iter().find(same).filter(|known| known.synced == Some(true));
            RepositoryInfo { error: known.and_then(|known| known.error.clone()), ..entry }
        })
        .collect()
}

/// The entries as `metadata.yaml` has them: whether a cluster knows a repository is not the bucket's business.
#[must_use]
pub fn for_the_bucket(entries: &[RepositoryInfo]) -> Vec<RepositoryInfo> {
    entries.iter().map(|entry| RepositoryInfo { synced: None, error: None, ..entry.clone() }).collect()
}

/// The entry of a Repository of this cluster.
#[must_use]
pub fn entry(repository: &Repository) -> RepositoryInfo {
    RepositoryInfo {
        name: repository.name_any(),
        namespace: repository.namespace().unwrap_or_default(),
        path: repository.spec.path.clone(),
        size: repository.status.as_ref().and_then(|status| status.size.clone()),
        synced: Some(true),
        error: None,
    }
}

/// The entries of the bucket that no Repository here stands for, except what is being wiped out.
#[must_use]
pub fn absent(known: &[RepositoryInfo], repositories: &[Repository]) -> Vec<RepositoryInfo> {
    let is_here = |info: &&RepositoryInfo| {
        repositories.iter().any(|repository| {
            repository.name_any() == info.name
                && repository.namespace().unwrap_or_default() == info.namespace
                && !sync::is_pending(repository)
        })
    };
    known.iter().filter(|info| !is_here(info)).cloned().collect()
}

/// Sorted, each repository once.
#[must_use]
pub fn sorted(mut entries: Vec<RepositoryInfo>) -> Vec<RepositoryInfo> {
    entries.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
    entries.dedup_by(|one, other| one.namespace == other.namespace && one.name == other.name);
    entries
}

/// The sum of the sizes; none while no repository has one.
#[must_use]
pub fn total_size(entries: &[RepositoryInfo]) -> Option<String> {
    let sizes = entries.iter().filter_map(|entry| size::parse(entry.size.as_deref()?).ok());
    sizes.reduce(u64::saturating_add).map(size::format)
}

fn is_being_wiped(repository: &Repository) -> bool {
    finalizer::is_leaving(repository) && repository.deletion_policy() == DeletionPolicy::WipeOut
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn repository(name: &str, change: &Value) -> Repository {
        let mut object = json!({
            "metadata": {"name": name, "namespace": "demo"},
            "spec": {"path": format!("/{name}")},
            "status": {"size": "1.500 MiB"},
        });
        for (key, value) in change.as_object().unwrap() {
            let (part, field) = key.split_once('.').unwrap();
            object[part][field] = value.clone();
        }
        serde_json::from_value(object).unwrap()
    }

    fn info(name: &str) -> RepositoryInfo {
        RepositoryInfo {
            name: name.into(),
            namespace: "demo".into(),
            path: format!("/{name}"),
            ..Default::default()
        }
    }

    fn names(entries: &[RepositoryInfo]) -> Vec<&str> {
        entries.iter().map(|entry| entry.name.as_str()).collect()
    }

    #[test]
    fn what_is_here_and_what_is_only_in_the_bucket() {
        let gone = json!("2026-11-22T10:00:00Z");
        let repositories = [
            repository("here", &json!({})),
            repository("deleted", &json!({"metadata.deletionTimestamp": gone})),
            repository(
                "wiped",
                &json!({"metadata.deletionTimestamp": gone, "spec.deletionPolicy": "WipeOut"}),
            ),
            repository("half-synced", &json!({"metadata.annotations": {"kubestash.com/sync": "pending"}})),
        ];
        assert_eq!(names(&present(&repositories, &[])), ["here", "deleted"]);
        let known = ["elsewhere", "half-synced", "here", "wiped"].map(info);
        assert_eq!(names(&absent(&known, &repositories)), ["elsewhere", "half-synced"]);
    }

    #[test]
    fn sizes_are_added_up_where_they_are_known() {
        let mut entries = present(&[repository("a", &json!({})), repository("b", &json!({}))], &[]);
        assert_eq!(total_size(&entries).as_deref(), Some("3.000 MiB"));
        entries[0].size = None;
        assert_eq!(total_size(&entries).as_deref(), Some("1.500 MiB"));
        assert_eq!(total_size(&[info("a")]), None);
    }
}
