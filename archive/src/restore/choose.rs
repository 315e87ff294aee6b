//! Which objects of a snapshot are brought back.
//!
//! First what is asked for ([`asked`]): by filters, or one by one, and what these own and name. Then what speaks against
//! each ([`gate`]). Then what a controller makes again anyway ([`owned`]), and what would become the same as another.

use std::collections::HashSet;

use super::card::Card;
use super::kinds;
use super::options::Options;
use super::transform;
use super::verdict::{Problem, ProblemKind, Skip};
use crate::manifest::path::Key;

mod asked;
mod gate;
mod owned;
mod removal;

pub use gate::is_generated_token;
pub use removal::may_be_removed;

/// What is to become of an object of the snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It is brought back.
    Take,
    /// A Namespace that nobody asked for: it is made, from its manifest, only when something in it is (contract A13).
    IfNeeded,
    /// It was asked for, and is not brought back.
    Skip(Skip),
    /// Nobody asked for it: it has no line in a report.
    Outside,
    /// It cannot be brought back.
    Fail(Problem),
}

/// What the name alone decides; none when the object has to be read. Filters come before everything else (contract A14):
/// what they leave out need not even be of a type that the cluster knows.
#[must_use]
pub fn by_name(key: &Key, options: &Options) -> Option<Choice> {
    if kinds::is_namespace(key) || options.objects.contains(key) {
        return None;
    }
    let reaches = options.with_owned || options.with_references;
    let possible = if reaches {
        !asked::is_excluded(key, options)
    } else {
        options.objects.is_empty() && asked::passes(key, options)
    };
    if !possible {
        return Some(Choice::Outside);
    }
    let certain = !reaches && options.filters.labels.is_open();
    match gate::of_type(key, options)? {
        skip if certain => Some(Choice::Skip(skip)),
        // Nobody can say whether it was asked for without reading it, and that is not worth it.
        Skip::NotRestorable => Some(Choice::Outside),
        _ => None,
    }
}

/// What is to become of each, in the order of `cards`: all of a snapshot that [`by_name`] leaves open.
#[must_use]
pub fn choose(cards: &[Card], options: &Options) -> Vec<Choice> {
    let asked = asked::asked(cards, options);
    let cluster = gate::Cluster::of(cards);
    let gated: Vec<Option<Choice>> = cards
        .iter()
        .zip(asked)
        .map(|(card, asked)| match asked {
            true => gate::of_card(card, &cluster, options).map(Choice::Skip),
            false if kinds::is_namespace(&card.key) => Some(Choice::IfNeeded),
            false => Some(Choice::Outside),
        })
        .collect();
    let owned = owned::Makers::of(cards);
    let mut choices: Vec<Choice> = (0..cards.len())
        .map(|index| match &gated[index] {
            Some(choice) => choice.clone(),
            None => owned.made_again(index, &gated).map_or(Choice::Take, Choice::Skip),
        })
        .collect();
    refuse_collisions(cards, options, &mut choices);
    choices
}

/// The single objects that were asked for and are not in the snapshot.
#[must_use]
pub fn absent(options: &Options, holds: impl Fn(&Key) -> bool) -> Vec<&Key> {
    options.objects.iter().filter(|key| !holds(key)).collect()
}

/// Two objects that would become one by the mapping of namespaces: the one that is mapped goes first.
fn refuse_collisions(cards: &[Card], options: &Options, choices: &mut [Choice]) {
    if options.transform.namespaces.is_empty() {
        return;
    }
    let target = |card: &Card| transform::target(&card.key, &options.transform);
    let taken = |choice: &Choice| matches!(choice, Choice::Take);
    let mapped: HashSet<Key> = (cards.iter().zip(&*choices))
        .filter(|(card, choice)| taken(choice) && target(card) != card.key)
        .map(|(card, _)| target(card))
        .collect();
    for (card, choice) in cards.iter().zip(choices) {
        if taken(choice) && mapped.contains(&card.key) && target(card) == card.key {
            let message = "an object of another namespace is mapped to the same name".to_owned();
            *choice = Choice::Fail(Problem { kind: ProblemKind::Collision, message });
        }
    }
}

#[cfg(test)]
mod tests;
