//! `history`: every snapshot in which an object changed, when, and how.
//!
//! Snapshots of one session of one Repository follow each other: in each such chain an object appears, changes and goes.
//! Contents are compared by their ids, and each distinct one is read once.

mod chain;

use std::collections::BTreeMap;

use archive::manifest::path::Key;
use kube::ResourceExt as _;
use serde_json::{Value, json};

use crate::commands::list;
use crate::commands::snapshot::diff::Output;
use crate::context::Context;
use crate::failure::Failure;
use crate::glance;
use crate::human;
use crate::look::address::Objects;
use crate::look::library::{self, Blob, Item, Library};
use crate::look::whole::is_whole;
use crate::look::{self, body, choice, finding, pager};
use crate::output;
use crate::streams::Streams;
use chain::{Event, Link};

/// Show every snapshot in which an object changed, and how, the newest first
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The object: deploy/orders
    #[arg(value_name = "KIND/NAME")]
    object: String,
    /// Show each change as a unified text
    #[arg(short, long)]
    patch: bool,
    /// Show the fields that changed, and not their values
    #[arg(long, conflicts_with = "patch")]
    stat: bool,
    /// Only this many changes
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// Only changes since, for example 7d
    #[arg(long, value_name = "SPAN")]
    since: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Output,
    #[command(flatten)]
    look: look::Flags,
}

impl Args {
    /// Looks back.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let typed: Objects = self.object.parse()?;
        if typed.name.is_none() {
            return Err(Failure::usage(format!("\"{}\" names no object", self.object))
                .fix("for example deploy/orders"));
        }
        let now = context.environment.now();
        let since = self.since.as_deref().map(|text| list::since(text, now)).transpose()?;
        let cluster = context.cluster().await?;
        let found = finding::all(&cluster, &self.look, (context, streams)).await?;
        let library = library::open(&cluster, found.snapshots, &self.look, (context, streams)).await?;
        let wish = choice::wish(&library, std::slice::from_ref(&typed), &cluster).await?;
        let objects_of = found.objects_of.as_deref();
        let items = choice::narrowed(library.items(&wish).await?, objects_of, &wish);
        let keys: Vec<Key> = items.iter().flatten().filter_map(|item| item.key.clone()).collect();
        if keys.is_empty() {
            return Err(choice::missing(&library, &typed, &cluster, objects_of).await?);
        }
        let key = choice::one(&keys, &typed, &context.namespace()?)?;
        let bodies = read(&library, &items, &key).await?;
        let mut events = events(&library, &items, &key, &bodies);
        events.retain(|event| since.is_none_or(|since| event.taken.is_some_and(|taken| taken >= since)));
        events.truncate(self.limit.unwrap_or(usize::MAX));
        let text = match self.output {
            Output::Json => document(&key, &events)?,
            Output::Text if self.patch => self.patches(&events, context)?,
            Output::Text => self.table(&events, context),
        };
        match self.output {
            Output::Json => pager::show(&text, (context, streams)),
            Output::Text => pager::show_changes(&text, (context, streams)),
        }
    }

    fn table(&self, events: &[Event], context: &Context) -> String {
        let now = context.environment.now();
        let several = events.windows(2).any(|pair| pair[0].chain != pair[1].chain);
        let rows: Vec<Vec<String>> = events
            .iter()
            .map(|event| {
                let mut row = vec![event.snapshot.clone(), event.age(now)];
                if several {
                    row.push(event.chain.clone());
                }
                row.push(event.told(self.stat));
                row
            })
            .collect();
        let headers: &[&str] = if several {
            &["SNAPSHOT", "TAKEN", "SESSION", "CHANGE"]
        } else {
            &["SNAPSHOT", "TAKEN", "CHANGE"]
        };
        output::table(headers, &rows)
    }

    fn patches(&self, events: &[Event], context: &Context) -> Result<String, Failure> {
        let now = context.environment.now();
        let mut text = String::new();
        for event in events {
            let taken = event.taken.map(|taken| format!("   taken {taken}, {} ago", event.age(now)));
            let taken = taken.unwrap_or_default();
            let heading = format!("snapshot {}{taken}   {}\n", event.snapshot, event.told(self.stat));
            text.push_str(&heading);
            if let Some(difference) = &event.difference {
                text.push_str(&difference.patch((&event.previous, &event.snapshot))?);
            }
            text.push('\n');
        }
        Ok(text)
    }
}

/// Each distinct content of the object, once.
async fn read(
    library: &Library,
    items: &[Vec<Item>],
    key: &Key,
) -> Result<BTreeMap<Blob, Option<Value>>, Failure> {
    let of_it = items.iter().flatten().filter(|item| item.key.as_ref() == Some(key));
    let mut blobs: Vec<Blob> = of_it.map(|item| item.blob.clone()).collect();
    blobs.sort();
    blobs.dedup();
    let bodies = library.read(&blobs, |_, bytes| body::parse(bytes).ok()).await?;
    Ok(blobs.into_iter().zip(bodies).collect())
}

/// What became of the object, the newest first.
fn events(
    library: &Library,
    items: &[Vec<Item>],
    key: &Key,
    bodies: &BTreeMap<Blob, Option<Value>>,
) -> Vec<Event> {
    let mut chains: BTreeMap<String, Vec<Link<'_>>> = BTreeMap::new();
    for (place, (holding, items)) in library.holdings.iter().zip(items).enumerate() {
        let snapshot = &holding.snapshot;
        let item = items.iter().find(|item| item.key.as_ref() == Some(key));
        let chain = format!("{}/{}", snapshot.spec.repository, snapshot.spec.session);
        chains.entry(chain).or_default().push(Link {
            snapshot: snapshot.name_any(),
            place,
            taken: glance::taken(snapshot),
            whole: is_whole(snapshot),
            body: item.and_then(|item| bodies.get(&item.blob).and_then(Option::as_ref)),
            stored: item.is_some(),
        });
    }
    let mut events: Vec<Event> =
        chains.into_iter().flat_map(|(chain, links)| chain::events(&chain, key, &links)).collect();
    events.sort_by_key(|event| event.place);
    events
}

fn document(key: &Key, events: &[Event]) -> Result<String, Failure> {
    let changes: Vec<Value> = events.iter().map(Event::document).collect();
    output::json(&json!({
        "resource": key.group_resource,
        "namespace": key.namespace,
        "name": key.name,
        "changes": changes,
    }))
}

impl Event {
    fn age(&self, now: jiff::Timestamp) -> String {
        self.taken.map(|taken| human::age_at(taken, now)).unwrap_or_default()
    }
}
