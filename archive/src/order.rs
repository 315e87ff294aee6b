//! From the order of the API server to the order of the tree. Pure; no I/O.
//!
//! A list comes in the order of etcd's keys, `namespace/name` compared bytewise. A repository wants the components of
//! the path compared bytewise, the last one with `.yaml` (restic refuses or duplicates what comes otherwise). The two
//! differ twice:
//!
//! - As files `a-b.yaml` comes before `a.yaml`; the list has `a` first. [`Files`] holds an object back while something
//!   that sorts before it can still come. What is held is always a chain of names each beginning with the one before,
//!   so there are at most as many as a name is long.
//! - As directories `a` comes before `a-b`; the list has `a-b/x` before `a/x`. [`Namespaces`] says which namespaces
//!   have to be read by themselves before a given one is written, and which have been.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use snafu::{Snafu, ensure};

use crate::manifest::path::SUFFIX;

/// The order of files in a directory: names compared bytewise with the suffix of a file.
#[must_use]
pub fn by_file(left: &str, right: &str) -> Ordering {
    left.bytes().chain(SUFFIX.bytes()).cmp(right.bytes().chain(SUFFIX.bytes()))
}

/// The list was not in the order of its keys.
#[derive(Debug, PartialEq, Eq, Snafu)]
#[snafu(display("{name:?} came after {previous:?}"))]
pub struct Disorder {
    /// The name before.
    pub previous: String,
    /// The name that should have come earlier, or came twice.
    pub name: String,
}

/// Puts the objects of one directory, pushed in bytewise order of their names, into the order of their files.
#[derive(Debug)]
pub struct Files<T> {
    /// Each name begins with the one before it, and the last is the first to go.
    held: Vec<(String, T)>,
    last: Option<String>,
}

impl<T> Default for Files<T> {
    fn default() -> Self {
        Self { held: Vec::new(), last: None }
    }
}

impl<T> Files<T> {
    /// Takes the next object and appends to `ready` those that nothing can come before any more.
    pub fn push(&mut self, name: String, object: T, ready: &mut Vec<T>) -> Result<(), Disorder> {
        if let Some(previous) = &self.last {
            ensure!(*previous < name, DisorderSnafu { previous, name });
        }
        while let Some((held, _)) = self.held.last() {
            // What does not begin with the held name, or comes after it as a file, is followed only by such.
            if name.starts_with(held.as_str()) && by_file(&name, held) == Ordering::Less {
                break;
            }
            ready.extend(self.held.pop().map(|(_, object)| object));
        }
        self.last = Some(name.clone());
        self.held.push((name, object));
        Ok(())
    }

    /// The directory is complete: appends what is still held.
    pub fn finish(&mut self, ready: &mut Vec<T>) {
        while let Some((_, object)) = self.held.pop() {
            ready.push(object);
        }
        self.last = None;
    }

    /// How many objects are held back.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }
}

/// What to do with the objects of a namespace that a list has reached.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Read each of these namespaces by itself and write it, in this order, then write this one.
    Write {
        /// Often empty.
        first: Vec<String>,
    },
    /// It has been written already: skip its objects.
    Done,
    /// Its turn is over and nobody knew of it when the run began: its objects belong to the next run.
    Late,
}

/// Which namespaces of one type have been written, while a list over all of them goes on.
#[derive(Debug, Default)]
pub struct Namespaces {
    read_ahead: BTreeSet<String>,
    last: Option<String>,
}

impl Namespaces {
    /// The list has reached the first object of `namespace`. `exists` says which namespaces there were when the run
    /// began.
    pub fn enter(&mut self, namespace: &str, exists: impl Fn(&str) -> bool) -> Step {
        if self.read_ahead.contains(namespace) {
            return Step::Done;
        }
        if self.last.as_deref().is_some_and(|last| last >= namespace) {
            return Step::Late;
        }
        let first: Vec<String> = listed_later(namespace)
            .filter(|prefix| exists(prefix) && !self.read_ahead.contains(*prefix))
            .map(str::to_owned)
            .collect();
        self.read_ahead.extend(first.iter().cloned());
        self.last = Some(namespace.to_owned());
        Step::Write { first }
    }
}

