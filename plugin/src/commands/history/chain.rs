//! What became of an object along the snapshots of one session. Pure.

use archive::manifest::path::Key;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::look::changes;
use crate::look::compare::{Difference, Kind};

/// A snapshot of the chain.
#[derive(Debug)]
pub struct Link<'a> {
    /// Its name.
    pub snapshot: String,
    /// Its place among all, the newest first.
    pub place: usize,
    pub taken: Option<Timestamp>,
    /// Whether what it lacks did not exist.
    pub whole: bool,
    /// The object, if it holds it and it can be read.
    pub body: Option<&'a Value>,
    /// Whether it holds it.
    pub stored: bool,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    FirstSeen,
    Returned,
    Changed,
    Deleted,
}

/// A change, as a snapshot has it.
#[derive(Debug)]
pub struct Event {
    pub snapshot: String,
    /// The one before, or nothing.
    pub previous: String,
    /// Repository and session.
    pub chain: String,
    pub place: usize,
    pub taken: Option<Timestamp>,
    pub what: What,
    pub difference: Option<Difference>,
}

impl Event {
    /// In a few words.
    pub fn told(&self, paths_only: bool) -> String {
        match (&self.what, &self.difference) {
            (What::FirstSeen, _) => "first seen".to_owned(),
            (What::Returned, _) => "there again".to_owned(),
            (What::Deleted, _) => "deleted".to_owned(),
            (What::Changed, Some(difference)) if paths_only => changes::paths(&difference.fields),
            (What::Changed, Some(difference)) => difference.summary(),
            (What::Changed, None) => "changed; cannot be read".to_owned(),
        }
    }

    /// For programs.
    pub fn document(&self) -> Value {
        let what = match self.what {
            What::FirstSeen => "first-seen",
            What::Returned => "returned",
            What::Changed => "changed",
            What::Deleted => "deleted",
        };
        json!({
            "snapshot": self.snapshot,
            "session": self.chain,
            "taken": self.taken.map(|taken| taken.to_string()),
            "change": what,
            "fields": self.difference.as_ref().map(|difference| {
                changes::document(&difference.fields, difference.is_secret())
            }),
        })
    }
}

/// The changes along a chain, whose newest snapshot is the first; the newest change first. A chain that never held the
/// object has none.
pub fn events(chain: &str, key: &Key, links: &[Link<'_>]) -> Vec<Event> {
    let mut events = Vec::new();
    // What was known last: nothing yet, gone, or there, with what it was and where.
    let mut last: Option<&Link<'_>> = None;
    let mut gone = false;
    for link in links.iter().rev() {
        let event = |what, previous: &str, difference| Event {
            snapshot: link.snapshot.clone(),
            previous: previous.to_owned(),
            chain: chain.to_owned(),
            place: link.place,
            taken: link.taken,
            what,
            difference,
        };
        match last {
            None if link.stored => {
                events.push(event(What::FirstSeen, "", added(key, link)));
                last = Some(link);
            }
            Some(_) if link.stored && gone => {
                events.push(event(What::Returned, "", added(key, link)));
                (last, gone) = (Some(link), false);
            }
            Some(before) if link.stored => {
                if let Some(difference) = Difference::between(key.clone(), before.body, link.body) {
                    let modified = (difference.kind == Kind::Modified).then_some(difference);
                    events.push(event(What::Changed, &before.snapshot, modified));
                }
                last = Some(link);
            }
            Some(before) if link.whole && !gone => {
                let removed = Difference::between(key.clone(), before.body, None);
                events.push(event(What::Deleted, &before.snapshot, removed));
                gone = true;
            }
            // It never was there, is gone as before, or something may be missing.
            None | Some(_) => {}
        }
    }
    events.reverse();
    events
}

fn added(key: &Key, link: &Link<'_>) -> Option<Difference> {
    Difference::between(key.clone(), None, link.body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_appears_changes_goes_and_returns() {
        let key = Key {
            group_resource: "deployments.apps".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "orders".to_owned(),
        };
        let body = |replicas: u32, version: &str| json!({"kind": "Deployment", "metadata": {"resourceVersion": version}, "spec": {"replicas": replicas}});
        let (two, same, five) = (body(2, "1"), body(2, "2"), body(5, "3"));
        // The oldest first; an incomplete one that lacks it says nothing.
        let chain = [
            (None, true),
            (Some(&two), true),
            (Some(&same), true),
            (Some(&five), true),
            (None, false),
            (Some(&five), true),
            (None, true),
            (None, true),
            (Some(&two), true),
        ];
        let links: Vec<Link<'_>> = chain
            .iter()
            .enumerate()
            .rev()
            .map(|(number, (body, whole))| Link {
                snapshot: format!("s{number}"),
                place: 9 - number,
                taken: None,
                whole: *whole,
                body: *body,
                stored: body.is_some(),
            })
            .collect();
        let told: Vec<String> = events("repo/nightly", &key, &links)
            .iter()
            .map(|event| format!("{} {} after {:?}", event.snapshot, event.told(false), event.previous))
            .collect();
        assert_eq!(
            told,
            [
                "s8 there again after \"\"",
                "s6 deleted after \"s5\"",
                "s3 replicas 2 -> 5 after \"s2\"",
                "s1 first seen after \"\"",
            ]
        );
        assert!(events("repo/nightly", &key, &links[8..]).is_empty());
    }
}
