//! Whether an installation can go ahead: all that is in its way is told at once.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt as _;
use serde::Deserialize;
use serde_json::Value;

use super::bundle::VERSION_LABEL;
use crate::apply::owner::{self, Owner};
use crate::cluster::{Cluster, Right};
use crate::commands::version::OPERATOR_LABEL;
use crate::failure::{Code, Failure};
use crate::object::Object;

/// The oldest Kubernetes whose API has what the operator needs (aggregated discovery).
const OLDEST: (u32, u32) = (1, 26);

/// The oldest Kubernetes that will do, `1.26`.
#[must_use]
pub fn oldest() -> String {
    format!("{}.{}", OLDEST.0, OLDEST.1)
}

/// How many things are checked.
pub const NUMBER: usize = 5;

/// The API server's `/version`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerVersion {
    #[serde(default)]
    pub git_version: String,
}

/// An operator that runs in the cluster already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    pub namespace: String,
    pub version: Option<String>,
    pub owner: Option<Owner>,
}

/// What was found in the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    pub server: ServerVersion,
    pub installed: Vec<Installed>,
    /// CRDs of KubeStash that another tool looks after: name and tool.
    pub foreign_definitions: Vec<(String, Owner)>,
    /// Rights that the user lacks.
    pub lacking: Vec<Right>,
}

/// Looks at everything that [`problems`] judges.
pub async fn observe(cluster: &Cluster, objects: &[Object]) -> Result<Observed, Failure> {
    let rights = rights(objects);
    let answers = try_join_all(rights.iter().map(|right| cluster.has_right(right))).await?;
    let lacking = rights.into_iter().zip(answers).filter(|(_, has)| !has).map(|(right, _)| right).collect();
    Ok(Observed {
        server: cluster.get_path("/version").await?.unwrap_or_default(),
        installed: installed(cluster).await?,
        foreign_definitions: foreign_definitions(cluster, objects).await?,
        lacking,
    })
}

/// The operators that run in the cluster, ours or upstream's.
pub async fn installed(cluster: &Cluster) -> Result<Vec<Installed>, Failure> {
    let found = cluster.list::<Deployment>(None, OPERATOR_LABEL).await?;
    let described = found.iter().map(|deployment| Installed {
        namespace: deployment.namespace().unwrap_or_default(),
        version: deployment.labels().get(VERSION_LABEL).cloned(),
        owner: serde_json::to_value(deployment).ok().and_then(|body: Value| owner::of(&body)),
    });
    Ok(described.collect())
}

async fn foreign_definitions(cluster: &Cluster, objects: &[Object]) -> Result<Vec<(String, Owner)>, Failure> {
    let existing = cluster.list::<CustomResourceDefinition>(None, "").await?;
    let ours = |name: &str| objects.iter().any(|object| object.name == name);
    let foreign =
        existing.iter().filter(|definition| ours(&definition.name_any())).filter_map(|definition| {
            let owner = owner::of(
                &serde_json::to_value(&definition.metadata)
                    .map(|metadata| serde_json::json!({"metadata": metadata}))
                    .ok()?,
            )?;
            Some((definition.name_any(), owner))
        });
    Ok(foreign.collect())
}

/// The rights that applying these objects takes, each once.
fn rights(objects: &[Object]) -> Vec<Right> {
    let needed: BTreeSet<Right> = objects
        .iter()
        .flat_map(|object| {
            ["get", "create", "patch"].map(|verb| Right {
                verb,
                group: object.kind.group.clone(),
                plural: object.kind.plural.clone(),
                namespace: object.namespace.clone(),
            })
        })
        .collect();
    needed.into_iter().collect()
}

/// Everything that stands in the way; nothing when the installation may go ahead.
#[must_use]
pub fn problems(observed: &Observed, namespace: &str, version: &str, force: bool) -> Option<Failure> {
    let mut failures = Vec::new();
    failures.extend(too_old(&observed.server));
    failures.extend(lacking(&observed.lacking));
    if !force {
        failures.extend(foreign(observed));
        failures.extend(elsewhere(&observed.installed, namespace));
        failures.extend(downgrade(&observed.installed, namespace, version));
    }
    Failure::several(failures)
}

/// What is wrong with a cluster of an older version.
#[must_use]
pub fn too_old(server: &ServerVersion) -> Option<Failure> {
    let (major, minor) = numbers(&server.git_version)?;
    ((major, minor) < OLDEST).then(|| {
        Failure::new(Code::ClusterTooOld, format!("Kubernetes {} is too old", server.git_version))
            .why(format!("the operator needs {}.{} or later", OLDEST.0, OLDEST.1))
    })
}

/// Major and minor number of `v1.34.4+k3s1`.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split('.');
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    Some((digits(parts.next()?)?, digits(parts.next()?)?))
}

