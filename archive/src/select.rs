//! Which types and objects of a scope are wanted: the filters of contract §7.4, with its ambiguity A11 decided.
//!
//! Names are compared in full (`deployments.apps`) and short (`deployments`, the part before the first dot). An exclude
//! hits by either and always wins, also over an include that is more exact. Upstream's code honours a short exclude
//! only beside certain includes, against its own documentation.
//!
//! Nothing is left out by itself. Upstream never stores `nodes` and `endpointslices.discovery.k8s.io`; here they are
//! types like any other, because a node's labels and taints and an EndpointSlice made by hand are made again by no
//! controller. What a controller does make again (Leases, Events, its own EndpointSlices) is stored as well and can be
//! excluded by name; leaving it alone is the business of a restore.

use snafu::{Snafu, ensure};

/// A list that cannot be read.
#[derive(Debug, PartialEq, Eq, Snafu)]
#[snafu(display("the quotes of {text:?} do not match"))]
pub struct Malformed {
    /// The list as it came.
    text: String,
}

/// A comma separated list. Items are trimmed, empty ones dropped; an item in double quotes may hold commas.
pub fn list(text: &str) -> Result<Vec<String>, Malformed> {
    let mut items = vec![String::new()];
    let mut quoted = false;
    for character in text.chars() {
        match (character, items.last_mut()) {
            ('"', _) => quoted = !quoted,
            (',', _) if !quoted => items.push(String::new()),
            (_, Some(item)) => item.push(character),
            (_, None) => {}
        }
    }
    ensure!(!quoted, MalformedSnafu { text });
    let trimmed = items.iter().map(|item| item.trim()).filter(|item| !item.is_empty());
    Ok(trimmed.map(str::to_owned).collect())
}

/// Includes and excludes of one sort of name: of resource types, or of namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameFilter {
    include: Vec<String>,
    exclude: Vec<String>,
}

impl NameFilter {
    /// No includes, or `*` among them, means all.
    #[must_use]
    pub const fn new(include: Vec<String>, exclude: Vec<String>) -> Self {
        Self { include, exclude }
    }

    /// Whether `name` passes.
    #[must_use]
    pub fn admits(&self, name: &str) -> bool {
        let all = self.include.is_empty() || self.include.iter().any(|include| include == "*");
        !is_listed(&self.exclude, name) && (all || is_listed(&self.include, name))
    }

    /// Whether `name` passes because it was asked for, and not because everything was.
    #[must_use]
    pub fn admits_by_name(&self, name: &str) -> bool {
        self.admits(name) && is_listed(&self.include, name)
    }

    /// Whether `name` was ruled out, and not only left unmentioned.
    #[must_use]
    pub fn excludes(&self, name: &str) -> bool {
        is_listed(&self.exclude, name)
    }

    /// The names that can pass, when they were given one by one; none when any name can.
    #[must_use]
    pub fn literal(&self) -> Option<Vec<&str>> {
        if self.include.is_empty() || self.include.iter().any(|include| include == "*") {
            return None;
        }
        let mut names: Vec<&str> =
            self.include.iter().map(String::as_str).filter(|name| self.admits(name)).collect();
        names.sort_unstable();
        names.dedup();
        Some(names)
    }

    /// Whether some type of `group` could pass, whatever its name.
    #[must_use]
    pub fn may_admit_group(&self, group: &str) -> bool {
        let could = |include: &String| match include.split_once('.') {
            None => true,
            Some((_, included)) => included == group,
        };
        self.include.is_empty() || self.include.iter().any(could)
    }

    /// Whether a type of `group` was asked for with its full name.
    #[must_use]
    pub fn asks_for_group(&self, group: &str) -> bool {
        self.include
            .iter()
            .any(|include| include.split_once('.').is_some_and(|(_, included)| included == group))
    }

    /// The includes that none of `names` is called by: most likely misspelt.
    pub fn unmatched<'a>(&'a self, names: &[&str]) -> Vec<&'a str> {
        let matches = |include: &str| names.iter().any(|name| include == *name || include == short(name));
        let given = self.include.iter().map(String::as_str);
        given.filter(|include| *include != "*" && !matches(include)).collect()
    }
}

