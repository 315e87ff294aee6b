//! `core.kubestash.com`: what is backed up and when, and the runs.

pub mod addon_info;
pub mod backup_configuration;
pub mod backup_session;
pub mod hook;
pub mod hook_template;
pub mod manifest_options;
pub mod restore_session;

pub use backup_configuration::{BackupConfiguration, BackupConfigurationSpec, BackupConfigurationStatus};
pub use backup_session::{BackupSession, BackupSessionSpec, BackupSessionStatus};
pub use hook_template::{HookTemplate, HookTemplateSpec};
pub use restore_session::{RestoreSession, RestoreSessionSpec, RestoreSessionStatus};

/// The API group.
pub const GROUP: &str = "core.kubestash.com";
