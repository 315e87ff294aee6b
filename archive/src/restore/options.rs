//! What is to be brought back, and how: [`decide`], from the parameters of a restore task.
//!
//! The parameters of contract §7.1 keep their names and meanings; those below the line are this project's own. An empty
//! value is no value. Lists and booleans are written as for a backup ([`crate::scope`]).
//!
//! | parameter | default | meaning |
//! |---|---|---|
//! | `IncludeClusterResources` | false | objects that belong to no namespace |
//! | `IncludeNamespaces`, `ExcludeNamespaces`, `IncludeResources`, `ExcludeResources` | all, none | as for a backup |
//! | `ANDedLabelSelectors`, `ORedLabelSelectors` | | as for a backup |
//! | `OverrideResources` | false | existing objects take the snapshot's fields (server-side apply) |
//! | `StorageClassMappings` | | `old=new,…` |
//! | `RestorePVs` | false | PersistentVolumes too, with `IncludeClusterResources` |
//! |---|---|---|
//! | `Objects` | | single objects, `groupResource/name` or `namespace/groupResource/name`, separated by commas |
//! | `WithOwned`, `WithReferences` | false | also what all this owns, or names; only excludes keep that out |
//! | `NamespaceMappings` | | `old=new,…` |
//! | `ImageRegistryMappings` | | `old=new,…`, by the beginning of an image's name, at a `/` |
//! | `AddLabels` | | `key=value,…`, on every object |
//! | `Patches` | | a JSON list of [`Patch`] |
//! | `IncludeRBACResources` | false | Roles and bindings; else only those that `IncludeResources` or `Objects` name |
//! | `IncludeWebhooks` | false | webhook configurations, admission policies, APIServices; likewise |
//! | `Prune` | false | exact: existing objects are replaced, and what the snapshot lacks is removed |
//! | `SafeRestore` | true | leaves out what would hurt in another cluster (contract A20) |
//! | `MaxIterations` | 5 | rounds for what depends on something that is not there yet |
//! | `PlanID` | | the plan that was shown ([`super::report::Report::plan_id`]) |
//! | `AcceptChanges` | false | with `Prune`: also without a plan that was shown, whatever the snapshot lacks by then |
//! | `AllowIncomplete` | false | also from a snapshot that is known to lack something |

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use snafu::Snafu;

use crate::manifest::path::Key;
use crate::scope::{self, Plan};
use crate::select::Filters;

mod decide;
mod parse;

pub use decide::decide;

/// Why parameters make no restore. All need a change by the user.
#[derive(Debug, PartialEq, Eq, Snafu)]
#[snafu(visibility(pub(crate)))]
pub enum Error {
    /// A boolean or list that cannot be read.
    #[snafu(transparent)]
    Filter {
        /// Which, and why.
        source: scope::Error,
    },
    /// A parameter that cannot be read.
    #[snafu(display("parameter {name} cannot be read: {reason}"))]
    Unreadable {
        /// The parameter.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Two parameters that cannot both be meant.
    #[snafu(display(
        "Prune removes what the snapshot lacks, but Objects asks for single objects: nothing else may be touched then"
    ))]
    PruneOfObjects,
}

/// What is to be brought back, and how.
#[expect(clippy::struct_excessive_bools, reason = "each is a parameter, and any combination can be meant")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Types, namespaces, labels.
    pub filters: Filters,
    /// Single objects, under the names that they have in the snapshot; empty for all.
    pub objects: Vec<Key>,
    /// Also what these own, over any number of steps.
    pub with_owned: bool,
    /// Also what these, and what they own, name: ConfigMaps, Secrets, ServiceAccounts, claims.
    pub with_references: bool,
    /// Roles and bindings, without naming them one by one.
    pub rights: bool,
    /// Webhook configurations, admission policies and APIServices, likewise.
    pub admission: bool,
    /// PersistentVolumes.
    pub volumes: bool,
    /// What becomes of objects that exist.
    pub existing: Existing,
    /// Whether what the snapshot lacks is removed.
    pub prune: bool,
    /// Leave out what would hurt in another cluster.
    pub safe: bool,
    /// What is changed on the way.
    pub transform: Transform,
    /// How often what failed is tried again, in all.
    pub rounds: u32,
    /// The plan that was shown.
    pub plan: Option<String>,
    /// Whatever the cluster has become since somebody looked.
    pub accept_changes: bool,
    /// Also from a snapshot that is known to lack something.
    pub incomplete: bool,
    /// What a backup of this scope covered: only within this is anything removed. Not a parameter: the caller knows it from
    /// the Snapshot.
    pub covered: Option<Plan>,
    /// What is neither changed nor removed, because the restore itself stands on it. Not a parameter either.
    pub protected: Protected,
}

/// What becomes of an object that exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// It stays as it is.
    #[default]
    Leave,
    /// It takes the snapshot's fields, by server-side apply; fields that the snapshot lacks stay.
    Apply,
    /// It becomes what the snapshot has, and nothing else.
    Replace,
}

/// What is changed on the way from the snapshot into the cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transform {
    /// Old to new.
    pub namespaces: BTreeMap<String, String>,
    /// Old to new.
    pub storage_classes: BTreeMap<String, String>,
    /// Beginnings of image names, old to new.
    pub image_registries: BTreeMap<String, String>,
    /// On every object.
    pub labels: BTreeMap<String, String>,
    /// Applied last, in their order.
    pub patches: Vec<Patch>,
}

/// A change to some objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Patch {
    /// Which: by type, and where given by name and namespace as they are in the snapshot.
    pub target: PatchTarget,
    /// A list is a JSON patch (RFC 6902), an object a strategic merge patch.
    pub patch: Value,
}

/// Which objects a [`Patch`] is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchTarget {
    /// `deployments`, `deployments.apps`.
    pub resource: String,
    /// Any, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Any, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// What a restore must not touch, by names in the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protected {
    /// Namespaces with all that is in them: the operator's.
    pub namespaces: BTreeSet<String>,
    /// Single objects: the Secrets that open the repository, the Job's ServiceAccount.
    pub objects: BTreeSet<Key>,
}
