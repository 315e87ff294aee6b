//! Names of objects, deterministic, within the length that Kubernetes allows (contract §3.3, §3.4).

/// Longest name of most objects: that of a label value, since names become one.
pub const MAX: usize = 63;
/// Longest name of a CronJob; its Jobs get eleven characters more.
pub const CRON_JOB_MAX: usize = 52;
/// Finalizer of every object whose deletion has something to clean up.
pub const FINALIZER: &str = "kubestash.com/cleanup";

/// Who writes a field, for server-side apply.
pub mod manager {
    pub const OPERATOR: &str = "kubestash-operator";
    pub const JOB: &str = "kubestash-job";
    pub const PLUGIN: &str = "kubectl-kubestash";
}

/// What a Repository and its Snapshots say that were found in a bucket (contract §4.6).
pub mod sync {
    /// The annotation.
    pub const ANNOTATION: &str = "kubestash.com/sync";
    /// Something is missing still: Snapshots of a Repository, the status of a Snapshot.
    pub const PENDING: &str = "pending";
    /// All of it is here.
    pub const DONE: &str = "done";
}

/// First words of names.
pub mod prefix {
    pub const TRIGGER: &str = "trigger";
    pub const INIT: &str = "init";
    pub const UPLOAD: &str = "upload";
    pub const CLEANUP: &str = "cleanup";
    pub const RETENTION_POLICY: &str = "retentionpolicy";
}

/// `prefix-name-suffix` in at most `max` bytes. A longer one keeps its first `(max + 1) / 2` and its last `max / 2`
/// bytes; leading and trailing `-` go in any case, so that empty parts leave no trace. Names cut like this can
/// collide.
///
/// The parts are names of Kubernetes objects, hence ASCII; a character that a cut would split is dropped.
#[must_use]
pub fn join(prefix: &str, name: &str, suffix: &str, max: usize) -> String {
    let whole = format!("{prefix}-{name}-{suffix}");
    let joined = if whole.len() <= max {
        whole
    } else {
        let head = whole.floor_char_boundary(max.div_ceil(2));
        let tail = whole.ceil_char_boundary(whole.len() - max / 2);
        format!("{}{}", &whole[..head], &whole[tail..])
    };
    joined.trim_matches('-').to_owned()
}

/// Name of the CronJob of a session, and of its ServiceAccount.
#[must_use]
pub fn cron_job(configuration: &str, session: &str) -> String {
    join(prefix::TRIGGER, configuration, session, CRON_JOB_MAX)
}

/// Name of a run of a session that began at that second.
#[must_use]
pub fn backup_session(configuration: &str, session: &str, unix_seconds: i64) -> String {
    join(configuration, session, &unix_seconds.to_string(), MAX)
}

/// Name of the Snapshot that a run makes in a repository: the repository's name goes first, and the second of the
/// run, where its name ends in one, stays last.
#[must_use]
pub fn snapshot(repository: &str, backup_session: &str) -> String {
    match split_epoch(backup_session) {
        Some((name, epoch)) => join(repository, name, epoch, MAX),
        None => join(repository, backup_session, "", MAX),
    }
}

/// Name of the Job that applies the retention policies of a run.
#[must_use]
pub fn retention_job(backup_session: &str) -> String {
    join(prefix::RETENTION_POLICY, backup_session, "", MAX)
}

/// Name of the Job that deletes the data of a BackupStorage.
#[must_use]
pub fn cleanup_job(backup_storage: &str) -> String {
    join(prefix::CLEANUP, backup_storage, "", MAX)
}

/// Name of the Job that initialises a storage or repository.
#[must_use]
pub fn init_job(object: &str) -> String {
    join(prefix::INIT, object, "", MAX)
}

/// The second in which a run began, from the digits that its name ends in. None for other names: they are allowed,
/// and nothing else about a session may be read from its name (contract §13 A7).
#[must_use]
pub fn epoch_of(backup_session: &str) -> Option<i64> {
    split_epoch(backup_session).and_then(|(_, epoch)| epoch.parse().ok())
}

