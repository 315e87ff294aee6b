//! Events: what changed in an object's conditions, for `kubectl describe`.

use crds::condition::{self, Condition};
use crds::core::{backup_session, restore_session};
use crds::storage::snapshot;
use kube::Resource;
use kube::runtime::events::{Event, EventType};

use crate::cluster::{Cluster, Kind};

/// Longest note of an Event (API server: 1 kB).
const LONGEST_NOTE: usize = 1000;

/// Conditions that are bad news when they are True (contract §2.1).
const BAD_WHEN_TRUE: [&str; 5] = [
    backup_session::condition::BACKUP_SKIPPED,
    backup_session::condition::SNAPSHOT_CLEANUP_INCOMPLETE,
    backup_session::condition::POD_PENDING_TOO_LONG,
    snapshot::condition::BACKUP_INCOMPLETE,
    restore_session::condition::RESTORE_INCOMPLETE,
];

/// The Events of the conditions that are not as they were, with the condition's reason.
#[must_use]
pub fn events(before: &[Condition], after: &[Condition]) -> Vec<Event> {
    let changed = |new: &&Condition| {
        condition::find(before, &new.type_).is_none_or(|old| !condition::same_but_time(old, new))
    };
    after.iter().filter(changed).map(event).collect()
}

fn event(condition: &Condition) -> Event {
    let holds = condition.status == condition::TRUE;
    let bad = holds == BAD_WHEN_TRUE.contains(&condition.type_.as_str());
    let reason = condition.reason.clone().unwrap_or_else(|| condition.type_.clone());
    Event {
        type_: if bad { EventType::Warning } else { EventType::Normal },
        reason,
        note: condition.message.as_deref().map(shortened),
        action: condition.type_.clone(),
        secondary: None,
    }
}

/// The note of an Event, cut to what the API server takes.
#[must_use]
pub fn shortened(note: &str) -> String {
    if note.len() <= LONGEST_NOTE {
        return note.to_owned();
    }
    let end = note.floor_char_boundary(LONGEST_NOTE - '…'.len_utf8());
    format!("{}…", &note[..end])
}

/// Publishes the Events of what changed. An Event that cannot be published is logged and forgotten: the status says
/// the same.
pub async fn announce<K: Kind>(cluster: &Cluster, object: &K, before: &[Condition], after: &[Condition]) {
    let regarding = Resource::object_ref(object, &());
    for event in events(before, after) {
        if let Err(error) = cluster.publish(&event, &regarding).await {
            tracing::warn!(error = error.to_string(), "an event was not published");
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crds::condition::NewCondition;

    fn conditions(list: &[(&str, bool, &str)]) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for (type_, status, message) in list {
            let new = NewCondition::new(type_, *status, "BecauseOfThis").message(*message);
            condition::set(&mut conditions, new, Timestamp::UNIX_EPOCH);
        }
        conditions
    }

    #[test]
    fn only_changes_are_told_and_bad_news_are_warnings() {
        let before = conditions(&[("Same", true, "a"), ("Worse", true, "a"), ("Reworded", false, "a")]);
        let after = conditions(&[
            ("Same", true, "a"),
            ("Worse", false, "b"),
            ("Reworded", false, "b"),
            ("New", true, ""),
            ("BackupIncomplete", true, "the Job died"),
        ]);
        let told: Vec<_> = events(&before, &after)
            .into_iter()
            .map(|event| (event.action, event.type_, event.note))
            .collect();
        let note = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [
                ("Worse".to_owned(), EventType::Warning, note("b")),
                ("Reworded".to_owned(), EventType::Warning, note("b")),
                ("New".to_owned(), EventType::Normal, None),
                ("BackupIncomplete".to_owned(), EventType::Warning, note("the Job died")),
            ]
        );
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let note = shortened(&"é".repeat(800));
        assert!(note.len() <= LONGEST_NOTE && note.ends_with("é…"), "{}", note.len());
    }
}
