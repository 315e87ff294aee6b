//! In which order objects are brought back: what others depend on comes first.
//!
//! Every type has a [`rank`]. On top of that an object comes after its owners, after its Namespace, after the
//! CustomResourceDefinition of its type, and a token after its ServiceAccount, wherever their ranks are: something that a
//! later object owns waits for it.

use std::collections::HashMap;

use super::card::Card;
use super::identity::Identities;
use super::kinds::{self, DEFINITIONS};

mod rank;

use rank::rank;

/// Where an object is in the order: its rank, or that of what it waits for, and how many steps behind that.
type Level = (u8, usize);

/// The cards of `taken` (indexes into `cards`) by levels: all of one level may be sent at once, after the level before it.
/// Within a level they are in the order of their keys.
#[must_use]
pub fn levels(cards: &[Card], taken: &[usize]) -> Vec<Vec<usize>> {
    let waits_for = waits_for(cards, taken);
    let mut order: Vec<(Level, usize)> =
        assign(cards, taken, &waits_for).into_iter().zip(taken.iter().copied()).collect();
    order.sort_by(|(left, a), (right, b)| left.cmp(right).then_with(|| cards[*a].key.cmp(&cards[*b].key)));
    order
        .chunk_by(|(left, _), (right, _)| left == right)
        .map(|level| level.iter().map(|(_, index)| *index).collect())
        .collect()
}

/// For each of `taken` those that it waits for, as positions in `taken`.
fn waits_for(cards: &[Card], taken: &[usize]) -> Vec<Vec<usize>> {
    let mut namespaces: HashMap<&str, usize> = HashMap::new();
    let mut definitions: HashMap<&str, usize> = HashMap::new();
    let mut accounts: HashMap<(Option<&str>, &str), usize> = HashMap::new();
    let all = || taken.iter().map(|index| &cards[*index]).enumerate();
    let identities = Identities::of(all());
    for (position, card) in all() {
        if kinds::is_namespace(&card.key) {
            namespaces.insert(&card.key.name, position);
        } else if card.key.group_resource == DEFINITIONS {
            // Its name is that of the type: `widgets.example.org`.
            definitions.insert(&card.key.name, position);
        } else if card.key.group_resource == "serviceaccounts" {
            accounts.insert((card.key.namespace.as_deref(), &card.key.name), position);
        }
    }
    let of = |(position, card): (usize, &Card)| {
        let mut others: Vec<usize> =
            card.owners.iter().filter_map(|owner| identities.owner(card, owner)).collect();
        others.extend(card.key.namespace.as_deref().and_then(|namespace| namespaces.get(namespace)));
        others.extend(definitions.get(card.key.group_resource.as_str()));
        let account = card.account.as_deref();
        others.extend(account.and_then(|name| accounts.get(&(card.key.namespace.as_deref(), name))));
        others.retain(|other| *other != position);
        others.sort_unstable();
        others.dedup();
        others
    };
    all().map(of).collect()
}

