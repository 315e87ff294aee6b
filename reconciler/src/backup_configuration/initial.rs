//! The first run of each session, made once when the configuration first becomes Ready (contract §8.1).
//!
//! The condition `InitialBackupTriggered` is the memory: it is written False before the run is created, its time
//! names the run, and it becomes True afterwards. Whoever dies in between creates the same run again, under the same
//! name; a run that history has removed is not made a second time.

use crds::condition::{self, NewCondition};
use crds::core::backup_configuration::condition as kind;
use crds::core::backup_configuration::{BackupConfigurationPhase, BackupConfigurationStatus};
use crds::core::{BackupConfiguration, BackupSession};
use jiff::Timestamp;

use super::build;

/// Says in `status` that the first runs are about to be created, where that is due. Gives these runs.
pub fn announce(
    configuration: &BackupConfiguration,
    status: &mut BackupConfigurationStatus,
    now: Timestamp,
) -> Vec<BackupSession> {
    if status.phase != Some(BackupConfigurationPhase::Ready) || configuration.spec.paused {
        return Vec::new();
    }
    let mut runs = Vec::new();
    for session in &mut status.sessions {
        if condition::is_true(&session.conditions, kind::INITIAL_BACKUP_TRIGGERED) {
            continue;
        }
        if !condition::exists(&session.conditions, kind::INITIAL_BACKUP_TRIGGERED) {
            let new = NewCondition::new(
                kind::INITIAL_BACKUP_TRIGGERED,
                false,
                kind::FAILED_TO_TRIGGER_INITIAL_BACKUP,
            )
            .message("The initial backup is about to be triggered.");
            condition::set(&mut session.conditions, new, now);
        }
        let announced = condition::find(&session.conditions, kind::INITIAL_BACKUP_TRIGGERED);
        let second = announced.map_or(now, |condition| condition.last_transition_time.0).as_second();
        let spec = configuration.session(&session.name);
        runs.extend(spec.map(|spec| build::initial_session(configuration, spec, second)));
    }
    runs
}

/// Says in `status` that the first run of `session` exists.
pub fn done(status: &mut BackupConfigurationStatus, session: &str, now: Timestamp) {
    for status in status.sessions.iter_mut().filter(|status| status.name == session) {
        let new = NewCondition::new(
            kind::INITIAL_BACKUP_TRIGGERED,
            true,
            kind::SUCCESSFULLY_TRIGGERED_INITIAL_BACKUP,
        )
        .message("The initial backup has been triggered.");
        condition::set(&mut status.conditions, new, now);
    }
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt;
    use serde_json::json;

    use super::*;

    fn configuration(paused: bool) -> BackupConfiguration {
        serde_json::from_value(json!({
            "metadata": {"name": "shop", "namespace": "demo", "uid": "u"},
            "spec": {"paused": paused, "sessions": [{"name": "nightly"}, {"name": "hourly"}]},
        }))
        .unwrap()
    }

    fn status(phase: &str) -> BackupConfigurationStatus {
        serde_json::from_value(json!({"phase": phase, "sessions": [{"name": "nightly"}, {"name": "hourly"}]}))
            .unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn names(runs: &[BackupSession]) -> Vec<String> {
        runs.iter().map(ResourceExt::name_any).collect()
    }

    #[test]
    fn every_session_runs_once_when_the_configuration_becomes_ready() {
        let configuration = configuration(false);
        let mut status = status("Ready");
        assert_eq!(
            names(&announce(&configuration, &mut status, at(100))),
            ["shop-nightly-100", "shop-hourly-100"]
        );
        done(&mut status, "nightly", at(101));
        done(&mut status, "hourly", at(101));
        assert_eq!(names(&announce(&configuration, &mut status, at(200))), [""; 0]);
    }

    #[test]
    fn a_run_that_was_announced_keeps_its_name() {
        let configuration = configuration(false);
        let mut status = status("Ready");
        announce(&configuration, &mut status, at(100));
        done(&mut status, "nightly", at(101));
        // Killed here; the next pass comes later.
        assert_eq!(names(&announce(&configuration, &mut status, at(200))), ["shop-hourly-100"]);
    }

    #[test]
    fn nothing_runs_before_it_is_ready_or_while_it_is_paused() {
        for (phase, paused) in [("NotReady", false), ("Invalid", false), ("Ready", true)] {
            let mut status = status(phase);
            assert_eq!(names(&announce(&configuration(paused), &mut status, at(100))), [""; 0], "{phase}");
            assert!(status.sessions[0].conditions.is_empty());
        }
    }
}
