//! Which objects of a snapshot are brought back.

use super::card::Card;
use super::options::Options;
use super::verdict::{Problem, Skip};
use crate::manifest::path::Key;

/// What is to become of an object of the snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It is brought back.
    Take,
    /// A Namespace that nobody asked for: it is made, from its manifest, only when something in it is (contract A13).
    IfNeeded,
    /// It was meant by the filters, and is not brought back.
    Skip(Skip),
    /// Nobody asked for it: it has no line in a report.
    Outside,
    /// It cannot be brought back.
    Fail(Problem),
}

/// What the name alone decides; none when the object has to be read.
#[must_use]
pub fn by_name(_key: &Key, _options: &Options) -> Option<Choice> {
    None
}

/// What is to become of each, in the order of `cards`. They are all of a snapshot that [`by_name`] leaves open.
#[must_use]
pub fn choose(cards: &[Card], _options: &Options) -> Vec<Choice> {
    cards.iter().map(|_| Choice::Take).collect()
}

/// The single objects that were asked for and are not in the snapshot.
#[must_use]
pub fn absent<'a>(_options: &'a Options, _holds: impl Fn(&Key) -> bool) -> Vec<&'a Key> {
    Vec::new()
}

/// Whether an object of the cluster that the snapshot lacks may be removed. `live` may be read from metadata alone, with
/// apiVersion and kind of its type filled in.
#[must_use]
pub fn may_be_removed(_live: &Card, _options: &Options) -> bool {
    false
}
