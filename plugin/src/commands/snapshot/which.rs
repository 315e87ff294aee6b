//! Which snapshot is meant: by its name, by the beginning of that or of its restic id, or by its place in time.

use crds::storage::Snapshot;
use kube::ResourceExt as _;

use crate::cluster::Cluster;
use crate::commands::lookup;
use crate::failure::{Code, Failure};
use crate::glance;

/// The shortest beginning of an id that is taken for one; restic shows eight digits.
const SHORTEST_ID: usize = 6;

/// The snapshots that are meant, in the order of the names: a name, its beginning or that of a restic id, `latest`, or
/// `latest~2` for the second before it; only of this repository, if one is named.
pub async fn meant(
    cluster: &Cluster,
    namespace: &str,
    (names, repository): (&[String], Option<&str>),
) -> Result<Vec<Snapshot>, Failure> {
    let all = all(cluster, namespace, repository).await?;
    among(cluster, namespace, names, &all).await
}

/// The same among snapshots that are known, the newest first.
pub async fn among(
    cluster: &Cluster,
    namespace: &str,
    names: &[String],
    all: &[Snapshot],
) -> Result<Vec<Snapshot>, Failure> {
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        match resolve(name, all) {
            Found::One(snapshot) => found.push(snapshot.clone()),
            Found::Several(names) => failures.push(several(name, &names)),
            Found::TooFar => {
                let number = crate::human::counted(all.len(), "snapshot");
                let what = format!("there is no {name}: {number} in namespace {namespace}");
                let fix =
                    "kubectl kubestash snapshot list -A   shows all; NAMESPACE/latest is the newest there";
                failures.push(Failure::new(Code::ObjectMissing, what).fix(fix));
            }
            Found::None => failures.push(lookup::not_found::<Snapshot>(cluster, namespace, name).await?),
        }
    }
    Failure::several(failures).map_or(Ok(found), Err)
}

/// All snapshots of a namespace, the newest first; only of this repository, if one is named.
pub async fn all(
    cluster: &Cluster,
    namespace: &str,
    repository: Option<&str>,
) -> Result<Vec<Snapshot>, Failure> {
    let all: Vec<Snapshot> = cluster.list(Some(namespace), "").await?;
    Ok(ordered(all, repository))
}

/// The newest first; only of this repository, if one is named.
#[must_use]
pub fn ordered(mut all: Vec<Snapshot>, repository: Option<&str>) -> Vec<Snapshot> {
    all.retain(|snapshot| repository.is_none_or(|wished| snapshot.spec.repository == wished));
    all.sort_by_key(|snapshot| std::cmp::Reverse((glance::taken(snapshot), snapshot.name_any())));
    all
}

#[derive(Debug, PartialEq)]
enum Found<'a> {
    One(&'a Snapshot),
    Several(Vec<String>),
    /// So many snapshots there are not.
    TooFar,
    None,
}

/// One name among snapshots of which the newest is the first. A snapshot that is really called so comes before all else.
fn resolve<'a>(name: &str, all: &'a [Snapshot]) -> Found<'a> {
    if let Some(named) = all.iter().find(|snapshot| snapshot.name_any() == name) {
        return Found::One(named);
    }
    if let Some(back) = steps_back(name) {
        return all.get(back).map_or(Found::TooFar, Found::One);
    }
    if name.is_empty() {
        return Found::None;
    }
    let may_be_id = name.len() >= SHORTEST_ID && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let begins_so = |snapshot: &&Snapshot| {
        snapshot.name_any().starts_with(name) || (may_be_id && ids(snapshot).any(|id| id.starts_with(name)))
    };
    let begun: Vec<&Snapshot> = all.iter().filter(begins_so).collect();
    match begun.as_slice() {
        [] => Found::None,
        [one] => Found::One(one),
        several => Found::Several(several.iter().map(|snapshot| snapshot.name_any()).collect()),
    }
}

fn several(name: &str, names: &[String]) -> Failure {
    /// More names than fit a few lines help nobody.
    const SHOWN: usize = 10;
    let rest = if names.len() > SHOWN { ", …" } else { "" };
    let first = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    Failure::new(Code::Ambiguous, format!("{name} is the beginning of several snapshots"))
        .row("found", format!("{first}{rest}"))
        .fix("a longer beginning of its name or id, or latest, or latest~1 for the one before")
}

/// `latest` is 0, `latest~2` is 2.
fn steps_back(name: &str) -> Option<usize> {
    match name.strip_prefix("latest")? {
        "" => Some(0),
        rest => rest.strip_prefix('~')?.parse().ok(),
    }
}

fn ids(snapshot: &Snapshot) -> impl Iterator<Item = &str> {
    let components = snapshot.status.iter().flat_map(|status| status.components.values());
    let summaries =
        components.flat_map(|component| &component.restic_stats).filter_map(|stats| stats.summary.as_ref());
    summaries.filter_map(|summary| summary.id.as_deref())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snapshot(name: &str, id: &str) -> Snapshot {
        serde_json::from_value(json!({
            "metadata": {"name": name},
            "spec": {},
            "status": {"components": {"manifest": {"resticStats": [{"summary": {"id": id}}]}}},
        }))
        .unwrap()
    }

    #[test]
    fn a_snapshot_is_found_by_name_place_in_time_or_id() {
        let all = [
            snapshot("c", "59ec6904aa"),
            snapshot("b", "59ec6904bb"),
            snapshot("a", "11223344cc"),
            snapshot("orders-nightly-2", "aa"),
            snapshot("orders-nightly-1", "bb"),
            snapshot("orders", "cc"),
        ];
        let found = |name: &str| match resolve(name, &all) {
            Found::One(snapshot) => snapshot.name_any(),
            other => format!("{other:?}"),
        };
        assert_eq!(found("b"), "b");
        assert_eq!(found("latest"), "c");
        assert_eq!(found("latest~2"), "a");
        assert_eq!(found("latest~6"), "TooFar");
        assert_eq!(found("112233"), "a");
        assert_eq!(found("59ec6904"), "Several([\"c\", \"b\"])");
        assert_eq!(found("orders-nightly-1"), "orders-nightly-1");
        assert_eq!(found("orders"), "orders", "a whole name comes before a beginning");
        assert_eq!(found("orders-"), "Several([\"orders-nightly-2\", \"orders-nightly-1\"])");
        for unknown in ["", "1122", "latest~x", "latests", "ffffff"] {
            assert_eq!(found(unknown), "None", "{unknown}");
        }
    }
}
