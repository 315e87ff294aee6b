//! What a BackupStorage's status says (contract §1.3, §2.1).

use std::time::Duration;

use crds::condition::{self, NewCondition};
use crds::storage::BackupStorage;
use crds::storage::backup_storage::condition as kind;
use crds::storage::backup_storage::{BackupStoragePhase, BackupStorageStatus, RepositoryInfo};
use jiff::Timestamp;

use super::inventory;
use crate::conditions;
use crate::outcome::Next;
use crate::stores::Error;

/// What a pass found.
#[derive(Debug)]
pub enum Found {
    /// The storage clashes with another one.
    Refused(String),
    /// It cannot be used.
    Unusable(Error),
    /// It is there, with these repositories.
    Usable(Vec<RepositoryInfo>),
}

/// Pause of the checks of a storage that is Ready.
const READY: Duration = Duration::from_mins(1);

/// Shortest pause while it is not.
const SHORTEST: Duration = Duration::from_secs(5);

/// The status after a pass.
#[must_use]
pub fn status(storage: &BackupStorage, found: &Found, now: Timestamp) -> BackupStorageStatus {
    let mut status = storage.status.clone().unwrap_or_default();
    let generation = storage.metadata.generation;
    let has_secret = storage.spec.storage.as_ref().is_some_and(|backend| backend.secret_name().is_some());
    let failed = |message: &str| {
        NewCondition::new(kind::BACKEND_INITIALIZED, false, kind::BACKEND_INITIALIZATION_FAILED)
            .message(message)
    };
    let secret = |found: bool, message: &str| {
        let reason = if found { kind::BACKEND_SECRET_AVAILABLE } else { kind::BACKEND_SECRET_NOT_AVAILABLE };
        NewCondition::new(kind::BACKEND_SECRET_FOUND, found, reason).message(message)
    };
    let mut set = |new| conditions::set(&mut status.conditions, new, generation, now);
    match found {
        Found::Refused(reason) => set(failed(reason)),
        // What was initialised stays initialised; it is the Secret that keeps it from being used.
        Found::Unusable(error) if error.is_about_the_secret() => set(secret(false, &error.told())),
        Found::Unusable(error) => {
            if has_secret && says_that_the_secret_is_there(error) {
                set(secret(true, "The Secret is there."));
            }
            set(failed(&error.told()));
        }
        Found::Usable(repositories) => {
            if has_secret {
                set(secret(true, "The Secret is there."));
            }
            let initialised =
                NewCondition::new(kind::BACKEND_INITIALIZED, true, kind::BACKEND_INITIALIZATION_SUCCEEDED)
                    .message("The backend is initialised.");
            set(initialised);
            status.repositories.clone_from(repositories);
            status.total_size = inventory::total_size(repositories);
        }
    }
    if !has_secret {
        status.conditions.retain(|condition| condition.type_ != kind::BACKEND_SECRET_FOUND);
    }
    status.phase = Some(status.phase());
    status
}

/// Errors that come after the Secret was read.
const fn says_that_the_secret_is_there(error: &Error) -> bool {
    matches!(error, Error::Store { .. } | Error::Bucket { .. })
}

