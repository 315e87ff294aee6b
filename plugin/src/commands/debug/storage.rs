//! `debug backupstorage`: a small object is written, read back, listed and deleted, from here; and what the operator
//! says of the same storage.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use archive::store::{self, Condition, ObjectStore, content_type};
use bytes::Bytes;
use crds::condition;
use crds::storage::BackupStorage;
use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::commands::lookup;
use crate::context::Context;
use crate::failure::Failure;
use crate::human;
use crate::repository::{Source, connect, store_failure};
use crate::setup;
use crate::story::Glyph;
use crate::streams::Streams;

/// The object that is written: the name upstream's check gives it.
const KEY: &str = "debug_metadata.yaml";

/// Write, read, list and delete a small object in a storage, from here
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The BackupStorage
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    source: Source,
}

impl Args {
    /// Tries.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let storage: BackupStorage = lookup::one(&cluster, &namespace, &self.name).await?;
        streams.results.write_all(told(&storage).as_bytes())?;
        streams.results.flush()?;
        let bucket = connect(&cluster, &storage, self.source).await?;
        let here = format!("from {}, with the credentials of the storage", bucket.from);
        streams.story.line(Glyph::Here, &here);
        let tried = exercise(&*bucket.store, context, streams).await;
        tried.map_err(|(doing, error)| {
            let what = format!("could not {doing} BackupStorage {namespace}/{}", self.name);
            let failure = store_failure(&error, &what);
            match operators_view(&storage) {
                Some(view) => failure.row("note", view),
                None => failure,
            }
        })?;
        let text = format!(
            "BackupStorage {namespace}/{} works from {}; nothing was left behind",
            self.name, bucket.from
        );
        streams.story.line(Glyph::Done, &text);
        Ok(())
    }
}

/// What the objects say.
fn told(storage: &BackupStorage) -> String {
    let status = storage.status.clone().unwrap_or_default();
    let mut text = String::new();
    let name = format!("{}/{}", storage.namespace().unwrap_or_default(), storage.name_any());
    let place = storage.spec.storage.as_ref().map(setup::storage::spoken).unwrap_or_default();
    let phase = status.phase.map_or_else(|| "unknown".to_owned(), |phase| phase.to_string());
    // Writing to a String does not fail.
    let _ = writeln!(text, "storage   {name}\nplace     {place}\noperator  {phase}");
    if let Some(message) =
        condition::first_failure(&status.conditions).and_then(|failed| failed.message.clone())
    {
        let _ = writeln!(text, "why       {}", message.lines().next().unwrap_or_default());
    }
    text
}

/// A failure from here says little about the operator, which may be nearer to the bucket.
fn operators_view(storage: &BackupStorage) -> Option<String> {
    let phase = storage.status.as_ref()?.phase?;
    (phase.to_string() == "Ready")
        .then(|| "the operator, inside the cluster, says that this storage is Ready: backups work".to_owned())
}

type Tried = Result<(), (&'static str, store::Error)>;

async fn exercise(store: &dyn ObjectStore, context: &Context, streams: &mut Streams<'_>) -> Tried {
    let small = Bytes::from(format!("written: {}\n", context.environment.now()));
    let now = || context.environment.now();
    let start = now();
    store
        .put(KEY, small.clone(), content_type::YAML, Condition::Always)
        .await
        .map_err(|error| ("write to", error))?;
    step(streams, "written", start, now());
    let outcome = look(store, &small, streams, &now).await;
    let start = now();
    // Whatever happened in between, nothing stays behind.
    let deleted = store.delete(KEY).await.map_err(|error| ("delete from", error));
    outcome?;
    deleted?;
    step(streams, "deleted", start, now());
    Ok(())
}

async fn look(
    store: &dyn ObjectStore,
    content: &Bytes,
    streams: &mut Streams<'_>,
    now: &impl Fn() -> Timestamp,
) -> Tried {
    let start = now();
    let read = store.get(KEY).await.map_err(|error| ("read from", error))?;
    let wrong = |action: &'static str, reason: &str| store::Error::Other {
        place: Arc::clone(store.place()),
        action,
        key: store.place().full(KEY),
        reason: reason.to_owned(),
    };
    if read.content != *content {
        return Err(("trust", wrong("read", "what was read is not what was written")));
    }
    step(streams, "read back, and equal", start, now());
    let start = now();
    let listed = store.list(KEY).await.map_err(|error| ("list", error))?;
    if !listed.iter().any(|object| object.key == KEY) {
        return Err(("trust", wrong("list", "what was written is not listed")));
    }
    step(streams, "listed", start, now());
    Ok(())
}

fn step(streams: &mut Streams<'_>, text: &str, start: Timestamp, end: Timestamp) {
    let took: Duration = human::between(start, end);
    streams.story.done_in(text, took);
}

#[cfg(test)]
mod tests {
    use archive::store::memory::Memory;
    use archive::store::{Patience, Reliable};

    use super::*;
    use crate::args::{Connection, Manner};
    use crate::environment::Environment;
    use crate::story::Story;

    #[tokio::test]
    async fn a_storage_that_works_is_left_as_it_was() {
        let now = || "2026-11-22T14:00:00Z".parse().unwrap();
        let memory = Reliable::new(Memory::new(now()), Patience::brief());
        let environment = Environment::scripted(&[], now);
        let context = Context::new(Connection::default(), Manner::default(), environment);
        let (mut input, mut results, mut story): (&[u8], _, _) = (b"", Vec::new(), Vec::new());
        let mut streams =
            Streams { input: &mut input, results: &mut results, story: Story::new(&mut story, false, false) };
        exercise(&memory, &context, &mut streams).await.unwrap();
        assert!(memory.transport().objects().is_empty());
        let told = String::from_utf8(story).unwrap();
        let steps: Vec<&str> = told.lines().filter_map(|line| line.split("  ").next()).collect();
        assert_eq!(steps, ["✔ written", "✔ read back, and equal", "✔ listed", "✔ deleted"]);
    }
}
