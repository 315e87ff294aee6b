//! Which Snapshots are meant, and the objects of which namespace.
//!
//! Snapshots are those of the namespace of the command; where it has none, those of the namespaces that back it up:
//! whoever asks for `deploy/orders -n shop` need not know that one backup of the whole cluster is kept elsewhere.

use std::collections::BTreeMap;

use crds::storage::Snapshot;
use kube::ResourceExt as _;

use super::Flags;
use super::address::Address;
use crate::cluster::Cluster;
use crate::commands::snapshot::which;
use crate::context::Context;
use crate::failure::{Code, Failure};
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
    let mut known: BTreeMap<Option<String>, Known> = BTreeMap::new();
    let mut snapshots = Vec::new();
    let mut elsewhere = false;
    for address in addresses {
        if !known.contains_key(&address.namespace) {
            let found = match &address.namespace {
                Some(namespace) => {
                    let all = which::all(cluster, namespace, flags.repository.as_deref()).await?;
                    Known { place: namespace.clone(), all }
                }
                None => here(cluster, &own, flags, streams).await?,
            };
            known.insert(address.namespace.clone(), found);
        }
        let Some(Known { place, all }) = known.get(&address.namespace) else { continue };
        elsewhere |= *place != own;
        let names = [address.snapshot.clone()];
        // The newest that there is something to look into: one that is being made holds nothing yet.
        let stored: Vec<Snapshot> = all.iter().filter(|snapshot| is_stored(snapshot)).cloned().collect();
        let by_time = address.snapshot.starts_with("latest") && !stored.is_empty();
        let all = if by_time { &stored } else { all };
        snapshots.extend(which::among(cluster, place, &names, all).await?);
    }
    Ok(Finding { snapshots, objects_of: objects_of(own, elsewhere, flags, context) })
}

/// Whether anything of a snapshot was stored.
#[must_use]
pub fn is_stored(snapshot: &Snapshot) -> bool {
    let components = snapshot.status.iter().flat_map(|status| status.components.values());
    let stats = components.flat_map(|component| &component.restic_stats);
    let mut ids = stats.filter_map(|stats| stats.summary.as_ref()?.id.as_ref());
    ids.any(|id| !id.is_empty())
}

/// All snapshots that hold something, the newest first.
pub async fn all(
    cluster: &Cluster,
    flags: &Flags,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<Finding, Failure> {
    let own = context.namespace()?;
    let Known { place, all: mut snapshots } = here(cluster, &own, flags, streams).await?;
    snapshots.retain(is_stored);
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

/// Snapshots of a namespace, the newest first.
struct Known {
    place: String,
    all: Vec<Snapshot>,
}

/// The snapshots that a command in `own` means.
async fn here(
    cluster: &Cluster,
    own: &str,
    flags: &Flags,
    streams: &mut Streams<'_>,
) -> Result<Known, Failure> {
    let repository = flags.repository.as_deref();
    let all: Vec<Snapshot> = cluster.list(Some(own), "").await?;
    if !all.is_empty() {
        return Ok(Known { place: own.to_owned(), all: which::ordered(all, repository) });
    }
    // Whoever may not look elsewhere is told of here.
    let everywhere: Vec<Snapshot> = cluster.list(None, "").await.unwrap_or_default();
    let mut all = which::ordered(everywhere, repository);
    let newest = all.iter().find(|snapshot| covers(snapshot, own));
    let Some(place) = newest.and_then(kube::ResourceExt::namespace) else {
        return Ok(Known { place: own.to_owned(), all: Vec::new() });
    };
    streams.story.plain(&format!("Namespace {own} has no snapshots of its own: reading those of {place}"));
    all.retain(|snapshot| snapshot.namespace().as_deref() == Some(place.as_str()) && covers(snapshot, own));
    Ok(Known { place, all })
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
