//! What a backup could not see, in one text for people: what, why, and the command that mends it.
//!
//! Pure. The text goes into a status, so equal gaps are grouped and long lists are cut.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use archive::collect::{Cause, Gap};

/// How many names of a group are told.
const NAMES: usize = 8;
/// How many gaps that are no refusals are told in full.
const TOLD: usize = 4;
/// Longest text about one of them, in characters.
const LONGEST: usize = 300;

/// The ClusterRole that is shipped for reading everything.
const READER: &str = "kubestash-cluster-reader";

/// The error of a backup with these gaps. There is at least one.
#[must_use]
pub fn describe(gaps: &[Gap]) -> String {
    let mut text = String::from("the backup is incomplete");
    let refusals = refusals(gaps);
    for (refusal, resources) in &refusals {
        let Refusal { verb, user, namespace } = refusal;
        let place = namespace.map(|name| format!(" in namespace {name:?}")).unwrap_or_default();
        // Writing to a String does not fail.
        let _ = write!(text, "; {} may not {verb} {}{place}", subject(*user), listed(resources));
    }
    let others: Vec<&Gap> = gaps.iter().filter(|gap| !matches!(gap.cause, Cause::Forbidden { .. })).collect();
    for gap in others.iter().take(TOLD) {
        let _ = write!(text, "; {}", shortened(&gap.to_string()));
    }
    if others.len() > TOLD {
        let _ = write!(text, "; and {} more", others.len() - TOLD);
    }
    if let Some(command) = refusals.keys().find_map(|refusal| remedy(refusal.user)) {
        let _ = write!(text, ". To let it read everything: {command}");
    }
    text
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Refusal<'a> {
    verb: &'static str,
    user: Option<&'a str>,
    namespace: Option<&'a str>,
}

/// Refused resources with their groups, by who was refused what.
fn refusals(gaps: &[Gap]) -> BTreeMap<Refusal<'_>, Vec<String>> {
    let mut refusals: BTreeMap<Refusal<'_>, Vec<String>> = BTreeMap::new();
    for gap in gaps {
        let Cause::Forbidden { verb, group, plural, user } = &gap.cause else { continue };
        let refusal = Refusal { verb, user: user.as_deref(), namespace: gap.namespace.as_deref() };
        refusals.entry(refusal).or_default().push(format!("{plural} (API group {group:?})"));
    }
    refusals
}

/// `namespace` and `name` of a ServiceAccount.
fn account(user: Option<&str>) -> Option<(&str, &str)> {
    user?.strip_prefix("system:serviceaccount:")?.split_once(':')
}

fn subject(user: Option<&str>) -> String {
    match (account(user), user) {
        (Some((namespace, name)), _) => format!("ServiceAccount \"{namespace}/{name}\""),
        (None, Some(user)) => format!("user {user:?}"),
        (None, None) => "the Job's ServiceAccount".to_owned(),
    }
}

/// The command that grants a ServiceAccount what it lacks.
fn remedy(user: Option<&str>) -> Option<String> {
    let (namespace, name) = account(user)?;
    Some(format!(
        "kubectl create clusterrolebinding {READER}-{namespace}-{name} --clusterrole={READER} \
         --serviceaccount={namespace}:{name}"
    ))
}

fn listed(names: &[String]) -> String {
    let told = names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > NAMES { format!("{told} and {} more", names.len() - NAMES) } else { told }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let head: String = text.chars().take(LONGEST).collect();
    format!("{head}...")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbidden(plural: &str, group: &str, namespace: Option<&str>) -> Gap {
        Gap {
            resource: plural.to_owned(),
            namespace: namespace.map(str::to_owned),
            cause: Cause::Forbidden {
                verb: "list",
                group: group.to_owned(),
                plural: plural.to_owned(),
                user: Some("system:serviceaccount:shop:backup-shop-nightly".to_owned()),
            },
        }
    }

    #[test]
    fn a_refusal_names_who_what_and_the_remedy() {
        assert_eq!(
            describe(&[forbidden("configmaps", "", None), forbidden("deployments", "apps", None)]),
            "the backup is incomplete; ServiceAccount \"shop/backup-shop-nightly\" may not list configmaps (API group \
             \"\"), deployments (API group \"apps\"). To let it read everything: kubectl create clusterrolebinding \
             kubestash-cluster-reader-shop-backup-shop-nightly --clusterrole=kubestash-cluster-reader \
             --serviceaccount=shop:backup-shop-nightly"
        );
    }

    #[test]
    fn refusals_of_one_namespace_name_it() {
        let text = describe(&[forbidden("secrets", "", Some("vault"))]);
        assert!(text.contains("may not list secrets (API group \"\") in namespace \"vault\""), "{text}");
    }

    #[test]
    fn the_text_does_not_grow_with_the_cluster() {
        let mut gaps: Vec<_> =
            (0..500).map(|n| forbidden(&format!("things{n}"), "example.com", None)).collect();
        gaps.extend((0..500).map(|n| Gap {
            resource: format!("widgets{n}.example.com"),
            namespace: None,
            cause: Cause::Object { message: "x".repeat(5000) },
        }));
        let text = describe(&gaps);
        assert!(text.len() < 2500, "{}", text.len());
        assert!(text.contains(" and 492 more") && text.contains("; and 496 more"), "{text}");
    }
}
