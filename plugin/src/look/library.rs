//! Repositories opened for reading: each component once, whatever number of snapshots is read from it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use archive::location;
use archive::manifest::path::Key;
use archive::repository::look::{Content, Leaf, Reader};
use archive::restore::Source;
use crds::storage::Snapshot;
use jiff::Timestamp;
use kube::ResourceExt as _;

use super::Flags;
use super::address::ROOT;
use super::whole::{Whole, whole};
use super::wish::Wish;
use crate::cluster::Cluster;
use crate::commands::lookup;
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::repository::{self, Found};
use crate::streams::Streams;

/// Snapshots with what reads them.
#[derive(Debug)]
pub struct Library {
    /// In the order that was asked for.
    pub holdings: Vec<Holding>,
    readers: Vec<Arc<Reader>>,
    /// What was opened: ways to buckets among it, which are kept open.
    found: Vec<Found>,
}

/// A snapshot that can be read.
#[derive(Debug)]
pub struct Holding {
    /// The object.
    pub snapshot: Snapshot,
    /// What is stored of it.
    pub parts: Vec<Part>,
}

/// One restic snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Name of the component.
    pub component: String,
    /// Id in full.
    pub id: String,
    /// What its files lie below.
    pub root: String,
    reader: usize,
}

/// What is in a file, comparable across snapshots.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Blob {
    reader: usize,
    content: Content,
}

impl Blob {
    /// The ids of its parts.
    #[must_use]
    pub fn ids(&self) -> String {
        self.content.ids()
    }
}

/// What is asked of a reader: its place, a root, and for each snapshot its place, that of its part, and its id.
type Request = (usize, String, Wanted);
type Wanted = Vec<(usize, usize, String)>;

/// A file of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Which object it is, where it is one.
    pub key: Option<Key>,
    /// Relative to the root.
    pub path: String,
    pub size: u64,
    /// When the object was created.
    pub modified: Option<Timestamp>,
    pub blob: Blob,
    /// Which of the parts of its snapshot it is of.
    pub part: usize,
}

impl Item {
    /// `deployments.apps/orders`, or the path of what is no manifest.
    #[must_use]
    pub fn reference(&self) -> String {
        match &self.key {
            Some(key) => format!("{}/{}", key.group_resource, key.name),
            None => self.path.clone(),
        }
    }

    /// Its namespace, or nothing.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.key.as_ref().and_then(|key| key.namespace.as_deref()).unwrap_or_default()
    }

    /// Whether nobody may see its values.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.group_resource == "secrets")
    }
}

