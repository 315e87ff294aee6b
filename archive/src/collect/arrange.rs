//! Lists of one type, turned into files in the order of the tree (see [`crate::order`]).

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use futures::{StreamExt as _, stream};
use snafu::Snafu;

use super::Reader;
use super::convert::{Object, Shape, convert, shares, type_meta};
use super::jobs::object_gap;
use super::lane::{Abandoned, Lane};
use super::listing::{Listing, Next, Part};
use super::work::off_the_loop;
use crate::discovery::ResourceType;
use crate::entry::{Batch, Entry};
use crate::order::{Disorder, Files, Namespaces, Step};

/// Why the reading of a list stops before its end.
#[derive(Debug, Snafu)]
pub enum Stop {
    /// Nobody takes the files any more.
    #[snafu(context(false), display("{source}"))]
    Unwanted {
        /// The reason.
        source: Abandoned,
    },
    /// The server does not sort. What was handed out is handed out.
    #[snafu(context(false), display("the list is not sorted: {source}"))]
    Unsorted {
        /// Where it was noticed.
        source: Disorder,
    },
}

/// The place of an object in a list, and in etcd.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ListKey(String);

impl ListKey {
    fn of(object: &Object) -> Self {
        match &object.namespace {
            None => Self(object.name.clone()),
            Some(namespace) => Self(format!("{namespace}/{}", object.name)),
        }
    }
}

/// What a list reaches over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All objects of the type.
    All,
    /// Those of one namespace.
    Namespace,
    /// Those of one namespace, which the list over all has at another place.
    ReadAhead,
}

/// The reading of one list.
pub struct Arrangement<'a> {
    reader: &'a Reader<'a>,
    of: &'a ResourceType,
    shape: Arc<Shape>,
    lane: &'a mut Lane,
    files: Files<Arc<Entry>>,
    extent: Extent,
    namespaces: Namespaces,
    /// The namespace of the object before; empty for the cluster.
    current: Option<String>,
    writing: bool,
    last: Option<ListKey>,
    resume: Option<ListKey>,
    late: BTreeSet<String>,
}

impl<'a> Arrangement<'a> {
    /// Nothing is read yet.
    pub fn new(
        reader: &'a Reader<'a>,
        of: &'a ResourceType,
        shape: Arc<Shape>,
        lane: &'a mut Lane,
        extent: Extent,
    ) -> Self {
        Self {
            reader,
            of,
            shape,
            lane,
            extent,
            files: Files::default(),
            namespaces: Namespaces::default(),
            current: None,
            writing: true,
            last: None,
            resume: None,
            late: BTreeSet::new(),
        }
    }

    /// Reads `listing` to its end. What is missing is noted in the lane.
    pub async fn read(mut self, mut listing: Listing<'_>) -> Result<(), Stop> {
        let mut next = listing.next().await;
        loop {
            match next {
                Next::Part(part) => {
                    if let Some(total) = part.total.filter(|_| self.extent != Extent::ReadAhead) {
                        self.lane.expect(&self.reader.totals, total);
                        if self.extent == Extent::All {
                            self.lane.counted(&self.reader.totals);
                        }
                    }
                    // While this part is worked on, the next one is on its way.
                    let (taken, following) = futures::join!(self.take(part), listing.next());
                    taken?;
                    next = following;
                }
                Next::End => break,
                Next::Gone => {
                    let warning = format!("{} was deleted while it was read", self.of.group_resource());
                    self.lane.outcome.warn(warning);
                    break;
                }
                Next::Broken(gap) => {
                    self.lane.outcome.gaps.push(gap);
                    break;
                }
            }
        }
        self.note(&listing);
        let mut ready = Batch::new();
        self.files.finish(&mut ready);
        self.lane.hand_out(&mut ready).await?;
        Ok(())
    }

    async fn take(&mut self, part: Part) -> Result<(), Stop> {
        if part.again {
            self.resume.clone_from(&self.last);
        }
        let meta = Arc::new(type_meta(self.of, &part.served));
        let shape = Arc::clone(&self.shape);
        let mut converted = stream::iter(shares(part.items))
            .map(move |(bytes, items)| {
                let (shape, meta) = (Arc::clone(&shape), Arc::clone(&meta));
                off_the_loop(bytes, move || convert(&items, &shape, &meta))
            })
            .buffered(3);
        while let Some(share) = converted.next().await {
            let mut ready = Batch::new();
            match share {
                Ok(objects) => {
                    for object in objects {
                        match object {
                            Ok(object) => self.place(object, &mut ready).await?,
                            Err(error) => self.lose(error.to_string()),
                        }
                    }
                }
                Err(error) => self.lose(error.to_string()),
            }
            self.lane.hand_out(&mut ready).await?;
        }
        Ok(())
    }

