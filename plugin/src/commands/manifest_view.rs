//! `manifest-view`: the manifests of a snapshot as a tree, with upstream's flags.
//!
//! Upstream's own `--namespace`, whose default hides that of the context, is the namespace of the command here, as with
//! every other verb.

use archive::manifest::path::Key;
use archive::select::LabelGates;
use serde_json::Value;

use crate::commands::snapshot::download::Patterns;
use crate::context::Context;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::look::address::Address;
use crate::look::library::{self, Item, Library};
use crate::look::wish::Wish;
use crate::look::{self, body, choice, finding, pager};
use crate::streams::Streams;

/// Show the manifests of a snapshot as a tree
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The snapshot
    #[arg(long, value_name = "SNAP")]
    snapshot: String,
    /// Only what lies at or below these paths, as stored
    #[arg(long, value_delimiter = ',', conflicts_with = "exclude", value_name = "PATHS")]
    include: Vec<String>,
    /// All but what lies at or below these paths
    #[arg(long, value_delimiter = ',', value_name = "PATHS")]
    exclude: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    /// Objects of the cluster itself as well
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL")]
    include_cluster_resources: bool,
    #[command(flatten)]
    ignored: Ignored,
    #[command(flatten)]
    look: look::Flags,
}

/// Flags of upstream's without an effect here.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Ignored {
    #[arg(long, hide = true)]
    paths: Option<String>,
    #[arg(long, hide = true)]
    scratch_dir: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    enable_cache: Option<bool>,
    #[arg(long, hide = true)]
    image: Option<String>,
}

impl Args {
    /// Shows.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let address: Address = self.snapshot.parse()?;
        let cluster = context.cluster().await?;
        let addresses = std::slice::from_ref(&address);
        let found = finding::addressed(&cluster, addresses, &self.look, (context, streams)).await?;
        let library = library::open(&cluster, found.snapshots, &self.look, (context, streams)).await?;
        let Some(holding) = library.holdings.first() else { return Ok(()) };
        choice::announce(&holding.snapshot, context.environment.now(), streams);
        let mut items = library.items(&Wish::default()).await?.into_iter().next().unwrap_or_default();
        let (resources, namespaces) = (self.filters.resources(), self.filters.namespaces());
        let patterns = Patterns::new(&self.include, &self.exclude);
        let root = |item: &Item| {
            let root = holding.parts.get(item.part).map_or("", |part| part.root.as_str());
            format!("/{}/{}", root.trim_matches('/'), item.path)
        };
        items.retain(|item| {
            let wanted = |key: &Key| {
                let place = match &key.namespace {
                    None => self.include_cluster_resources,
                    Some(namespace) => namespaces.admits(namespace),
                };
                place && resources.admits(&key.group_resource)
            };
            item.key.as_ref().is_some_and(wanted) && patterns.admit(&root(item))
        });
        let items = self.labelled(&library, items).await?;
        let paths: Vec<String> = items.iter().map(root).collect();
        pager::show(&tree(&paths), (context, streams))
    }

    async fn labelled(&self, library: &Library, items: Vec<Item>) -> Result<Vec<Item>, Failure> {
        let gates = self.filters.labels();
        if gates.is_open() {
            return Ok(items);
        }
        let blobs: Vec<_> = items.iter().map(|item| item.blob.clone()).collect();
        let admitted = library.read(&blobs, move |_, bytes| admits(&gates, bytes)).await?;
        Ok(items.into_iter().zip(admitted).filter_map(|(item, admitted)| admitted.then_some(item)).collect())
    }
}

fn admits(gates: &LabelGates, bytes: &[u8]) -> bool {
    body::parse(bytes).is_ok_and(|body| {
        let labels = body.pointer("/metadata/labels").and_then(Value::as_object);
        let labels = labels.into_iter().flatten();
        gates.admit(labels.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))))
    })
}

/// Paths in their order as a tree below `.`, as upstream draws it.
fn tree(paths: &[String]) -> String {
    let mut text = String::from(".\n");
    let mut divided: Vec<Vec<&str>> =
        paths.iter().map(|path| path.split('/').filter(|part| !part.is_empty()).collect()).collect();
    divided.sort();
    draw(&divided, 0, "", &mut text);
    text
}

fn draw(paths: &[Vec<&str>], depth: usize, before: &str, text: &mut String) {
    let mut groups: Vec<&[Vec<&str>]> =
        paths.chunk_by(|one, other| one.get(depth) == other.get(depth)).collect();
    groups.retain(|group| group.first().is_some_and(|path| path.len() > depth));
    let last = groups.len().saturating_sub(1);
    for (number, group) in groups.into_iter().enumerate() {
        let (branch, below) = if number == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let Some(name) = group.first().and_then(|path| path.get(depth)) else { continue };
        text.push_str(before);
        text.push_str(branch);
        text.push_str(name);
        text.push('\n');
        draw(group, depth + 1, &format!("{before}{below}"), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_drawn_as_a_tree() {
        let paths = ["/tmp/pods/a.yaml", "/tmp/pods/b.yaml", "/tmp/secrets/c.yaml"].map(str::to_owned);
        assert_eq!(
            tree(&paths),
            ".\n└─ tmp\n   ├─ pods\n   │  ├─ a.yaml\n   │  └─ b.yaml\n   └─ secrets\n      └─ c.yaml\n"
        );
        assert_eq!(tree(&[]), ".\n");
    }
}