/// Opens what is needed to read these snapshots.
pub async fn open(
    cluster: &Cluster,
    snapshots: Vec<Snapshot>,
    flags: &Flags,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<Library, Failure> {
    let mut holdings = Vec::new();
    // Per Repository the paths of components, each with its place among the readers.
    let mut wanted: BTreeMap<(String, String), BTreeMap<String, usize>> = BTreeMap::new();
    let mut number = 0;
    for snapshot in snapshots {
        let place = (snapshot.namespace().unwrap_or_default(), snapshot.spec.repository.clone());
        let paths = wanted.entry(place).or_default();
        let mut parts = Vec::new();
        for stored in stored(&snapshot, flags)? {
            let path = location::trimmed(&snapshot.component_path(&stored.component));
            let reader = *paths.entry(path).or_insert_with(|| {
                number += 1;
                number - 1
            });
            parts.push(Part { reader, ..stored });
        }
        holdings.push(Holding { snapshot, parts });
    }
    let mut found = Vec::new();
    let mut opening = Vec::new();
    for ((namespace, name), paths) in &wanted {
        let wished: Vec<String> = paths.keys().cloned().collect();
        let one = repository::find(cluster, (namespace, name), &wished, flags.source).await?;
        one.tell(streams);
        found.push(one);
    }
    for (one, paths) in found.iter().zip(wanted.values()) {
        for (path, number) in paths {
            opening.push(async move {
                let archive = one.open(path, &context.environment).await?;
                let reader = Reader::of(archive).await;
                let doing = format!("read repository {}", one.name());
                Ok::<_, Failure>((*number, reader.map_err(|error| repository::failure(&error, &doing))?))
            });
        }
    }
    // Each takes a key derivation: side by side.
    let mut readers: Vec<(usize, Reader)> = futures::future::try_join_all(opening).await?;
    readers.sort_by_key(|(number, _)| *number);
    let readers = readers.into_iter().map(|(_, reader)| Arc::new(reader)).collect();
    Ok(Library { holdings, readers, found })
}

/// What the status of a snapshot says is stored of it.
fn stored(snapshot: &Snapshot, flags: &Flags) -> Result<Vec<Part>, Failure> {
    let components = snapshot.status.iter().flat_map(|status| &status.components);
    let wanted =
        components.filter(|(name, _)| flags.components.is_empty() || flags.components.contains(name));
    let mut parts = Vec::new();
    let mut errors = Vec::new();
    for (name, component) in wanted {
        errors.extend(component.error.iter().map(|error| format!("{name}: {error}")));
        for summary in component.restic_stats.iter().filter_map(|stats| stats.summary.as_ref()) {
            let Some(id) = summary.id.clone().filter(|id| !id.is_empty()) else { continue };
            let root = summary.host_path.clone().unwrap_or_else(|| format!("/{ROOT}"));
            parts.push(Part { component: name.clone(), id, root, reader: 0 });
        }
    }
    if !parts.is_empty() {
        return Ok(parts);
    }
    let failure = Failure::new(
        Code::SnapshotEmpty,
        format!("Snapshot {} holds nothing that could be read", lookup::place(snapshot)),
    );
    let known: Vec<&str> =
        snapshot.status.iter().flat_map(|status| status.components.keys().map(String::as_str)).collect();
    Err(match errors.as_slice() {
        [] if !flags.components.is_empty() && !known.is_empty() => {
            failure.why("it has no such component").row("found", known.join(", "))
        }
        [] => failure.why(match whole(snapshot) {
            Whole::Yes => "its status names no restic snapshot",
            Whole::No => "its backup failed before anything was stored",
            Whole::NotYet(why) => why,
        }),
        errors => failure.why(errors.join("\n")),
    }
    .fix("kubectl kubestash snapshot list"))
}

impl Library {
    /// The resources that any of the snapshots holds.
    pub async fn resources(&self) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        for (reader, root, ids) in self.requests() {
            let ids: Vec<String> = ids.into_iter().map(|(_, _, id)| id).collect();
            names.extend(self.readers[reader].directories(&ids, &root).await.map_err(|error| told(&error))?);
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// What every snapshot holds of what is wished, in the order of the paths.
    pub async fn items(&self, wish: &Wish) -> Result<Vec<Vec<Item>>, Failure> {
        let mut all: Vec<Vec<Item>> = self.holdings.iter().map(|_| Vec::new()).collect();
        for (reader, root, wanted) in self.requests() {
            let ids: Vec<String> = wanted.iter().map(|(_, _, id)| id.clone()).collect();
            let wish = wish.clone();
            let enter = move |path: &str| wish.enters(path);
            let found = self.readers[reader].files(&ids, &root, enter).await.map_err(|error| told(&error))?;
            for ((holding, part, _), leaves) in wanted.into_iter().zip(found) {
                all[holding].extend(leaves.into_iter().map(|leaf| item(leaf, reader, part)));
            }
        }
        for items in &mut all {
            items.sort_by(|one, other| one.path.cmp(&other.path));
        }
        Ok(all)
    }

    /// A part of a snapshot as a restore reads it.
    #[must_use]
    pub fn source(&self, part: &Part) -> Option<Source> {
        let reader = Arc::clone(self.readers.get(part.reader)?);
        Some(Source { reader, snapshot: part.id.clone(), root: part.root.clone() })
    }

    /// Where the bucket of the first repository is, and the Secret that opens it.
    #[must_use]
    pub fn opened(&self) -> Option<&Found> {
        self.found.first()
    }

    /// Reads contents, and makes something of each.
    pub async fn read<T: Clone + Send + 'static>(
        &self,
        blobs: &[Blob],
        make: impl Fn(usize, &[u8]) -> T + Clone + Send + Sync + 'static,
    ) -> Result<Vec<T>, Failure> {
        let mut results: Vec<Option<T>> = blobs.iter().map(|_| None).collect();
        for (number, reader) in self.readers.iter().enumerate() {
            let places: Vec<usize> =
                (0..blobs.len()).filter(|place| blobs[*place].reader == number).collect();
            let contents = places.iter().map(|place| blobs[*place].content.clone()).collect();
            let (make, known) = (make.clone(), places.clone());
            let read = reader.read(contents, move |index, bytes| make(known[index], bytes)).await;
            for (place, value) in places.into_iter().zip(read.map_err(|error| told(&error))?) {
                results[place] = Some(value);
            }
        }
        Ok(results.into_iter().flatten().collect())
    }

    /// What is asked of each reader: below a root, for a snapshot and its part.
    fn requests(&self) -> Vec<Request> {
        let mut requests: HashMap<(usize, &str), Wanted> = HashMap::new();
        for (holding, part, found) in self.parts() {
            let key = (found.reader, found.root.as_str());
            requests.entry(key).or_default().push((holding, part, found.id.clone()));
        }
        let mut requests: Vec<_> =
            requests.into_iter().map(|((reader, root), wanted)| (reader, root.to_owned(), wanted)).collect();
        requests.sort();
        requests
    }

    fn parts(&self) -> impl Iterator<Item = (usize, usize, &Part)> {
        let holdings = self.holdings.iter().enumerate();
        holdings.flat_map(|(holding, one)| {
            one.parts.iter().enumerate().map(move |(number, part)| (holding, number, part))
        })
    }
}

fn item(leaf: Leaf, reader: usize, part: usize) -> Item {
    let Leaf { path, size, modified, content } = leaf;
    Item { key: Key::from_path(&path).ok(), path, size, modified, blob: Blob { reader, content }, part }
}

fn told(error: &archive::repository::Error) -> Failure {
    repository::failure(error, "read the snapshot")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_snapshot_that_holds_nothing_says_why() {
        let broken = json!({"components": {"manifest": {"error": "the bucket is full"}}, "phase": "Failed"});
        for (annotations, status, components, why) in [
            (json!({}), Value::Null, "", "its backup has not finished"),
            (json!({"kubestash.com/sync": "pending"}), Value::Null, "", "its status is not here yet"),
            (
                json!({"kubestash.com/sync": "done"}),
                json!({"phase": "Failed"}),
                "",
                "before anything was stored",
            ),
            (json!({}), broken.clone(), "", "manifest: the bucket is full"),
            (json!({}), broken, "dump", "no such component"),
        ] {
            let snapshot = serde_json::from_value(json!({
                "metadata": {"name": "a", "namespace": "shop", "annotations": annotations},
                "spec": {},
                "status": status,
            }));
            let wanted = Some(components.to_owned()).filter(|component| !component.is_empty());
            let flags = Flags { components: wanted.into_iter().collect(), ..Flags::default() };
            let said = stored(&snapshot.unwrap(), &flags).map(|_| ()).unwrap_err().render(false);
            assert!(said.contains(why), "{why}: {said}");
        }
    }
}