    /// Puts one object where it belongs among those before it.
    async fn place(&mut self, object: Object, ready: &mut Batch) -> Result<(), Stop> {
        let key = ListKey::of(&object);
        if self.resume.as_ref().is_some_and(|resume| key <= *resume) {
            return Ok(());
        }
        if let Some(last) = self.last.as_ref().filter(|last| key <= **last) {
            return Err(Disorder { previous: last.0.clone(), name: key.0 }.into());
        }
        self.last = Some(key);
        let namespace = object.namespace.as_deref().unwrap_or_default();
        if self.current.as_deref() != Some(namespace) {
            self.enter(namespace, ready).await?;
        }
        if let Some(entry) = object.entry.filter(|_| self.writing) {
            self.files.push(object.name, entry, ready)?;
        }
        Ok(())
    }

    /// The list has come to another namespace.
    async fn enter(&mut self, namespace: &str, ready: &mut Batch) -> Result<(), Stop> {
        self.files.finish(ready);
        self.current = Some(namespace.to_owned());
        self.writing = namespace.is_empty() || self.reader.admits_namespace(namespace);
        if !self.writing || namespace.is_empty() || self.extent != Extent::All {
            return Ok(());
        }
        match self.namespaces.enter(namespace, |name| self.reader.has_namespace(name)) {
            Step::Write { first } => {
                for earlier in first {
                    self.lane.hand_out(ready).await?;
                    self.read_ahead(&earlier).await?;
                }
            }
            Step::Done => self.writing = false,
            Step::Late => {
                self.writing = false;
                self.late.insert(namespace.to_owned());
            }
        }
        Ok(())
    }

    /// Boxed, and said to be Send, since this is the middle of reading a list.
    fn read_ahead<'b>(
        &'b mut self,
        namespace: &'b str,
    ) -> Pin<Box<dyn Future<Output = Result<(), Stop>> + Send + 'b>> {
        let listing = self.reader.listing(self.of, Some(namespace));
        let shape = Arc::clone(&self.shape);
        let arrangement = Arrangement::new(self.reader, self.of, shape, &mut *self.lane, Extent::ReadAhead);
        Box::pin(arrangement.read(listing))
    }

    fn lose(&mut self, message: String) {
        self.lane.outcome.gaps.push(object_gap(self.of, None, message));
    }

    fn note(&mut self, listing: &Listing<'_>) {
        let name = self.of.group_resource();
        let outcome = &mut self.lane.outcome;
        for namespace in std::mem::take(&mut self.late) {
            outcome.warn(format!(
                "namespace {namespace:?} appeared while {name} was read; its objects belong to the next backup"
            ));
        }
        if listing.is_complete() {
            for (version, error) in listing.failures() {
                outcome
                    .warn(format!("{name} was read in another version, since {version} cannot be: {error}"));
            }
        }
    }
}

/// All files of a list whose server does not sort. What is missing is noted in the lane.
pub async fn read_whole(
    reader: &Reader<'_>,
    of: &ResourceType,
    shape: &Arc<Shape>,
    lane: &mut Lane,
    mut listing: Listing<'_>,
) -> Vec<Arc<Entry>> {
    let mut entries: Vec<Arc<Entry>> = Vec::new();
    loop {
        let part = match listing.next().await {
            Next::Part(part) => part,
            Next::End | Next::Gone => return entries,
            Next::Broken(gap) => {
                lane.outcome.gaps.push(gap);
                return entries;
            }
        };
        if let Some(total) = part.total {
            lane.expect(&reader.totals, total);
        }
        for object in convert(&part.items, shape, &type_meta(of, &part.served)) {
            match object {
                Ok(object) => {
                    entries.extend(object.entry.filter(|_| reader.admits(object.namespace.as_deref())));
                }
                Err(error) => lane.outcome.gaps.push(object_gap(of, None, error.to_string())),
            }
        }
    }
}

/// Hands a whole list out in the order of the tree. When part of it was handed out before its disorder was noticed
/// (the lane had handed out `before` files when the list began), nothing comes again; and what would have had to come
/// earlier than that is lost and told.
pub async fn hand_out_sorted(
    of: &ResourceType,
    lane: &mut Lane,
    mut entries: Vec<Arc<Entry>>,
    before: u64,
) -> Result<(), Abandoned> {
    entries.sort_by(|left, right| left.path.split('/').cmp(right.path.split('/')));
    // A list that was begun anew, or is not sorted, may name an object twice: the later reading stays.
    entries.reverse();
    entries.dedup_by(|left, right| left.path == right.path);
    entries.reverse();
    let handed_out = lane.handed_out() - before;
    if handed_out > 0
        && let Some(last) = lane.last_path().map(str::to_owned)
    {
        let all = entries.len();
        entries.retain(|entry| entry.path.split('/').gt(last.split('/')));
        let earlier = all - entries.len();
        if earlier as u64 != handed_out {
            let message = format!(
                "its server does not sort, and {handed_out} of the first {earlier} objects were handed out before \
                 that was noticed"
            );
            lane.outcome.gaps.push(object_gap(of, None, message));
        }
    }
    lane.hand_out(&mut entries).await
}