/// The names that come before `namespace` as directories and after it in a list: its beginnings that are followed by a
/// byte below the `/` which ends a namespace in a key. Shortest first, which is their order.
fn listed_later(namespace: &str) -> impl Iterator<Item = &str> {
    namespace.char_indices().filter(|(at, next)| *at > 0 && *next < '/').map(|(at, _)| &namespace[..at])
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;

    fn files(names: impl IntoIterator<Item = String>) -> (Vec<String>, usize) {
        let mut files = Files::default();
        let mut ready = Vec::new();
        let mut most = 0;
        for name in names {
            files.push(name.clone(), name, &mut ready).unwrap();
            most = most.max(files.held());
        }
        files.finish(&mut ready);
        (ready, most)
    }

    #[test]
    fn files_are_in_the_order_of_the_tree() {
        for (listed, written) in [
            (vec!["a", "a-b", "b"], vec!["a-b", "a", "b"]),
            (vec!["a", "a-b", "a-b-c", "a-c"], vec!["a-b-c", "a-b", "a-c", "a"]),
            (vec!["a", "a.b", "a.yaml", "a.z", "ab"], vec!["a.b", "a", "a.yaml", "a.z", "ab"]),
            (vec!["a", "a b", "a!", "a-", "a:b", "aa"], vec!["a b", "a!", "a-", "a", "a:b", "aa"]),
            (vec![".", ".-"], vec![".-", "."]),
            (vec![], vec![]),
        ] {
            let (ready, _) = files(listed.iter().map(ToString::to_string));
            assert_eq!(ready, written, "{listed:?}");
        }
    }

    #[test]
    fn an_object_is_not_held_longer_than_needed() {
        let mut files = Files::default();
        let mut ready = Vec::new();
        for (name, then) in [("a", 0), ("a-b", 0), ("a.z", 2), ("b", 3)] {
            files.push(name.to_owned(), (), &mut ready).unwrap();
            assert_eq!(ready.len(), then, "{name}");
        }
    }

    #[test]
    fn an_unordered_list_is_noticed() {
        let mut files = Files::default();
        let mut ready = Vec::new();
        files.push("b".to_owned(), (), &mut ready).unwrap();
        assert!(files.push("a".to_owned(), (), &mut ready).is_err());
        assert!(files.push("b".to_owned(), (), &mut ready).is_err());
    }

    #[test]
    fn a_namespace_waits_for_those_that_a_list_has_later() {
        let exists = |name: &str| ["a", "a-b", "a-b-c", "b"].contains(&name);
        let mut namespaces = Namespaces::default();
        let first = vec!["a".to_owned(), "a-b".to_owned()];
        assert_eq!(namespaces.enter("a-b-c", exists), Step::Write { first });
        assert_eq!(namespaces.enter("a-b", exists), Step::Done);
        assert_eq!(namespaces.enter("a-x-y", exists), Step::Write { first: vec![] });
        assert_eq!(namespaces.enter("a-x", exists), Step::Late);
        assert_eq!(namespaces.enter("a", exists), Step::Done);
        assert_eq!(namespaces.enter("b", exists), Step::Write { first: vec![] });
    }

    /// Names that begin with one another, of the bytes around `-`, `.` and `/`.
    fn names() -> impl Strategy<Value = BTreeSet<String>> {
        btree_set("[ab .!-]{1,5}|a(\\.y(a(ml?)?)?)?|[a-z0-9]{1,3}([.-][a-z0-9]{1,2}){0,3}", 0..60)
    }

    proptest! {
        #[test]
        fn all_files_come_once_and_sorted(names in names()) {
            let (ready, most) = files(names.iter().cloned());
            let mut sorted: Vec<String> = names.iter().cloned().collect();
            sorted.sort_by_key(|name| format!("{name}{SUFFIX}"));
            prop_assert_eq!(ready, sorted);
            let longest = names.iter().map(String::len).max().unwrap_or_default();
            prop_assert!(most <= longest, "{} held, the longest name has {}", most, longest);
        }

        #[test]
        fn all_namespaces_come_once_and_sorted(known in btree_set("[ab]{1,2}(-[ab]{1,2}){0,4}", 0..40)) {
            let mut listed: Vec<&String> = known.iter().collect();
            listed.sort_by_key(|namespace| format!("{namespace}/"));
            let mut namespaces = Namespaces::default();
            let mut written = Vec::new();
            for namespace in listed {
                match namespaces.enter(namespace, |name| known.contains(name)) {
                    Step::Write { first } => {
                        written.extend(first);
                        written.push(namespace.clone());
                    }
                    Step::Done => {}
                    Step::Late => prop_assert!(false, "{} came late", namespace),
                }
            }
            prop_assert_eq!(written, known.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn a_namespace_that_nobody_knew_never_breaks_the_order(
            known in btree_set("[ab](-[ab]){0,3}", 0..10),
            new in btree_set("[ab](-[ab]){0,3}", 0..10),
        ) {
            let mut listed: Vec<&String> = known.union(&new).collect();
            listed.sort_by_key(|namespace| format!("{namespace}/"));
            let mut namespaces = Namespaces::default();
            let mut written: Vec<String> = Vec::new();
            for namespace in listed {
                if let Step::Write { first } = namespaces.enter(namespace, |name| known.contains(name)) {
                    written.extend(first);
                    written.push(namespace.clone());
                }
            }
            prop_assert!(written.is_sorted() && written.windows(2).all(|pair| pair[0] != pair[1]), "{:?}", written);
            prop_assert!(known.iter().all(|namespace| written.contains(namespace)));
        }
    }
}
