//! From the parameters of a task to [`Options`].

use std::collections::BTreeMap;

use snafu::ensure;

use super::parse;
use super::{Error, Existing, Options, PruneOfObjectsSnafu, Transform};
use crate::scope::Given;
use crate::select::{Filters, LabelGates, NameFilter};

/// How often what failed is tried again (contract §7.6).
const ROUNDS: u32 = 5;

/// Turns the values of the task's parameters, defaults included, into what is meant; names that mean nothing here are
/// ignored.
pub fn decide(parameters: &BTreeMap<String, String>) -> Result<Options, Error> {
    let given = Given(parameters);
    let flag = |name| -> Result<bool, Error> { Ok(given.boolean(name)?.unwrap_or(false)) };
    let prune = flag("Prune")?;
    let existing = match (prune, flag("OverrideResources")?) {
        (true, _) => Existing::Replace,
        (false, true) => Existing::Apply,
        (false, false) => Existing::Leave,
    };
    let objects = parse::objects(&given)?;
    ensure!(!prune || objects.is_empty(), PruneOfObjectsSnafu);
    Ok(Options {
        filters: filters(&given)?,
        objects,
        with_owned: flag("WithOwned")?,
        with_references: flag("WithReferences")?,
        rights: flag("IncludeRBACResources")?,
        admission: flag("IncludeWebhooks")?,
        volumes: flag("RestorePVs")?,
        existing,
        prune,
        safe: given.boolean("SafeRestore")?.unwrap_or(true),
        transform: transform(&given)?,
        rounds: parse::rounds(&given)?.unwrap_or(ROUNDS),
        plan: parse::plan(&given)?,
        accept_changes: flag("AcceptChanges")?,
        incomplete: flag("AllowIncomplete")?,
        ..Options::default()
    })
}

fn filters(given: &Given<'_>) -> Result<Filters, Error> {
    Ok(Filters {
        cluster_resources: given.boolean("IncludeClusterResources")?.unwrap_or(false),
        namespaces: NameFilter::new(given.list("IncludeNamespaces")?, given.list("ExcludeNamespaces")?),
        resources: NameFilter::new(given.list("IncludeResources")?, given.list("ExcludeResources")?),
        labels: LabelGates {
            all: given.list("ANDedLabelSelectors")?,
            any: given.list("ORedLabelSelectors")?,
        },
        label_selector: None,
    })
}

