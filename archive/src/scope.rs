//! What a backup is of: [`decide`], from the target of a BackupConfiguration and the parameters of its task.
//!
//! | target | scope |
//! |---|---|
//! | none | the whole cluster |
//! | a Namespace | everything in it, and the Namespace object itself |
//! | anything else | that object; with `includeDependants` also all that it owns, over any number of steps |
//!
//! Two generations of parameters are honoured side by side (contract §7.1 and §7.8): `sanitize`, `includeDependants`,
//! `labelSelector`, and `IncludeNamespaces` and its like. An empty value is no value. They differ in what a backup
//! without target takes of the objects that belong to no namespace. Whichever row comes first decides:
//!
//! | given | cluster-scoped objects |
//! |---|---|
//! | `IncludeClusterResources` | as it says |
//! | a parameter of the first generation | yes: its addon had no filter |
//! | another filter of the second generation | no: the default of its addon |
//! | nothing | yes: no target means the whole cluster, and without its CRDs it would not be |
//!
//! Within a Namespace, and for one object and its dependants, `IncludeClusterResources` has no meaning.

use std::collections::BTreeMap;

use snafu::{ResultExt as _, Snafu, ensure};

use crate::select::{Filters, LabelGates, Malformed, NameFilter, list};

/// Why target and parameters make no backup. All need a change by the user.
#[derive(Debug, PartialEq, Eq, Snafu)]
pub enum Error {
    /// A parameter that is neither true nor false.
    #[snafu(display("parameter {name} is {value:?}, expected \"true\" or \"false\""))]
    NotBoolean {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// A list that cannot be read.
    #[snafu(display("parameter {name} cannot be read: {source}"))]
    NotList {
        /// The parameter.
        name: &'static str,
        /// What is wrong with it.
        source: Malformed,
    },
    /// A target without kind or name.
    #[snafu(display("the target has no {field}"))]
    Incomplete {
        /// What is missing.
        field: &'static str,
    },
    /// Nothing can come of this.
    #[snafu(display(
        "the target namespace {namespace:?} is kept out by IncludeNamespaces and ExcludeNamespaces"
    ))]
    Contradiction {
        /// The target.
        namespace: String,
    },
}

/// `spec.target` of a BackupConfiguration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Empty for the core group. A version after a slash is ignored.
    pub api_group: String,
    /// For example `Deployment`.
    pub kind: String,
    /// Of a namespaced object; the caller fills in that of the BackupConfiguration where it is left out.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
}

/// One object and what it owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Empty for the core group.
    pub group: String,
    /// For example `StatefulSet`.
    pub kind: String,
    /// Of no meaning for a kind that belongs to the cluster.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
    /// Whether what the object owns belongs to the backup.
    pub dependants: bool,
}

/// What a backup is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Cluster,
    /// One namespace.
    Namespace {
        /// Its name.
        name: String,
    },
    /// One object.
    Application(Application),
}

/// What is to be collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where to look.
    pub scope: Scope,
    /// What to take of it.
    pub filters: Filters,
    /// Whether the fields that only the server writes are left out.
    pub sanitize: bool,
}

/// Turns what was typed into what is meant. `parameters` are the values of the addon's task, defaults included; names
/// that are not about the scope are ignored.
pub fn decide(target: Option<&Target>, parameters: &BTreeMap<String, String>) -> Result<Plan, Error> {
    let given = Given(parameters);
    let filters = Filters {
        cluster_resources: cluster_resources(&given)?,
        namespaces: NameFilter::new(given.list("IncludeNamespaces")?, given.list("ExcludeNamespaces")?),
        resources: NameFilter::new(given.list("IncludeResources")?, given.list("ExcludeResources")?),
        labels: LabelGates {
            all: given.list("ANDedLabelSelectors")?,
            any: given.list("ORedLabelSelectors")?,
        },
        label_selector: given.text("labelSelector").map(str::to_owned),
    };
    let dependants = given.boolean("includeDependants")?.unwrap_or(false);
    let scope = scope(target, dependants)?;
    if let Scope::Namespace { name } = &scope {
        ensure!(filters.namespaces.admits(name), ContradictionSnafu { namespace: name });
    }
    Ok(Plan { scope, filters, sanitize: given.boolean("sanitize")?.unwrap_or(true) })
}

fn scope(target: Option<&Target>, dependants: bool) -> Result<Scope, Error> {
    let Some(target) = target.filter(|target| !stands_for_none(target)) else { return Ok(Scope::Cluster) };
    ensure!(!target.kind.is_empty(), IncompleteSnafu { field: "kind" });
    ensure!(!target.name.is_empty(), IncompleteSnafu { field: "name" });
    let group = match target.api_group.split('/').next() {
        None | Some("v1" | "core") => "",
        Some(group) => group,
    };
    let name = target.name.clone();
    if group.is_empty() && target.kind == "Namespace" {
        return Ok(Scope::Namespace { name });
    }
    let namespace = target.namespace.clone().filter(|namespace| !namespace.is_empty());
    let (group, kind) = (group.to_owned(), target.kind.clone());
    Ok(Scope::Application(Application { group, kind, namespace, name, dependants }))
}

/// A Snapshot says `apiGroup: na, name: na` where there is no target (contract A10).
fn stands_for_none(target: &Target) -> bool {
    target.api_group == "na" && target.name == "na"
}

fn cluster_resources(given: &Given<'_>) -> Result<bool, Error> {
    if let Some(said) = given.boolean("IncludeClusterResources")? {
        return Ok(said);
    }
    let first = ["sanitize", "includeDependants", "labelSelector"];
    let second = [
        "IncludeNamespaces",
        "ExcludeNamespaces",
        "IncludeResources",
        "ExcludeResources",
        "ANDedLabelSelectors",
        "ORedLabelSelectors",
    ];
    let any = |names: &[&'static str]| names.iter().any(|name| given.text(name).is_some());
    Ok(any(&first) || !any(&second))
}

/// The parameters that have a value.
pub(crate) struct Given<'a>(pub(crate) &'a BTreeMap<String, String>);