fn short(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

fn is_listed(list: &[String], name: &str) -> bool {
    let short = short(name);
    list.iter().any(|item| item == name || item == short)
}

/// Conditions on an object's labels. An entry is `key`, `key=value` or `key:value`, compared as a string: there is no
/// `!=`, `in` or `!`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelGates {
    /// All of these must be there.
    pub all: Vec<String>,
    /// One of these must be there, unless the list is empty.
    pub any: Vec<String>,
}

impl LabelGates {
    /// Whether there is no condition at all.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.all.is_empty() && self.any.is_empty()
    }

    /// Whether an object with these labels passes both lists.
    #[must_use]
    pub fn admit<'a>(&self, labels: impl Iterator<Item = (&'a str, &'a str)>) -> bool {
        if self.is_open() {
            return true;
        }
        let labels: Vec<(&str, &str)> = labels.collect();
        let has = |entry: &String| labels.iter().any(|(key, value)| is_label(entry, key, value));
        self.all.iter().all(has) && (self.any.is_empty() || self.any.iter().any(has))
    }
}

fn is_label(entry: &str, key: &str, value: &str) -> bool {
    match entry.strip_prefix(key) {
        Some("") => true,
        Some(rest) => rest.strip_prefix([':', '=']) == Some(value),
        None => false,
    }
}

/// All filters of a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Whether objects that belong to no namespace are wanted.
    pub cluster_resources: bool,
    /// Of namespaced objects. Namespace objects themselves belong to the cluster (contract A12).
    pub namespaces: NameFilter,
    /// Of types, by `groupResource`.
    pub resources: NameFilter,
    /// Of all objects but the one a backup is of.
    pub labels: LabelGates,
    /// A selector that the API server applies, likewise.
    pub label_selector: Option<String>,
}

