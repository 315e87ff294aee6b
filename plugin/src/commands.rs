//! The verbs: one file each, with what may be typed (`Args`), what happens (`run`) and plain functions in between.

pub mod backup;
pub mod check;
pub mod completion;
pub mod copy;
pub mod create;
pub mod debug;
pub mod effect;
pub mod history;
pub mod install;
pub mod list;
pub mod logs;
pub mod lookup;
pub mod manifest_restore;
pub mod manifest_view;
pub mod password;
pub mod removal;
pub mod repository;
pub mod restore;
pub mod retention;
pub mod show;
pub mod snapshot;
pub mod status;
pub mod storage;
pub mod uninstall;
pub mod version;

use clap::Subcommand;

use crate::args::Connection;
use crate::context::Context;
use crate::failure::Failure;
use crate::streams::Streams;

/// What `kubectl kubestash` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Install the operator, its CRDs, RBAC and catalog into the cluster; run again to upgrade
    Install(install::Args),
    /// Remove the operator; kinds, objects and all backup data stay unless told otherwise
    Uninstall(uninstall::Args),
    /// Check the cluster, the operator, storages and backups; exit with 1 when something is wrong
    #[command(visible_alias = "doctor")]
    Check(check::Args),
    /// Show storages, backups, last and next runs, and problems on one screen
    Status(status::Args),
    /// What is backed up, when, and how a run goes
    #[command(subcommand, visible_aliases = ["backupconfiguration", "bc"])]
    Backup(backup::Command),
    /// What was backed up
    #[command(subcommand, visible_alias = "snap")]
    Snapshot(snapshot::Command),
    /// Show every snapshot in which an object changed, and how
    History(history::Args),
    /// Copy the files of a snapshot to this machine: the same as snapshot download
    Download(snapshot::download::Args),
    /// Show the manifests of a snapshot as a tree
    ManifestView(manifest_view::Args),
    /// What a restore would do, doing it, and how it went
    #[command(subcommand, visible_alias = "restoresession")]
    Restore(restore::Command),
    /// Bring back manifests of a snapshot from here, with your own rights
    ManifestRestore(Box<manifest_restore::Args>),
    /// Run a backup now: the same as backup trigger
    Trigger(backup::trigger::Args),
    /// Pause backups: no run is started until they are resumed; the same as backup pause
    Pause(backup::suspension::Pause),
    /// Resume backups that were paused: the same as backup resume
    Resume(backup::suspension::Resume),
    /// Show how a run goes, and exit with how it ended: the same as backup watch
    Watch(backup::watch::Args),
    /// Where backups are kept
    #[command(subcommand, visible_alias = "backupstorage")]
    Storage(storage::Command),
    /// How long backups are kept
    #[command(subcommand, visible_alias = "retentionpolicy")]
    Retention(retention::Command),
    /// The directories of storages that hold backups
    #[command(subcommand, visible_alias = "repo")]
    Repository(repository::Command),
    /// Show who holds the locks of a Repository, and remove those of work that is gone: the same as repository unlock
    Unlock(repository::unlock::Args),
    /// The passwords that open a repository
    #[command(subcommand, visible_aliases = ["pw", "key"])]
    Password(password::Command),
    /// Copy objects to another namespace
    #[command(subcommand, visible_alias = "cp")]
    Copy(copy::Command),
    /// Why something does not work
    #[command(subcommand)]
    Debug(debug::Command),
    /// Print the versions of this plugin and of the operator in the cluster
    Version(version::Args),
    /// Print a completion script for a shell
    Completion(completion::Args),
}

impl Command {
    /// Runs the verb that was typed; `tree` makes the whole command, for those that speak of it.
    pub async fn run(
        self,
        tree: fn() -> clap::Command,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<(), Failure> {
        match self {
            Self::Install(args) => args.run(context, streams).await,
            Self::Uninstall(args) => args.run(context, streams).await,
            Self::Check(args) => args.run(context, streams).await,
            Self::Status(args) => args.run(context, streams).await,
            Self::Backup(command) => command.run(context, streams).await,
            Self::Snapshot(command) => command.run(context, streams).await,
            Self::History(args) => args.run(context, streams).await,
            Self::Download(args) => args.run(context, streams).await,
            Self::ManifestView(args) => args.run(context, streams).await,
            Self::Restore(command) => command.run(context, streams).await,
            Self::ManifestRestore(args) => Box::pin(args.run(context, streams)).await,
            Self::Trigger(args) => args.run(context, streams).await,
            Self::Pause(args) => args.run(context, streams).await,
            Self::Resume(args) => args.run(context, streams).await,
            Self::Watch(args) => args.run(context, streams).await,
            Self::Storage(command) => command.run(context, streams).await,
            Self::Retention(command) => command.run(context, streams).await,
            Self::Repository(command) => command.run(context, streams).await,
            Self::Unlock(args) => args.run(context, streams).await,
            Self::Password(command) => command.run(context, streams).await,
            Self::Copy(command) => command.run(context, streams).await,
            Self::Debug(command) => command.run(context, streams).await,
            Self::Version(args) => args.run(context, streams).await,
            Self::Completion(args) => args.run(tree(), context, streams),
        }
    }

    /// Takes a flag that every command has, and that this one uses with another meaning, as upstream does.
    pub fn claim(&mut self, connection: &mut Connection) {
        if let Self::Password(password::Command::Add(args)) = self {
            args.user = connection.user.take();
        }
    }
}
