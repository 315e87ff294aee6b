//! Exact restore: what the cluster has, the backup covered, and the snapshot lacks, is removed.
//!
//! Only within what the backup would have taken had it been there ([`Covered`]), and what the restore is asked for and may
//! remove ([`choose::may_be_removed`]). Metadata is all that is read.

use std::collections::{BTreeSet, HashSet};

use futures::{StreamExt as _, stream};

use super::card::Card;
use super::kinds::DEFINITIONS;
use super::outcome::Outcome;
use super::preflight::Needs;
use super::report::Line;
use super::requests::{self, At};
use super::surplus::{Covered, Found, Item, list};
use super::types::Place;
use super::verdict::Verdict;
use super::walk::Walk;
use super::{choose, kinds, preflight, tier, transform};
use crate::manifest::path::Key;
use crate::scope::Plan;
use crate::select::{Filters, NameFilter};

/// Lists that are read at the same time.
const LISTS: usize = 8;
/// Objects that are removed at the same time.
const REMOVALS: usize = 16;

/// An object of the cluster that the snapshot lacks.
struct Surplus {
    uid: String,
    place: Place,
}

impl Walk<'_> {
    /// Removes what the snapshot lacks: a line for each, in the order of removal, and warnings. The namespaces `made` by
    /// this restore stay.
    pub async fn prune(&self, covered: &Plan, made: &BTreeSet<String>) -> (Vec<Line>, Vec<String>) {
        let covered = Covered { plan: covered, transform: &self.options.transform };
        if covered.is_one_object() || !self.options.objects.is_empty() {
            let warning = "nothing is removed, since this is about single objects only".to_owned();
            return (Vec::new(), vec![warning]);
        }
        if !self.contents.complete {
            return (
                Vec::new(),
                vec!["nothing is removed, since not all of the snapshot was read".to_owned()],
            );
        }
        let held = self.held();
        let types = self.types().all();
        let types: Vec<Place> = types
            .iter()
            .filter(|of| covered.holds_type(of))
            .filter_map(|of| self.types().preferred(&of.group_resource()))
            .collect();
        let lists: Vec<_> = stream::iter(types)
            .map(|place| async {
                let found = list(self.requests.api(), &place, &covered).await;
                (place, found)
            })
            .buffered(LISTS)
            .collect()
            .await;
        let (mut cards, mut surplus, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
        let needed = self.needed_namespaces(&lists);
        for (place, found) in lists {
            let name = place.of.group_resource();
            if let Some(error) = found.error {
                warnings.push(format!("not all {name} can be looked through for what to remove: {error}"));
            }
            for item in found.items {
                let Some((card, uid)) = self.to_be_removed(item, &place, &covered) else { continue };
                let is_ours = name == "namespaces" && made.contains(&card.key.name);
                if is_ours || held.contains(&card.key) {
                    continue;
                }
                if let Some(why) = self.takes_more_with_it(&card.key, covered.plan, &needed) {
                    warnings.push(format!("{} is not removed: {why}", card.key));
                    continue;
                }
                cards.push(card);
                surplus.push(Surplus { uid, place: place.clone() });
            }
        }
        warnings.extend(self.missing_removals(&cards).await);
        (self.remove_all(&cards, &surplus).await, warnings)
    }

    /// The rights that removing these takes and that are missing.
    async fn missing_removals(&self, cards: &[Card]) -> Vec<String> {
        if cards.is_empty() {
            return Vec::new();
        }
        let mut needs = Needs::default();
        for Card { key, .. } in cards {
            needs.add(&key.group_resource, &["delete"], key.namespace.clone());
        }
        match preflight::missing(self.requests.api(), needs).await {
            Ok(missing) => missing.rights().map(|right| format!("missing right: {right}")).collect(),
            Err(error) => vec![format!("which rights to remove are missing is not known: {error}")],
        }
    }

    fn to_be_removed(&self, item: Item, place: &Place, covered: &Covered<'_>) -> Option<(Card, String)> {
        let (key, object, uid) = item.read(place)?;
        let card = Card::read(&key, &object, self.options).ok()?;
        let removed = covered.holds(&key, &object) && choose::may_be_removed(&card, self.options);
        removed.then_some((card, uid))
    }

    /// The namespaces that hold something which is never removed by itself: what the restore stands on, and the backup
    /// system.
    fn needed_namespaces(&self, lists: &[(Place, Found)]) -> BTreeSet<String> {
        let protected = self.options.protected.objects.iter().filter_map(|key| key.namespace.clone());
        let of_backups =
            lists.iter().filter(|(place, _)| kinds::is_backup_system(&place.of.group_resource()));
        let of_backups = of_backups.flat_map(|(_, found)| found.items.iter().filter_map(Item::namespace));
        protected.chain(of_backups).collect()
    }

    /// Why an object stays because others, which are not to be removed, would go with it.
    fn takes_more_with_it(
        &self,
        key: &Key,
        covered: &Plan,
        needed: &BTreeSet<String>,
    ) -> Option<&'static str> {
        let both = [&covered.filters, &self.options.filters];
        let all = |open: fn(&Filters) -> bool| both.into_iter().all(open);
        let all_labels = all(|filters| filters.labels.is_open() && filters.label_selector.is_none());
        match key.group_resource.as_str() {
            "namespaces" if needed.contains(&key.name) => Some("the backups need what is in it"),
            "namespaces" if !all_labels || !all(|filters| filters.resources == NameFilter::default()) => {
                Some("objects in it are outside the filters")
            }
            DEFINITIONS if !all_labels || !all(|filters| filters.namespaces == NameFilter::default()) => {
                Some("objects of its type are outside the filters")
            }
            _ => None,
        }
    }

    /// Where all that the snapshot has is, or would be, in the cluster; also what is not brought back.
    fn held(&self) -> HashSet<Key> {
        self.contents.keys().map(|key| transform::target(key, &self.options.transform)).collect()
    }

    /// What others depend on goes last.
    async fn remove_all(&self, cards: &[Card], surplus: &[Surplus]) -> Vec<Line> {
        self.expect_more(cards.len());
        let all: Vec<usize> = (0..cards.len()).collect();
        let mut lines = Vec::with_capacity(cards.len());
        for level in tier::levels(cards, &all).into_iter().rev() {
            let removed = stream::iter(level)
                .map(|index| self.remove(&cards[index].key, &surplus[index]))
                .buffered(REMOVALS)
                .collect::<Vec<Line>>();
            lines.extend(removed.await);
        }
        lines
    }

    async fn remove(&self, key: &Key, surplus: &Surplus) -> Line {
        let at = At { place: &surplus.place, key, strict: false };
        let outcome = match self.requests.delete(at, &surplus.uid).await {
            Ok(_) => Outcome::of(Verdict::Prune),
            // Gone with its owner, or by somebody else.
            Err(refusal) if refusal.error.is_absent() => Outcome::of(Verdict::Prune),
            Err(refusal) => Outcome::fail(requests::problem(&refusal, key)),
        };
        self.progress.add(&outcome.verdict, 0);
        outcome.seen(surplus.uid.clone()).line(key, key)
    }
}
