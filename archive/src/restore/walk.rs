//! One pass over the objects, level by level: what a plan and a restore have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use serde_json::Value;

use super::Error;
use super::chosen::Chosen;
use super::collisions::Collisions;
use super::coming::Coming;
use super::kinds::{self, DEFINITIONS};
use super::options::{Existing, Options};
use super::outcome::Outcome;
use super::owners::Owners;
use super::preflight::{Missing, Needs};
use super::prepare::Surroundings;
use super::progress::Progress;
use super::quota::Demands;
use super::report::Line;
use super::requests::Requests;
use super::source::{Contents, Object};
use super::transform;
use super::types::Types;
use super::verdict::{Problem, Verdict};
use super::watch;

/// Objects that are on their way at the same time.
const AT_ONCE: usize = 32;
/// How long the types of new definitions may take to be served.
const ESTABLISHED_WITHIN: Duration = Duration::from_mins(1);

/// What all objects of a restore have in common.
pub struct Walk<'a> {
    /// What is asked for.
    pub options: &'a Options,
    /// What the snapshot holds.
    pub contents: &'a Contents,
    /// What of it is brought back.
    pub chosen: &'a Chosen,
    /// Who is told how far it is.
    pub progress: &'a Progress,
    /// What is sent.
    pub requests: Requests,
    /// What objects can be written as.
    pub types: RwLock<Types>,
    /// Who owns what.
    pub owners: Owners,
    /// What a plan would make.
    pub coming: Coming,
    /// What that would use of quotas.
    pub demands: Demands,
    /// The rights that are missing.
    pub missing: Missing,
    /// What others have already.
    pub collisions: Collisions,
    /// What the preparation of an object depends on.
    pub surroundings: Surroundings,
}

/// What has become of everything so far.
#[derive(Default)]
pub struct Results {
    /// By index of the card.
    pub outcomes: BTreeMap<usize, Outcome>,
    /// Namespaces that were made for what is in them, by name.
    pub namespaces: BTreeMap<String, Line>,
    /// What concerns no single object.
    pub warnings: BTreeSet<String>,
}

