//! What a pass over a RestoreSession knows of its surroundings.

use std::collections::BTreeMap;

use crds::addons::{Addon, Function};
use crds::core::{BackupConfiguration, HookTemplate};
use crds::reference::ObjectReference;
use crds::storage::{BackupStorage, Repository, Snapshot};

use crate::cluster::Target;
use crate::execution::Execution;
use crate::secret::Encryption;

/// What was read.
#[derive(Debug, Default)]
pub struct Observed {
    /// What the session refers to; read until it is found to be valid.
    pub found: Option<Box<Found>>,
    /// The BackupConfigurations of the session's namespace that back up its target, or that it has paused.
    pub configurations: Vec<BackupConfiguration>,
    /// The restore Job.
    pub restore: Execution,
    /// The Job of the hook that runs.
    pub hook: Execution,
}

/// What a session refers to, as far as it exists. References are resolved: their namespaces are written out.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The Snapshot that is named, or all of the Repository that is named.
    pub snapshots: Vec<Snapshot>,
    /// The Repository.
    pub repository: Option<Repository>,
    /// The storage of the Repository.
    pub storage: Option<BackupStorage>,
    /// What opens the Repository, and what it is good for.
    pub encryption: Option<(ObjectReference, Encryption)>,
    /// The Addon.
    pub addon: Option<Addon>,
    /// The Functions of its tasks.
    pub functions: BTreeMap<String, Function>,
    /// Whether the ServiceAccount is there.
    pub account: bool,
    /// The templates of the hooks.
    pub hook_templates: BTreeMap<ObjectReference, Option<HookTemplate>>,
    /// Labels of the session's namespace, for usage policies.
    pub namespace_labels: BTreeMap<String, String>,
    /// Whether there is a target, and whether it is there.
    pub target: Option<Target>,
}
