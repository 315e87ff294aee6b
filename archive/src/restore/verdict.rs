//! What becomes of one object. The same words for what would happen and for what did.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a note begins that says what a plan could not ask the API server about.
pub const NOT_CHECKED: &str = "not checked";

/// What becomes of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "verdict")]
pub enum Verdict {
    /// It does not exist and is made.
    Create,
    /// It exists and is what the snapshot has.
    Unchanged,
    /// It exists, differs, and takes the snapshot's fields.
    Update {
        /// What differs.
        changes: Vec<Change>,
        /// Who wrote those fields last, as `manager: path`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        taken_from: Vec<String>,
    },
    /// It exists, cannot be changed into what the snapshot has, and is deleted and made again (Jobs).
    Recreate {
        /// What differs.
        changes: Vec<Change>,
    },
    /// It exists, differs, and stays as it is.
    Left {
        /// What differs.
        changes: Vec<Change>,
    },
    /// The snapshot has it, and it is not brought back.
    Skip {
        /// Why.
        reason: Skip,
    },
    /// The snapshot lacks it, and it is removed.
    Prune,
    /// It cannot be brought back.
    Fail {
        /// Why.
        problem: Problem,
    },
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// For example `spec.template.spec.containers[web].image`.
    pub path: String,
    /// In the cluster; absent where it does not exist, and for what nobody may see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Value>,
    /// In the snapshot, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Value>,
}

/// Why something that the snapshot has is not brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum Skip {
    /// Of a type that means nothing in another life of the cluster: Events, Nodes, sessions.
    NotRestorable,
    /// A controller makes it again from what is restored.
    Owned {
        /// `ReplicaSet orders-7c9`.
        by: String,
    },
    /// The cluster makes it by itself: `kube-root-ca.crt`, a Lease, the Endpoints of a Service.
    SystemMade,
    /// A Pod or Job that had ended.
    Completed,
    /// It was being deleted when it was backed up.
    BeingDeleted,
    /// A Role or binding that nobody asked for.
    RightsNotAsked,
    /// A webhook, policy or APIService that nobody asked for.
    AdmissionNotAsked,
    /// A PersistentVolume that nobody asked for.
    VolumesNotAsked,
    /// The restore stands on it.
    Protected,
}

impl Skip {
    /// In a few words.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::NotRestorable => "of no use in another life of the cluster".to_owned(),
            Self::Owned { by } => format!("made again by {by}"),
            Self::SystemMade => "made by the cluster itself".to_owned(),
            Self::Completed => "had ended when it was backed up".to_owned(),
            Self::BeingDeleted => "was being deleted when it was backed up".to_owned(),
            Self::RightsNotAsked => "rights come back only when asked for".to_owned(),
            Self::AdmissionNotAsked => "admission comes back only when asked for".to_owned(),
            Self::VolumesNotAsked => "volumes come back only when asked for".to_owned(),
            Self::Protected => "this restore stands on it".to_owned(),
        }
    }
}

/// Why an object cannot be brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Of which sort.
    pub kind: ProblemKind,
    /// In the words of the API server where it said something; never with the values of a Secret.
    pub message: String,
}

/// The sorts of problems.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "sort")]
pub enum ProblemKind {
    /// The rights do not suffice.
    Forbidden,
    /// The API server takes it for invalid.
    Invalid,
    /// A field that differs cannot be changed.
    Immutable,
    /// A webhook or policy says no, or cannot be asked.
    Refused {
        /// Its name.
        by: String,
    },
    /// A quota is used up.
    Quota,
    /// The cluster does not serve its type, or not in this version.
    MissingType {
        /// The versions that it does serve.
        served: Vec<String>,
        /// What took the place of a removed one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replacement: Option<String>,
    },
    /// Its namespace does not exist and is not made.
    MissingNamespace,
    /// Its namespace is being deleted.
    Terminating,
    /// Something else has the port, the address or the host name.
    Collision,
    /// Somebody changed it at the same time.
    Conflict,
    /// Too large for the API server, or not a manifest, or not the one its path says.
    Malformed,
    /// It could not be read from the repository.
    Unreadable,
    /// The API server did not answer.
    Unreachable,
}

impl ProblemKind {
    /// Whether what it lacks may come with the rest of the restore.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Refused { .. }
            | Self::Quota
            | Self::MissingType { .. }
            | Self::MissingNamespace
            | Self::Terminating
            | Self::Conflict
            | Self::Unreachable
            | Self::Invalid
            | Self::Forbidden => true,
            Self::Immutable | Self::Collision | Self::Malformed | Self::Unreadable => false,
        }
    }
}

impl Verdict {
    /// One word for people: what is to happen.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Unchanged => "unchanged",
            Self::Update { .. } => "update",
            Self::Recreate { .. } => "recreate",
            Self::Left { .. } => "leave",
            Self::Skip { .. } => "skip",
            Self::Prune => "prune",
            Self::Fail { .. } => "fail",
        }
    }

    /// One word for people: what has happened.
    #[must_use]
    pub const fn done(&self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Unchanged => "unchanged",
            Self::Update { .. } => "updated",
            Self::Recreate { .. } => "recreated",
            Self::Left { .. } => "left",
            Self::Skip { .. } => "skipped",
            Self::Prune => "pruned",
            Self::Fail { .. } => "failed",
        }
    }

    /// Whether something in the cluster is another afterwards.
    #[must_use]
    pub const fn changes_something(&self) -> bool {
        matches!(self, Self::Create | Self::Update { .. } | Self::Recreate { .. } | Self::Prune)
    }
}
