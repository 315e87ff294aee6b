//! Objects by what an owner reference says of them: group, kind and name; the owner is in the namespace of what it owns, or
//! in none. (The uid that it says is that of an object which does not exist any more.)

use std::collections::HashMap;

use super::card::{Card, Owner};

/// Group, kind, namespace, name.
type Identity<'a> = (&'a str, &'a str, Option<&'a str>, &'a str);

/// Some cards, each under a number.
pub struct Identities<'a>(HashMap<Identity<'a>, usize>);

impl<'a> Identities<'a> {
    /// Of two cards of one identity, which no API server has, the first counts.
    pub fn of(cards: impl Iterator<Item = (usize, &'a Card)>) -> Self {
        let mut all = HashMap::new();
        for (number, card) in cards {
            let identity =
                (card.group(), card.kind.as_str(), card.key.namespace.as_deref(), card.key.name.as_str());
            all.entry(identity).or_insert(number);
        }
        Self(all)
    }

    /// The number of an owner of `card`.
    pub fn owner(&self, card: &Card, owner: &Owner) -> Option<usize> {
        let find = |namespace: Option<&str>| {
            self.0.get(&(owner.group(), owner.kind.as_str(), namespace, owner.name.as_str())).copied()
        };
        find(card.key.namespace.as_deref()).or_else(|| find(None))
    }
}
