//! What is known of an object before it is sent: all that [`super::choose`] and [`super::tier`] judge by, and no more,
//! since there may be 50,000 in memory at once.

use crds::label;
use serde_json::{Map, Value};

use super::kinds;
use super::options::Options;
use super::references;
use super::verdict::{Problem, ProblemKind};
use crate::manifest::path::Key;

/// More owners than this nothing has. Cards stay in memory, and a crafted snapshot compresses well.
const MOST_OWNERS: usize = 100;
/// No name of a kind, a version or an object is longer, in bytes.
const LONGEST: usize = 512;

mod standing;

pub use standing::Standing;

/// An object of a snapshot, in few words.
#[expect(clippy::struct_excessive_bools, reason = "each is judged by itself, and all combinations occur")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The object, by its path.
    pub key: Key,
    /// For example `apps/v1`.
    pub api_version: String,
    /// For example `Deployment`.
    pub kind: String,
    /// In their order.
    pub owners: Vec<Owner>,
    /// Whether its labels pass the filters.
    pub labelled: bool,
    /// What speaks against making it again.
    pub standing: Standing,
    /// Of a Service: it asks for a port or address of its own, which another must not take first.
    pub fixed: bool,
    /// Of a Service: it has a selector, so that its Endpoints are made by a controller.
    pub selects: bool,
    /// Of a ServiceAccount: the Secrets that it lists.
    pub tokens: Vec<String>,
    /// Of a Secret with a token: the ServiceAccount whose it is. Made before that, it would be deleted.
    pub account: Option<String>,
    /// Whether it is a part of the backup system.
    pub backup_system: bool,
    /// What it names; empty unless [`Options::with_references`].
    pub references: Vec<Key>,
}

/// One owner reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// For example `apps/v1`.
    pub api_version: String,
    /// For example `ReplicaSet`.
    pub kind: String,
    /// The owner's name. It is in the same namespace, or in none.
    pub name: String,
    /// Whether it is the one that makes the object again.
    pub controller: bool,
    /// `blockOwnerDeletion`, where it is said.
    pub blocks_deletion: Option<bool>,
}

impl Owner {
    /// Empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        group_of(&self.api_version)
    }
}

impl Card {
    /// Reads an object that lies at `key`. One that is not what its path says is [`ProblemKind::Malformed`]: it would be
    /// judged by its path and made as something else.
    pub fn read(key: &Key, object: &Map<String, Value>, options: &Options) -> Result<Self, Problem> {
        check_names(key)?;
        let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let metadata = object.get("metadata").and_then(Value::as_object);
        let metadata = metadata.ok_or_else(|| malformed("it has no metadata"))?;
        if ![kind, api_version].iter().all(|text| is_name(text)) {
            return Err(malformed("it does not say its apiVersion and kind"));
        }
        if group_of(api_version) != kinds::group(&key.group_resource) {
            return Err(malformed(&format!("it says that it is of {api_version:?}")));
        }
        let said = |field: &str| metadata.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        if said("name") != Some(&key.name) {
            return Err(malformed("its metadata has another name than its path"));
        }
        if said("namespace") != key.namespace.as_deref() {
            return Err(malformed("its metadata has another namespace than its path"));
        }
        let labels = metadata.get("labels").and_then(Value::as_object).into_iter().flatten();
        let labels = labels.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
        Ok(Self {
            key: key.clone(),
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            owners: owners(metadata)?,
            labelled: options.filters.labels.admit(labels),
            standing: standing::judge(key, object, metadata),
            fixed: is_fixed(key, object, options.safe),
            selects: key.group_resource == "services" && !is_empty(object, "/spec/selector"),
            tokens: tokens(key, object),
            account: standing::account(key, metadata).map(str::to_owned),
            backup_system: is_backup_system(key, metadata),
            references: if options.with_references { references::of(key, object) } else { Vec::new() },
        })
    }