fn transform(given: &Given<'_>) -> Result<Transform, Error> {
    Ok(Transform {
        namespaces: parse::namespaces(given)?,
        storage_classes: parse::mapping(given, "StorageClassMappings")?,
        image_registries: parse::registries(given)?,
        labels: parse::labels(given)?,
        patches: parse::patches(given)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::manifest::path::Key;
    use crate::restore::options::{Patch, PatchTarget};

    fn parameters(given: &[(&str, &str)]) -> BTreeMap<String, String> {
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn pairs(given: &[(&str, &str)]) -> BTreeMap<String, String> {
        parameters(given)
    }

    #[test]
    fn nothing_said_is_the_safe_restore_that_leaves_what_exists() {
        let usual = Options { safe: true, rounds: 5, ..Options::default() };
        assert_eq!(decide(&parameters(&[])), Ok(usual.clone()));
        // The defaults of the addon, and what is not about the restore.
        let defaults = [
            ("enableCache", "true"),
            ("ANDedLabelSelectors", ""),
            ("IncludeClusterResources", "false"),
            ("OverrideResources", "false"),
            ("StorageClassMappings", " "),
        ];
        assert_eq!(decide(&parameters(&defaults)), Ok(usual));
    }

    #[test]
    fn exact_replaces_and_override_applies() {
        for (given, existing, prune) in [
            (&[][..], Existing::Leave, false),
            (&[("OverrideResources", "true")], Existing::Apply, false),
            (&[("Prune", "true")], Existing::Replace, true),
            (&[("Prune", "t"), ("OverrideResources", "false")], Existing::Replace, true),
        ] {
            let options = decide(&parameters(given)).unwrap();
            assert_eq!((options.existing, options.prune), (existing, prune), "{given:?}");
        }
    }

    #[test]
    fn everything_is_taken_over() {
        let given = [
            ("IncludeClusterResources", "True"),
            ("IncludeNamespaces", "a, b"),
            ("ExcludeResources", "leases"),
            ("ANDedLabelSelectors", "app=shop"),
            ("Objects", "shop/deployments.apps/orders, storageclasses.storage.k8s.io/fast,\"a/roles.x/n,m\""),
            ("WithOwned", "1"),
            ("WithReferences", "TRUE"),
            ("IncludeRBACResources", "true"),
            ("IncludeWebhooks", "true"),
            ("RestorePVs", "true"),
            ("SafeRestore", "false"),
            ("MaxIterations", "2"),
            ("PlanID", "00112233aabbccdd"),
            ("AcceptChanges", "true"),
            ("AllowIncomplete", "true"),
            ("NamespaceMappings", "shop=shop-2 , a = b"),
            ("StorageClassMappings", "fast=slow"),
            ("ImageRegistryMappings", "docker.io=mirror.local:5000/hub/, quay.io/x=y"),
            ("AddLabels", "restored=yes,team.example.org/owner="),
            ("Patches", r#"[{"target": {"resource": "deployments"}, "patch": {"spec": {"replicas": 1}}}]"#),
        ];
        let options = decide(&parameters(&given)).unwrap();
        let key = |group_resource: &str, namespace: Option<&str>, name: &str| Key {
            group_resource: group_resource.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        assert_eq!(
            options.objects,
            [
                key("deployments.apps", Some("shop"), "orders"),
                key("storageclasses.storage.k8s.io", None, "fast"),
                key("roles.x", Some("a"), "n,m"),
            ]
        );
        assert!(options.filters.cluster_resources && !options.filters.resources.admits("leases"));
        assert!(options.filters.namespaces.admits("b") && !options.filters.namespaces.admits("c"));
        assert_eq!(options.filters.labels.all, ["app=shop"]);
        assert!(options.with_owned && options.with_references && options.rights && options.admission);
        assert!(options.volumes && !options.safe && options.accept_changes && options.incomplete);
        assert_eq!((options.rounds, options.plan.as_deref()), (2, Some("00112233aabbccdd")));
        assert_eq!(
            options.transform,
            Transform {
                namespaces: pairs(&[("a", "b"), ("shop", "shop-2")]),
                storage_classes: pairs(&[("fast", "slow")]),
                image_registries: pairs(&[("docker.io", "mirror.local:5000/hub"), ("quay.io/x", "y")]),
                labels: pairs(&[("restored", "yes"), ("team.example.org/owner", "")]),
                patches: vec![Patch {
                    target: PatchTarget { resource: "deployments".to_owned(), ..PatchTarget::default() },
                    patch: json!({"spec": {"replicas": 1}}),
                }],
            }
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (name, value, part) in [
            ("Prune", "yes", "parameter Prune is \"yes\", expected"),
            ("IncludeResources", "\"a", "parameter IncludeResources cannot be read: the quotes"),
            ("MaxIterations", "0", "expected a number from 1 to 100"),
            ("MaxIterations", "-1", "expected a number from 1 to 100"),
            ("MaxIterations", "101", "expected a number from 1 to 100"),
            ("PlanID", "abc", "a plan has 16 hexadecimal digits"),
            ("PlanID", "00112233AABBCCDD", "a plan has 16 hexadecimal digits"),
            ("StorageClassMappings", "a", "\"a\" is not of the form old=new"),
            ("StorageClassMappings", "a=", "\"a=\" is not of the form old=new"),
            ("StorageClassMappings", "=b", "\"=b\" is not of the form old=new"),
            ("StorageClassMappings", "a=b=c", "\"a=b=c\" is not of the form old=new"),
            ("StorageClassMappings", "a=b,a=c", "\"a\" is mapped twice"),
            ("NamespaceMappings", "a=B", "\"B\" is not the name of a namespace"),
            ("NamespaceMappings", "a=-b", "\"-b\" is not the name of a namespace"),
            ("NamespaceMappings", "a.b=c", "\"a.b\" is not the name of a namespace"),
            ("NamespaceMappings", "a=c,b=c", "\"a\" and \"b\" would both become \"c\""),
            ("ImageRegistryMappings", "a=/", "\"a=/\" is not of the form old=new"),
            ("AddLabels", "a", "\"a\" is not of the form key=value"),
            ("AddLabels", "=b", "\"=b\" is not of the form key=value"),
            ("AddLabels", "a=b,a=c", "\"a\" is given twice"),
            ("AddLabels", "a b=c", "\"a b\" is not a label"),
            ("AddLabels", "a/b/c=c", "\"a/b/c\" is not a label"),
            ("AddLabels", "a=b c", "\"b c\" is not the value of a label"),
            ("Objects", "pods", "\"pods\" is neither type/name nor namespace/type/name"),
            ("Objects", "a/pods/b/c", "\"a/pods/b/c\" is neither type/name nor namespace/type/name"),
            ("Objects", "pods/..", "\"..\" cannot be part of a path"),
            ("Objects", "pods/", "\"\" cannot be part of a path"),
            ("Patches", "{}", "expected a sequence"),
            ("Patches", "[{]", "key must be a string"),
            ("Patches", r#"[{"target": {"resource": "pods"}}]"#, "missing field `patch`"),
            ("Patches", r#"[{"target": {"kind": "Pod"}, "patch": {}}]"#, "unknown field `kind`"),
            ("Patches", r#"[{"target": {"resource": ""}, "patch": {}}]"#, "patch 1 does not name a resource"),
            (
                "Patches",
                r#"[{"target": {"resource": "pods"}, "patch": 7}]"#,
                "patch 1 is neither a list nor an object",
            ),
            (
                "Patches",
                r#"[{"target": {"resource": "pods"}, "patch": [{"op": "put"}]}]"#,
                "patch 1: unknown variant",
            ),
        ] {
            let error = decide(&parameters(&[(name, value)])).unwrap_err().to_string();
            assert!(error.contains(part), "{name}={value}: {error}");
        }
        let both = [("Prune", "true"), ("Objects", "pods/x")];
        assert_eq!(decide(&parameters(&both)), Err(Error::PruneOfObjects));
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_decided_or_refused(
            name in prop::sample::select(vec![
                "Objects", "NamespaceMappings", "ImageRegistryMappings", "AddLabels", "Patches", "PlanID", "MaxIterations",
            ]),
            value in "[a-z=,/\"\\[\\]{} :.é-]{0,30}",
        ) {
            if let Err(error) = decide(&parameters(&[(name, &value)])) {
                prop_assert!(error.to_string().contains(name), "{}", error);
            }
        }
    }
}
