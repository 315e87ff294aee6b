//! One object: one request that makes it. What the answer means is decided here; what is done with an object that exists
//! already is in [`super::existing`].

use serde::Deserialize;
use serde_json::Value;

use super::card::Card;
use super::draft::Draft;
use super::kinds::DEFINITIONS;
use super::outcome::Outcome;
use super::requests;
use super::source::Object;
use super::verdict::{NOT_CHECKED, Problem, ProblemKind, Verdict};
use super::walk::Walk;
use crate::api::write::{Answer, Refusal};

impl Walk<'_> {
    /// Brings back one object. In the `last` round nothing is waited for.
    pub async fn bring_back(&self, card: &Card, object: Result<Object, Problem>, last: bool) -> Outcome {
        let outcome = match object {
            Ok(object) => match self.draft(card, object, last).await {
                Ok(draft) => self.send(card, &draft).await.noting(draft.notes),
                Err(outcome) => outcome,
            },
            Err(problem) => Outcome::fail(problem),
        };
        if outcome.problem().is_some() {
            self.owners.failed(card, &outcome);
        }
        outcome
    }

    async fn send(&self, card: &Card, draft: &Draft) -> Outcome {
        if let Some(unseen) = self.cannot_be_tried(draft) {
            return self.foreseen(card, draft, not_checked(&unseen)).await;
        }
        let namespace = draft.target.namespace.as_deref();
        if let Some(right) = self.missing.find("create", &draft.target.group_resource, namespace) {
            // What exists already need not be made.
            if let Ok(Some(live)) = self.requests.get(draft.at()).await {
                return self.existing(card, draft, live, false).await;
            }
            let message = format!("the right to {right} is missing");
            return Outcome::fail(Problem { kind: ProblemKind::Forbidden, message });
        }
        match self.requests.create(draft.at(), &draft.object).await {
            Ok(answer) => self.created(card, draft, answer).await,
            Err(refusal) => self.refused(card, draft, &refusal).await,
        }
    }

    /// What a plan would have to make first.
    fn cannot_be_tried(&self, draft: &Draft) -> Option<String> {
        if draft.coming {
            return Some(format!("its type {}", draft.target.group_resource));
        }
        let namespace = draft.target.namespace.as_deref()?;
        self.coming.has_namespace(namespace).then(|| format!("namespace {namespace:?}"))
    }

    /// It would be made, as far as that can be said.
    fn planned(&self, card: &Card, draft: &Draft) -> Outcome {
        self.coming.add(&draft.target);
        self.demands.add(&draft.target, &draft.object);
        self.owners.there(card, None);
        if card.key.group_resource == DEFINITIONS {
            self.learn(&draft.object, false);
        }
        Outcome::of(Verdict::Create)
    }

    /// It cannot be shown to the API server, for the reason of the note: what others have already is known all the same.
    async fn foreseen(&self, card: &Card, draft: &Draft, note: String) -> Outcome {
        let shared = self.collisions.shared(&self.requests, &draft.target, &draft.object).await;
        match shared.refusal {
            Some(problem) => Outcome::fail(problem),
            None => self.planned(card, draft).noting([note]).noting(shared.notes),
        }
    }

    async fn created(&self, card: &Card, draft: &Draft, answer: Answer) -> Outcome {
        if self.requests.planning() {
            let shared = self.collisions.shared(&self.requests, &draft.target, &draft.object).await;
            return self.planned(card, draft).noting(answer.warnings).noting(shared.notes);
        }
        if self.owners.concerns(card) {
            self.owners.there(card, uid(&answer.body).as_deref());
        }
        if card.key.group_resource == DEFINITIONS {
            self.learn(&draft.object, true);
        }
        Outcome::of(Verdict::Create).noting(answer.warnings)
    }

    /// Whatever the reason, it may be there: quotas, webhooks and the allocators of ports refuse what exists before the
    /// server finds that it does.
    async fn refused(&self, card: &Card, draft: &Draft, refusal: &Refusal) -> Outcome {
        let problem = self.problem(card, draft, refusal);
        if problem.kind != ProblemKind::MissingNamespace {
            match self.requests.get(draft.at()).await {
                Ok(Some(live)) => return self.existing(card, draft, live, refusal.unsure).await,
                Err(error) if is_there(refusal) => {
                    return Outcome::fail(requests::problem_of(&error, &draft.target));
                }
                Ok(None) | Err(_) => {}
            }
        }
        match self.untried(refusal) {
            Some(note) => self.foreseen(card, draft, note).await,
            None => Outcome::fail(problem),
        }
    }

    /// Why a refusal says nothing about what a restore would meet.
    pub fn untried(&self, refusal: &Refusal) -> Option<String> {
        let status = refusal.status.as_deref().filter(|_| self.requests.planning())?;
        if let Some(awaited) = self.coming.awaited(&status.message) {
            return Some(not_checked(&awaited));
        }
        // Of dispatcher.go of the API server's generic admission webhooks.
        let webhook = status.message.split_once("does not support dry run")?.0;
        let name = webhook.split('"').nth(1).unwrap_or_default();
        Some(format!("{NOT_CHECKED} by admission webhook {name:?}, which does not support dry run"))
    }

    /// What a refusal means. One of an object that was written for another version is about the version.
    pub fn problem(&self, card: &Card, draft: &Draft, refusal: &Refusal) -> Problem {
        let problem = requests::problem(refusal, &draft.target);
        match problem.kind {
            ProblemKind::Invalid | ProblemKind::Malformed if draft.converted => {
                self.missing_type(card, Some(&problem.message))
            }
            ProblemKind::MissingType { .. } => {
                let message = problem.message.clone();
                self.missing_type(card, Some(&message))
            }
            _ => problem,
        }
    }

    /// A definition defines a type from now on, or in a plan would.
    pub fn learn(&self, definition: &Value, exists: bool) {
        self.types_mut().learn(definition, exists);
    }
}

fn is_there(refusal: &Refusal) -> bool {
    refusal.status.as_ref().is_some_and(|status| status.is_already_exists())
}

fn not_checked(missing: &str) -> String {
    format!("{NOT_CHECKED}: {missing} does not exist yet")
}

/// The uid in an answer.
pub fn uid(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Made {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        uid: String,
    }
    serde_json::from_slice::<Made>(body).ok().map(|made| made.metadata.uid)
}
