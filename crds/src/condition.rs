//! Conditions and the rule for changing them (contract §1.2).

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Status of a condition that holds.
pub const TRUE: &str = "True";
/// Status of a condition that does not hold.
pub const FALSE: &str = "False";

/// One observation about an object. `status` and `severity` are free strings in the schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    #[serde(rename = "type")]
    pub type_: String,
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    pub last_transition_time: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What [`set`] writes. An empty message is written as none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCondition {
    pub type_: String,
    pub status: bool,
    pub reason: String,
    pub message: String,
    /// Generation of the object that the condition speaks of, where that matters.
    pub observed_generation: Option<i64>,
}

impl NewCondition {
    /// A condition without a message.
    #[must_use]
    pub fn new(type_: &str, status: bool, reason: &str) -> Self {
        Self { type_: type_.to_owned(), status, reason: reason.to_owned(), ..Self::default() }
    }

    /// The same condition about a certain generation of the object, `metadata.generation`.
    #[must_use]
    pub fn observed(mut self, generation: Option<i64>) -> Self {
        self.observed_generation = generation;
        self
    }

    /// The same condition with a message for people.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }
}

/// Puts a condition into a list: nothing changes when status, reason and message are equal and the generation is equal
/// or not given; otherwise it is replaced where it stands, or appended, with `now` as its transition time. The order of
/// the list is kept.
///
/// Returns whether the list changed.
pub fn set(conditions: &mut Vec<Condition>, new: NewCondition, now: Timestamp) -> bool {
    let new = Condition {
        type_: new.type_,
        status: if new.status { TRUE } else { FALSE }.to_owned(),
        observed_generation: new.observed_generation,
        severity: None,
        last_transition_time: Time(now),
        reason: Some(new.reason).filter(|reason| !reason.is_empty()),
        message: Some(new.message).filter(|message| !message.is_empty()),
    };
    match conditions.iter_mut().find(|condition| condition.type_ == new.type_) {
        Some(old) if same_but_time(old, &new) && same_generation(old, &new) => false,
        Some(old) => {
            *old = new;
            true
        }
        None => {
            conditions.push(new);
            true
        }
    }
}

fn same_generation(old: &Condition, new: &Condition) -> bool {
    new.observed_generation.is_none() || new.observed_generation == old.observed_generation
}

/// Equal in type, status, reason and message; absent and empty texts count as equal.
#[must_use]
pub fn same_but_time(left: &Condition, right: &Condition) -> bool {
    fn text(value: Option<&String>) -> &str {
        value.map_or("", String::as_str)
    }
    left.type_ == right.type_
        && left.status == right.status
        && text(left.reason.as_ref()) == text(right.reason.as_ref())
        && text(left.message.as_ref()) == text(right.message.as_ref())
}

/// The condition of a type.
#[must_use]
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Whether the condition is there with status True.
#[must_use]
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    find(conditions, type_).is_some_and(|condition| condition.status == TRUE)
}

/// Whether the condition is there with status False.
#[must_use]
pub fn is_false(conditions: &[Condition], type_: &str) -> bool {
    find(conditions, type_).is_some_and(|condition| condition.status == FALSE)
}

/// Whether the condition is there, with any status.
#[must_use]
pub fn exists(conditions: &[Condition], type_: &str) -> bool {
    find(conditions, type_).is_some()
}

/// Message of the first condition whose status is False: what KubeStash's `debug` and hook summaries show
/// (contract §2.4).
#[must_use]
pub fn first_failure(conditions: &[Condition]) -> Option<&Condition> {
    conditions.iter().find(|condition| condition.status == FALSE)
}

/// Conditions for tests, from words like `Ready=True`.
#[cfg(test)]
pub(crate) fn conditions(words: &str) -> Vec<Condition> {
    words
        .split_whitespace()
        .map(|word| {
            let (type_, status) = word.split_once('=').unwrap();
            Condition {
                type_: type_.to_owned(),
                status: status.to_owned(),
                observed_generation: None,
                severity: None,
                last_transition_time: Time(Timestamp::UNIX_EPOCH),
                reason: None,
                message: None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Condition, NewCondition, exists, find, is_false, is_true, set};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn two() -> Vec<Condition> {
        let mut conditions = Vec::new();
        assert!(set(
            &mut conditions,
            NewCondition::new("Initialized", false, "Failed").message("no bucket"),
            at(1)
        ));
        assert!(set(&mut conditions, NewCondition::new("SecretFound", true, "Found"), at(2)));
        conditions
    }

    #[test]
    fn an_equal_condition_changes_nothing_not_even_the_time() {
        let mut conditions = two();
        let before = conditions.clone();
        let again = NewCondition::new("Initialized", false, "Failed").message("no bucket");
        assert!(!set(&mut conditions, again, at(9)));
        assert_eq!(conditions, before);
    }

    #[test]
    fn a_changed_status_reason_or_message_is_replaced_in_place_with_a_new_time() {
        let changes = [
            NewCondition::new("Initialized", true, "Failed").message("no bucket"),
            NewCondition::new("Initialized", false, "Denied").message("no bucket"),
            NewCondition::new("Initialized", false, "Failed").message("bucket is gone"),
            NewCondition::new("Initialized", false, "Failed"),
        ];
        for change in changes {
            let mut conditions = two();
            assert!(set(&mut conditions, change.clone(), at(9)), "{change:?}");
            assert_eq!(conditions.len(), 2);
            assert_eq!(conditions[0].type_, "Initialized", "the order is kept");
            assert_eq!(conditions[0].last_transition_time.0, at(9));
            assert_eq!(conditions[1].last_transition_time.0, at(2), "the other one is left alone");
        }
    }

    #[test]
    fn another_generation_is_a_change_and_none_is_not() {
        let mut conditions = Vec::new();
        let valid = |generation| NewCondition::new("ValidationPassed", true, "Passed").observed(generation);
        for (generation, second, changes, stays) in [
            (Some(1), 1, true, Some(1)),
            (Some(1), 2, false, Some(1)),
            (None, 3, false, Some(1)),
            (Some(2), 4, true, Some(2)),
        ] {
            assert_eq!(set(&mut conditions, valid(generation), at(second)), changes, "{generation:?}");
            assert_eq!(conditions[0].observed_generation, stays);
        }
    }

    #[test]
    fn only_true_is_true_and_only_false_is_false() {
        let mut conditions = two();
        conditions[0].status = "Unknown".to_owned();
        assert!(!is_true(&conditions, "Initialized") && !is_false(&conditions, "Initialized"));
        assert!(exists(&conditions, "Initialized"));
        assert!(is_true(&conditions, "SecretFound"));
        assert!(find(&conditions, "Absent").is_none() && !exists(&conditions, "Absent"));
    }
}