impl Filters {
    /// Whether a type is wanted at all.
    #[must_use]
    pub fn admits_type(&self, group_resource: &str, namespaced: bool) -> bool {
        (namespaced || self.cluster_resources) && self.resources.admits(group_resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(include: &str, exclude: &str) -> NameFilter {
        NameFilter::new(list(include).unwrap(), list(exclude).unwrap())
    }

    #[test]
    fn a_list_is_separated_by_commas() {
        for (text, items) in [
            ("", vec![]),
            (" ", vec![]),
            (" , ,", vec![]),
            ("a", vec!["a"]),
            (" a , b.c,,d ", vec!["a", "b.c", "d"]),
            (r#""a","b""#, vec!["a", "b"]),
            (r#""a,b", c"#, vec!["a,b", "c"]),
            ("*", vec!["*"]),
        ] {
            assert_eq!(list(text).unwrap(), items, "{text:?}");
        }
        assert!(list("\"a").is_err());
    }

    #[test]
    fn a_type_is_matched_in_full_and_short_and_an_exclude_always_wins() {
        let name = "deployments.apps";
        for (include, exclude, admitted) in [
            ("", "", true),
            ("*", "", true),
            ("pods,*", "", true),
            ("deployments.apps", "", true),
            ("deployments", "", true),
            ("pods", "", false),
            ("Deployments", "", false),
            ("deployments.extensions", "", false),
            ("", "deployments.apps", false),
            ("", "deployments", false),
            ("*", "deployments", false),
            ("deployments.apps", "deployments", false),
            ("deployments", "deployments.apps", false),
            ("deployments", "deployments.extensions", true),
            ("", "*", true),
            ("deployments", "*", true),
        ] {
            assert_eq!(filter(include, exclude).admits(name), admitted, "+{include:?} -{exclude:?}");
        }
    }

    #[test]
    fn asked_for_by_name_is_not_the_same_as_not_refused() {
        let name = "pods.metrics.k8s.io";
        for (include, exclude, admitted) in [
            ("", "", false),
            ("*", "", false),
            ("*,pods.metrics.k8s.io", "", true),
            ("pods", "", true),
            ("pods", "pods.metrics.k8s.io", false),
        ] {
            assert_eq!(filter(include, exclude).admits_by_name(name), admitted, "+{include:?} -{exclude:?}");
        }
    }

    #[test]
    fn ruled_out_is_not_the_same_as_not_asked_for() {
        let filter = filter("pods", "secrets,deployments.apps");
        for (name, excluded) in [
            ("pods", false),
            ("configmaps", false),
            ("secrets", true),
            ("secrets.x", true),
            ("deployments.apps", true),
        ] {
            assert_eq!(filter.excludes(name), excluded, "{name}");
        }
    }

    #[test]
    fn a_group_is_asked_for_by_the_full_name_of_a_type() {
        for (include, may, asked) in [
            ("", true, false),
            ("*", true, false),
            ("pods", true, false),
            ("pods.metrics.k8s.io", true, true),
            ("deployments.apps", false, false),
            ("deployments.apps,*", true, false),
        ] {
            let filter = filter(include, "");
            assert_eq!(filter.may_admit_group("metrics.k8s.io"), may, "{include:?}");
            assert_eq!(filter.asks_for_group("metrics.k8s.io"), asked, "{include:?}");
        }
    }

    #[test]
    fn names_given_one_by_one_are_known_beforehand() {
        assert_eq!(filter("", "a").literal(), None);
        assert_eq!(filter("a,*", "").literal(), None);
        assert_eq!(filter("b,a,b,c", "c").literal(), Some(vec!["a", "b"]));
        assert_eq!(filter("a", "a").literal(), Some(vec![]));
    }

    #[test]
    fn an_include_that_nothing_is_called_by_is_told() {
        let names = ["pods", "deployments.apps"];
        assert_eq!(
            filter("deploy,deployments,*,pods,deployments.apps,pods.x", "y").unmatched(&names),
            ["deploy", "pods.x"]
        );
    }

    #[test]
    fn labels_are_compared_as_strings() {
        let labels = [("app", "shop"), ("tier", ""), ("app.kubernetes.io/name", "a:b")];
        let admits = |all: &str, any: &str| {
            LabelGates { all: list(all).unwrap(), any: list(any).unwrap() }.admit(labels.into_iter())
        };
        for (all, any, admitted) in [
            ("", "", true),
            ("app", "", true),
            ("app=shop", "", true),
            ("app:shop", "", true),
            ("app=shop,tier", "", true),
            ("tier=", "", true),
            ("app.kubernetes.io/name=a:b", "", true),
            ("app=other", "", false),
            ("app=shop,app=other", "", false),
            ("app!=other", "", false),
            ("ap", "", false),
            ("app=shop2", "", false),
            ("", "app=other,app=shop", true),
            ("", "x,y", false),
            ("app", "x", false),
            ("x", "app", false),
        ] {
            assert_eq!(admits(all, any), admitted, "all {all:?} any {any:?}");
        }
    }

    #[test]
    fn an_object_without_labels_passes_only_an_open_gate() {
        assert!(LabelGates::default().admit(std::iter::empty()));
        let gates = LabelGates { all: vec![], any: vec!["a".to_owned()] };
        assert!(!gates.admit(std::iter::empty()));
    }

    #[test]
    fn cluster_scoped_types_need_their_switch() {
        for (cluster_resources, namespaced, include, admitted) in [
            (true, false, "", true),
            (false, false, "", false),
            (false, true, "", true),
            (false, false, "clusterroles", false),
            (true, false, "pods", false),
        ] {
            let filters = Filters { cluster_resources, resources: filter(include, ""), ..Filters::default() };
            let name = "clusterroles.rbac.authorization.k8s.io";
            assert_eq!(filters.admits_type(name, namespaced), admitted);
        }
    }

    #[test]
    fn nodes_and_endpoint_slices_are_types_like_any_other() {
        let filters = Filters { cluster_resources: true, ..Filters::default() };
        assert!(filters.admits_type("nodes", false));
        assert!(filters.admits_type("endpointslices.discovery.k8s.io", true));
    }
}
