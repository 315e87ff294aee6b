//! What goes with a BackupConfiguration (contract §6.4, A37): nothing here looks at whether it was valid.

use std::collections::BTreeSet;

use crds::core::BackupConfiguration;
use crds::core::backup_configuration::RepositoryDeletionPolicy;
use crds::label;
use crds::storage::{DeletionPolicy, Repository};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::{Resource, ResourceExt};
use serde_json::json;

use super::observe::offshoots;
use crate::cluster::{self, Cluster, Kind};
use crate::finalizer;

/// The Repositories that are deleted with the configuration, and whether their data goes too: those whose policy is
/// written down as Delete or WipeOut. Without a word they stay, and so do those that another configuration uses.
#[must_use]
pub fn doomed(
    configuration: &BackupConfiguration,
    others: &[BackupConfiguration],
) -> Vec<(String, DeletionPolicy)> {
    let used = |name: &str| {
        others
            .iter()
            .filter(|other| {
                other.metadata.uid != configuration.metadata.uid && !finalizer::is_leaving(*other)
            })
            .flat_map(|other| other.spec.sessions.iter().flat_map(|session| &session.repositories))
            .any(|repository| repository.name == name)
    };
    let mut doomed: Vec<(String, DeletionPolicy)> = Vec::new();
    for wanted in configuration.spec.sessions.iter().flat_map(|session| &session.repositories) {
        let policy = match wanted.deletion_policy {
            Some(RepositoryDeletionPolicy::Delete) => DeletionPolicy::Delete,
            Some(RepositoryDeletionPolicy::WipeOut) => DeletionPolicy::WipeOut,
            Some(RepositoryDeletionPolicy::Retain) | None => continue,
        };
        if !used(&wanted.name) && !doomed.iter().any(|(name, _)| *name == wanted.name) {
            doomed.push((wanted.name.clone(), policy));
        }
    }
    doomed
}

/// Carries out the deletion and lets the object go.
pub async fn remove(cluster: &Cluster, configuration: &BackupConfiguration) -> Result<(), cluster::Error> {
    if !finalizer::is_held(configuration) {
        return Ok(());
    }
    let home = configuration.namespace().unwrap_or_default();
    let others: Vec<BackupConfiguration> = cluster.list(Some(&home), "").await?;
    for (name, policy) in doomed(configuration, &others) {
        let Some(repository) = cluster.find::<Repository>(&home, &name).await? else { continue };
        if repository.deletion_policy() != policy && !finalizer::is_leaving(&repository) {
            cluster.merge(&repository, json!({"spec": {"deletionPolicy": policy}})).await?;
        }
        cluster.delete(&repository).await?;
    }
    // What is in the own namespace has an owner and follows by itself.
    let keep = BTreeSet::new();
    sweep::<RoleBinding>(cluster, configuration, None, &keep).await?;
    sweep::<Role>(cluster, configuration, None, &keep).await?;
    finalizer::release(cluster, configuration).await
}

/// Deletes what was made for sessions that the configuration does not have any more.
pub async fn sweep_sessions(
    cluster: &Cluster,
    configuration: &BackupConfiguration,
) -> Result<(), cluster::Error> {
    let home = configuration.namespace();
    let sessions: BTreeSet<&str> =
        configuration.spec.sessions.iter().map(|session| session.name.as_str()).collect();
    sweep::<CronJob>(cluster, configuration, home.as_deref(), &sessions).await?;
    sweep::<RoleBinding>(cluster, configuration, None, &sessions).await?;
    sweep::<Role>(cluster, configuration, None, &sessions).await?;
    sweep::<ServiceAccount>(cluster, configuration, home.as_deref(), &sessions).await
}

async fn sweep<K: Kind>(
    cluster: &Cluster,
    configuration: &BackupConfiguration,
    namespace: Option<&str>,
    sessions: &BTreeSet<&str>,
) -> Result<(), cluster::Error> {
    for object in cluster.list::<K>(namespace, &offshoots(configuration)).await? {
        if is_stale(&object, sessions) {
            cluster.delete(&object).await?;
        }
    }
    Ok(())
}

/// Of a session that is not among these. What belongs to no session is not ours to judge.
fn is_stale<K: Resource>(object: &K, sessions: &BTreeSet<&str>) -> bool {
    object.labels().get(label::SESSION_NAME).is_some_and(|session| !sessions.contains(session.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(name: &str, repositories: &serde_json::Value) -> BackupConfiguration {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "demo", "uid": name},
            "spec": {"sessions": [{"name": "nightly", "repositories": repositories}]},
        }))
        .unwrap()
    }

    #[test]
    fn only_what_was_said_to_go_goes() {
        let shop = configuration(
            "shop",
            &json!([
                {"name": "deleted", "deletionPolicy": "Delete"},
                {"name": "wiped", "deletionPolicy": "WipeOut"},
                {"name": "retained", "deletionPolicy": "Retain"},
                {"name": "unsaid"},
                {"name": "shared", "deletionPolicy": "WipeOut"},
            ]),
        );
        let other = configuration("other", &json!([{"name": "shared"}]));
        let expected =
            [("deleted".to_owned(), DeletionPolicy::Delete), ("wiped".to_owned(), DeletionPolicy::WipeOut)];
        assert_eq!(doomed(&shop, &[shop.clone(), other]), expected);
    }

    #[test]
    fn what_belongs_to_a_session_goes_with_it() {
        let role = |session: Option<&str>| -> Role {
            let labels = session.map_or(json!({}), |session| json!({label::SESSION_NAME: session}));
            serde_json::from_value(json!({"metadata": {"name": "r", "labels": labels}})).unwrap()
        };
        let sessions = BTreeSet::from(["nightly"]);
        for (session, stale) in [(Some("nightly"), false), (Some("hourly"), true), (None, false)] {
            assert_eq!(is_stale(&role(session), &sessions), stale, "{session:?}");
        }
    }
}
