//! What has to be read for a plan, type by type, in the order of the tree. Pure.

use super::listing::gap;
use super::report::{Cause, Gap};
use crate::discovery::{Discovered, ResourceType, Unseen};
use crate::scope::{Plan, Scope};
use crate::select::NameFilter;

/// What is to be read of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The type.
    pub of: ResourceType,
    /// Which of its objects.
    pub part: Portion,
}

/// Which objects of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Portion {
    /// All.
    All,
    /// Those of these namespaces, sorted.
    Within(Vec<String>),
    /// Only these, sorted.
    Only(Vec<Place>),
}

/// One object of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// None for an object of the cluster.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Whether the label gates apply; they do not to what a backup is of.
    pub gated: bool,
}

/// What there is to do, and what is known already of what cannot be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Sorted by `groupResource`, each type once.
    pub jobs: Vec<Job>,
    /// Types that cannot be known.
    pub gaps: Vec<Gap>,
    /// Oddities.
    pub warnings: Vec<String>,
}

/// Whether a plan takes objects of a type, wherever they lie.
pub fn is_wanted(plan: &Plan, of: &ResourceType) -> bool {
    let name = of.group_resource();
    plan.filters.resources.admits(&name) && (!of.aggregated || plan.filters.resources.admits_by_name(&name))
}

/// The lists for the scopes that are a cluster or a namespace.
pub fn lists(plan: &Plan, discovered: &Discovered) -> Work {
    let mut work = notes(plan, discovered);
    let literal = plan.filters.namespaces.literal();
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    for of in discovered.types.iter().filter(|of| is_wanted(plan, of)) {
        let part = match (&plan.scope, &literal) {
            (Scope::Namespace { name }, _) if of.namespaced => Portion::Within(vec![name.clone()]),
            (Scope::Namespace { name }, _) if of.group.is_empty() && of.plural == "namespaces" => {
                Portion::Only(vec![Place { namespace: None, name: name.clone(), gated: false }])
            }
            (Scope::Cluster, Some(names)) if of.namespaced => Portion::Within(owned(names)),
            (Scope::Cluster, _) if of.namespaced || plan.filters.cluster_resources => Portion::All,
            _ => continue,
        };
        work.jobs.push(Job { of: of.clone(), part });
    }
    work
}

/// What discovery could not see, as gaps and warnings, and includes that match nothing.
pub fn notes(plan: &Plan, discovered: &Discovered) -> Work {
    let mut work = Work { warnings: discovered.warnings.clone(), ..Work::default() };
    let resources = &plan.filters.resources;
    for unseen in &discovered.unseen {
        if is_gap(resources, unseen) {
            let cause = Cause::Unseen { version: unseen.version.clone() };
            let resource = format!("*.{}", unseen.group);
            work.gaps.push(Gap { resource, namespace: None, cause });
        } else if unseen.aggregated {
            work.warnings.push(format!(
                "the aggregated API {}/{} does not answer; it is outside the scope, since none of its types is \
                 included by name",
                unseen.group, unseen.version
            ));
        }
    }
    let names: Vec<String> = discovered.types.iter().map(ResourceType::group_resource).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for include in resources.unmatched(&names) {
        work.warnings
            .push(format!("IncludeResources names {include:?}, and no type of this cluster is called so"));
    }
    work
}

fn is_gap(resources: &NameFilter, unseen: &Unseen) -> bool {
    if unseen.aggregated {
        resources.asks_for_group(&unseen.group)
    } else {
        resources.may_admit_group(&unseen.group)
    }
}

