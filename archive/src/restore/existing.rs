//! An object that exists: whether it differs, and what is done about it.

use std::time::Duration;

use kube::core::response::StatusCause;
use serde_json::Value;

use super::card::Card;
use super::compare;
use super::draft::Draft;
use super::kinds::DEFINITIONS;
use super::options::Existing;
use super::outcome::Outcome;
use super::owners;
use super::requests::FIELD_MANAGER;
use super::verdict::{Change, NOT_CHECKED, Problem, ProblemKind, Verdict};
use super::walk::Walk;
use super::watch;
use crate::api::write::Refusal;

/// How long a Job that was deleted may take to go.
const GONE_WITHIN: Duration = Duration::from_mins(1);
/// The only type whose objects are deleted and made again when they cannot be changed (contract A15).
const JOBS: &str = "jobs.batch";

/// An object that exists and differs.
struct Differing<'a> {
    card: &'a Card,
    draft: &'a Draft,
    live: &'a Value,
    changes: Vec<Change>,
    /// Its owners were set already, as far as a plan sets anything.
    relinked: bool,
}

impl Walk<'_> {
    /// What is done with an object that exists. `unsure` tells that it may be of our own making.
    pub async fn existing(&self, card: &Card, draft: &Draft, live: Value, unsure: bool) -> Outcome {
        let digest = compare::digest(&live);
        if text(&live, "/metadata/deletionTimestamp").is_some() {
            let message = "it exists and is being deleted".to_owned();
            return Outcome::fail(Problem { kind: ProblemKind::Terminating, message }).seen(digest);
        }
        self.owners.there(card, text(&live, "/metadata/uid"));
        if card.key.group_resource == DEFINITIONS {
            self.learn(&live, true);
        }
        let outcome = match self.relink(draft, live).await {
            Ok(found) => self.compared(card, draft, found, unsure).await,
            Err(refusal) => Outcome::fail(self.problem(card, draft, &refusal)),
        };
        outcome.seen(digest)
    }

    async fn compared(
        &self,
        card: &Card,
        draft: &Draft,
        (live, relinked): (Value, Vec<Change>),
        unsure: bool,
    ) -> Outcome {
        let changes = self.differences(draft, &live);
        let planning = self.requests.planning();
        if changes.is_empty() && relinked.is_empty() {
            let ours = unsure && !planning;
            return Outcome::of(if ours { Verdict::Create } else { Verdict::Unchanged });
        }
        let is_linked = !relinked.is_empty();
        let is_unsure =
            owners::has_planned(&draft.object) && changes.iter().chain(&relinked).any(is_of_owners);
        let outcome = if changes.is_empty() {
            Outcome::of(update(relinked))
        } else {
            let differing = Differing { card, draft, live: &live, changes, relinked: is_linked };
            self.differing(differing, relinked).await
        };
        outcome.noting(is_unsure.then(|| format!("{NOT_CHECKED}: its owner does not exist yet")))
    }

    fn differences(&self, draft: &Draft, live: &Value) -> Vec<Change> {
        let mut changes = compare::changes(&draft.object, live);
        if self.options.existing == Existing::Replace {
            changes.extend(compare::leftovers(&draft.object, live));
        }
        changes
    }

    /// Where the object still names an owner by the uid of its earlier life, it is given the new one at once and whatever
    /// else becomes of it, or the garbage collector removes it. The object as it is then, and what that changed.
    async fn relink(&self, draft: &Draft, live: Value) -> Result<(Value, Vec<Change>), Refusal> {
        let Some(owners) = owners::relinked(&draft.object, &live) else { return Ok((live, Vec::new())) };
        let mut changes = compare::changes(&draft.object, &live);
        changes.retain(is_of_owners);
        match self.requests.relink(draft.at(), &live, &owners).await {
            Ok(answer) => {
                let mut then: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| live.clone());
                if self.requests.planning() {
                    // Nothing was written: what comes next meets the version that there is.
                    then["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
                }
                Ok((then, changes))
            }
            Err(refusal) if self.untried(&refusal).is_some() => Ok((live, changes)),
            Err(refusal) => Err(refusal),
        }
    }

    async fn differing(&self, mut differing: Differing<'_>, relinked: Vec<Change>) -> Outcome {
        let manner = self.manner(differing.draft, differing.live);
        if manner == Existing::Leave && differing.relinked {
            let note = format!("{} other fields differ and stay as they are", differing.changes.len());
            return Outcome::of(update(relinked)).noting([note]);
        }
        differing.changes.splice(0..0, relinked);
        match manner {
            Existing::Leave => Outcome::of(Verdict::Left { changes: differing.changes }),
            Existing::Apply => self.apply(differing).await,
            Existing::Replace => self.replace(differing).await,
        }
    }

    /// The `default` ServiceAccount of a namespace is always there first. As long as nobody has changed it, it takes what
    /// the snapshot's has, or the Pods of the namespace lack their pull secrets.
    fn manner(&self, draft: &Draft, live: &Value) -> Existing {
        let target = &draft.target;
        let is_default = target.group_resource == "serviceaccounts" && target.name == "default";
        if is_default && self.options.existing == Existing::Leave && is_untouched_account(live) {
            return Existing::Apply;
        }
        self.options.existing
    }

    /// Asks first without force, which writes nothing and says whose fields would be taken.
    async fn apply(&self, differing: Differing<'_>) -> Outcome {
        let (at, object) = (differing.draft.at(), applied(&differing));
        let taken_from = match self.requests.apply(at, &object, false).await {
            Ok(answer) if self.requests.planning() => {
                return Outcome::of(update(differing.changes)).noting(answer.warnings);
            }
            Ok(_) => Vec::new(),
            Err(refusal) if is_conflict(&refusal) => taken_from(&refusal),
            Err(refusal) => return self.unchangeable(differing, &refusal).await,
        };
        match self.requests.apply(at, &object, true).await {
            Ok(answer) => {
                self.changed(&differing);
                Outcome::of(Verdict::Update { changes: differing.changes, taken_from })
                    .noting(answer.warnings)
            }
            Err(refusal) => self.unchangeable(differing, &refusal).await,
        }
    }

    async fn replace(&self, differing: Differing<'_>) -> Outcome {
        let Differing { draft, live, .. } = differing;
        let mut object = draft.object.clone();
        compare::keep_written(&mut object, live);
        object["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        match self.requests.replace(draft.at(), &object).await {
            Ok(answer) => {
                self.changed(&differing);
                Outcome::of(update(differing.changes)).noting(answer.warnings)
            }
            Err(refusal) => self.unchangeable(differing, &refusal).await,
        }
    }

    /// A definition may define more than before.
    fn changed(&self, differing: &Differing<'_>) {
        if differing.card.key.group_resource == DEFINITIONS {
            self.learn(&differing.draft.object, !self.requests.planning());
        }
    }

    /// A change was refused.
    async fn unchangeable(&self, differing: Differing<'_>, refusal: &Refusal) -> Outcome {
        if let Some(note) = self.untried(refusal) {
            return Outcome::of(update(differing.changes)).noting([note]);
        }
        let problem = self.problem(differing.card, differing.draft, refusal);
        if problem.kind == ProblemKind::Immutable && differing.card.key.group_resource == JOBS {
            return self.recreate(differing).await;
        }
        Outcome::fail(problem)
    }

    /// Deletes it and makes it again. Killed in between, the next run finds that it is not there and makes it.
    async fn recreate(&self, differing: Differing<'_>) -> Outcome {
        let Differing { card, draft, live, changes, .. } = differing;
        let uid = text(live, "/metadata/uid").unwrap_or_default().to_owned();
        match self.requests.delete(draft.at(), &uid).await {
            Ok(_) => {}
            Err(refusal) if refusal.error.is_absent() => {}
            Err(refusal) => return Outcome::fail(self.problem(card, draft, &refusal)),
        }
        let verdict = Verdict::Recreate { changes };
        if self.requests.planning() {
            self.owners.there(card, None);
            let note = format!("{NOT_CHECKED}: the new one cannot be tried beside the old one");
            return Outcome::of(verdict).noting([note]);
        }
        self.owners.gone(card);
        let is_gone = |found: &watch::Collection| found.values().all(|object| object.uid != uid);
        match watch::until(self.requests.api(), &draft.at().alone(), GONE_WITHIN, is_gone).await {
            Ok(true) => {}
            Ok(false) => {
                let message = "it was deleted to be made again, and does not go".to_owned();
                return Outcome::fail(Problem { kind: ProblemKind::Terminating, message });
            }
            Err(error) => return Outcome::fail(super::requests::problem_of(&error, &draft.target)),
        }
        match self.requests.create(draft.at(), &draft.object).await {
            Ok(answer) => {
                self.owners.there(card, super::create::uid(&answer.body).as_deref());
                Outcome::of(verdict).noting(answer.warnings)
            }
            Err(refusal) => Outcome::fail(self.problem(card, draft, &refusal)),
        }
    }
}

