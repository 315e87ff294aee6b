//! From an object of the snapshot to what is sent: which version, what is left out, what is changed on the way, whom it
//! belongs to.

use serde_json::{Map, Value, json};

use super::card::Card;
use super::kinds;
use super::options::Existing;
use super::outcome::Outcome;
use super::owners::{Resolved, reference};
use super::requests::At;
use super::source::Object;
use super::types::{Place, Way};
use super::verdict::{Problem, ProblemKind};
use super::walk::Walk;
use super::{prepare, removed, transform};
use crate::manifest::path::Key;

/// An object that can be sent.
pub struct Draft {
    /// Where it will be.
    pub target: Key,
    /// In which version.
    pub place: Place,
    /// It was written for another version than this one, which the cluster does not serve.
    pub converted: bool,
    /// Its type does not exist before the restore: a plan cannot send it.
    pub coming: bool,
    /// What is sent.
    pub object: Value,
    /// What is left to the cluster, as a tree of names: a replacement keeps it.
    pub left_out: Value,
    /// What is worth knowing.
    pub notes: Vec<String>,
}

impl Draft {
    /// Where it is asked for.
    pub const fn at(&self) -> At<'_> {
        At { place: &self.place, key: &self.target, strict: self.converted }
    }
}

impl Walk<'_> {
    /// Makes of an object what is sent; what cannot be sent has its outcome. In the `last` round no owner is waited for.
    pub async fn draft(&self, card: &Card, mut object: Object, last: bool) -> Result<Draft, Outcome> {
        let target = transform::target(&card.key, &self.options.transform);
        let way = self.types().way(&card.key.group_resource, &card.api_version);
        let (place, converted, coming) = match way {
            Way::Served(place) => (place, false, false),
            Way::Converted(place) => (place, true, false),
            Way::Coming(place) => (place, false, true),
            Way::Missing => return Err(Outcome::fail(self.missing_type(card, None))),
        };
        check_type(card, &place).map_err(Outcome::fail)?;
        let replaces = self.options.existing == Existing::Replace;
        let whole = if replaces { Some(object.clone()) } else { None };
        let status = place.served.status_subresource;
        prepare::prepare(&mut object, &card.key, status, &self.surroundings);
        let left_out = whole.map_or(Value::Null, |whole| left_out(&whole, &object));
        transform::transform(&mut object, &card.key, &self.options.transform).map_err(Outcome::fail)?;
        let mut notes = Vec::new();
        if converted {
            object.insert("apiVersion".to_owned(), json!(place.api_version()));
            notes.push(format!("written as {}: {} is not served", place.api_version(), card.api_version));
        }
        let owners = self.references(card, last, &mut notes).await?;
        own(&mut object, owners);
        let object = Value::Object(object);
        Ok(Draft { target, place, converted, coming, object, left_out, notes })
    }

    /// That the type of an object is not served, or not in its version.
    pub fn missing_type(&self, card: &Card, said: Option<&str>) -> Problem {
        let name = &card.key.group_resource;
        let served = self.types().versions(name);
        let version = card.api_version.rsplit('/').next().unwrap_or_default();
        let replacement = removed::replacement(card.group(), version, kinds::plural(name)).map(str::to_owned);
        let message = match said {
            Some(said) => said.to_owned(),
            None => format!("the cluster does not serve {name} in version {}", card.api_version),
        };
        Problem { kind: ProblemKind::MissingType { served, replacement }, message }
    }

    async fn references(
        &self,
        card: &Card,
        last: bool,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Value>, Outcome> {
        let mut references = Vec::with_capacity(card.owners.len());
        for owner in &card.owners {
            let place = self.types().of_kind(&owner.api_version, &owner.kind);
            let api_version = place.as_ref().map_or_else(|| owner.api_version.clone(), Place::api_version);
            let how = (place.as_ref(), &self.options.transform);
            match self.owners.resolve(self.requests.api(), (card, owner), how, last).await {
                Resolved::Uid(uid) => references.push(reference(owner, &api_version, &uid)),
                Resolved::Drop(note) => notes.push(note),
                Resolved::Wait => {
                    let message = format!("its owner {} {} is not there yet", owner.kind, owner.name);
                    let outcome = Outcome::fail(Problem { kind: ProblemKind::Conflict, message });
                    return Err(Outcome { waits: true, ..outcome });
                }
            }
        }
        Ok(references)
    }
}

