//! What a snapshot holds, read twice: once for a [`Card`] of each object, and again when it is sent.
//!
//! Not all bodies are kept in between, since there may be 50,000; those of a small snapshot are, which saves the second
//! reading. Nothing that is read is trusted: whoever has the password can write any tree, and a file of it is one line of
//! the report, whatever is in it.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use serde_json::{Map, Value};
use snafu::ResultExt as _;

use super::card::Card;
use super::choose::{self, Choice};
use super::options::Options;
use super::verdict::{Problem, ProblemKind};
use super::{Error, ReadSnafu, Source};
use crate::manifest::codec;
use crate::manifest::path::Key;
use crate::repository;
use crate::repository::look::{Content, Leaf, Reader};

/// The most objects that are looked at: ten times what a large cluster has.
const MOST_OBJECTS: usize = 500_000;
/// The largest file that is read: twice what etcd holds, since YAML may be longer than JSON.
const LARGEST: u64 = 3 * 1024 * 1024;
/// Snapshots that are not larger in all are kept in memory.
const KEPT_WHOLE: u64 = 48 * 1024 * 1024;
/// About what is read at once, in bytes and in objects.
const BATCH: (u64, usize) = (4 * 1024 * 1024, 512);
/// Files that are read at the same time when their batch could not be.
const ONE_BY_ONE: usize = 8;

/// A manifest.
pub type Object = Map<String, Value>;

/// The objects of a snapshot that may be brought back.
pub struct Contents {
    reader: Arc<Reader>,
    /// In the order of their keys.
    pub cards: Vec<Card>,
    /// What cannot be brought back or is not, as can be said without the others.
    pub decided: Vec<(Key, Choice)>,
    /// What is odd.
    pub warnings: Vec<String>,
    /// Whether all files were looked at.
    pub complete: bool,
    /// For each card.
    files: Vec<File>,
    /// What nobody asked for. Kept only where it matters that the snapshot has it.
    outside: Vec<Key>,
}

struct File {
    content: Content,
    size: u64,
    /// JSON, where it is kept.
    body: Option<Bytes>,
}

/// Reads all that `options` may ask for.
pub async fn read(source: &Source, options: &Arc<Options>) -> Result<Contents, Error> {
    let snapshots = std::slice::from_ref(&source.snapshot);
    let found = source.reader.files(snapshots, &source.root, |_| true).await.context(ReadSnafu)?;
    let mut leaves: Vec<Leaf> = found.into_iter().flatten().collect();
    let mut contents = Contents {
        reader: Arc::clone(&source.reader),
        cards: Vec::new(),
        decided: Vec::new(),
        warnings: Vec::new(),
        complete: leaves.len() <= MOST_OBJECTS,
        files: Vec::new(),
        outside: Vec::new(),
    };
    if !contents.complete {
        let count = leaves.len();
        contents.warnings.push(format!("of {count} files only the first {MOST_OBJECTS} are looked at"));
        leaves.truncate(MOST_OBJECTS);
    }
    let wanted = contents.sort_out(leaves, options);
    let keep = wanted.iter().map(|(_, leaf)| leaf.size).sum::<u64>() <= KEPT_WHOLE;
    for batch in batches(wanted, |(_, leaf)| leaf.size) {
        contents.read_batch(batch, options, keep).await?;
    }
    contents.note_absent(options);
    Ok(contents)
}

impl Contents {
    /// What has to be read; the rest is decided.
    fn sort_out(&mut self, leaves: Vec<Leaf>, options: &Options) -> Vec<(Key, Leaf)> {
        let mut wanted = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            let Ok(key) = Key::from_path(&leaf.path) else {
                self.warnings.push(format!("{:?} is not the path of a manifest", shortened(&leaf.path)));
                continue;
            };
            match choose::by_name(&key, options) {
                Some(Choice::Outside) if options.prune => self.outside.push(key),
                Some(Choice::Outside) => {}
                Some(choice @ (Choice::Skip(_) | Choice::Fail(_))) => self.decided.push((key, choice)),
                Some(Choice::Take | Choice::IfNeeded) | None if leaf.size > LARGEST => {
                    let message =
                        format!("a manifest of {} bytes is more than any API server takes", leaf.size);
                    self.decided.push((key, fail(ProblemKind::Malformed, message)));
                }
                Some(Choice::Take | Choice::IfNeeded) | None => wanted.push((key, leaf)),
            }
        }
        wanted
    }

    async fn read_batch(
        &mut self,
        batch: Vec<(Key, Leaf)>,
        options: &Arc<Options>,
        keep: bool,
    ) -> Result<(), Error> {
        let (keys, leaves): (Vec<Key>, Vec<Leaf>) = batch.into_iter().unzip();
        let (keys, options) = (Arc::new(keys), Arc::clone(options));
        let contents: Vec<Content> = leaves.iter().map(|leaf| leaf.content.clone()).collect();
        let asked = Arc::clone(&keys);
        let make = move |place: usize, bytes: &[u8]| {
            let object = parse(bytes)?;
            let body = keep.then(|| serde_json::to_vec(&object).map(Bytes::from)).and_then(Result::ok);
            Card::read(&asked[place], &object, &options).map(|card| (card, body))
        };
        let read = read_or_one_by_one(&self.reader, contents, make).await.context(ReadSnafu)?;
        for ((key, leaf), read) in keys.iter().zip(leaves).zip(read) {
            match read {
                Ok((card, body)) => {
                    self.cards.push(card);
                    self.files.push(File { content: leaf.content, size: leaf.size, body });
                }
                Err(problem) => self.decided.push((key.clone(), Choice::Fail(problem))),
            }
        }
        Ok(())
    }

    /// All that the snapshot has; with [`Options::prune`] also what nobody asked for.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        let read = self.cards.iter().map(|card| &card.key);
        read.chain(self.decided.iter().map(|(key, _)| key)).chain(&self.outside)
    }

    fn note_absent(&mut self, options: &Options) {
        let held: HashSet<&Key> = self.keys().collect();
        let absent = choose::absent(options, |key| held.contains(key));
        let absent: Vec<String> =
            absent.into_iter().map(|key| format!("the snapshot has no {key}")).collect();
        self.warnings.extend(absent);
    }

    /// Bytes of YAML of a card's object.
    pub fn size(&self, index: usize) -> u64 {
        self.files[index].size
    }

    /// The cards in parts that are small enough to be in memory, in their order.
    pub fn batches(&self, indexes: &[usize]) -> Vec<Vec<usize>> {
        batches(indexes.to_vec(), |index| self.files[*index].size)
    }

    /// The objects of some cards, in their order.
    pub async fn objects(&self, indexes: &[usize]) -> Result<Vec<Result<Object, Problem>>, Error> {
        let kept: Vec<Option<&Bytes>> =
            indexes.iter().map(|index| self.files[*index].body.as_ref()).collect();
        if kept.iter().all(Option::is_some) {
            return Ok(kept.into_iter().flatten().map(parse_json).collect());
        }
        let contents = indexes.iter().map(|index| self.files[*index].content.clone()).collect();
        read_or_one_by_one(&self.reader, contents, |_, bytes: &[u8]| parse(bytes)).await.context(ReadSnafu)
    }
}