fn is_of_owners(change: &Change) -> bool {
    change.path.starts_with("metadata.ownerReferences")
}

const fn update(changes: Vec<Change>) -> Verdict {
    Verdict::Update { changes, taken_from: Vec::new() }
}

/// What is applied. Owners that were set already are left out: where they were only planned to be set, the old ones are
/// still there, and two owners of which each is the controller are invalid.
fn applied(differing: &Differing<'_>) -> Value {
    let mut object = differing.draft.object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut().filter(|_| differing.relinked) {
        metadata.remove("ownerReferences");
    }
    object
}

fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer).and_then(Value::as_str)
}

/// As the ServiceAccount controller makes it: with nothing that somebody could have written.
fn is_untouched_account(live: &Value) -> bool {
    let is_empty = |pointer: &str| match live.pointer(pointer) {
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(_) => false,
        None => true,
    };
    ["/imagePullSecrets", "/metadata/labels", "/metadata/annotations"].into_iter().all(is_empty)
}

/// Whether an apply was refused because others own what it changes.
fn is_conflict(refusal: &Refusal) -> bool {
    conflicts(refusal).next().is_some()
}

/// `manager: field` for each conflict of an apply.
fn taken_from(refusal: &Refusal) -> Vec<String> {
    conflicts(refusal)
        .filter_map(|cause| Some((cause.message.split('"').nth(1)?, cause.field.trim_start_matches('.'))))
        .filter(|(manager, _)| *manager != FIELD_MANAGER)
        .map(|(manager, field)| format!("{manager}: {field}"))
        .collect()
}

