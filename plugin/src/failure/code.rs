//! Every error that a person can meet has an id, which stays what it is: scripts and searches hold on to it. This is the
//! whole list; what each means, where it comes from and what to do is in `docs/errors.md`.
//!
//! The tens are areas, with room in each. An id whose error is gone is not given to another one.

use crate::exit::Exit;

/// Declares the codes: name, id, headline of the page, and how a command ends that fails of it.
macro_rules! codes {
    ($($name:ident $id:literal $title:literal $exit:ident;)*) => {
        /// A kind of error.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// All of them, in the order of their ids.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable id, for example `KS021`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// What it is, in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// How a command ends that fails of it.
            #[must_use]
            pub const fn exit(self) -> Exit {
                match self { $(Self::$name => Exit::$exit,)* }
            }
        }
    };
}

codes! {
    // The cluster, and the rights in it.
    ClusterUnreachable "KS001" "The cluster cannot be reached" Cluster;
    ClusterTooOld "KS002" "The cluster is too old" Cluster;
    Forbidden "KS003" "You lack a right" Cluster;
    InstallForbidden "KS004" "You lack rights that an installation takes" Cluster;
    ForeignInstallation "KS005" "Another tool looks after the installation" Cluster;
    AlreadyInstalled "KS006" "An operator is installed already" Cluster;
    Unauthenticated "KS007" "The cluster does not know you" Cluster;
    KubeconfigUnusable "KS008" "The kubeconfig names no cluster that can be used" Cluster;
    RequestFailed "KS009" "The API server could not do what it was asked" Cluster;
    // The installation.
    OperatorUnavailable "KS010" "The operator does not run" Cluster;
    NotInstalled "KS011" "The cluster does not serve the kinds of KubeStash" Cluster;
    VersionsDiffer "KS012" "Plugin and operator have different versions" Cluster;
    CatalogIncomplete "KS013" "The catalog is not complete" Cluster;
    SeveralOperators "KS014" "Several operators are installed" Usage;
    UninstallHindered "KS015" "Something is in the way of removing the installation" Cluster;
    WouldEraseData "KS016" "Removing the objects would erase backup data" Usage;
    // Storages.
    NoStorage "KS020" "There is no storage" Cluster;
    StorageNotReady "KS021" "A storage is not Ready" Failed;
    StorageUnreachable "KS022" "A bucket cannot be reached from here" Cluster;
    StorageNotAllowed "KS023" "A namespace may not use a storage" Cluster;
    StorageRefused "KS024" "A bucket does not accept the credentials" Cluster;
    StorageUnusable "KS025" "A storage cannot be used" Cluster;
    // Backups and their runs.
    BackupNotReady "KS030" "A backup is not Ready" Failed;
    RunFailed "KS031" "A run failed" Failed;
    Overdue "KS032" "A backup is overdue" Failed;
    NoBackup "KS033" "There is no backup" Cluster;
    NoRun "KS034" "There is no run to show" Cluster;
    RunSkipped "KS035" "A run was skipped" Skipped;
    RestoreFailed "KS036" "A restore failed" Failed;
    PlanOutdated "KS037" "The cluster has changed since the plan was shown" Failed;
    // Secrets, passwords and encryption.
    SecretIncomplete "KS040" "A Secret is missing, or lacks a key" Cluster;
    WrongPassword "KS041" "A password does not open the repository" Cluster;
    PasswordConflict "KS042" "A password or key is in use" Usage;
    // Repositories.
    RepositoryEmpty "KS050" "A repository holds nothing yet" Cluster;
    RepositoryLocked "KS051" "A repository is locked" Cluster;
    RepositoryUnusable "KS052" "A repository cannot be used" Cluster;
    SnapshotEmpty "KS053" "A snapshot holds nothing that can be read" Cluster;
    DestinationUnusable "KS054" "A place for files cannot be used" Usage;
    // Objects of the cluster.
    ObjectMissing "KS060" "An object does not exist" Cluster;
    FieldConflict "KS061" "A change conflicts with another manager" Cluster;
    ForeignObject "KS062" "Another tool looks after an object" Cluster;
    ObjectRefused "KS063" "The cluster does not accept an object" Cluster;
    WebhookDown "KS064" "An admission webhook does not answer" Cluster;
    // What was typed.
    ValueMissing "KS080" "A required value is missing" Usage;
    ValueInvalid "KS081" "A value cannot be used" Usage;
    Ambiguous "KS082" "It is not clear what is meant" Usage;
    NotConfirmed "KS083" "It was not confirmed" Usage;
    ReadOnly "KS084" "Read-only mode" Usage;
    FileUnusable "KS085" "A file cannot be read or written" Usage;
    CannotAsk "KS086" "A question cannot be asked here" Usage;
    NotUnderstood "KS087" "The command line is not understood" Usage;
    // The plugin itself.
    TimedOut "KS090" "It took longer than it may" TimedOut;
    OutputLost "KS091" "The output could not be written" Failed;
    Fault "KS099" "A fault of this program" Failed;
}

/// The page that explains every id.
pub const PAGE: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/HEAD/docs/errors.md");

impl Code {
    /// Where it is explained.
    #[must_use]
    pub fn docs(self) -> String {
        format!("{PAGE}#{}", self.id().to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests;
