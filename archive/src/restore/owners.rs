//! Who owns what, by the uids of this cluster. An owner that is brought back has a new one, known from the answer to its
//! create; one that is not is looked up once; one that does not exist is left out, as the garbage collector would remove
//! what names it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::card::{Card, Owner};
use super::options::Transform;
use super::outcome::Outcome;
use super::transform;
use super::types::Place;
use crate::api::{Api, encoded};
use crate::manifest::path::Key;

/// One object of which only `metadata` is there.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
/// In a plan an owner that is still to be made has no uid; the server checks only that there is one.
const PLANNED: &str = "00000000-0000-0000-0000-000000000000";

/// An object, as an owner reference of the snapshot means it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Meant {
    group: String,
    kind: String,
    namespace: Option<String>,
    name: String,
}

/// What is known of an owner that is brought back.
#[derive(Clone, Debug)]
enum State {
    Waiting,
    There {
        uid: String,
    },
    Planned,
    /// With whether it may still come.
    Failed {
        may_pass: bool,
    },
}

/// The owners of a restore.
#[derive(Default)]
pub struct Owners {
    restored: Mutex<HashMap<Meant, State>>,
    /// Those outside, by where they are in the cluster.
    others: Mutex<HashMap<Key, Arc<OnceCell<Found>>>>,
}

#[derive(Clone, Debug)]
enum Found {
    Uid(String),
    Absent,
    Unknown(String),
}

/// What becomes of one owner reference.
#[derive(Debug, PartialEq, Eq)]
pub enum Resolved {
    /// It is written with this uid.
    Uid(String),
    /// It cannot be written yet.
    Wait,
    /// It is left out.
    Drop(String),
}

impl Owners {
    /// The cards of `taken` that own another of them.
    pub fn of(cards: &[Card], taken: &[usize]) -> Self {
        let meant: HashSet<Meant> = taken.iter().flat_map(|index| all_meant(&cards[*index])).collect();
        let restored = taken
            .iter()
            .map(|index| name(&cards[*index]))
            .filter(|name| meant.contains(name))
            .map(|name| (name, State::Waiting));
        Self { restored: Mutex::new(restored.collect()), others: Mutex::default() }
    }

    /// Whether anything that is brought back names this one as its owner.
    pub fn concerns(&self, card: &Card) -> bool {
        self.states().contains_key(&name(card))
    }

    /// An object is there, or would be.
    pub fn there(&self, card: &Card, uid: Option<&str>) {
        let state = uid.map_or(State::Planned, |uid| State::There { uid: uid.to_owned() });
        self.set(card, state);
    }

    /// An object was deleted, to be made again.
    pub fn gone(&self, card: &Card) {
        self.set(card, State::Waiting);
    }

    /// An object could not be brought back. One that exists, and only could not be changed, is an owner all the same.
    pub fn failed(&self, card: &Card, outcome: &Outcome) {
        if let Some(state @ (State::Waiting | State::Failed { .. })) = self.states().get_mut(&name(card)) {
            *state = State::Failed { may_pass: outcome.may_pass() };
        }
    }

    fn set(&self, card: &Card, state: State) {
        if let Some(known) = self.states().get_mut(&name(card)) {
            *known = state;
        }
    }

    /// What becomes of a reference of `card` to one that is brought back as well; none for one that is not.
    fn restored(&self, card: &Card, owner: &Owner, last: bool) -> Option<Resolved> {
        let states = self.states();
        let state = both_meant(card, owner).into_iter().find_map(|meant| states.get(&meant).cloned())?;
        Some(match state {
            State::There { uid } => Resolved::Uid(uid),
            State::Planned => Resolved::Uid(PLANNED.to_owned()),
            State::Failed { may_pass: true } if !last => Resolved::Wait,
            // An object that owns itself over some steps waits for nobody.
            State::Failed { .. } | State::Waiting => {
                Resolved::Drop(format!("its owner {} {} could not be brought back", owner.kind, owner.name))
            }
        })
    }

    /// What becomes of a reference of `card`. `place` is the type of the owner, where the cluster has it. In the `last`
    /// round nothing is waited for.
    pub async fn resolve(
        &self,
        api: &Api,
        (card, owner): (&Card, &Owner),
        (place, transform): (Option<&Place>, &Transform),
        last: bool,
    ) -> Resolved {
        if let Some(resolved) = self.restored(card, owner, last) {
            return resolved;
        }
        let told = format!("{} {}", owner.kind, owner.name);
        let Some(place) = place else {
            return Resolved::Drop(format!("its owner {told} is of a type that the cluster does not have"));
        };
        let namespace = if place.of.namespaced { card.key.namespace.clone() } else { None };
        let key = Key { group_resource: place.of.group_resource(), namespace, name: owner.name.clone() };
        let key = transform::target(&key, transform);
        let cell = {
            let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(others.entry(key.clone()).or_default())
        };
        match cell.get_or_init(|| find(api, place, &key)).await {
            Found::Uid(uid) => Resolved::Uid(uid.clone()),
            Found::Absent => Resolved::Drop(format!("its owner {told} does not exist any more")),
            Found::Unknown(why) => {
                Resolved::Drop(format!("whether its owner {told} exists is not known: {why}"))
            }
        }
    }

