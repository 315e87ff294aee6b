//! Namespaces that nobody asked for and something that is brought back needs (contract A13): made from the manifest that
//! the snapshot has of them, or bare. Only those that do not exist.

use std::collections::BTreeSet;

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::Error;
use super::outcome::Outcome;
use super::requests::{self, At};
use super::transform;
use super::types::Place;
use super::verdict::Verdict;
use super::walk::{Results, Walk};
use crate::manifest::path::Key;

/// Namespaces that are looked at, or made, at the same time.
const AT_ONCE: usize = 16;
const NAMESPACES: &str = "namespaces";

/// The Namespace of that name.
pub fn key(name: &str) -> Key {
    Key { group_resource: NAMESPACES.to_owned(), namespace: None, name: name.to_owned() }
}

impl Walk<'_> {
    /// Makes the namespaces of `objects`, where they do not exist and are not brought back themselves.
    pub async fn make_namespaces(&self, objects: &[usize], results: &mut Results) -> Result<(), Error> {
        let Some(place) = self.types().preferred(NAMESPACES) else { return Ok(()) };
        let target =
            |index: &usize| transform::target(&self.contents.cards[*index].key, &self.options.transform);
        let taken = self.chosen.levels.iter().flatten();
        let own: BTreeSet<String> =
            taken.map(target).filter(|key| key.group_resource == NAMESPACES).map(|key| key.name).collect();
        let needed: BTreeSet<String> = objects.iter().filter_map(|index| target(index).namespace).collect();
        let needed: Vec<String> = needed.difference(&own).cloned().collect();
        let absent: Vec<String> = stream::iter(needed)
            .map(|name| async { self.is_absent(&place, &name).await.then_some(name) })
            .buffered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await;
        for name in absent {
            match self.chosen.if_needed.get(&name) {
                Some(index) => {
                    let object = self.contents.objects(&[*index]).await?.pop();
                    let Some(object) = object else { continue };
                    let outcome = self.bring_back(&self.contents.cards[*index], object, true).await;
                    self.settle(*index, outcome, results);
                }
                None => self.make_bare(&place, name, results).await,
            }
        }
        Ok(())
    }

    /// Whether it is known not to exist. Who may not look finds out when he makes something in it.
    async fn is_absent(&self, place: &Place, name: &str) -> bool {
        let key = key(name);
        matches!(self.requests.get(At { place, key: &key, strict: false }).await, Ok(None))
    }

    async fn make_bare(&self, place: &Place, name: String, results: &mut Results) {
        let mut object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        if !self.options.transform.labels.is_empty() {
            object["metadata"]["labels"] = json!(self.options.transform.labels);
        }
        let key = key(&name);
        let outcome = self.make(At { place, key: &key, strict: false }, &object).await;
        match results.namespaces.get(&name).map(|line| &line.verdict) {
            None => self.expect_more(1),
            Some(Verdict::Fail { .. }) => self.progress.again(),
            Some(_) => {}
        }
        self.progress.add(&outcome.verdict, 0);
        results.namespaces.insert(name, outcome.line(&key, &key));
    }

    async fn make(&self, at: At<'_>, object: &Value) -> Outcome {
        match self.requests.create(at, object).await {
            Ok(answer) => {
                if self.requests.planning() {
                    self.coming.add(at.key);
                }
                Outcome::of(Verdict::Create).noting(answer.warnings)
            }
            // Somebody else was faster.
            Err(refusal) if refusal.error.status() == Some(409) => Outcome::of(Verdict::Unchanged),
            Err(refusal) => Outcome::fail(requests::problem(&refusal, at.key)),
        }
    }
}
