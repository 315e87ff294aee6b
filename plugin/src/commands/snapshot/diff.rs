//! `snapshot diff`: what differs between two snapshots, or between a snapshot and the cluster as it is.

mod live;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use futures::{FutureExt as _, StreamExt as _, stream};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::commands::lookup;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::human;
use crate::look::address::{self, Address, Inside, Objects};
use crate::look::compare::{self, Difference, Kind, Side, Totals};
use crate::look::finding::Finding;
use crate::look::library::{self, Item, Library};
use crate::look::wish::Wish;
use crate::look::{self, body, choice, finding, pager};
use crate::output;
use crate::streams::Streams;

/// Resources that are read from the cluster at the same time.
const LISTS: usize = 4;

/// Show what differs between two snapshots, or between a snapshot and the cluster
///
/// Exits with 0 when nothing differs, with 1 when something does, and with more than 1 when that is not known. What the
/// server writes and what changes by itself is left out; of Secrets only the names of the values that changed are shown.
/// With --live, kinds are compared that the snapshot holds.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The snapshot, or part of it, that is the old side
    #[arg(value_name = "SNAP[:OBJECT]")]
    old: String,
    /// The snapshot that is the new side, unless --live is given; then only objects of these kinds, or one: deploy/orders
    #[arg(value_name = "SNAP | KIND[/NAME]")]
    rest: Vec<String>,
    /// Compare with the cluster as it is
    #[arg(long)]
    live: bool,
    /// One line for each object
    #[arg(long)]
    stat: bool,
    /// Objects that controllers make as well: Pods, ReplicaSets, Events, Leases, the records of runs
    #[arg(long)]
    owned: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Output,
    #[command(flatten)]
    look: look::Flags,
}

/// What `-o` chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// What is compared.
struct Sides {
    addresses: Vec<Address>,
    typed: Vec<Objects>,
}

impl Args {
    /// Compares.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let Sides { addresses, typed } = self.sides()?;
        let cluster = context.cluster().await?;
        let found = finding::addressed(&cluster, &addresses, &self.look, (context, streams)).await?;
        let Finding { snapshots, objects_of } = found;
        let library = library::open(&cluster, snapshots, &self.look, (context, streams)).await?;
        for holding in &library.holdings {
            choice::announce(&holding.snapshot, context.environment.now(), streams);
        }
        let mut wish = choice::wish(&library, &typed, &cluster).await?;
        if let Some(Inside::Path(path)) = &addresses[0].inside {
            wish.path.clone_from(path);
        }
        let items = choice::narrowed(library.items(&wish).await?, objects_of.as_deref(), &wish);
        if let ([named], true) = (typed.as_slice(), items.iter().all(Vec::is_empty))
            && named.name.is_some()
        {
            return Err(choice::missing(&library, named, &cluster, objects_of.as_deref()).await?);
        }
        let mut told = Told::new(&self, &library);
        let totals = if self.live {
            let old = items.into_iter().next().unwrap_or_default();
            let place = (objects_of.as_deref(), &wish);
            self.with_cluster(&library, old, (&cluster, place), &mut told).await?
        } else {
            let new = Side::Stored(items.get(1).map_or(&[], Vec::as_slice));
            compare::compare(&library, &items[0], new, self.owned, |difference| told.note(&difference))
                .await?
        };
        let differs = told.number > 0;
        let text = told.finish(totals)?;
        match self.output {
            Output::Json => pager::show(&text, (context, streams))?,
            Output::Text => pager::show_changes(&text, (context, streams))?,
        }
        if differs { Err(Failure::told(Exit::Failed)) } else { Ok(()) }
    }

    /// Which of the words stand for what.
    fn sides(&self) -> Result<Sides, Failure> {
        let mut addresses: Vec<Address> = vec![self.old.parse()?];
        let mut words = self.rest.iter();
        if !self.live {
            let Some(new) = words.next() else {
                return Err(Failure::usage("diff compares two snapshots, or one with the cluster")
                    .fix("kubectl kubestash snapshot diff latest~1 latest\nkubectl kubestash snapshot diff latest --live"));
            };
            addresses.push(new.parse()?);
        }
        let mut typed = address::objects(words.as_slice())?;
        for address in &addresses {
            match &address.inside {
                Some(Inside::Objects(objects)) if !typed.contains(objects) => typed.push(objects.clone()),
                _ => {}
            }
        }
        Ok(Sides { addresses, typed })
    }

    /// Resource by resource, so that the objects of a few are in memory at a time.
    async fn with_cluster(
        &self,
        library: &Library,
        old: Vec<Item>,
        (cluster, (objects_of, wish)): (&Cluster, (Option<&str>, &Wish)),
        told: &mut Told<'_>,
    ) -> Result<Totals, Failure> {
        let Some(holding) = library.holdings.first() else { return Ok(Totals::default()) };
        let scope = live::Scope::of(&holding.snapshot, &old, objects_of);
        let served = cluster.discover().await?;
        let mut resources: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        for (resource, _) in &wish.objects {
            resources.entry(resource.clone()).or_default();
        }
        let mut totals = Totals::default();
        for item in old {
            match &item.key {
                Some(key) => resources.entry(key.group_resource.clone()).or_default().push(item),
                None => totals.unreadable += 1,
            }
        }
        if !self.owned {
            resources.retain(|resource, items| {
                let made = body::is_made(resource);
                totals.owned += if made { items.len() } else { 0 };
                !made
            });
        }
        let mut lists = stream::iter(&resources)
            .map(|(resource, items)| {
                let bodies = live::read(cluster, resource, &served, &scope);
                bodies.map(move |bodies| (resource, items, bodies))
            })
            .buffered(LISTS);
        while let Some((resource, items, bodies)) = lists.next().await {
            let wanted = |name: &str| {
                let mut of_it = wish.objects.iter().filter(|(wished, _)| wished == resource).peekable();
                of_it.peek().is_none()
                    || of_it.any(|(_, wished)| wished.as_ref().is_none_or(|wished| wished == name))
            };
            let bodies = scope.admitted(bodies?, items, wanted);
            let new = Side::Live(bodies);
            totals.add(
                compare::compare(library, items, new, self.owned, |difference| told.note(&difference))
                    .await?,
            );
        }
        Ok(totals)
    }
}