    /// A panic elsewhere leaves the map whole, since every change of it is one insertion.
    fn states(&self) -> MutexGuard<'_, HashMap<Meant, State>> {
        self.restored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An owner reference as it is written.
pub fn reference(owner: &Owner, api_version: &str, uid: &str) -> Value {
    let mut reference =
        json!({"apiVersion": api_version, "kind": owner.kind, "name": owner.name, "uid": uid});
    if owner.controller {
        reference["controller"] = json!(true);
    }
    if let Some(blocks) = owner.blocks_deletion {
        reference["blockOwnerDeletion"] = json!(blocks);
    }
    reference
}

/// The owners of `live`, where it names one of `object`'s by the uid of an earlier life; none where it does not. The garbage
/// collector is about to remove such an object.
pub fn relinked(object: &Value, live: &Value) -> Option<Vec<Value>> {
    let of = |object: &Value| -> Vec<Value> {
        let owners = object["metadata"]["ownerReferences"].as_array();
        owners.cloned().unwrap_or_default()
    };
    let (new, mut owners) = (of(object), of(live));
    let mut changed = false;
    for owner in &mut owners {
        let same = |new: &&Value| {
            let group = |owner: &Value| {
                owner["apiVersion"].as_str().map(|text| text.split('/').next().map(str::to_owned))
            };
            new["kind"] == owner["kind"] && new["name"] == owner["name"] && group(new) == group(owner)
        };
        if let Some(new) = new.iter().find(same).filter(|new| new["uid"] != owner["uid"]) {
            *owner = new.clone();
            changed = true;
        }
    }
    changed.then_some(owners)
}

/// Whether an owner of an object is still to be made.
pub fn has_planned(object: &Value) -> bool {
    let owners = object["metadata"]["ownerReferences"].as_array();
    owners.is_some_and(|owners| owners.iter().any(|owner| owner["uid"] == PLANNED))
}

async fn find(api: &Api, place: &Place, key: &Key) -> Found {
    #[derive(Deserialize)]
    struct Known {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        uid: String,
    }
    let collection = place.of.collection(&place.served, key.namespace.as_deref());
    match api.get_json::<Known>(&format!("{collection}/{}", encoded(&key.name)), METADATA).await {
        Ok(known) => Found::Uid(known.metadata.uid),
        Err(error) if error.is_absent() => Found::Absent,
        Err(error) => Found::Unknown(error.to_string()),
    }
}

fn name(card: &Card) -> Meant {
    Meant {
        group: card.group().to_owned(),
        kind: card.kind.clone(),
        namespace: card.key.namespace.clone(),
        name: card.key.name.clone(),
    }
}

fn all_meant(card: &Card) -> impl Iterator<Item = Meant> {
    card.owners.iter().flat_map(|owner| both_meant(card, owner))
}

/// An owner is in the namespace of what it owns, or in none.
fn both_meant(card: &Card, owner: &Owner) -> [Meant; 2] {
    let meant = |namespace: Option<String>| Meant {
        group: owner.group().to_owned(),
        kind: owner.kind.clone(),
        namespace,
        name: owner.name.clone(),
    };
    [meant(card.key.namespace.clone()), meant(None)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(owners: &Value) -> Value {
        json!({"metadata": {"ownerReferences": owners}})
    }

    #[test]
    fn only_references_to_an_earlier_life_are_replaced() {
        let owner = |name: &str, uid: &str| json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name, "uid": uid});
        let other = json!({"apiVersion": "example.com/v1", "kind": "Widget", "name": "x", "uid": "w"});
        let object = owned(&json!([owner("a", "new"), owner("b", "same")]));
        let live = owned(&json!([other, owner("a", "old"), owner("b", "same")]));
        assert_eq!(
            relinked(&object, &live),
            Some(vec![other.clone(), owner("a", "new"), owner("b", "same")])
        );
        for live in [owned(&json!([other, owner("b", "same")])), owned(&json!([])), json!({"metadata": {}})] {
            assert_eq!(relinked(&object, &live), None, "{live}");
        }
    }
}
