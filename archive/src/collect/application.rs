//! The scope that is one object: finding it, finding what it owns, and reading exactly these.
//!
//! Ownership is followed from the object's uid over any number of steps (`metadata.ownerReferences`), through lists that
//! carry metadata only. An object in a namespace owns within it; an object of the cluster may own anywhere. A label
//! selector is applied to what is owned, and so also cuts off what that owns.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use serde::Deserialize;
use serde::de::IgnoredAny;
use snafu::ResultExt as _;

use super::convert::{Shape, convert, type_meta};
use super::jobs::{Job, Place, Portion, Work, is_wanted, notes, object_gap};
use super::lane::{Abandoned, Lane};
use super::listing::{Listing, METADATA, Next, Query, forbidden, gap};
use super::report::{Cause, Gap};
use super::work::off_the_loop;
use super::{Error, Limits, NoNamespaceSnafu, NoTargetSnafu, Reader, TargetSnafu, UnknownKindSnafu};
use crate::api::{self, Api, JSON, encoded};
use crate::discovery::{Discovered, ResourceType, Served};
use crate::entry::Batch;
use crate::order::by_file;
use crate::scope::{Application, Plan};
use crate::select::LabelGates;

/// Objects that are asked for at the same time.
const AT_ONCE: usize = 8;
/// One object of which only `metadata` is there.
const METADATA_OF_ONE: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

#[derive(Deserialize)]
struct Known {
    metadata: Metadata,
    #[serde(flatten)]
    _rest: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    uid: String,
    #[serde(default)]
    owner_references: Vec<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    uid: String,
}

/// The name in an object's metadata.
pub fn name(json: &Bytes) -> Option<String> {
    serde_json::from_slice::<Known>(json).ok().map(|known| known.metadata.name)
}

/// An object that some other owns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Child {
    /// Position among the discovered types.
    of: usize,
    namespace: Option<String>,
    name: String,
    uid: String,
}

/// The target and, if wanted, all that it owns.
pub async fn work(
    api: &Api,
    plan: &Plan,
    target: &Application,
    discovered: &Discovered,
    limits: &Limits,
) -> Result<Work, Error> {
    let root = root_type(target, discovered)?;
    let of = &discovered.types[root];
    let namespace = if of.namespaced { target.namespace.as_deref() } else { None };
    let uid = uid(api, of, namespace, target).await?;
    let mut wanted: BTreeMap<usize, Vec<Place>> = BTreeMap::new();
    let place = |child: &Child, gated: bool| Place {
        namespace: child.namespace.clone(),
        name: child.name.clone(),
        gated,
    };
    let itself = Child {
        of: root,
        namespace: namespace.map(str::to_owned),
        name: target.name.clone(),
        uid: uid.clone(),
    };
    wanted.entry(root).or_default().push(place(&itself, false));
    let mut work = Work::default();
    if target.dependants {
        work = notes(plan, discovered);
        let (children, gaps) = children(api, plan, discovered, namespace, limits).await;
        work.gaps.extend(gaps);
        for child in dependants(&uid, &children) {
            wanted.entry(child.of).or_default().push(place(child, true));
        }
    }
    // By type in the order of discovery, which is that of the tree.
    work.jobs = wanted
        .into_iter()
        .map(|(position, mut places)| {
            places.sort_by(|left, right| {
                left.namespace.cmp(&right.namespace).then_with(|| by_file(&left.name, &right.name))
            });
            Job { of: discovered.types[position].clone(), part: Portion::Only(places) }
        })
        .collect();
    Ok(work)
}

fn root_type(target: &Application, discovered: &Discovered) -> Result<usize, Error> {
    let Application { group, kind, namespace, name, .. } = target;
    let position = discovered
        .types
        .iter()
        .position(|of| of.group == *group && of.versions.iter().any(|served| served.kind == *kind));
    let Some(position) = position else { return UnknownKindSnafu { group, kind }.fail() };
    if discovered.types[position].namespaced && namespace.is_none() {
        return NoNamespaceSnafu { kind, name }.fail();
    }
    Ok(position)
}

async fn uid(
    api: &Api,
    of: &ResourceType,
    namespace: Option<&str>,
    target: &Application,
) -> Result<String, Error> {
    let Application { kind, name, .. } = target;
    match get(api, of, namespace, name, METADATA_OF_ONE).await {
        Ok((_, answer)) => match serde_json::from_slice::<Known>(&answer) {
            Ok(known) => Ok(known.metadata.uid),
            Err(error) => Err(api::Error::garbled(&error)).context(TargetSnafu { kind, name }),
        },
        Err(attempts) => match attempts.into_iter().next_back() {
            Some((_, source)) if !source.is_absent() => Err(source).context(TargetSnafu { kind, name }),
            _ => NoTargetSnafu { kind, name }.fail(),
        },
    }
}

