//! Which Snapshots are meant, and the objects of which namespace.
//!
//! Snapshots are those of the namespace of the command; where it has none, those of the namespaces that back it up:
//! whoever asks for `deploy/orders -n shop` need not know that one backup of the whole cluster is kept elsewhere.

use crds::storage::Snapshot;
use kube::ResourceExt as _;

use super::Flags;
use super::address::Address;
use crate::cluster::Cluster;
use crate::commands::snapshot::which;
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::glance;
use crate::streams::Streams;

/// What was found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The Snapshots, in the order of the addresses.
    pub snapshots: Vec<Snapshot>,
    /// Only objects of this namespace, if any of the snapshots holds some.
    pub objects_of: Option<String>,
}

/// The snapshots that are addressed.
pub async fn addressed(
    cluster: &Cluster,
    addresses: &[Address],
    flags: &Flags,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<Finding, Failure> {
    let own = context.namespace()?;
    let mut snapshots = Vec::new();
    let mut elsewhere = false;
    for address in addresses {
        let place = match &address.namespace {
            Some(namespace) => namespace.clone(),
            None => place(cluster, &own, flags, streams).await?,
        };
        elsewhere |= place != own;
        let names = [address.snapshot.clone()];
        snapshots.extend(which::meant(cluster, &place, (&names, flags.repository.as_deref())).await?);
    }
    Ok(Finding { snapshots, objects_of: objects_of(own, elsewhere, flags, context) })
}

/// All snapshots, the newest first.
pub async fn all(
    cluster: &Cluster,
    flags: &Flags,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<Finding, Failure> {
    let own = context.namespace()?;
    let place = place(cluster, &own, flags, streams).await?;
    let snapshots = which::all(cluster, &place, flags.repository.as_deref()).await?;
    if snapshots.is_empty() {
        crate::commands::create::installed(cluster).await?;
        return Err(Failure::new(Code::ObjectMissing, format!("there is no snapshot in namespace {place}"))
            .fix("kubectl kubestash trigger NAME"));
    }
    let elsewhere = place != own;
    Ok(Finding { snapshots, objects_of: objects_of(own, elsewhere, flags, context) })
}

fn objects_of(own: String, elsewhere: bool, flags: &Flags, context: &Context) -> Option<String> {
    let asked = elsewhere || context.is_namespace_typed();
    (asked && !flags.all_namespaces).then_some(own)
}

/// Where the snapshots are that a command in `own` means.
async fn place(
    cluster: &Cluster,
    own: &str,
    flags: &Flags,
    streams: &mut Streams<'_>,
) -> Result<String, Failure> {
    let here: Vec<Snapshot> = cluster.list(Some(own), "").await?;
    if !here.is_empty() {
        return Ok(own.to_owned());
    }
    // Whoever may not look elsewhere is told of here.
    let all: Vec<Snapshot> = cluster.list(None, "").await.unwrap_or_default();
    let covering = all.iter().filter(|snapshot| {
        covers(snapshot, own)
            && flags.repository.as_ref().is_none_or(|name| snapshot.spec.repository == *name)
    });
    let newest = covering.max_by_key(|snapshot| (glance::taken(snapshot), snapshot.name_any()));
    let Some(found) = newest.and_then(kube::ResourceExt::namespace) else { return Ok(own.to_owned()) };
    streams.story.plain(&format!("Namespace {own} has no snapshots of its own: reading those of {found}"));
    Ok(found)
}

/// Whether a snapshot may hold objects of a namespace.
fn covers(snapshot: &Snapshot, namespace: &str) -> bool {
    match snapshot.spec.app_ref.as_ref().filter(|target| !target.is_not_applicable()) {
        None => true,
        Some(target) if target.kind.as_deref() == Some("Namespace") => target.name == namespace,
        Some(target) => target.namespace.as_deref() == Some(namespace),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_snapshot_covers_its_target_and_without_one_everything() {
        let snapshot = |target: serde_json::Value| -> Snapshot {
            serde_json::from_value(json!({"metadata": {"name": "a"}, "spec": {"appRef": target}})).unwrap()
        };
        for (target, covered) in [
            (json!({"apiGroup": "na", "name": "na"}), true),
            (json!({"kind": "Namespace", "name": "shop"}), true),
            (json!({"kind": "Namespace", "name": "other"}), false),
            (json!({"kind": "Deployment", "name": "orders", "namespace": "shop"}), true),
            (json!({"kind": "Deployment", "name": "shop", "namespace": "other"}), false),
        ] {
            assert_eq!(covers(&snapshot(target.clone()), "shop"), covered, "{target}");
        }
    }
}
