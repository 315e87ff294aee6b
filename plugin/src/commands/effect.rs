//! What a command line does to the cluster and to buckets: the one place that decides what read-only mode stops.
//!
//! Every match is exhaustive, so that a new verb does not compile before it is said what it does.

use clap::ArgMatches;

use super::{Command, backup, copy, debug, password, repository, restore, retention, snapshot, storage};

/// What a verb is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Leaves the cluster and every bucket as they are. Files of this machine do not count.
    Reads,
    /// Changes an object of the cluster or of a bucket, unless it is only a dry run or an export.
    Writes,
}

use Effect::{Reads, Writes};

impl Command {
    /// What this verb does when nothing holds it back.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self {
            // A small object in every storage.
            Self::Check(args) if args.writes() => Writes,
            // Files, and nothing else.
            Self::ManifestRestore(args) if args.is_dry() => Reads,
            Self::Check(_)
            | Self::Status(_)
            | Self::History(_)
            | Self::Download(_)
            | Self::ManifestView(_)
            | Self::Watch(_)
            | Self::Version(_)
            | Self::Completion(_) => Reads,
            Self::Install(_)
            | Self::Uninstall(_)
            | Self::Trigger(_)
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::Copy(copy::Command::Secret(_))
            | Self::ManifestRestore(_)
            | Self::Unlock(_) => Writes,
            Self::Restore(command) => of_restore(command),
            Self::Backup(command) => of_backup(command),
            Self::Snapshot(command) => of_snapshot(command),
            Self::Storage(command) => of_storage(command),
            Self::Retention(command) => of_retention(command),
            Self::Repository(command) => of_repository(command),
            Self::Password(command) => of_password(command),
            Self::Debug(command) => of_debug(command),
        }
    }

    /// Whether it may write what the API server does not see: into a bucket, or files of this machine.
    #[must_use]
    pub fn writes_elsewhere(&self) -> bool {
        matches!(
            self,
            Self::Check(_)
                | Self::Download(_)
                | Self::Snapshot(snapshot::Command::Download(_))
                | Self::Storage(storage::Command::Check(_) | storage::Command::Create(_))
                | Self::Repository(repository::Command::Unlock(_))
                | Self::Unlock(_)
                | Self::Password(_)
                | Self::Debug(_)
        )
    }
}

fn of_backup(command: &backup::Command) -> Effect {
    use backup::Command::{Create, Delete, List, Logs, Pause, Resume, Status, Trigger, Watch};
    match command {
        List(_) | Status(_) | Watch(_) | Logs(_) => Reads,
        Create(_) | Trigger(_) | Pause(_) | Resume(_) | Delete(_) => Writes,
    }
}

fn of_snapshot(command: &snapshot::Command) -> Effect {
    use snapshot::Command::{Cat, Delete, Diff, Download, Find, List, Ls, Show, Watch};
    match command {
        List(_) | Show(_) | Watch(_) | Ls(_) | Cat(_) | Diff(_) | Find(_) | Download(_) => Reads,
        Delete(_) => Writes,
    }
}

fn of_restore(command: &restore::Command) -> Effect {
    use restore::Command::{Create, Delete, List, Logs, Plan, Status, Watch};
    match command {
        // The API server judges a plan by dry runs.
        Plan(_) | List(_) | Status(_) | Watch(_) | Logs(_) => Reads,
        Create(_) | Delete(_) => Writes,
    }
}

fn of_storage(command: &storage::Command) -> Effect {
    use storage::Command::{Check, Create, Delete, List, Show};
    match command {
        List(_) | Show(_) => Reads,
        // To check is to write a small object and to delete it.
        Check(_) | Create(_) | Delete(_) => Writes,
    }
}

fn of_retention(command: &retention::Command) -> Effect {
    use retention::Command::{Create, Delete, List, Show};
    match command {
        List(_) | Show(_) => Reads,
        Create(_) | Delete(_) => Writes,
    }
}

fn of_repository(command: &repository::Command) -> Effect {
    use repository::Command::{Check, Delete, List, Show, Unlock};
    match command {
        List(_) | Show(_) | Check(_) => Reads,
        Delete(_) | Unlock(_) => Writes,
    }
}

fn of_password(command: &password::Command) -> Effect {
    use password::Command::{Add, List, Remove, Update};
    match command {
        List(_) => Reads,
        Add(_) | Remove(_) | Update(_) => Writes,
    }
}

fn of_debug(command: &debug::Command) -> Effect {
    use debug::Command::{Backup, Backupstorage, Bundle, Operator, Restore};
    match command {
        Backup(_) | Restore(_) | Operator(_) | Bundle(_) => Reads,
        // A small object, written and deleted.
        Backupstorage(_) => Writes,
    }
}

/// What was typed, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// The verb with its noun, and what makes it write: `backup create`, `check --deep`.
    pub verb: String,
    /// Whether `--dry-run`, `--export` or `--diff` keeps it from writing.
    pub held_back: bool,
    /// Whether `--dry-run` could.
    pub can_be_held_back: bool,
    /// Whether a program reads what is told: `--progress=json`.
    pub for_programs: bool,
}

impl Typed {
    /// Reads the words and the flags, which mean the same wherever they exist.
    #[must_use]
    pub fn of(matches: &ArgMatches) -> Self {
        let (mut matches, mut verb) = (matches, Vec::new());
        while let Some((name, below)) = matches.subcommand() {
            verb.push(name);
            matches = below;
        }
        let raw = |name: &str| {
            let mut values = matches.try_get_raw(name).ok()??;
            values.next_back().map(|value| value.to_string_lossy().into_owned())
        };
        let set = |name: &str| raw(name).is_some_and(|value| !matches!(value.as_str(), "none" | "false"));
        // The one flag that makes a reading verb write.
        let deep = if set("deep") { " --deep" } else { "" };
        Self {
            verb: format!("{}{deep}", verb.join(" ")),
            held_back: ["dry_run", "export", "diff"].into_iter().any(set),
            can_be_held_back: raw("dry_run").is_some(),
            for_programs: raw("progress").as_deref() == Some("json"),
        }
    }
}

#[cfg(test)]
mod tests;
