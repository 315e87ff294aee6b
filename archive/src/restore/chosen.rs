//! What of a snapshot is brought back, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use super::choose::{self, Choice};
use super::options::Options;
use super::outcome::Outcome;
use super::prepare::Surroundings;
use super::report::Line;
use super::source::Contents;
use super::{tier, transform};

/// What of a snapshot is brought back.
pub struct Chosen {
    /// Indexes of cards, by level.
    pub levels: Vec<Vec<usize>>,
    /// Namespaces that nobody asked for, by the name that they will have: made when something in them is brought back.
    pub if_needed: BTreeMap<String, usize>,
    /// What is not brought back, or cannot be.
    pub lines: Vec<Line>,
}

impl Chosen {
    /// Chooses by `options`.
    pub fn of(contents: &Contents, options: &Options) -> Self {
        let mut chosen = Self { levels: Vec::new(), if_needed: BTreeMap::new(), lines: Vec::new() };
        for (key, choice) in &contents.decided {
            chosen.lines.extend(outcome(choice.clone()).map(|outcome| {
                let target = transform::target(key, &options.transform);
                outcome.line(key, &target)
            }));
        }
        let mut taken = Vec::new();
        for (index, choice) in choose::choose(&contents.cards, options).into_iter().enumerate() {
            let key = &contents.cards[index].key;
            let target = transform::target(key, &options.transform);
            match choice {
                Choice::Take => taken.push(index),
                Choice::IfNeeded => {
                    chosen.if_needed.insert(target.name, index);
                }
                choice @ (Choice::Skip(_) | Choice::Fail(_) | Choice::Outside) => {
                    chosen.lines.extend(outcome(choice).map(|outcome| outcome.line(key, &target)));
                }
            }
        }
        chosen.lines.sort_by_cached_key(Line::key);
        chosen.levels = tier::levels(&contents.cards, &taken);
        chosen
    }

    /// All that is brought back.
    pub fn taken(&self) -> Vec<usize> {
        self.levels.iter().flatten().copied().collect()
    }

    /// What preparing an object depends on.
    pub fn surroundings(&self, contents: &Contents, options: &Options) -> Surroundings {
        let keys = self.levels.iter().flatten().map(|index| &contents.cards[*index].key);
        let volumes = keys.filter(|key| key.group_resource == "persistentvolumes");
        let volumes: BTreeSet<String> = volumes.map(|key| key.name.clone()).collect();
        Surroundings { safe: options.safe, volumes }
    }
}

/// Of what is not brought back; none for what nobody asked for.
fn outcome(choice: Choice) -> Option<Outcome> {
    match choice {
        Choice::Skip(reason) => Some(Outcome::skip(reason)),
        Choice::Fail(problem) => Some(Outcome::fail(problem)),
        Choice::Take | Choice::IfNeeded | Choice::Outside => None,
    }
}
