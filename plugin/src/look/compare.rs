//! All that differs between two collections of objects. What is stored as the same bytes is never read.

use std::collections::BTreeMap;

use archive::manifest::path::Key;
use serde_json::{Value, json};

use super::body;
use super::changes::{self, Field};
use super::library::{Item, Library};
use crate::diff::Change;
use crate::failure::Failure;

/// How many objects are in memory at once, on each side.
const AT_ONCE: usize = 256;

/// How an object changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Added,
    Removed,
    Modified,
}

impl Kind {
    /// As `git` and `restic diff` have it.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Added => "+",
            Self::Removed => "-",
            Self::Modified => "M",
        }
    }

    /// For programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Modified => "modified",
        }
    }
}

/// An object that differs.
#[derive(Clone)]
pub struct Difference {
    pub key: Key,
    pub kind: Kind,
    /// Where it exists; without what changes by itself.
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub fields: Vec<Field>,
}

/// May hold what nobody may see.
impl std::fmt::Debug for Difference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Difference").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Difference {
    /// What differs, or nothing.
    #[must_use]
    pub fn between(key: Key, before: Option<&Value>, after: Option<&Value>) -> Option<Self> {
        let (before, after) = (before.map(body::meant), after.map(body::meant));
        let (kind, fields) = match (&before, &after) {
            (None, None) => return None,
            (None, Some(_)) => (Kind::Added, Vec::new()),
            (Some(_), None) => (Kind::Removed, Vec::new()),
            (Some(before), Some(after)) => (Kind::Modified, changes::fields(before, after)),
        };
        let same = kind == Kind::Modified && fields.is_empty();
        (!same).then_some(Self { key, kind, before, after, fields })
    }

    /// Whether nobody may see its values.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.key.group_resource == "secrets"
    }

    /// `deployments.apps/orders`
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}/{}", self.key.group_resource, self.key.name)
    }

    /// What changed, in a line; of a Secret only the names of its keys.
    #[must_use]
    pub fn summary(&self) -> String {
        if self.is_secret() { changes::paths(&self.fields) } else { changes::summary(&self.fields) }
    }

    /// The unified text below a heading; of a Secret only which values changed.
    pub fn patch(&self, sides: (&str, &str)) -> Result<String, Failure> {
        let namespace = self.key.namespace.as_deref().map_or(String::new(), |name| format!("{name}/"));
        let name = format!("{}/{namespace}{}", self.key.group_resource, self.key.name);
        let change = Change {
            name: &name,
            before: self.before.as_ref(),
            after: self.after.as_ref(),
            is_secret: self.is_secret(),
        };
        let paths = match self.kind {
            Kind::Modified => format!("   {}", changes::paths(&self.fields)),
            Kind::Added | Kind::Removed => String::new(),
        };
        Ok(format!("{}  {name}{paths}\n{}\n", self.kind.letter(), change.unified(sides)?))
    }

    /// For programs.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({
            "change": self.kind.word(),
            "resource": self.key.group_resource,
            "namespace": self.key.namespace,
            "name": self.key.name,
            "fields": changes::document(&self.fields, self.is_secret()),
        })
    }
}

/// What is on one side.
#[derive(Debug)]
pub enum Side<'a> {
    /// Objects of a snapshot, to be read when that is needed.
    Stored(&'a [Item]),
    /// Objects as the cluster has them.
    Live(BTreeMap<Key, Value>),
}

/// An object on both sides.
type Pair<'a> = (Option<&'a Item>, Option<&'a Item>);

/// How much was the same, beside what differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub unchanged: usize,
    /// Objects that differ, and that a controller makes.
    pub owned: usize,
    /// Files that are no manifests, or cannot be read as such.
    pub unreadable: usize,
}

impl Totals {
    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        self.unchanged += other.unchanged;
        self.owned += other.owned;
        self.unreadable += other.unreadable;
    }
}

/// Compares, and hands over each difference in the order of its path. `owned` says whether objects that controllers make
/// count.
pub async fn compare(
    library: &Library,
    before: &[Item],
    after: Side<'_>,
    owned: bool,
    mut each: impl FnMut(Difference) -> Result<(), Failure>,
) -> Result<Totals, Failure> {
    let mut totals = Totals::default();
    let (stored, mut live) = match after {
        Side::Stored(items) => (items, BTreeMap::new()),
        Side::Live(bodies) => (&[][..], bodies),
    };
    let known: Vec<Key> = live.keys().cloned().collect();
    let differing = differing(before, stored, &known, owned, &mut totals);
    for some in differing.chunks(AT_ONCE) {
        let blobs: Vec<_> = some
            .iter()
            .flat_map(|(_, (before, after))| [*before, *after])
            .flatten()
            .map(|item| item.blob.clone())
            .collect();
        let mut read = library.read(&blobs, |_, bytes| body::parse(bytes)).await?.into_iter();
        for (key, (before, after)) in some {
            let before = before.and_then(|_| read.next());
            let stored = after.and_then(|_| read.next());
            let after = stored.or_else(|| live.remove(*key).map(Ok));
            let (Ok(before), Ok(after)) = (before.transpose(), after.transpose()) else {
                totals.unreadable += 1;
                continue;
            };
            let is_owned = [&before, &after].into_iter().flatten().any(body::is_owned);
            match Difference::between((*key).clone(), before.as_ref(), after.as_ref()) {
                None => totals.unchanged += 1,
                Some(_) if is_owned && !owned => totals.owned += 1,
                Some(difference) => each(difference)?,
            }
        }
    }
    Ok(totals)
}

/// What must be read to know whether it differs; all else is counted.
fn differing<'a>(
    before: &'a [Item],
    after: &'a [Item],
    live: &'a [Key],
    owned: bool,
    totals: &mut Totals,
) -> Vec<(&'a Key, Pair<'a>)> {
    let mut pairs: BTreeMap<&Key, Pair<'a>> = BTreeMap::new();
    for item in before {
        match &item.key {
            Some(key) => pairs.entry(key).or_default().0 = Some(item),
            None => totals.unreadable += 1,
        }
    }
    for item in after {
        match &item.key {
            Some(key) => pairs.entry(key).or_default().1 = Some(item),
            None => totals.unreadable += 1,
        }
    }
    for key in live {
        pairs.entry(key).or_default();
    }
    let mut differing = Vec::new();
    for (key, pair) in pairs {
        match pair {
            (Some(before), Some(after)) if before.blob == after.blob => totals.unchanged += 1,
            _ if !owned && body::is_made(&key.group_resource) => totals.owned += 1,
            _ => differing.push((key, pair)),
        }
    }
    differing
}