fn fail(kind: ProblemKind, message: String) -> Choice {
    Choice::Fail(Problem { kind, message })
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

/// What the reader of YAML says may quote the file, and that may be a Secret: only where it stumbled is told.
fn parse(yaml: &[u8]) -> Result<Object, Problem> {
    codec::decode(yaml).map_err(|_| malformed())
}

fn parse_json(json: &Bytes) -> Result<Object, Problem> {
    serde_json::from_slice(json).map_err(|_| malformed())
}

fn malformed() -> Problem {
    Problem { kind: ProblemKind::Malformed, message: "it is not a manifest that can be read".to_owned() }
}

/// Reads contents at once, or where that fails each by itself, so that what is damaged costs no other object. Only when
/// nothing at all can be read is it an error.
async fn read_or_one_by_one<T: Send + 'static>(
    reader: &Reader,
    contents: Vec<Content>,
    make: impl Fn(usize, &[u8]) -> Result<T, Problem> + Send + Sync + 'static,
) -> Result<Vec<Result<T, Problem>>, repository::Error> {
    let make = Arc::new(make);
    let all = Arc::clone(&make);
    let error = match reader.read(contents.clone(), move |place, bytes| all(place, bytes)).await {
        Ok(read) => return Ok(read),
        Err(error) => error,
    };
    let read: Vec<Result<Result<T, Problem>, repository::Error>> =
        stream::iter(contents.into_iter().enumerate())
            .map(|(place, content)| {
                let make = Arc::clone(&make);
                async move {
                    let read = reader.read(vec![content], move |_, bytes| make(place, bytes)).await?;
                    read.into_iter().next().ok_or(repository::Error::Cancelled)
                }
            })
            .buffered(ONE_BY_ONE)
            .collect()
            .await;
    if read.iter().all(Result::is_err) {
        return Err(error);
    }
    Ok(read.into_iter().map(|read| read.unwrap_or_else(|error| Err(unreadable(&error)))).collect())
}

fn unreadable(error: &repository::Error) -> Problem {
    Problem { kind: ProblemKind::Unreadable, message: error.to_string() }
}

/// Neighbours together, up to [`BATCH`].
fn batches<T>(items: Vec<T>, size: impl Fn(&T) -> u64) -> Vec<Vec<T>> {
    let (most_bytes, most_items) = BATCH;
    let mut batches: Vec<Vec<T>> = Vec::new();
    let mut bytes = 0;
    for item in items {
        let more = size(&item);
        match batches.last_mut() {
            Some(batch) if batch.len() < most_items && bytes + more <= most_bytes => {
                batch.push(item);
                bytes += more;
            }
            _ => {
                batches.push(vec![item]);
                bytes = more;
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_bounded_and_keep_the_order() {
        let sizes =
            |items: Vec<u64>| -> Vec<usize> { batches(items, |size| *size).iter().map(Vec::len).collect() };
        assert_eq!(sizes(vec![]), Vec::<usize>::new());
        assert_eq!(sizes(vec![1; 1100]), [512, 512, 76]);
        let half = BATCH.0 / 2;
        assert_eq!(sizes(vec![half, half, 1, half, 2 * BATCH.0, 1]), [2, 2, 1, 1]);
        let order: Vec<u64> = batches((0..2000).collect(), |size| *size).concat();
        assert!(order.is_sorted() && order.len() == 2000);
    }

    #[test]
    fn what_cannot_be_read_is_told_without_its_content() {
        for yaml in ["data: [hunter2", "hunter2", "- hunter2", "a: 1\na: hunter2"] {
            let problem = parse(yaml.as_bytes()).unwrap_err();
            assert_eq!(problem.kind, ProblemKind::Malformed);
            assert!(!problem.message.contains("hunter2"));
        }
    }
}
