//! Conditions that say of which version of the object they speak.

use crds::condition::{self, Condition, NewCondition};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// [`condition::set`], with the generation that was looked at: whoever has just changed the object can see whether
/// the condition is about the new version already.
pub fn set(conditions: &mut Vec<Condition>, new: NewCondition, generation: Option<i64>, now: Timestamp) {
    let type_ = new.type_.clone();
    condition::set(conditions, new, now);
    let found = conditions.iter_mut().find(|condition| condition.type_ == type_);
    if let Some(condition) = found.filter(|condition| condition.observed_generation != generation) {
        condition.observed_generation = generation;
        condition.last_transition_time = Time(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_generation_is_news_even_when_nothing_else_changed() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut conditions = Vec::new();
        for (generation, now, changed_at) in [(1, 10, 10), (1, 20, 10), (2, 30, 30), (2, 40, 30)] {
            set(&mut conditions, NewCondition::new("Ready", true, "Ready"), Some(generation), at(now));
            assert_eq!(conditions.len(), 1);
            assert_eq!(conditions[0].observed_generation, Some(generation));
            assert_eq!(conditions[0].last_transition_time.0, at(changed_at), "at {now}");
        }
    }
}