fn conflicts(refusal: &Refusal) -> impl Iterator<Item = &StatusCause> {
    let details = refusal.status.as_ref().and_then(|status| status.details.as_ref());
    let causes = details.map(|details| details.causes.as_slice()).unwrap_or_default();
    causes.iter().filter(|cause| cause.reason == "FieldManagerConflict")
}

#[cfg(test)]
mod tests {
    use kube::core::Status;
    use serde_json::json;

    use super::*;
    use crate::api::Error;

    fn refusal(causes: &Value) -> Refusal {
        let status: Status =
            serde_json::from_value(json!({"code": 409, "reason": "Conflict", "details": {"causes": causes}}))
                .unwrap();
        let error = Error::Status { status: 409, reason: String::new(), message: String::new() };
        Refusal { error, status: Some(status.boxed()), unsure: false }
    }

    #[test]
    fn conflicts_say_who_owns_the_field() {
        let refused = refusal(&json!([
            {"reason": "FieldManagerConflict", "message": "conflict with \"kubectl-edit\" using apps/v1",
                "field": ".spec.replicas"},
            {"reason": "FieldManagerConflict", "field": ".data.a",
                "message": "conflict with \"hpa\" with subresource \"scale\" using apps/v1"},
            {"reason": "FieldManagerConflict", "message": "conflict with \"kubestash-restore\"", "field": ".x"},
            {"reason": "Other", "message": "\"x\"", "field": ".y"}]));
        assert_eq!(taken_from(&refused), ["kubectl-edit: spec.replicas", "hpa: data.a"]);
        assert!(is_conflict(&refused));
        // Written by an earlier restore: nobody loses anything, and it is a conflict all the same.
        let own = refusal(&json!([{"reason": "FieldManagerConflict", "message": "\"kubestash-restore\""}]));
        assert!(is_conflict(&own) && taken_from(&own).is_empty());
        assert!(!is_conflict(&refusal(&json!([]))));
    }

    #[test]
    fn only_an_account_that_nobody_has_changed_is_taken() {
        for (live, untouched) in [
            (json!({"metadata": {"name": "default", "uid": "u"}}), true),
            (json!({"metadata": {"labels": {}}, "secrets": [{"name": "default-token-x"}]}), true),
            (json!({"metadata": {}, "imagePullSecrets": [{"name": "mine"}]}), false),
            (json!({"metadata": {"annotations": {"role": "x"}}}), false),
        ] {
            assert_eq!(is_untouched_account(&live), untouched, "{live}");
        }
    }
}