/// All objects that are owned by others, where the owner of anything in scope can own; by the owner's uid.
async fn children(
    api: &Api,
    plan: &Plan,
    discovered: &Discovered,
    namespace: Option<&str>,
    limits: &Limits,
) -> (HashMap<String, Vec<Child>>, Vec<Gap>) {
    let types = discovered.types.iter().enumerate();
    let reach = |of: &ResourceType| is_wanted(plan, of) && (of.namespaced || namespace.is_none());
    let lists = types.filter(|(_, of)| reach(of)).map(async |(position, of)| {
        let selector = plan.filters.label_selector.as_deref();
        let query = Query { of, namespace, selector, accept: METADATA };
        owned(Listing::new(api, query, limits.page_bytes), position).await
    });
    let mut lists = stream::iter(lists).buffered(limits.types.max(1));
    let (mut children, mut gaps) = (HashMap::<String, Vec<Child>>::new(), Vec::new());
    while let Some((found, missing)) = lists.next().await {
        for (owner, child) in found {
            children.entry(owner).or_default().push(child);
        }
        gaps.extend(missing);
    }
    (children, gaps)
}

async fn owned(mut listing: Listing<'_>, of: usize) -> (Vec<(String, Child)>, Vec<Gap>) {
    let (mut found, mut gaps) = (Vec::new(), Vec::new());
    loop {
        let part = match listing.next().await {
            Next::Part(part) => part,
            Next::End | Next::Gone => return (found, gaps),
            Next::Broken(gap) => {
                gaps.push(gap);
                return (found, gaps);
            }
        };
        for item in part.items {
            match serde_json::from_slice::<Known>(&item) {
                Ok(Known { metadata: Metadata { name, namespace, uid, owner_references }, .. }) => {
                    let child = Child { of, namespace, name, uid };
                    found.extend(owner_references.into_iter().map(|owner| (owner.uid, child.clone())));
                }
                Err(error) => gaps.push(listing.object_gap(api::told(&error))),
            }
        }
    }
}

/// All that the object with `root` as uid owns, over any number of steps, each once.
fn dependants<'a>(root: &str, children: &'a HashMap<String, Vec<Child>>) -> BTreeSet<&'a Child> {
    let mut found = BTreeSet::new();
    let mut owners = vec![root.to_owned()];
    while let Some(owner) = owners.pop() {
        for child in children.get(&owner).into_iter().flatten() {
            if child.uid != root && found.insert(child) {
                owners.push(child.uid.clone());
            }
        }
    }
    found
}

/// Reads single objects and hands them out. One that no longer exists is no gap.
pub async fn read_objects(
    reader: &Reader<'_>,
    of: &ResourceType,
    places: &[Place],
    lane: &mut Lane,
) -> Result<(), Abandoned> {
    let gated = reader.shape(of);
    let free = Arc::new(Shape { labels: LabelGates::default(), ..(*gated).clone() });
    let mut answers = stream::iter(places)
        .map(async |place| (place, get(reader.api, of, place.namespace.as_deref(), &place.name, JSON).await))
        .buffered(AT_ONCE);
    while let Some((place, answer)) = answers.next().await {
        let namespace = place.namespace.as_deref();
        match answer {
            Ok((served, body)) => {
                let shape = Arc::clone(if place.gated { &gated } else { &free });
                let meta = type_meta(of, &served);
                let converted = match off_the_loop(body.len(), move || convert(&[body], &shape, &meta)).await
                {
                    Ok(objects) => objects,
                    Err(error) => {
                        lane.outcome.gaps.push(object_gap(of, namespace, error.to_string()));
                        continue;
                    }
                };
                let mut ready = Batch::new();
                for object in converted {
                    match object {
                        Ok(object) => ready.extend(object.entry),
                        Err(error) => lane.outcome.gaps.push(object_gap(of, namespace, error.to_string())),
                    }
                }
                lane.hand_out(&mut ready).await?;
            }
            Err(attempts) => lane.outcome.gaps.extend(unreadable(of, namespace, attempts)),
        }
    }
    Ok(())
}

fn unreadable(
    of: &ResourceType,
    namespace: Option<&str>,
    attempts: Vec<(String, api::Error)>,
) -> Option<Gap> {
    if attempts.iter().all(|(_, error)| error.is_absent()) {
        return None;
    }
    match attempts.iter().find(|(_, error)| error.is_forbidden()) {
        Some((_, error)) => Some(forbidden("get", of, namespace, error)),
        None => Some(gap(of, namespace, Cause::Unreadable { attempts })),
    }
}

/// One object, in the first version in which it can be read.
async fn get(
    api: &Api,
    of: &ResourceType,
    namespace: Option<&str>,
    name: &str,
    accept: &str,
) -> Result<(Served, Bytes), Vec<(String, api::Error)>> {
    let mut attempts = Vec::new();
    for served in &of.versions {
        let path = format!("{}/{}", of.collection(served, namespace), encoded(name));
        match api.get(&path, accept).await {
            Ok(body) => return Ok((served.clone(), body)),
            Err(error) => {
                let decisive = error.is_forbidden() || error.is_absent();
                attempts.push((served.version.clone(), error));
                if decisive {
                    break;
                }
            }
        }
    }
    Err(attempts)
}
