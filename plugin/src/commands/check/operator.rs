//! The operator: installed, available, of the right version, with its kinds and its catalog.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt as _;
use serde_json::Value;

use super::report::{Category, Check};
use crate::cluster::Cluster;
use crate::commands::install::bundle;
use crate::commands::version::{OPERATOR_LABEL, VERSION};
use crate::failure::{Code, Failure};
use crate::object::Object;

/// Looks at the operator.
pub(super) async fn checks(cluster: &Cluster) -> Category {
    let deployments = cluster.list::<Deployment>(None, OPERATOR_LABEL).await;
    let place = match &deployments {
        Ok(found) => found.first().and_then(kube::ResourceExt::namespace),
        Err(_) => None,
    };
    let mut checks = match deployments {
        Ok(found) => deployed(&found),
        Err(error) => vec![Check::unseen(Code::OperatorUnavailable, "operator available", &error.into())],
    };
    let settings = bundle::Settings { namespace: bundle::NAMESPACE, image: bundle::IMAGE, version: VERSION };
    match bundle::bundle(&settings) {
        Err(failure) => checks.push(Check::unseen(Code::NotInstalled, "CRDs served", &failure)),
        Ok(objects) => {
            checks.push(
                served(cluster, &objects)
                    .await
                    .unwrap_or_else(|failure| Check::unseen(Code::NotInstalled, "CRDs served", &failure)),
            );
            checks.push(catalog(cluster, &objects).await.unwrap_or_else(|failure| {
                Check::unseen(Code::CatalogIncomplete, "catalog present", &failure)
            }));
        }
    }
    let place = place.map_or_else(String::new, |namespace| format!("namespace {namespace}"));
    Category { name: "operator", place, checks }
}

fn deployed(found: &[Deployment]) -> Vec<Check> {
    let Some(deployment) = found.first() else {
        return vec![Check::bad(
            Code::OperatorUnavailable,
            "operator available",
            "not installed",
            "kubectl kubestash install",
        )];
    };
    let (name, namespace) = (deployment.name_any(), deployment.namespace().unwrap_or_default());
    let wished = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let ready = deployment.status.as_ref().and_then(|status| status.available_replicas).unwrap_or(0);
    let description = format!("deployment {name} available");
    let counts = format!("{ready}/{wished}");
    let fix = format!(
        "kubectl describe deployment {name} -n {namespace}\nkubectl logs deployment/{name} -n {namespace} --tail 50"
    );
    let mut checks = vec![if ready >= 1 && ready >= wished {
        Check::well(Code::OperatorUnavailable, description, counts)
    } else {
        Check::bad(Code::OperatorUnavailable, description, counts, &fix)
    }];
    if found.len() > 1 {
        let places: Vec<String> = found.iter().map(crate::commands::lookup::place).collect();
        let fix = "uninstall all but one:  kubectl kubestash uninstall --operator-namespace NAMESPACE";
        checks.push(Check::bad(Code::SeveralOperators, "one operator only", places.join(", "), fix));
    }
    checks.push(fits(deployment));
    checks
}

fn fits(deployment: &Deployment) -> Check {
    let description = "client and operator versions fit";
    let version = deployment.labels().get(bundle::VERSION_LABEL).map_or("unknown", String::as_str);
    let remark = format!("client {VERSION}, operator {version}");
    if version == VERSION {
        Check::well(Code::VersionsDiffer, description, remark)
    } else {
        Check::doubtful(
            Code::VersionsDiffer,
            description,
            remark,
            "kubectl kubestash install   brings the operator to the client's version",
        )
    }
}

/// Whether every kind is served, asked of the API itself: everybody who may log in may do that.
async fn served(cluster: &Cluster, objects: &[Object]) -> Result<Check, Failure> {
    let definitions: Vec<&Object> =
        objects.iter().filter(|object| object.kind.kind == "CustomResourceDefinition").collect();
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for definition in &definitions {
        if let Some((plural, group)) = definition.name.split_once('.') {
            groups.entry(group).or_default().push(plural);
        }
    }
    let mut lacking = Vec::new();
    for (group, plurals) in groups {
        let path = format!("/apis/{group}/{}", crds::VERSION);
        let list: Value = cluster.get_path(&path).await?.unwrap_or_default();
        let resources: Vec<&str> = list["resources"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|resource| resource["name"].as_str())
            .collect();
        lacking.extend(
            plurals
                .into_iter()
                .filter(|plural| !resources.contains(plural))
                .map(|plural| format!("{plural}.{group}")),
        );
    }
    let counts = format!("{} of {}", definitions.len() - lacking.len(), definitions.len());
    if lacking.is_empty() {
        return Ok(Check::well(Code::NotInstalled, "CRDs served", counts));
    }
    let remark = format!("{counts}, not {}", lacking.join(", "));
    Ok(Check::bad(Code::NotInstalled, "CRDs served", remark, "kubectl kubestash install"))
}

async fn catalog(cluster: &Cluster, objects: &[Object]) -> Result<Check, Failure> {
    let wanted: Vec<&Object> =
        objects.iter().filter(|object| matches!(object.kind.kind.as_str(), "Addon" | "Function")).collect();
    let mut lacking = Vec::new();
    for object in &wanted {
        let found: Option<Value> = cluster.get_kind(&object.kind, None, &object.name).await?;
        if found.is_none() {
            lacking.push(object.reference());
        }
    }
    let names: Vec<&str> = wanted
        .iter()
        .filter(|object| object.kind.kind == "Addon")
        .map(|object| object.name.as_str())
        .collect();
    if lacking.is_empty() {
        return Ok(Check::well(Code::CatalogIncomplete, "catalog present", names.join(", ")));
    }
    let remark = format!("not there: {}", lacking.join(", "));
    Ok(Check::bad(Code::CatalogIncomplete, "catalog present", remark, "kubectl kubestash install"))
}