/// The gap of a type that cannot be read as an object.
pub fn object_gap(of: &ResourceType, namespace: Option<&str>, message: String) -> Gap {
    gap(of, namespace, Cause::Object { message })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::discovery::Served;
    use crate::scope::{Target, decide};

    fn resource_type(group: &str, plural: &str, namespaced: bool) -> ResourceType {
        let versions =
            vec![Served { version: "v1".to_owned(), kind: plural.to_owned(), status_subresource: false }];
        ResourceType {
            group: group.to_owned(),
            plural: plural.to_owned(),
            namespaced,
            versions,
            aggregated: false,
        }
    }

    fn discovered() -> Discovered {
        let metrics = ResourceType { aggregated: true, ..resource_type("metrics.k8s.io", "pods", true) };
        Discovered {
            types: vec![
                resource_type("apps", "deployments", true),
                resource_type("", "namespaces", false),
                resource_type("", "nodes", false),
                resource_type("", "pods", true),
                metrics,
            ],
            ..Discovered::default()
        }
    }

    fn plan(target: Option<&str>, parameters: &[(&str, &str)]) -> Plan {
        let parameters: BTreeMap<String, String> =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let target = target.map(|name| Target {
            kind: "Namespace".to_owned(),
            name: name.to_owned(),
            ..Target::default()
        });
        decide(target.as_ref(), &parameters).unwrap()
    }

    fn told(work: &Work) -> Vec<String> {
        let part = |part: &Portion| match part {
            Portion::All => "all".to_owned(),
            Portion::Within(namespaces) => format!("in {}", namespaces.join(",")),
            Portion::Only(places) => places.iter().map(|place| place.name.clone()).collect(),
        };
        work.jobs.iter().map(|job| format!("{} {}", job.of.group_resource(), part(&job.part))).collect()
    }

    #[test]
    fn the_scope_says_what_is_listed() {
        for (target, parameters, expected) in [
            (None, &[][..], vec!["deployments.apps all", "namespaces all", "nodes all", "pods all"]),
            (None, &[("IncludeNamespaces", "b,a")][..], vec!["deployments.apps in a,b", "pods in a,b"]),
            (
                None,
                &[
                    ("IncludeNamespaces", "b,a"),
                    ("IncludeClusterResources", "true"),
                    ("ExcludeResources", "nodes"),
                ],
                vec!["deployments.apps in a,b", "namespaces all", "pods in a,b"],
            ),
            (None, &[("ExcludeNamespaces", "a")], vec!["deployments.apps all", "pods all"]),
            (None, &[("IncludeResources", "pods.metrics.k8s.io")], vec!["pods.metrics.k8s.io all"]),
            (Some("x"), &[], vec!["deployments.apps in x", "namespaces x", "pods in x"]),
            (
                Some("x"),
                &[("IncludeClusterResources", "true"), ("IncludeNamespaces", "x,y")],
                vec!["deployments.apps in x", "namespaces x", "pods in x"],
            ),
            (Some("x"), &[("IncludeResources", "deployments")], vec!["deployments.apps in x"]),
        ] {
            assert_eq!(
                told(&lists(&plan(target, parameters), &discovered())),
                expected,
                "{target:?} {parameters:?}"
            );
        }
    }

    #[test]
    fn a_group_that_does_not_answer_is_a_gap_only_where_it_is_in_scope() {
        for (aggregated, include, gaps, warnings) in [
            (true, "", 0, 1),
            (true, "*", 0, 1),
            (true, "pods", 0, 1),
            (true, "things.down.example.com,pods", 1, 1),
            (false, "", 1, 0),
            (false, "pods", 1, 0),
            (false, "deployments.apps", 0, 0),
        ] {
            let unseen =
                Unseen { group: "down.example.com".to_owned(), version: "v1".to_owned(), aggregated };
            let discovered = Discovered { unseen: vec![unseen], ..discovered() };
            let work = lists(&plan(None, &[("IncludeResources", include)]), &discovered);
            assert_eq!(
                (work.gaps.len(), work.warnings.len()),
                (gaps, warnings),
                "{aggregated} {include:?}: {work:?}"
            );
        }
    }

    #[test]
    fn a_misspelt_include_is_told() {
        let work = lists(&plan(None, &[("IncludeResources", "pods,deploy")]), &discovered());
        assert_eq!(
            work.warnings,
            ["IncludeResources names \"deploy\", and no type of this cluster is called so"]
        );
    }
}