/// What is told of the differences, as they come.
struct Told<'a> {
    args: &'a Args,
    sides: (String, String),
    number: usize,
    text: String,
    rows: Vec<Vec<String>>,
    documents: Vec<Value>,
}

impl<'a> Told<'a> {
    fn new(args: &'a Args, library: &Library) -> Self {
        let name = |number: usize| {
            library.holdings.get(number).map(|holding| lookup::place(&holding.snapshot)).unwrap_or_default()
        };
        let new = if args.live { "live".to_owned() } else { name(1) };
        let (text, rows, documents) = (String::new(), Vec::new(), Vec::new());
        Self { args, sides: (name(0), new), number: 0, text, rows, documents }
    }

    fn note(&mut self, difference: &Difference) -> Result<(), Failure> {
        self.number += 1;
        if self.args.output == Output::Json {
            self.documents.push(difference.document());
        } else if self.args.stat {
            let what = match difference.kind {
                Kind::Modified => difference.summary(),
                Kind::Removed if self.args.live => "gone from the cluster".to_owned(),
                Kind::Removed => "removed".to_owned(),
                Kind::Added if self.args.live => "only in the cluster".to_owned(),
                Kind::Added => "added".to_owned(),
            };
            let namespace = difference.key.namespace.clone().unwrap_or_else(|| "-".to_owned());
            let letter = difference.kind.letter().to_owned();
            self.rows.push(vec![letter, namespace, difference.reference(), what]);
        } else {
            self.text.push_str(&difference.patch((&self.sides.0, &self.sides.1))?);
        }
        Ok(())
    }

    fn finish(self, totals: Totals) -> Result<String, Failure> {
        if self.args.output == Output::Json {
            return output::json(&json!({
                "old": self.sides.0,
                "new": self.sides.1,
                "changes": self.documents,
                "unchanged": totals.unchanged,
                "owned": totals.owned,
                "unreadable": totals.unreadable,
            }));
        }
        let mut text = self.text;
        if !self.rows.is_empty() {
            text.push_str(&output::Columns::default().lines(&self.rows));
        }
        text.push_str(&closing(totals));
        Ok(text)
    }
}

fn closing(totals: Totals) -> String {
    // Writing to a String does not fail.
    let mut line = format!("=  {} unchanged", totals.unchanged);
    if totals.owned > 0 {
        let _ = write!(line, ", {} that controllers make (--owned)", totals.owned);
    }
    if totals.unreadable > 0 {
        let _ = write!(line, ", {} not compared", human::counted(totals.unreadable, "file"));
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_counted() {
        assert_eq!(closing(Totals { unchanged: 58, ..Totals::default() }), "=  58 unchanged\n");
        assert_eq!(
            closing(Totals { unchanged: 1, owned: 2, unreadable: 1 }),
            "=  1 unchanged, 2 that controllers make (--owned), 1 file not compared\n"
        );
    }
}