/// A crafted snapshot may have an object at the path of another type or scope.
fn check_type(card: &Card, place: &Place) -> Result<(), Problem> {
    let malformed = |message: String| Err(Problem { kind: ProblemKind::Malformed, message });
    if place.served.kind != card.kind {
        let (name, kind) = (&card.key.group_resource, &place.served.kind);
        return malformed(format!("it says that it is a {}, and {name} are of kind {kind}", card.kind));
    }
    match (place.of.namespaced, &card.key.namespace) {
        (true, None) => malformed("it has no namespace, and its type needs one".to_owned()),
        (false, Some(_)) => malformed("it has a namespace, and its type has none".to_owned()),
        (true, Some(_)) | (false, None) => Ok(()),
    }
}

fn own(object: &mut Object, owners: Vec<Value>) {
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else { return };
    if owners.is_empty() {
        metadata.remove("ownerReferences");
    } else {
        metadata.insert("ownerReferences".to_owned(), Value::Array(owners));
    }
}

/// The fields that `whole` has and `prepared` lacks, as a tree whose leaves are true.
fn left_out(whole: &Object, prepared: &Object) -> Value {
    let mut tree = Map::new();
    for (name, value) in whole {
        let below = match (value, prepared.get(name)) {
            (_, None) => Value::Bool(true),
            (Value::Object(whole), Some(Value::Object(prepared))) => left_out(whole, prepared),
            (_, Some(_)) => Value::Null,
        };
        if !below.is_null() {
            tree.insert(name.clone(), below);
        }
    }
    if tree.is_empty() { Value::Null } else { Value::Object(tree) }
}

/// Takes from `live` what was left out of `object`.
pub fn keep_live(object: &mut Value, left_out: &Value, live: &Value) {
    let (Value::Object(tree), Value::Object(object), Value::Object(live)) = (left_out, object, live) else {
        return;
    };
    for (name, below) in tree {
        let Some(value) = live.get(name) else { continue };
        match (below, object.get_mut(name)) {
            (Value::Bool(true), None) => {
                object.insert(name.clone(), value.clone());
            }
            (Value::Object(_), Some(inner)) => keep_live(inner, below, value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: Value) -> Object {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_replacement_keeps_what_was_left_to_the_cluster_and_nothing_else() {
        let whole = map(json!({
            "metadata": {"name": "a", "annotations": {"bound": "yes", "mine": "1"}, "ownerReferences": [{}]},
            "spec": {"volumeName": "old", "size": 1}, "status": {"phase": "Bound"}}));
        let prepared =
            map(json!({"metadata": {"name": "a", "annotations": {"mine": "1"}}, "spec": {"size": 1}}));
        let tree = left_out(&whole, &prepared);
        let live = json!({
            "metadata": {"name": "a", "uid": "u", "annotations": {"bound": "yes", "other": "2"}},
            "spec": {"volumeName": "new", "size": 2, "extra": true}, "status": {"phase": "Bound"}});
        let mut sent = Value::Object(prepared.clone());
        keep_live(&mut sent, &tree, &live);
        assert_eq!(
            sent,
            json!({
                "metadata": {"name": "a", "annotations": {"bound": "yes", "mine": "1"}},
                "spec": {"volumeName": "new", "size": 1}, "status": {"phase": "Bound"}})
        );
        assert_eq!(left_out(&prepared, &prepared), Value::Null);
    }
}
