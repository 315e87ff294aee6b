//! The cluster: reachable, new enough, and willing.

use crds::core::BackupConfiguration;

use super::report::{Category, Check};
use crate::cluster::{Cluster, Right};
use crate::commands::install::{bundle, checks};
use crate::commands::version::VERSION;
use crate::failure::{Code, Failure};
use crate::object::Kind;

/// Looks at the cluster; `pre` asks what an installation needs instead of what a backup needs.
pub(super) async fn checks(cluster: &Cluster, namespace: &str, pre: bool) -> Result<Category, Failure> {
    let mut found = Vec::new();
    match cluster.get_path::<checks::ServerVersion>("/version").await {
        Err(error) => {
            let failure = Failure::from(error);
            let row = |wished: &str| {
                let text = failure.rows().filter(|(label, _)| *label == wished).map(|(_, text)| text);
                text.collect::<Vec<_>>().join("\n")
            };
            found.push(Check::bad(Code::ClusterUnreachable, "API server reachable", row("why"), &row("fix")));
        }
        Ok(version) => {
            let version = version.unwrap_or_default();
            found.push(Check::well(Code::ClusterUnreachable, "API server reachable", &version.git_version));
            found.push(supported(&version));
            if pre {
                found.extend(installation(cluster).await?);
            } else {
                found.push(may_create(cluster, namespace).await);
            }
        }
    }
    Ok(Category { name: "kubernetes", place: format!("context {}", cluster.context()), checks: found })
}

fn supported(version: &checks::ServerVersion) -> Check {
    let oldest = format!(">= {}", checks::oldest());
    match checks::too_old(version) {
        None => Check::well(Code::ClusterTooOld, "version supported", oldest),
        Some(failure) => {
            Check::bad(Code::ClusterTooOld, "version supported", failure.what(), "upgrade the cluster")
        }
    }
}

async fn may_create(cluster: &Cluster, namespace: &str) -> Check {
    let kind = Kind::of::<BackupConfiguration>();
    let description = format!("you may create {}s", kind.kind);
    let right = Right {
        verb: "create",
        group: kind.group.clone(),
        plural: kind.plural.clone(),
        namespace: Some(namespace.to_owned()),
    };
    let place = format!("namespace {namespace}");
    let fix = format!(
        "ask for the right; check with:  kubectl auth can-i create {} -n {namespace}",
        kind.resource()
    );
    match cluster.has_right(&right).await {
        Ok(true) => Check::well(Code::Forbidden, description, place),
        Ok(false) => Check::doubtful(Code::Forbidden, description, format!("not in {place}"), &fix),
        Err(error) => Check::unseen(Code::Forbidden, description, &error.into()),
    }
}

/// What stands in the way of an installation.
async fn installation(cluster: &Cluster) -> Result<Vec<Check>, Failure> {
    let settings = bundle::Settings { namespace: bundle::NAMESPACE, image: bundle::IMAGE, version: VERSION };
    let objects = bundle::bundle(&settings)?;
    let observed = match checks::observe(cluster, &objects).await {
        Ok(observed) => observed,
        Err(failure) => return Ok(vec![Check::unseen(Code::InstallForbidden, "you may install", &failure)]),
    };
    let mut found = Vec::new();
    found.push(match observed.lacking.as_slice() {
        [] => Check::well(Code::InstallForbidden, "you may install", ""),
        lacking => {
            let rights: Vec<String> =
                lacking.iter().take(3).map(|right| format!("{} {}", right.verb, right.plural)).collect();
            let more = if lacking.len() > 3 { ", …" } else { "" };
            let remark = format!("not: {}{more}", rights.join(", "));
            Check::bad(
                Code::InstallForbidden,
                "you may install",
                remark,
                "ask somebody with the role cluster-admin to install",
            )
        }
    });
    found.push(match observed.foreign_definitions.first() {
        None => Check::well(Code::ForeignInstallation, "no other tool owns the CRDs", ""),
        Some((name, owner)) => {
            let remark = format!("{name} belongs to {}", owner.name);
            Check::bad(Code::ForeignInstallation, "no other tool owns the CRDs", remark, &owner.instead)
        }
    });
    found.push(match observed.installed.first() {
        None => Check::well(Code::AlreadyInstalled, "no operator is installed yet", ""),
        Some(installed) => {
            let remark =
                format!("one is, in namespace {}; an installation there upgrades it", installed.namespace);
            Check::doubtful(
                Code::AlreadyInstalled,
                "no operator is installed yet",
                remark,
                "kubectl kubestash check",
            )
        }
    });
    Ok(found)
}
