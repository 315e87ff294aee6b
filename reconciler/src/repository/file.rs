//! `repository.yaml`: the Repository as the bucket keeps it (contract §4.3, A2, A36).

use crds::name;
use crds::storage::Repository;
use crds::storage::snapshot::SnapshotPhase;
use kube::ResourceExt;

/// On the object in the bucket: the cluster that writes there. Readers that do not know it ignore it.
const CLUSTER: &str = "kubestash.com/cluster-uid";

/// The object to be kept in the bucket: all but what only the API server needs. Snapshots that are still being made
/// are left out of it, so that a run changes the file once.
#[must_use]
pub fn file(repository: &Repository, cluster: Option<&str>) -> Repository {
    let mut file = repository.clone();
    file.metadata.managed_fields = None;
    file.metadata.resource_version = None;
    if let Some(cluster) = cluster {
        file.metadata.annotations.get_or_insert_default().insert(CLUSTER.to_owned(), cluster.to_owned());
    }
    if let Some(status) = &mut file.status {
        status.recent_snapshots.retain(|info| info.phase.is_some_and(SnapshotPhase::is_completed));
    }
    file
}

/// Why the directory is not taken, if it is not: another Repository, or another cluster, writes there. What was
/// brought here from the bucket (`synced`) is meant to go on from there, and so is a Repository that was deleted and
/// made again.
#[must_use]
pub fn refusal(
    existing: &Repository,
    repository: &Repository,
    cluster: Option<&str>,
    synced: bool,
) -> Option<String> {
    let full_name = |of: &Repository| format!("{}/{}", of.namespace().unwrap_or_default(), of.name_any());
    let directory = name::directory(&repository.spec.path);
    if full_name(existing) != full_name(repository) {
        return Some(format!(
            "directory \"{directory}\" belongs to Repository \"{}\"; choose another directory",
            full_name(existing)
        ));
    }
    let theirs = existing.annotations().get(CLUSTER).map(String::as_str);
    if !synced && theirs.is_some() && cluster.is_some() && theirs != cluster {
        return Some(format!(
            "directory \"{directory}\" is written by another cluster, in which Repository \"{}\" has the same name; \
             choose another directory, or another prefix of the storage",
            full_name(existing)
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn repository(name: &str, cluster: Option<&str>) -> Repository {
        let annotations = cluster.map_or(json!({}), |cluster| json!({CLUSTER: cluster}));
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "demo", "resourceVersion": "7", "annotations": annotations,
                         "managedFields": [{"manager": "me"}]},
            "spec": {"path": "/shop/"},
            "status": {"recentSnapshots": [{"name": "a", "phase": "Succeeded"}, {"name": "b", "phase": "Running"}]},
        }))
        .unwrap()
    }

    #[test]
    fn the_file_has_what_is_settled() {
        let file = serde_json::to_value(file(&repository("repo", None), Some("c-1"))).unwrap();
        assert_eq!(
            file["metadata"],
            json!({"name": "repo", "namespace": "demo", "annotations": {CLUSTER: "c-1"}})
        );
        assert_eq!(file["status"]["recentSnapshots"], json!([{"name": "a", "phase": "Succeeded"}]));
    }

    #[test]
    fn a_directory_is_taken_over_only_by_who_goes_on_with_it() {
        let ours = repository("repo", None);
        for (case, existing, synced, refused) in [
            ("made again", repository("repo", Some("c-1")), false, false),
            ("by upstream, which does not say", repository("repo", None), false, false),
            ("another name", repository("other", Some("c-1")), false, true),
            ("another cluster", repository("repo", Some("c-2")), false, true),
            ("another cluster, brought here", repository("repo", Some("c-2")), true, false),
        ] {
            assert_eq!(refusal(&existing, &ours, Some("c-1"), synced).is_some(), refused, "{case}");
        }
    }
}