/// The level of each: at least its own rank, and behind all that it waits for. Of a circle one has to begin: then what it
/// waits for comes later, and it is made without.
fn assign(cards: &[Card], taken: &[usize], waits_for: &[Vec<usize>]) -> Vec<Level> {
    let mut levels: Vec<Level> = taken.iter().map(|index| (rank(&cards[*index]), 0)).collect();
    let mut open: Vec<usize> = waits_for.iter().map(Vec::len).collect();
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); taken.len()];
    for (position, others) in waits_for.iter().enumerate() {
        for other in others {
            followers[*other].push(position);
        }
    }
    let mut done = vec![false; taken.len()];
    let mut ready: Vec<usize> = (0..taken.len()).filter(|position| open[*position] == 0).collect();
    let mut circles = 0..taken.len();
    while let Some(position) = ready.pop().or_else(|| circles.find(|position| !done[*position])) {
        if done[position] {
            continue;
        }
        done[position] = true;
        let (rank, steps) = levels[position];
        for follower in &followers[position] {
            if !done[*follower] {
                levels[*follower] = levels[*follower].max((rank, steps + 1));
                open[*follower] -= 1;
                if open[*follower] == 0 {
                    ready.push(*follower);
                }
            }
        }
    }
    levels
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::manifest::path::Key;
    use crate::restore::options::Options;

    fn card(
        group_resource: &str,
        kind: &str,
        place: Option<&str>,
        name: &str,
        owners: &[(&str, &str, &str)],
    ) -> Card {
        let key = Key {
            group_resource: group_resource.to_owned(),
            namespace: place.map(str::to_owned),
            name: name.to_owned(),
        };
        let group = key.group_resource.split_once('.').map(|(_, group)| format!("{group}/"));
        let owners: Vec<Value> = owners
            .iter()
            .map(|(api_version, kind, name)| json!({"apiVersion": api_version, "kind": kind, "name": name, "uid": "u"}))
            .collect();
        let mut object = json!({
            "apiVersion": format!("{}v1", group.unwrap_or_default()),
            "kind": kind,
            "metadata": {"name": name, "ownerReferences": owners}});
        if let Some(place) = place {
            object["metadata"]["namespace"] = json!(place);
        }
        Card::read(&key, object.as_object().unwrap(), &Options::default()).unwrap()
    }

    fn names(cards: &[Card]) -> Vec<Vec<&str>> {
        let all: Vec<usize> = (0..cards.len()).collect();
        let named =
            |level: Vec<usize>| level.into_iter().map(|index| cards[index].key.name.as_str()).collect();
        levels(cards, &all).into_iter().map(named).collect()
    }

    #[test]
    fn what_others_depend_on_comes_first() {
        let cards = [
            card("apiservices.apiregistration.k8s.io", "APIService", None, "api", &[]),
            card("resourcequotas", "ResourceQuota", Some("n"), "quota", &[]),
            card("widgets.example.org", "Widget", Some("n"), "widget", &[]),
            card("deployments.apps", "Deployment", Some("n"), "deployment", &[]),
            card("secrets", "Secret", Some("n"), "secret", &[]),
            card("configmaps", "ConfigMap", Some("n"), "settings", &[]),
            card("namespaces", "Namespace", None, "n", &[]),
            card(DEFINITIONS, "CustomResourceDefinition", None, "widgets.example.org", &[]),
        ];
        assert_eq!(
            names(&cards),
            [
                vec!["widgets.example.org"],
                vec!["n"],
                vec!["settings", "secret"],
                vec!["deployment"],
                vec!["widget"],
                vec!["quota"],
                vec!["api"]
            ]
        );
    }

    #[test]
    fn an_owner_comes_before_what_it_owns() {
        let cards = [
            card("configmaps", "ConfigMap", Some("n"), "owned", &[("example.org/v1", "Widget", "widget")]),
            card("secrets", "Secret", Some("n"), "of-owned", &[("v1", "ConfigMap", "owned")]),
            card("secrets", "Secret", Some("other"), "elsewhere", &[("example.org/v1", "Widget", "widget")]),
            card("widgets.example.org", "Widget", Some("n"), "widget", &[]),
            card("pods", "Pod", Some("n"), "pod", &[]),
        ];
        assert_eq!(
            names(&cards),
            [vec!["elsewhere"], vec!["pod"], vec!["widget"], vec!["owned"], vec!["of-owned"]]
        );
    }

    #[test]
    fn what_is_in_a_namespace_waits_for_it() {
        let cards = [
            card("configmaps", "ConfigMap", Some("tenant"), "settings", &[]),
            card("namespaces", "Namespace", None, "tenant", &[("example.org/v1", "Tenant", "t")]),
            card("tenants.example.org", "Tenant", None, "t", &[]),
        ];
        assert_eq!(names(&cards), [["t"], ["tenant"], ["settings"]]);
    }

    #[test]
    fn a_token_waits_for_its_account() {
        let account =
            card("serviceaccounts", "ServiceAccount", Some("n"), "a", &[("example.org/v1", "Widget", "w")]);
        let mut token = card("secrets", "Secret", Some("n"), "token", &[]);
        token.account = Some("a".to_owned());
        let cards = [token, account, card("widgets.example.org", "Widget", Some("n"), "w", &[])];
        assert_eq!(names(&cards), [["w"], ["a"], ["token"]]);
    }

    #[test]
    fn a_circle_begins_somewhere() {
        let cards = [
            card("secrets", "Secret", Some("n"), "a", &[("v1", "Secret", "b")]),
            card("secrets", "Secret", Some("n"), "b", &[("v1", "Secret", "a")]),
            card("secrets", "Secret", Some("n"), "itself", &[("v1", "Secret", "itself")]),
            card("secrets", "Secret", Some("n"), "behind", &[("v1", "Secret", "b")]),
        ];
        assert_eq!(names(&cards), [vec!["a", "itself"], vec!["b"], vec!["behind"]]);
    }

    #[test]
    fn only_what_is_taken_is_waited_for() {
        let cards = [
            card("secrets", "Secret", Some("n"), "a", &[("example.org/v1", "Widget", "w")]),
            card("widgets.example.org", "Widget", Some("n"), "w", &[]),
        ];
        assert_eq!(levels(&cards, &[0]), [[0]]);
        assert_eq!(levels(&cards, &[0, 1]), [[1], [0]]);
        assert_eq!(levels(&cards, &[]), Vec::<Vec<usize>>::new());
    }

    const TYPES: [(&str, &str, &str); 4] = [
        ("secrets", "v1", "Secret"),
        ("pods", "v1", "Pod"),
        ("widgets.example.org", "example.org/v1", "Widget"),
        ("resourcequotas", "v1", "ResourceQuota"),
    ];

    proptest! {
        #[test]
        fn an_owner_is_always_before_what_it_owns(
            types in proptest::collection::vec(0..TYPES.len(), 1..30),
            edges in proptest::collection::vec((0..30_usize, 0..30_usize), 0..60),
        ) {
            // An edge leads from a later object to an earlier one: no circles.
            let owners_of = |index: usize| -> Vec<usize> {
                let mine = edges.iter().filter(|(from, to)| *from == index && to < from);
                mine.map(|(_, to)| *to).collect()
            };
            let cards: Vec<Card> = types.iter().enumerate().map(|(index, of)| {
                let owners: Vec<String> = owners_of(index).iter().map(|to| format!("o{to}")).collect();
                let owners: Vec<(&str, &str, &str)> = owners_of(index)
                    .iter()
                    .zip(&owners)
                    .map(|(to, name)| (TYPES[types[*to]].1, TYPES[types[*to]].2, name.as_str()))
                    .collect();
                card(TYPES[*of].0, TYPES[*of].2, Some("n"), &format!("o{index}"), &owners)
            }).collect();
            let all: Vec<usize> = (0..cards.len()).collect();
            let levels = levels(&cards, &all);
            let found: BTreeSet<usize> = levels.iter().flatten().copied().collect();
            prop_assert_eq!(found.len(), cards.len());
            let at = |index: usize| levels.iter().position(|level| level.contains(&index));
            for index in 0..cards.len() {
                for owner in owners_of(index) {
                    prop_assert!(at(owner) < at(index), "{} before {}", owner, index);
                }
            }
        }

        #[test]
        fn circles_end(edges in proptest::collection::vec((0..12_usize, 0..12_usize), 0..60)) {
            let cards: Vec<Card> = (0..12).map(|index| {
                let owners: Vec<String> =
                    edges.iter().filter(|(from, _)| *from == index).map(|(_, to)| format!("o{to}")).collect();
                let owners: Vec<(&str, &str, &str)> =
                    owners.iter().map(|name| ("v1", "Secret", name.as_str())).collect();
                card("secrets", "Secret", Some("n"), &format!("o{index}"), &owners)
            }).collect();
            let all: Vec<usize> = (0..cards.len()).collect();
            prop_assert_eq!(levels(&cards, &all).into_iter().flatten().count(), cards.len());
        }
    }
}