/// The name before, and the digits after, the last `-`.
fn split_epoch(name: &str) -> Option<(&str, &str)> {
    let (before, digits) = name.rsplit_once('-')?;
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some((before, digits))
}

/// A directory as it stands in object keys: without leading, trailing and doubled `/` (contract §13 A8).
#[must_use]
pub fn directory(path: &str) -> String {
    path.split('/').filter(|segment| !segment.is_empty()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        CRON_JOB_MAX, MAX, backup_session, cron_job, directory, epoch_of, join, retention_job, snapshot,
    };

    #[test]
    fn a_name_that_fits_is_joined_with_dashes() {
        assert_eq!(cron_job("cluster-bk", "frequent"), "trigger-cluster-bk-frequent");
        assert_eq!(backup_session("cluster-bk", "frequent", 1_755_596_627), "cluster-bk-frequent-1755596627");
        assert_eq!(
            snapshot("cluster-repo", "cluster-bk-frequent-1755596627"),
            "cluster-repo-cluster-bk-frequent-1755596627"
        );
        assert_eq!(
            retention_job("cluster-bk-frequent-1755596627"),
            "retentionpolicy-cluster-bk-frequent-1755596627"
        );
    }

    #[test]
    fn a_long_name_keeps_its_head_and_its_tail() {
        let session = "cluster-resources-backup-frequent-backup-1708694700";
        let name = snapshot("gcs-repository", session);
        assert_eq!(name, "gcs-repository-cluster-resourcesckup-frequent-backup-1708694700");
        assert_eq!(name.len(), MAX);

        let name = cron_job("a-configuration-with-a-long-name", "and-a-session-with-another");
        assert_eq!(name, "trigger-a-configuration-wiand-a-session-with-another");
        assert_eq!(join("a", &"b".repeat(61), "c", 63).len(), 63);
        assert_eq!(join("a", &"b".repeat(59), "c", 63).len(), 63, "63 bytes are not cut");
    }

    #[test]
    fn dashes_at_the_ends_go() {
        let table = [
            (("", "session", "1"), "session-1"),
            (("repo", "session", ""), "repo-session"),
            (("", "", ""), ""),
            (("-a-", "b", "-"), "a--b"),
        ];
        for ((prefix, name, suffix), expected) in table {
            assert_eq!(join(prefix, name, suffix, MAX), expected);
        }
    }

    #[test]
    fn only_digits_after_the_last_dash_are_a_time() {
        let table = [
            ("cluster-bk-frequent-1755596627", Some(1_755_596_627)),
            ("a-b-0", Some(0)),
            ("-5", Some(5)),
            ("1755596627", None),
            ("a-1755596627x", None),
            ("a-", None),
            ("", None),
            ("a-99999999999999999999", None),
        ];
        for (name, expected) in table {
            assert_eq!(epoch_of(name), expected, "{name:?}");
        }
        assert_eq!(snapshot("repo", "by-hand"), "repo-by-hand");
        assert_eq!(snapshot("repo", "a-99999999999999999999"), "repo-a-99999999999999999999");
    }

    #[test]
    fn directories_are_compared_without_superfluous_slashes() {
        let table = [("/a", "a"), ("a/b/", "a/b"), ("//a///b//", "a/b"), ("/", ""), ("", ""), ("a", "a")];
        for (path, expected) in table {
            assert_eq!(directory(path), expected);
        }
    }

    proptest! {
        #[test]
        fn a_joined_name_is_never_too_long_and_never_ends_in_a_dash(
            prefix in "[a-z0-9.-]{0,70}|.{0,20}", name in "[a-z0-9.-]{0,70}", suffix in "[a-z0-9.é-]{0,40}",
        ) {
            for max in [MAX, CRON_JOB_MAX] {
                let joined = join(&prefix, &name, &suffix, max);
                prop_assert!(joined.len() <= max);
                prop_assert!(!joined.starts_with('-') && !joined.ends_with('-'));
            }
        }
    }
}
