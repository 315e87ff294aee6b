//! `snapshot ls`: what a snapshot holds.

use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::human;
use crate::look::address::{self, Address, Inside};
use crate::look::library::{self, Holding, Item, Library};
use crate::look::selector::Selector;
use crate::look::{self, choice, finding, pager};
use crate::output::{self, Format, Shape};
use crate::streams::Streams;

/// List what a snapshot holds
///
/// SNAP is a name, its beginning or that of a restic id, latest, or latest~2; NAMESPACE/SNAP is one of another
/// namespace. With SNAP:/PATH, files are listed as they lie; else objects: all of them, or with -n those of that
/// namespace.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The snapshot, or what to list of it
    #[arg(value_name = "SNAP[:PATH]")]
    snapshot: String,
    /// Only objects of these kinds, or one: deploy, deploy/orders
    #[arg(value_name = "KIND[/NAME]")]
    objects: Vec<String>,
    /// Only objects with these labels, as with kubectl
    #[arg(short = 'l', long, default_value = "", hide_default_value = true, value_name = "LABELS")]
    selector: String,
    /// Below a path, list what lies in directories as well
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Leave the headers out
    #[arg(long)]
    no_headers: bool,
    /// Output format
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    output: Format,
    #[command(flatten)]
    look: look::Flags,
}

impl Args {
    /// Lists.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let selector: Selector = self.selector.parse()?;
        let address: Address = self.snapshot.parse()?;
        let mut typed = address::objects(&self.objects)?;
        let cluster = context.cluster().await?;
        let addresses = std::slice::from_ref(&address);
        let found = finding::addressed(&cluster, addresses, &self.look, (context, streams)).await?;
        let library = library::open(&cluster, found.snapshots, &self.look, (context, streams)).await?;
        let Some(holding) = library.holdings.first() else { return Ok(()) };
        choice::announce(&holding.snapshot, context.environment.now(), streams);
        if let Some(Inside::Objects(objects)) = &address.inside {
            typed.push(objects.clone());
        }
        let mut wish = choice::wish(&library, &typed, &cluster).await?;
        let path = match &address.inside {
            Some(Inside::Path(path)) => Some(path.clone()),
            _ => None,
        };
        wish.path = path.clone().unwrap_or_default();
        let all = library.items(&wish).await?;
        let narrowed =
            if path.is_some() { all } else { choice::narrowed(all, found.objects_of.as_deref(), &wish) };
        let items = narrowed.into_iter().next().unwrap_or_default();
        let items = choice::labelled(&library, items, &selector).await?;
        if let (true, [named]) = (items.is_empty(), typed.as_slice())
            && named.name.is_some()
        {
            return Err(choice::missing(&library, named, &cluster, found.objects_of.as_deref()).await?);
        }
        match path {
            Some(path) if items.is_empty() && !path.is_empty() => Err(nothing(&library, &path)),
            Some(path) if self.output == Format::Table => {
                pager::show(&files(&items, &path, self.recursive), (context, streams))
            }
            _ => self.print(holding, &items, (context, streams)),
        }
    }

    fn print(
        &self,
        holding: &Holding,
        items: &[Item],
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        if self.output == Format::Name {
            let names = output::lines(items.iter().map(Item::reference));
            return pager::show(&names, (context, streams));
        }
        let documents: Vec<Value> = items.iter().map(|item| document(holding, item)).collect();
        if let Some(text) = self.output.document(&documents, Shape::List)? {
            return pager::show(&text, (context, streams));
        }
        if items.is_empty() {
            streams.story.plain("No resources found.");
            return Ok(());
        }
        let text = table(items, self.output == Format::Wide);
        let text = match text.split_once('\n') {
            Some((_, below)) if self.no_headers => below,
            _ => text.as_str(),
        };
        pager::show(text, (context, streams))
    }
}

fn nothing(library: &Library, path: &str) -> Failure {
    let name = library.holdings.first().map(|holding| crate::commands::lookup::place(&holding.snapshot));
    let what = format!("Snapshot {} holds nothing at /{path}", name.unwrap_or_default());
    Failure::new(Code::ObjectMissing, what).fix("SNAP:/   lists from the top")
}

fn table(items: &[Item], wide: bool) -> String {
    let headers: &[&str] = if wide {
        &["NAMESPACE", "KIND", "NAME", "SIZE", "CREATED", "PATH"]
    } else {
        &["NAMESPACE", "KIND", "NAME", "SIZE"]
    };
    let rows: Vec<Vec<String>> = items.iter().map(|item| cells(item, wide)).collect();
    output::table(headers, &rows)
}

fn cells(item: &Item, wide: bool) -> Vec<String> {
    let (kind, name) = match &item.key {
        Some(key) => (key.group_resource.clone(), key.name.clone()),
        None => (String::new(), item.path.clone()),
    };
    let mut cells = vec![item.namespace().to_owned(), kind, name, human::bytes(item.size)];
    if wide {
        cells.push(item.modified.map(|time| time.to_string()).unwrap_or_default());
        cells.push(item.path.clone());
    }
    cells
}

fn document(holding: &Holding, item: &Item) -> Value {
    let part = holding.parts.get(item.part);
    json!({
        "snapshot": holding.snapshot.metadata.name,
        "component": part.map(|part| &part.component),
        "resource": item.key.as_ref().map(|key| &key.group_resource),
        "namespace": item.key.as_ref().and_then(|key| key.namespace.as_ref()),
        "name": item.key.as_ref().map(|key| &key.name),
        "path": format!("{}/{}", part.map_or("", |part| part.root.as_str()), item.path),
        "size": item.size,
        "created": item.modified.map(|time| time.to_string()),
        "content": item.blob.ids(),
    })
}

/// What lies at a path: files with their sizes, directories with a slash.
fn files(items: &[Item], path: &str, recursive: bool) -> String {
    let mut rows: Vec<(String, Option<u64>)> = Vec::new();
    for item in items {
        let below = item.path.strip_prefix(path).unwrap_or(&item.path).trim_start_matches('/');
        let row = match below.split_once('/') {
            _ if below.is_empty() => (item.path.clone(), Some(item.size)),
            Some((directory, _)) if !recursive => (format!("{directory}/"), None),
            _ => (below.to_owned(), Some(item.size)),
        };
        if rows.last() != Some(&row) {
            rows.push(row);
        }
    }
    let cells = |(name, size): &(String, Option<u64>)| {
        vec![size.map_or_else(|| "-".to_owned(), human::bytes), name.clone()]
    };
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    output::Columns::default().lines(&rows)
}
