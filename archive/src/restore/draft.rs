//! From an object of the snapshot to what is sent: which version, what is left out, what is changed on the way, whom it
//! belongs to.

use serde_json::{Value, json};

use super::card::Card;
use super::kinds;
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
        let status = place.served.status_subresource;
        prepare::prepare(&mut object, &card.key, status, &self.surroundings);
        transform::transform(&mut object, &card.key, &self.options.transform).map_err(Outcome::fail)?;
        let mut notes = Vec::new();
        if converted {
            object.insert("apiVersion".to_owned(), json!(place.api_version()));
            notes.push(format!("written as {}: {} is not served", place.api_version(), card.api_version));
        }
        let owners = self.references(card, last, &mut notes).await?;
        own(&mut object, owners);
        let object = Value::Object(object);
        Ok(Draft { target, place, converted, coming, object, notes })
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