impl Walk<'_> {
    /// The types, for one question.
    pub fn types(&self) -> RwLockReadGuard<'_, Types> {
        self.types.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The types, to add one.
    pub fn types_mut(&self) -> RwLockWriteGuard<'_, Types> {
        self.types.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings back the objects of `levels`, one level after the other.
    pub async fn pass(&self, levels: &[Vec<usize>], last: bool, results: &mut Results) -> Result<(), Error> {
        let mut has_namespaces = false;
        for level in levels {
            let namespaced = |index: &usize| self.contents.cards[*index].key.namespace.is_some();
            if !has_namespaces && level.iter().any(namespaced) {
                let all = levels.iter().flatten().copied().filter(namespaced);
                self.make_namespaces(&all.collect::<Vec<_>>(), results).await?;
                has_namespaces = true;
            }
            self.level(level, last, results).await?;
            if !self.requests.planning() {
                self.wait_for_definitions(level, results).await;
            }
        }
        Ok(())
    }

    async fn level(&self, level: &[usize], last: bool, results: &mut Results) -> Result<(), Error> {
        let batches = self.contents.batches(level);
        let mut objects = match batches.first() {
            Some(first) => self.contents.objects(first).await?,
            None => return Ok(()),
        };
        for (number, batch) in batches.iter().enumerate() {
            let following = batches.get(number + 1).map(Vec::as_slice).unwrap_or_default();
            let (read, ()) = futures::join!(
                self.contents.objects(following),
                self.batch(batch, std::mem::take(&mut objects), last, results)
            );
            objects = read?;
        }
        Ok(())
    }

    async fn batch(
        &self,
        batch: &[usize],
        objects: Vec<Result<Object, Problem>>,
        last: bool,
        results: &mut Results,
    ) {
        let mut done = stream::iter(batch.iter().copied().zip(objects))
            .map(|(index, object)| async move {
                (index, self.bring_back(&self.contents.cards[index], object, last).await)
            })
            .buffer_unordered(AT_ONCE);
        while let Some((index, outcome)) = done.next().await {
            self.settle(index, outcome, results);
        }
    }

    /// An object has its verdict, or a new one.
    pub fn settle(&self, index: usize, outcome: Outcome, results: &mut Results) {
        let again = results.outcomes.contains_key(&index);
        if again {
            self.progress.again();
        } else if self.chosen.if_needed.values().any(|needed| *needed == index) {
            self.expect_more(1);
        }
        let bytes = if again { 0 } else { self.contents.size(index) };
        self.progress.add(&outcome.verdict, bytes);
        results.outcomes.insert(index, outcome);
    }

    /// There are more objects than was known in the beginning.
    pub fn expect_more(&self, objects: usize) {
        self.progress.expect(self.progress.total().unwrap_or_default() + objects as u64);
    }

    /// Objects of a type that was just defined are refused until the server has established it.
    async fn wait_for_definitions(&self, level: &[usize], results: &mut Results) {
        let is_new = |index: &&usize| {
            let made = results.outcomes.get(*index).map(|outcome| &outcome.verdict);
            let card = &self.contents.cards[**index];
            card.key.group_resource == DEFINITIONS && matches!(made, Some(Verdict::Create))
        };
        let new: Vec<&str> =
            level.iter().filter(is_new).map(|index| self.contents.cards[*index].key.name.as_str()).collect();
        if new.is_empty() {
            return;
        }
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let established = |found: &watch::Collection| {
            new.iter().all(|name| found.get(*name).is_some_and(|found| is_established(&found.status)))
        };
        let waited = watch::until(self.requests.api(), path, ESTABLISHED_WITHIN, established).await;
        match waited {
            Ok(true) => {}
            Ok(false) => {
                let warning = "not all new CustomResourceDefinitions were established within a minute";
                results.warnings.insert(warning.to_owned());
            }
            Err(error) => {
                let warning = format!(
                    "whether new CustomResourceDefinitions are established cannot be watched: {error}"
                );
                results.warnings.insert(warning);
            }
        }
    }

    /// The lines of all objects that were brought back, or were to be, in their order.
    pub fn lines(&self, results: Results) -> Vec<Line> {
        let Results { mut outcomes, namespaces, .. } = results;
        let mut lines: Vec<Line> = namespaces.into_values().collect();
        // Those that were made because they are needed have no place in the levels.
        let needed: Vec<usize> = self.chosen.if_needed.values().copied().collect();
        for index in needed.iter().chain(self.chosen.levels.iter().flatten()) {
            let Some(outcome) = outcomes.remove(index) else { continue };
            let key = &self.contents.cards[*index].key;
            lines.push(outcome.line(key, &transform::target(key, &self.options.transform)));
        }
        lines
    }
}

fn is_established(status: &Value) -> bool {
    let conditions = status.get("conditions").and_then(Value::as_array).into_iter().flatten();
    conditions
        .into_iter()
        .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
}

/// The rights that bringing back `taken` takes.
pub fn needs(contents: &Contents, taken: &[usize], options: &Options) -> Needs {
    let mut needs = Needs::default();
    let mut own = BTreeSet::new();
    for index in taken {
        let target = transform::target(&contents.cards[*index].key, &options.transform);
        let mut verbs = vec!["create", "get"];
        match options.existing {
            Existing::Leave => {}
            Existing::Apply => verbs.push("patch"),
            Existing::Replace => verbs.push("update"),
        }
        if options.existing != Existing::Leave && target.group_resource == "jobs.batch" {
            verbs.push("delete");
        }
        needs.namespaces.extend(target.namespace.clone());
        needs.add(&target.group_resource, &verbs, target.namespace.clone());
        if kinds::is_namespace(&target) {
            own.insert(target.name);
        }
    }
    needs.namespaces.retain(|name| !own.contains(name));
    needs
}
