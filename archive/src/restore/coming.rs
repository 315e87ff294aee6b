//! What a plan cannot try: whatever needs an object that the plan itself would make first.
//!
//! The server refuses a Pod whose ServiceAccount does not exist yet, or anything in a namespace that does not. A restore
//! makes those first. So a refusal that names an object which is to be made says nothing against the one refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::kinds;
use crate::manifest::path::Key;

/// The objects that a plan would make.
#[derive(Debug, Default)]
pub struct Coming {
    /// Types by name of the object.
    by_name: Mutex<BTreeMap<String, BTreeSet<String>>>,
}

impl Coming {
    /// This one would be made.
    pub fn add(&self, target: &Key) {
        let types = target.group_resource.clone();
        self.names().entry(target.name.clone()).or_default().insert(types);
    }

    /// Whether this namespace would be made.
    pub fn has_namespace(&self, name: &str) -> bool {
        self.names().get(name).is_some_and(|types| types.contains("namespaces"))
    }

    /// The object that a refusal is about, if it would be made: `serviceaccount "orders"`.
    pub fn awaited(&self, message: &str) -> Option<String> {
        let names = self.names();
        missing(message).into_iter().find_map(|(what, name)| {
            let types = names.get(name)?;
            types.iter().any(|of| is_called(of, what)).then(|| format!("{what} {name:?}"))
        })
    }

    /// A panic elsewhere leaves the map whole, since every change of it is one insertion.
    fn names(&self) -> MutexGuard<'_, BTreeMap<String, BTreeSet<String>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a message says does not exist, as (what, name): the forms in which the API server and its admission plugins say
/// so.
fn missing(message: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    // serviceaccount "orders" not found; roles.rbac.authorization.k8s.io "reader" not found
    for (before, _) in split_at_each(message, "\" not found") {
        let Some((rest, name)) = before.rsplit_once('"') else { continue };
        found.extend(last_word(rest).map(|what| (what, name)));
    }
    // no PriorityClass with name high was found
    for (_, after) in split_at_each(message, "no ") {
        let Some((what, rest)) = after.split_once(" with name ") else { continue };
        let Some((name, _)) = rest.split_once(" was found") else { continue };
        if !what.contains(' ') && !name.contains(' ') {
            found.push((what, name));
        }
    }
    found
}

fn split_at_each<'a>(text: &'a str, part: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    text.match_indices(part).map(move |(at, _)| (&text[..at], &text[at + part.len()..]))
}

fn last_word(text: &str) -> Option<&str> {
    text.trim_end().rsplit([' ', ':']).next().filter(|word| !word.is_empty())
}

/// Whether `serviceaccount`, `ServiceAccount` or `roles.rbac.authorization.k8s.io` is what this type is called.
fn is_called(group_resource: &str, what: &str) -> bool {
    let plural = kinds::plural(group_resource);
    let what = what.to_ascii_lowercase();
    group_resource == what || plural == what || is_plural(plural, &what)
}

fn is_plural(plural: &str, singular: &str) -> bool {
    let stem = plural.strip_prefix(singular);
    matches!(stem, Some("s" | "es"))
        || singular.strip_suffix('y').is_some_and(|stem| plural == format!("{stem}ies"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_for_want_of_what_is_to_be_made_is_recognised() {
        let coming = Coming::default();
        for (group_resource, name) in [
            ("namespaces", "shop"),
            ("serviceaccounts", "orders"),
            ("roles.rbac.authorization.k8s.io", "reader"),
            ("priorityclasses.scheduling.k8s.io", "high"),
            ("networkpolicies.networking.k8s.io", "deny"),
        ] {
            let namespace = None;
            coming.add(&Key { group_resource: group_resource.to_owned(), namespace, name: name.to_owned() });
        }
        assert!(coming.has_namespace("shop") && !coming.has_namespace("orders"));
        for (message, awaited) in [
            (r#"namespaces "shop" not found"#, Some(r#"namespaces "shop""#)),
            (
                r#"pods "a" is forbidden: error looking up service account shop/orders: serviceaccount "orders" not found"#,
                Some(r#"serviceaccount "orders""#),
            ),
            (
                r#"roles.rbac.authorization.k8s.io "reader" not found"#,
                Some(r#"roles.rbac.authorization.k8s.io "reader""#),
            ),
            (
                r#"pods "a" is forbidden: no PriorityClass with name high was found"#,
                Some(r#"PriorityClass "high""#),
            ),
            (r#"networkpolicy "deny" not found"#, Some(r#"networkpolicy "deny""#)),
            (r#"serviceaccount "other" not found"#, None),
            // Of another type.
            (r#"secret "orders" not found"#, None),
            (r#"deployments "orders" is forbidden: exceeded quota"#, None),
            ("no matches for kind", None),
            ("", None),
            (r#"" not found"#, None),
        ] {
            assert_eq!(coming.awaited(message).as_deref(), awaited, "{message}");
        }
    }
}