impl Given<'_> {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    pub(crate) fn list(&self, name: &'static str) -> Result<Vec<String>, Error> {
        list(self.text(name).unwrap_or_default()).context(NotListSnafu { name })
    }

    /// The spellings that Go's flags accept.
    pub(crate) fn boolean(&self, name: &'static str) -> Result<Option<bool>, Error> {
        match self.text(name) {
            None => Ok(None),
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(Some(true)),
            Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(Some(false)),
            Some(value) => NotBooleanSnafu { name, value }.fail(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(given: &[(&str, &str)]) -> BTreeMap<String, String> {
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn target(api_group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Target {
        Target {
            api_group: api_group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    fn application(group: &str, kind: &str, namespace: Option<&str>, dependants: bool) -> Scope {
        Scope::Application(Application {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: "x".to_owned(),
            dependants,
        })
    }

    #[test]
    fn the_target_says_the_scope() {
        let namespace = || Scope::Namespace { name: "x".to_owned() };
        let with = [("includeDependants", "true")];
        for (target, given, scope) in [
            (None, &[][..], Scope::Cluster),
            (None, &with[..], Scope::Cluster),
            (Some(target("na", "", None, "na")), &[], Scope::Cluster),
            (Some(target("", "Namespace", None, "x")), &[], namespace()),
            (Some(target("v1", "Namespace", Some("ignored"), "x")), &with, namespace()),
            (
                Some(target("apps", "Deployment", Some("a"), "x")),
                &[],
                application("apps", "Deployment", Some("a"), false),
            ),
            (
                Some(target("apps/v1", "Deployment", Some("a"), "x")),
                &with,
                application("apps", "Deployment", Some("a"), true),
            ),
            (Some(target("", "Service", Some("a"), "x")), &[], application("", "Service", Some("a"), false)),
            (Some(target("core", "Service", Some(""), "x")), &[], application("", "Service", None, false)),
            (
                Some(target("example.com", "Namespace", None, "x")),
                &[],
                application("example.com", "Namespace", None, false),
            ),
        ] {
            let plan = decide(target.as_ref(), &parameters(given)).unwrap();
            assert_eq!(plan.scope, scope, "{target:?} {given:?}");
        }
    }

    #[test]
    fn cluster_scoped_objects_follow_the_first_row_that_is_given() {
        for (given, wanted) in [
            (&[][..], true),
            (&[("IncludeClusterResources", "")][..], true),
            (&[("IncludeClusterResources", "true")], true),
            (&[("IncludeClusterResources", "false")], false),
            (&[("IncludeClusterResources", "false"), ("sanitize", "true")], false),
            (&[("sanitize", "true"), ("includeDependants", "false"), ("labelSelector", "")], true),
            (&[("labelSelector", "app=shop")], true),
            (&[("sanitize", "true"), ("IncludeNamespaces", "a")], true),
            (&[("IncludeNamespaces", "a")], false),
            (&[("ExcludeResources", "events")], false),
            (&[("ORedLabelSelectors", "app")], false),
            (&[("enableCache", "true"), ("scratchDir", "/kubestash-tmp"), ("IncludeNamespaces", " ")], true),
            (&[("IncludeClusterResources", "True"), ("IncludeNamespaces", "a")], true),
        ] {
            let plan = decide(None, &parameters(given)).unwrap();
            assert_eq!(plan.filters.cluster_resources, wanted, "{given:?}");
        }
    }

    #[test]
    fn filters_are_taken_over() {
        let plan = decide(
            None,
            &parameters(&[
                ("IncludeNamespaces", "a, b"),
                ("ExcludeNamespaces", "b"),
                ("IncludeResources", "*"),
                ("ExcludeResources", "events,leases.coordination.k8s.io"),
                ("ANDedLabelSelectors", "app=shop"),
                ("ORedLabelSelectors", "x,y:z"),
                ("labelSelector", "tier in (a, b),!c"),
                ("sanitize", "false"),
            ]),
        )
        .unwrap();
        assert!(!plan.sanitize);
        assert_eq!(plan.filters.namespaces.literal(), Some(vec!["a"]));
        assert!(!plan.filters.resources.admits("events") && plan.filters.resources.admits("pods"));
        assert_eq!(plan.filters.labels.all, ["app=shop"]);
        assert_eq!(plan.filters.labels.any, ["x", "y:z"]);
        assert_eq!(plan.filters.label_selector.as_deref(), Some("tier in (a, b),!c"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let namespace = target("", "Namespace", None, "x");
        for (target, given, error) in [
            (
                None,
                &[("sanitize", "yes")][..],
                "parameter sanitize is \"yes\", expected \"true\" or \"false\"",
            ),
            (
                None,
                &[("IncludeClusterResources", "maybe")],
                "parameter IncludeClusterResources is \"maybe\", expected \"true\" or \"false\"",
            ),
            (
                None,
                &[("IncludeResources", "\"a")],
                "parameter IncludeResources cannot be read: the quotes of \"\\\"a\" do not match",
            ),
            (Some(target("apps", "", None, "x")), &[], "the target has no kind"),
            (Some(target("apps", "Deployment", None, "")), &[], "the target has no name"),
            (
                Some(namespace.clone()),
                &[("ExcludeNamespaces", "x")],
                "the target namespace \"x\" is kept out by IncludeNamespaces and ExcludeNamespaces",
            ),
        ] {
            assert_eq!(decide(target.as_ref(), &parameters(given)).unwrap_err().to_string(), error);
        }
    }
}
