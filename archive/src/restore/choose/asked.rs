//! What is asked for: what passes the filters, or single objects; and what these own and name.

use std::collections::{HashMap, HashSet};

use crate::manifest::path::Key;
use crate::restore::card::Card;
use crate::restore::identity::Identities;
use crate::restore::kinds;
use crate::restore::options::Options;

/// Whether a name passes the filters of types and namespaces. The name of a Namespace object is that of a namespace
/// (contract A12).
pub fn passes(key: &Key, options: &Options) -> bool {
    let filters = &options.filters;
    let place = match &key.namespace {
        Some(namespace) => filters.namespaces.admits(namespace),
        None => {
            filters.cluster_resources && (!kinds::is_namespace(key) || filters.namespaces.admits(&key.name))
        }
    };
    place && filters.resources.admits(&key.group_resource)
}

/// Whether a name was ruled out, and not only left unmentioned.
pub fn is_excluded(key: &Key, options: &Options) -> bool {
    let filters = &options.filters;
    let namespace = key.namespace.as_deref().or_else(|| kinds::is_namespace(key).then_some(&key.name));
    filters.resources.excludes(&key.group_resource)
        || namespace.is_some_and(|namespace| filters.namespaces.excludes(namespace))
}

/// Which of `cards` are asked for. Single objects are asked for whatever the filters say; what is owned or named by what
/// is asked for is kept out by excludes only.
pub fn asked(cards: &[Card], options: &Options) -> Vec<bool> {
    let named: HashSet<&Key> = options.objects.iter().collect();
    let mut asked: Vec<bool> = cards
        .iter()
        .map(|card| {
            if named.is_empty() {
                card.labelled && passes(&card.key, options)
            } else {
                named.contains(&card.key)
            }
        })
        .collect();
    if options.with_owned || options.with_references {
        reach(cards, options, &mut asked);
    }
    asked
}

fn reach(cards: &[Card], options: &Options, asked: &mut [bool]) {
    let children = if options.with_owned { children(cards) } else { vec![Vec::new(); cards.len()] };
    let by_key: HashMap<&Key, usize> =
        cards.iter().enumerate().map(|(index, card)| (&card.key, index)).collect();
    let mut open: Vec<usize> = (0..cards.len()).filter(|index| asked[*index]).collect();
    while let Some(index) = open.pop() {
        let references = cards[index].references.iter().filter(|_| options.with_references);
        let named = references.filter_map(|key| by_key.get(key).copied());
        for next in children[index].iter().copied().chain(named) {
            if !asked[next] && !is_excluded(&cards[next].key, options) {
                asked[next] = true;
                open.push(next);
            }
        }
    }
}

/// What each card owns.
fn children(cards: &[Card]) -> Vec<Vec<usize>> {
    let identities = Identities::of(cards.iter().enumerate());
    let mut children = vec![Vec::new(); cards.len()];
    for (index, card) in cards.iter().enumerate() {
        for owner in &card.owners {
            if let Some(parent) = identities.owner(card, owner) {
                children[parent].push(index);
            }
        }
    }
    children
}