    /// Empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        kinds::group(&self.key.group_resource)
    }

    /// The owner that makes the object again, if it has one.
    #[must_use]
    pub fn controller(&self) -> Option<&Owner> {
        self.owners.iter().find(|owner| owner.controller)
    }
}

fn group_of(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

fn malformed(why: &str) -> Problem {
    Problem { kind: ProblemKind::Malformed, message: why.to_owned() }
}

/// What may not be part of a request's path (`IsValidPathSegmentName` of Kubernetes), or of a type's name.
fn check_names(key: &Key) -> Result<(), Problem> {
    let is_segment = |text: &str| !text.contains(['%', '/']) && !text.chars().any(char::is_control);
    let is_label = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    if !key.group_resource.split('.').all(is_label) {
        return Err(malformed("no type has such a name"));
    }
    if !is_segment(&key.name) || !key.namespace.as_deref().is_none_or(is_segment) {
        return Err(malformed("no object has such a name"));
    }
    Ok(())
}

/// By its type, by the definition of that, or by the labels that operator and installation set. Without its
/// CustomResourceDefinitions the backup system is gone, and all its objects with it.
fn is_backup_system(key: &Key, metadata: &Map<String, Value>) -> bool {
    let labels = metadata.get("labels");
    let label = |name: &str| labels.and_then(|labels| labels.get(name)).and_then(Value::as_str);
    let is_definition = key.group_resource == kinds::DEFINITIONS;
    kinds::is_backup_system(&key.group_resource)
        || is_definition && kinds::is_backup_system(&key.name)
        || label(label::MANAGED_BY) == Some(label::MANAGED_BY_KUBESTASH)
        || matches!(label(label::APP_NAME), Some(label::OPERATOR | "kubestash"))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST
}

fn owners(metadata: &Map<String, Value>) -> Result<Vec<Owner>, Problem> {
    let references = metadata.get("ownerReferences").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if references.len() > MOST_OWNERS {
        return Err(malformed(&format!("it has {} owners", references.len())));
    }
    let owner = |reference: &Value| {
        let text = |field: &str| reference.get(field).and_then(Value::as_str).filter(|text| is_name(text));
        let flag = |field: &str| reference.get(field).and_then(Value::as_bool);
        Some(Owner {
            api_version: text("apiVersion")?.to_owned(),
            kind: text("kind")?.to_owned(),
            name: text("name")?.to_owned(),
            controller: flag("controller").unwrap_or(false),
            blocks_deletion: flag("blockOwnerDeletion"),
        })
    };
    Ok(references.iter().filter_map(owner).collect())
}

fn is_empty(object: &Map<String, Value>, pointer: &str) -> bool {
    at(object, pointer).and_then(Value::as_object).is_none_or(Map::is_empty)
}

/// A value below an object, by JSON pointer.
fn at<'a>(object: &'a Map<String, Value>, pointer: &str) -> Option<&'a Value> {
    let (first, rest) = pointer.strip_prefix('/')?.split_once('/')?;
    object.get(first)?.pointer(&format!("/{rest}"))
}

fn is_fixed(key: &Key, object: &Map<String, Value>, safe: bool) -> bool {
    if key.group_resource != "services" {
        return false;
    }
    let ports = at(object, "/spec/ports").and_then(Value::as_array).into_iter().flatten();
    let port = ports
        .into_iter()
        .any(|port| port.get("nodePort").and_then(Value::as_u64).is_some_and(|port| port > 0));
    let address = at(object, "/spec/clusterIP").and_then(Value::as_str);
    port || !safe && address.is_some_and(|address| !matches!(address, "" | "None"))
}

fn tokens(key: &Key, object: &Map<String, Value>) -> Vec<String> {
    if key.group_resource != "serviceaccounts" {
        return Vec::new();
    }
    let listed = object.get("secrets").and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(|secret| Some(secret.get("name")?.as_str()?.to_owned())).collect()
}

#[cfg(test)]
mod tests;
