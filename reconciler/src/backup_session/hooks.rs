//! Hooks around a backup (contract §8.5).
//!
//! This release does not run them. A session that wants some is told so and fails, because a backup without the
//! hook that was to quiesce a database first is not the backup that was asked for.

use crds::condition::{self, NewCondition};
use crds::core::backup_session::condition as word;
use crds::core::{BackupSession, BackupSessionStatus};

use super::decide::Observed;
use crate::cluster;
use crate::context::Context;

const NOT_SUPPORTED: &str = "hooks are not supported by this release";

/// Runs the hooks before the backup.
#[expect(clippy::unused_async, reason = "hooks will act on the cluster")]
pub async fn before(
    context: &Context,
    _session: &BackupSession,
    _observed: &Observed,
    status: &mut BackupSessionStatus,
) -> Result<(), cluster::Error> {
    let failed = NewCondition::new(
        word::PRE_BACKUP_HOOKS_EXECUTION_SUCCEEDED,
        false,
        word::FAILED_TO_EXECUTE_PRE_BACKUP_HOOKS,
    );
    condition::set(&mut status.conditions, failed.message(NOT_SUPPORTED), context.now());
    Ok(())
}

/// Runs the hooks after the backup.
#[expect(clippy::unused_async, reason = "hooks will act on the cluster")]
pub async fn after(
    context: &Context,
    _session: &BackupSession,
    _observed: &Observed,
    status: &mut BackupSessionStatus,
) -> Result<(), cluster::Error> {
    let failed = NewCondition::new(
        word::POST_BACKUP_HOOKS_EXECUTION_SUCCEEDED,
        false,
        word::FAILED_TO_EXECUTE_POST_BACKUP_HOOKS,
    );
    condition::set(&mut status.conditions, failed.message(NOT_SUPPORTED), context.now());
    Ok(())
}
