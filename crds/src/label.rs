//! Labels (contract §3.1).

use std::collections::BTreeMap;

use kube::{Resource, ResourceExt};

use crate::core::{BackupSession, RestoreSession};

pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Value of [`MANAGED_BY`].
pub const MANAGED_BY_KUBESTASH: &str = "kubestash.com";
pub const COMPONENT: &str = "app.kubernetes.io/component";
pub const APP_NAME: &str = "app.kubernetes.io/name";
/// Value of [`APP_NAME`] of the operator's pods.
pub const OPERATOR: &str = "kubestash-operator";
pub const INVOKER_KIND: &str = "kubestash.com/invoker-kind";
/// On a BackupSession the BackupConfiguration's name; on its Jobs and Pods the BackupSession's.
pub const INVOKER_NAME: &str = "kubestash.com/invoker-name";
pub const INVOKER_NAMESPACE: &str = "kubestash.com/invoker-namespace";
pub const SESSION_NAME: &str = "kubestash.com/session-name";
pub const APP: &str = "kubestash.com/app";
/// Value of [`APP`] of the pods that give access to a network volume.
pub const NETVOL_ACCESSOR: &str = "kubestash-netvol-accessor";
pub const REPOSITORY_NAME: &str = "kubestash.com/repo-name";
pub const APP_REF_KIND: &str = "kubestash.com/app-ref-kind";
pub const APP_REF_NAMESPACE: &str = "kubestash.com/app-ref-namespace";
pub const APP_REF_NAME: &str = "kubestash.com/app-ref-name";

/// Values of [`COMPONENT`]: what a Job is for.
pub mod component {
    pub const BACKUP: &str = "kubestash-backup";
    pub const RESTORE: &str = "kubestash-restore";
    pub const INITIALIZER: &str = "kubestash-initializer";
    pub const UPLOADER: &str = "kubestash-uploader";
    pub const CLEANER: &str = "kubestash-cleaner";
    pub const RETENTION_POLICY: &str = "kubestash-retention-policy";
    pub const HOOK: &str = "kubestash-hook";
}

/// Labels of what is made for a BackupStorage, Repository, Snapshot or BackupConfiguration: the object's own, and who
/// it is.
#[must_use]
pub fn offshoot_of<K: Resource<DynamicType = ()>>(object: &K) -> BTreeMap<String, String> {
    with(
        object.labels(),
        [
            (MANAGED_BY, MANAGED_BY_KUBESTASH.to_owned()),
            (INVOKER_KIND, K::kind(&()).into_owned()),
            (INVOKER_NAME, object.name_any()),
            (INVOKER_NAMESPACE, object.namespace().unwrap_or_default()),
        ],
    )
}

/// Labels of what is made for a BackupSession. There is no kind among them.
#[must_use]
pub fn offshoot_of_backup_session(session: &BackupSession) -> BTreeMap<String, String> {
    with(
        session.labels(),
        [
            (MANAGED_BY, MANAGED_BY_KUBESTASH.to_owned()),
            (INVOKER_NAME, session.name_any()),
            (INVOKER_NAMESPACE, session.namespace().unwrap_or_default()),
            (SESSION_NAME, session.spec.session.clone()),
        ],
    )
}

/// Labels of what is made for a RestoreSession. There is no kind among them.
#[must_use]
pub fn offshoot_of_restore_session(session: &RestoreSession) -> BTreeMap<String, String> {
    with(
        session.labels(),
        [
            (MANAGED_BY, MANAGED_BY_KUBESTASH.to_owned()),
            (INVOKER_NAME, session.name_any()),
            (INVOKER_NAMESPACE, session.namespace().unwrap_or_default()),
        ],
    )
}

fn with<const N: usize>(
    own: &BTreeMap<String, String>,
    added: [(&str, String); N],
) -> BTreeMap<String, String> {
    let mut labels = own.clone();
    labels.extend(added.into_iter().map(|(key, value)| (key.to_owned(), value)));
    labels
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::{offshoot_of, offshoot_of_backup_session, offshoot_of_restore_session};
    use crate::core::{BackupSession, RestoreSession};
    use crate::storage::Repository;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_made_for_a_repository_says_so_beside_the_repositorys_own_labels() {
        let repository: Repository = serde_json::from_value(json!({"metadata": {
            "name": "repo", "namespace": "demo", "labels": {"team": "a", "kubestash.com/invoker-name": "stale"}}}))
        .unwrap();
        let expected = labels(&[
            ("app.kubernetes.io/managed-by", "kubestash.com"),
            ("kubestash.com/invoker-kind", "Repository"),
            ("kubestash.com/invoker-name", "repo"),
            ("kubestash.com/invoker-namespace", "demo"),
            ("team", "a"),
        ]);
        assert_eq!(offshoot_of(&repository), expected);
    }

    #[test]
    fn on_the_jobs_of_a_backup_session_the_invoker_is_the_session() {
        let session: BackupSession = serde_json::from_value(json!({
            "metadata": {"name": "bk-frequent-1", "namespace": "demo",
                         "labels": {"kubestash.com/invoker-name": "bk"}},
            "spec": {"session": "frequent"}}))
        .unwrap();
        let expected = labels(&[
            ("app.kubernetes.io/managed-by", "kubestash.com"),
            ("kubestash.com/invoker-name", "bk-frequent-1"),
            ("kubestash.com/invoker-namespace", "demo"),
            ("kubestash.com/session-name", "frequent"),
        ]);
        assert_eq!(offshoot_of_backup_session(&session), expected);
    }

    #[test]
    fn what_is_made_for_a_restore_session_has_no_kind() {
        let session: RestoreSession =
            serde_json::from_value(json!({"metadata": {"name": "restore", "namespace": "demo"}})).unwrap();
        let expected = labels(&[
            ("app.kubernetes.io/managed-by", "kubestash.com"),
            ("kubestash.com/invoker-name", "restore"),
            ("kubestash.com/invoker-namespace", "demo"),
        ]);
        assert_eq!(offshoot_of_restore_session(&session), expected);
    }
}
