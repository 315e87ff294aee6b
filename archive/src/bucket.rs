//! The files that describe a storage: which repositories it has, and what each of their snapshots is.
//!
//! `metadata.yaml` at the top marks the storage as initialised; each repository has its `repository.yaml` and a file
//! for every Snapshot (contract section 4.1 to 4.3). With them another cluster finds everything again.

use bytes::Bytes;
use crds::config::backend_meta::{BackendMeta, FILE_NAME};
use crds::storage::{Repository, Snapshot};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use snafu::{ResultExt, Snafu};

use crate::error::Permanence;
use crate::location::trimmed;
use crate::manifest::codec;
use crate::store::{self, Condition, ObjectStore, content_type};

/// Why a file could not be read or written.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The object store failed.
    #[snafu(display("{source}"))]
    Store {
        /// What happened.
        source: store::Error,
    },
    /// The file is there and is none of ours.
    #[snafu(display("{key:?} in {place} cannot be read: {source}"))]
    Decode {
        /// The file.
        key: String,
        /// The storage.
        place: String,
        /// What is wrong with it.
        source: codec::Error,
    },
    /// The object cannot be written as YAML.
    #[snafu(display("failed to encode {key:?}: {source}"))]
    Encode {
        /// The file.
        key: String,
        /// What is wrong with it.
        source: codec::Error,
    },
}

type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether trying again can help.
    #[must_use]
    pub const fn permanence(&self) -> Permanence {
        match self {
            Self::Store { source } => source.permanence(),
            Self::Decode { .. } | Self::Encode { .. } => Permanence::Permanent,
        }
    }
}

/// Marks a storage as initialised, and returns what its mark says. One that is there is adopted, never overwritten.
pub async fn initialise(
    store: &dyn ObjectStore,
    operator_version: &str,
    now: Timestamp,
) -> Result<BackendMeta> {
    if let Some(meta) = read_meta(store).await? {
        return Ok(meta);
    }
    // Files keep whole seconds, and so does what is returned.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let meta = BackendMeta::new(operator_version, now);
    match write(store, FILE_NAME, &meta, Condition::Absent).await {
        Ok(()) => Ok(meta),
        Err(Error::Store { source }) if source.is_lost_race() => read(store, FILE_NAME).await,
        Err(error) => Err(error),
    }
}

/// The mark of a storage; `None` if it is not initialised.
pub async fn read_meta(store: &dyn ObjectStore) -> Result<Option<BackendMeta>> {
    optional(read(store, FILE_NAME).await)
}

/// Writes the list of repositories into the mark, if it is another one. When and by which version the storage was
/// initialised stays. Returns whether anything was written.
pub async fn update_meta(store: &dyn ObjectStore, wanted: &BackendMeta) -> Result<bool> {
    let Some(mut meta) = read_meta(store).await? else {
        write(store, FILE_NAME, wanted, Condition::Absent).await?;
        return Ok(true);
    };
    if meta.repositories == wanted.repositories {
        return Ok(false);
    }
    meta.repositories.clone_from(&wanted.repositories);
    write(store, FILE_NAME, &meta, Condition::Always).await?;
    Ok(true)
}

/// Removes the mark.
pub async fn delete_meta(store: &dyn ObjectStore) -> Result<()> {
    store.delete(FILE_NAME).await.context(StoreSnafu)
}

/// The object of the repository at `path`, `spec.path` of it; `None` if there is no file.
pub async fn read_repository(store: &dyn ObjectStore, path: &str) -> Result<Option<Repository>> {
    optional(read(store, &repository_key(path)).await)
}

/// Writes the object of the repository at `path`.
pub async fn write_repository(store: &dyn ObjectStore, path: &str, repository: &Repository) -> Result<()> {
    write(store, &repository_key(path), repository, Condition::Always).await
}

/// The Snapshots of the repository at `path`.
///
/// Any file below `snapshots/` counts, whatever its name. One that cannot be read is returned as an error beside the
/// others: it must not hide them.
pub async fn read_snapshots(store: &dyn ObjectStore, path: &str) -> Result<Vec<Result<Snapshot>>> {
    let listed = store.list(&below(path, "snapshots/")).await.context(StoreSnafu)?;
    let mut snapshots = Vec::with_capacity(listed.len());
    for object in listed.iter().filter(|object| is_file(&object.key)) {
        match read(store, &object.key).await {
            Err(Error::Store { source }) if source.is_not_found() => {}
            Err(error @ Error::Store { .. }) => return Err(error),
            snapshot => snapshots.push(snapshot),
        }
    }
    Ok(snapshots)
}

/// Writes a Snapshot of the repository at `path`.
pub async fn write_snapshot(
    store: &dyn ObjectStore,
    path: &str,
    name: &str,
    snapshot: &Snapshot,
) -> Result<()> {
    write(store, &snapshot_key(path, name), snapshot, Condition::Always).await
}

/// Removes the file of a Snapshot of the repository at `path`.
pub async fn delete_snapshot(store: &dyn ObjectStore, path: &str, name: &str) -> Result<()> {
    store.delete(&snapshot_key(path, name)).await.context(StoreSnafu)
}

/// Writes what a restore did, one JSON object per line, and returns where: `restores/<namespace>-<name>.jsonl` of the
/// repository at `path`, after the RestoreSession.
pub async fn write_restore_report(
    store: &dyn ObjectStore,
    path: &str,
    (namespace, name): (&str, &str),
    lines: Vec<u8>,
) -> Result<String> {
    let key = below(path, &format!("restores/{namespace}-{name}.jsonl"));
    store
        .put(&key, Bytes::from(lines), content_type::JSON_LINES, Condition::Always)
        .await
        .context(StoreSnafu)?;
    Ok(key)
}

/// Neither a directory marker nor a sidecar that KubeStash keeps on volumes (contract section 4.4).
fn is_file(key: &str) -> bool {
    !key.ends_with('/') && key.rsplit_once('.').is_none_or(|(_, extension)| extension != "attrs")
}

fn below(path: &str, file: &str) -> String {
    let path = trimmed(path);
    if path.is_empty() { file.to_owned() } else { format!("{path}/{file}") }
}

fn repository_key(path: &str) -> String {
    below(path, "repository.yaml")
}

fn snapshot_key(path: &str, name: &str) -> String {
    below(path, &format!("snapshots/{name}.yaml"))
}

async fn read<T: DeserializeOwned>(store: &dyn ObjectStore, key: &str) -> Result<T> {
    let object = store.get(key).await.context(StoreSnafu)?;
    let place = store.place();
    codec::decode(&object.content).with_context(|_| DecodeSnafu { key, place: place.to_string() })
}

async fn write<T: Serialize + Sync>(
    store: &dyn ObjectStore,
    key: &str,
    object: &T,
    condition: Condition,
) -> Result<()> {
    let yaml = codec::encode_as_json(object).context(EncodeSnafu { key })?;
    store.put(key, Bytes::from(yaml), content_type::YAML, condition).await.context(StoreSnafu)
}

fn optional<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Err(Error::Store { source }) if source.is_not_found() => Ok(None),
        read => read.map(Some),
    }
}
