//! What a watch tells, in steps after each of which all objects are known.

use futures::{Stream, StreamExt as _, future};
use kube::runtime::watcher;
use kube::{Resource, ResourceExt};

/// A step of a watch.
#[derive(Clone, Debug, PartialEq)]
pub enum Changed<K> {
    /// All objects anew: at the beginning, and after the watch was broken for long.
    All(Vec<K>),
    /// One that is new or different.
    One(K),
    /// One that is gone.
    Gone(K),
}

impl<K: Resource> Changed<K> {
    /// Brings objects up to date.
    pub fn apply_to(self, objects: &mut Vec<K>) {
        let same =
            |one: &K, other: &K| one.name_any() == other.name_any() && one.namespace() == other.namespace();
        match self {
            Self::All(all) => *objects = all,
            Self::Gone(gone) => objects.retain(|object| !same(object, &gone)),
            Self::One(new) => match objects.iter_mut().find(|object| same(object, &new)) {
                Some(old) => *old = new,
                None => objects.push(new),
            },
        }
    }
}

/// Holds objects of a listing back until it is complete.
pub(super) fn whole<K, E>(
    events: impl Stream<Item = Result<watcher::Event<K>, E>>,
) -> impl Stream<Item = Result<Changed<K>, E>> {
    let mut arriving = Vec::new();
    events.filter_map(move |event| {
        let step = match event {
            Err(error) => Some(Err(error)),
            Ok(watcher::Event::Init) => {
                arriving.clear();
                None
            }
            Ok(watcher::Event::InitApply(object)) => {
                arriving.push(object);
                None
            }
            Ok(watcher::Event::InitDone) => Some(Ok(Changed::All(std::mem::take(&mut arriving)))),
            Ok(watcher::Event::Apply(object)) => Some(Ok(Changed::One(object))),
            Ok(watcher::Event::Delete(object)) => Some(Ok(Changed::Gone(object))),
        };
        future::ready(step)
    })
}

#[cfg(test)]
mod tests {
    use crds::storage::{RetentionPolicy, RetentionPolicySpec};
    use futures::{FutureExt as _, stream};

    use super::*;

    fn policy(name: &str) -> RetentionPolicy {
        RetentionPolicy::new(name, RetentionPolicySpec::default())
    }

    #[test]
    fn a_listing_is_told_when_it_is_complete_and_replaces_what_was_known() {
        use watcher::Event::{Apply, Delete, Init, InitApply, InitDone};
        let events = [
            Init,
            InitApply(policy("a")),
            InitApply(policy("b")),
            InitDone,
            Apply(policy("c")),
            Delete(policy("a")),
            Init,
            InitApply(policy("broken off")),
            Init,
            InitApply(policy("d")),
            InitDone,
        ];
        let steps = whole(stream::iter(events.map(Ok::<_, ()>))).collect::<Vec<_>>().now_or_never().unwrap();
        let mut known = Vec::new();
        let mut seen = Vec::new();
        for step in steps {
            step.unwrap().apply_to(&mut known);
            seen.push(known.iter().map(ResourceExt::name_any).collect::<Vec<_>>().join(" "));
        }
        assert_eq!(seen, ["a b", "a b c", "b c", "d"]);
    }
}
