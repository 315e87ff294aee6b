//! What speaks against bringing back an object that was asked for.

use std::collections::HashSet;

use crate::manifest::path::Key;
use crate::restore::card::{Card, Standing};
use crate::restore::kinds;
use crate::restore::options::Options;
use crate::restore::transform;
use crate::restore::verdict::Skip;

/// What one object has to know of others.
pub struct Cluster<'a> {
    /// Namespace and name of each Service with a selector.
    selecting: HashSet<(&'a str, &'a str)>,
    /// Namespace and name of the Secrets that a ServiceAccount lists as its tokens, by names that are generated.
    generated: HashSet<(&'a str, &'a str)>,
}

impl<'a> Cluster<'a> {
    pub fn of(cards: &'a [Card]) -> Self {
        let mut cluster = Self { selecting: HashSet::new(), generated: HashSet::new() };
        for card in cards {
            let Some(namespace) = card.key.namespace.as_deref() else { continue };
            if card.selects {
                cluster.selecting.insert((namespace, &card.key.name));
            }
            let generated = card.tokens.iter().filter(|token| is_generated_token(token, &card.key.name));
            cluster.generated.extend(generated.map(|token| (namespace, token.as_str())));
        }
        cluster
    }

    fn makes(&self, card: &Card) -> bool {
        let name = (card.key.namespace.as_deref().unwrap_or_default(), card.key.name.as_str());
        match card.standing {
            Standing::SystemMade => true,
            Standing::Token => self.generated.contains(&name),
            _ => card.key.group_resource == "endpoints" && self.selecting.contains(&name),
        }
    }
}

/// `orders-token-x7k2p` of the ServiceAccount `orders`: what Kubernetes before 1.24 made for each of them.
#[must_use]
pub fn is_generated_token(secret: &str, account: &str) -> bool {
    let random = secret.strip_prefix(account).and_then(|rest| rest.strip_prefix("-token-"));
    random.is_some_and(|random| {
        random.len() == 5 && random.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// What its type and name alone say against it.
pub fn of_type(key: &Key, options: &Options) -> Option<Skip> {
    let resource = &key.group_resource;
    let by_name = || options.filters.resources.admits_by_name(resource) || options.objects.contains(key);
    if !kinds::is_restorable(resource) {
        Some(Skip::NotRestorable)
    } else if is_protected(&transform::target(key, &options.transform), options) {
        Some(Skip::Protected)
    } else if kinds::gives_rights(resource) && !options.rights && !by_name() {
        Some(Skip::RightsNotAsked)
    } else if kinds::rules_admission(resource) && !options.admission && !by_name() {
        Some(Skip::AdmissionNotAsked)
    } else if resource == "persistentvolumes" && !options.volumes {
        Some(Skip::VolumesNotAsked)
    } else {
        None
    }
}

/// What speaks against it, all in all.
pub fn of_card(card: &Card, cluster: &Cluster<'_>, options: &Options) -> Option<Skip> {
    let itself = match card.standing {
        Standing::BeingDeleted => Some(Skip::BeingDeleted),
        Standing::Completed => Some(Skip::Completed),
        _ if options.safe && cluster.makes(card) => Some(Skip::SystemMade),
        _ => None,
    };
    of_type(&card.key, options).or(itself)
}

/// Whether the restore itself stands on an object of the cluster.
pub fn is_protected(key: &Key, options: &Options) -> bool {
    let namespace = key.namespace.as_deref().or_else(|| kinds::is_namespace(key).then_some(&key.name));
    let protected = &options.protected;
    namespace.is_some_and(|namespace| protected.namespaces.contains(namespace))
        || protected.objects.contains(key)
}