/// When to look again: nobody tells us about buckets and Secrets. Every minute when all is well; when it is not, the
/// longer it has been so the seldomer, from five seconds to a minute.
#[must_use]
pub fn next(status: &BackupStorageStatus, now: Timestamp) -> Next {
    if status.phase == Some(BackupStoragePhase::Ready) {
        return Next::After(READY);
    }
    let since =
        condition::first_failure(&status.conditions).map_or(now, |failed| failed.last_transition_time.0);
    let waited = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    Next::After((waited / 2).clamp(SHORTEST, READY))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn storage(secret: bool, conditions: &Value) -> BackupStorage {
        let name = if secret { "keys" } else { "" };
        serde_json::from_value(json!({
            "metadata": {"name": "s3", "namespace": "demo", "generation": 3},
            "spec": {"storage": {"provider": "s3", "s3": {"bucket": "b", "secretName": name}}},
            "status": {"conditions": conditions},
        }))
        .unwrap()
    }

    fn ready() -> Value {
        let time = "2026-11-22T10:00:00Z";
        json!([
            {"type": "BackendSecretFound", "status": "True", "reason": "BackendSecretAvailable", "lastTransitionTime": time},
            {"type": "BackendInitialized", "status": "True", "reason": "BackendInitializationSucceeded", "lastTransitionTime": time},
        ])
    }

    fn now() -> Timestamp {
        "2026-11-22T10:01:00Z".parse().unwrap()
    }

    fn told(storage: &BackupStorage, found: &Found) -> (Vec<(String, String, String)>, BackupStoragePhase) {
        let status = status(storage, found, now());
        let conditions = status.conditions.iter().map(|condition| {
            assert_eq!(condition.observed_generation, Some(3));
            (condition.type_.clone(), condition.status.clone(), condition.reason.clone().unwrap_or_default())
        });
        (conditions.collect(), status.phase.unwrap())
    }

    fn row(type_: &str, status: &str, reason: &str) -> (String, String, String) {
        (type_.to_owned(), status.to_owned(), reason.to_owned())
    }

    fn no_secret() -> Found {
        Found::Unusable(Error::NoSecret { secret: "demo/keys".to_owned() })
    }

    #[test]
    fn a_storage_that_can_be_used_is_ready() {
        let (conditions, phase) = told(&storage(true, &json!([])), &Found::Usable(Vec::new()));
        let expected = [
            row("BackendSecretFound", "True", "BackendSecretAvailable"),
            row("BackendInitialized", "True", "BackendInitializationSucceeded"),
        ];
        assert_eq!((conditions.as_slice(), phase), (expected.as_slice(), BackupStoragePhase::Ready));
    }

    #[test]
    fn a_storage_without_a_secret_says_nothing_about_one() {
        let (conditions, phase) = told(&storage(false, &ready()), &Found::Usable(Vec::new()));
        assert_eq!(conditions, [row("BackendInitialized", "True", "BackendInitializationSucceeded")]);
        assert_eq!(phase, BackupStoragePhase::Ready);
    }

    #[test]
    fn a_missing_secret_is_named_and_leaves_what_was_initialised() {
        let status = status(&storage(true, &ready()), &no_secret(), now());
        assert_eq!(status.phase, Some(BackupStoragePhase::NotReady));
        assert_eq!(
            condition::first_failure(&status.conditions).unwrap().message.as_deref(),
            Some("Secret \"demo/keys\" does not exist; create it with the credentials of the storage")
        );
        assert!(condition::is_true(&status.conditions, "BackendInitialized"));
    }

    #[test]
    fn trouble_with_the_bucket_is_not_blamed_on_the_secret() {
        let error = archive::store::Error::Unusable { reason: "no".to_owned() };
        let (conditions, phase) =
            told(&storage(true, &ready()), &Found::Unusable(Error::Store { source: error }));
        let expected = [
            row("BackendSecretFound", "True", "BackendSecretAvailable"),
            row("BackendInitialized", "False", "BackendInitializationFailed"),
        ];
        assert_eq!((conditions.as_slice(), phase), (expected.as_slice(), BackupStoragePhase::NotReady));
    }

    #[test]
    fn one_that_fails_is_looked_at_ever_seldomer() {
        let mut status = status(&storage(true, &ready()), &no_secret(), now());
        for (seconds, pause) in [(0, 5), (9, 5), (40, 20), (3600, 60)] {
            let later = now().checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
            assert_eq!(next(&status, later), Next::After(Duration::from_secs(pause)), "{seconds}");
        }
        status.phase = Some(BackupStoragePhase::Ready);
        assert_eq!(next(&status, now()), Next::After(READY));
    }
}