fn lacking(lacking: &[Right]) -> Option<Failure> {
    if lacking.is_empty() {
        return None;
    }
    let mut failure = Failure::new(Code::InstallForbidden, "you lack rights that the installation takes");
    let resources: BTreeSet<(&str, &str, Option<&str>)> = lacking
        .iter()
        .map(|right| (right.group.as_str(), right.plural.as_str(), right.namespace.as_deref()))
        .collect();
    for (group, plural, namespace) in resources {
        let verbs: Vec<&str> = lacking
            .iter()
            .filter(|right| {
                (&*right.group, &*right.plural, right.namespace.as_deref()) == (group, plural, namespace)
            })
            .map(|right| right.verb)
            .collect();
        let resource = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
        let place = namespace.map_or_else(String::new, |namespace| format!(" in namespace {namespace}"));
        failure = failure.row("lack", format!("{} {resource}{place}", verbs.join(", ")));
    }
    Some(failure.fix(
        "run this as somebody who administers the cluster, or hand them:  kubectl kubestash install --export",
    ))
}

/// An installation by another tool is that tool's to change. One failure, however many objects carry its marks.
fn foreign(observed: &Observed) -> Option<Failure> {
    let operator = observed.installed.iter().find_map(|installed| {
        Some((format!("the operator in namespace {}", installed.namespace), installed.owner.clone()?))
    });
    let definition = observed.foreign_definitions.first();
    let definition =
        definition.map(|(name, owner)| (format!("CustomResourceDefinition {name}"), owner.clone()));
    let (what, owner) = operator.or(definition)?;
    Some(
        Failure::new(Code::ForeignInstallation, format!("KubeStash is installed by {}", owner.name))
            .why(format!("{what} carries its marks, and would be reverted or fought over"))
            .fix(format!("{}\nor take the installation over:  --force", owner.instead)),
    )
}

fn elsewhere(installed: &[Installed], namespace: &str) -> Option<Failure> {
    let other = installed.iter().find(|installed| installed.namespace != namespace)?;
    Some(
        Failure::new(Code::AlreadyInstalled, format!("an operator runs in namespace {} already", other.namespace))
            .why("two operators would work on the same objects")
            .fix(format!(
                "upgrade that one:  --operator-namespace {0}\nor remove it first:  kubectl kubestash uninstall --operator-namespace {0}",
                other.namespace
            )),
    )
}

fn downgrade(installed: &[Installed], namespace: &str, version: &str) -> Option<Failure> {
    let here = installed.iter().find(|installed| installed.namespace == namespace)?;
    let there = here.version.as_deref()?;
    newer(there, version).then(|| {
        Failure::new(
            Code::VersionsDiffer,
            format!("version {there} is installed, this plugin would install {version}"),
        )
        .why("an older operator may not understand what a newer one wrote")
        .fix("kubectl krew upgrade kubestash\nor install the older version all the same:  --force")
    })
}

/// Whether a version is newer than another, by their three numbers.
fn newer(left: &str, right: &str) -> bool {
    let parse = |version: &str| -> Vec<u64> {
        let core = version.trim_start_matches('v').split(['-', '+']).next().unwrap_or_default();
        core.split('.').map(|part| part.parse().unwrap_or(0)).collect()
    };
    parse(left) > parse(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> Observed {
        Observed { server: ServerVersion { git_version: "v1.34.4".into() }, ..Observed::default() }
    }

    fn told(observed: &Observed, force: bool) -> String {
        problems(observed, "kubestash", "0.2.0", force)
            .map_or_else(String::new, |failure| failure.render(false))
    }

    fn operator(namespace: &str, version: &str, owner: Option<Owner>) -> Installed {
        Installed { namespace: namespace.into(), version: Some(version.into()), owner }
    }

    #[test]
    fn an_empty_cluster_of_today_is_fine() {
        assert_eq!(told(&ready(), false), "");
    }

    #[test]
    fn an_old_server_is_refused_even_with_force() {
        let observed = Observed { server: ServerVersion { git_version: "v1.25.9+k3s1".into() }, ..ready() };
        assert!(told(&observed, true).contains("v1.25.9+k3s1 is too old"));
    }

    #[test]
    fn all_missing_rights_are_named_at_once() {
        let right = |verb, plural: &str| Right {
            verb,
            group: "apps".into(),
            plural: plural.into(),
            namespace: Some("ks".into()),
        };
        let observed = Observed {
            lacking: vec![right("create", "deployments"), right("patch", "deployments")],
            ..ready()
        };
        assert!(told(&observed, false).contains("lack  create, patch deployments.apps in namespace ks"));
    }

    #[test]
    fn an_installation_of_helm_names_the_release_and_is_taken_over_by_force_only() {
        let owner = Owner {
            name: "Helm release stash/kubestash".into(),
            instead: "helm upgrade kubestash -n stash …".into(),
        };
        let observed = Observed { installed: vec![operator("kubestash", "0.1.0", Some(owner))], ..ready() };
        let text = told(&observed, false);
        assert!(text.contains("error: KubeStash is installed by Helm release stash/kubestash"), "{text}");
        assert!(text.contains("helm upgrade kubestash -n stash"), "{text}");
        assert_eq!(told(&observed, true), "");
    }

    #[test]
    fn a_second_operator_and_a_downgrade_are_refused() {
        let observed = Observed { installed: vec![operator("other", "0.2.0", None)], ..ready() };
        assert!(told(&observed, false).contains("--operator-namespace other"));
        let observed = Observed { installed: vec![operator("kubestash", "0.10.0", None)], ..ready() };
        assert!(told(&observed, false).contains("version 0.10.0 is installed"));
        let observed = Observed { installed: vec![operator("kubestash", "0.1.9", None)], ..ready() };
        assert_eq!(told(&observed, false), "");
    }
}
