//! `snapshot cat`: objects of a snapshot as YAML.
//!
//! Values of Secrets are shown with `--show-secrets` only, wherever the output goes: what is piped ends in logs as easily.
//! What stands in their place is no base64, so that no cluster takes it for a value.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::look::address::{Address, Inside, Objects};
use crate::look::library::{self, Item, Library};
use crate::look::{self, body, choice, finding, pager};
use crate::object::Object;
use crate::output;
use crate::streams::Streams;

/// Print objects of snapshots as YAML
///
/// Values of Secrets are hidden, unless --show-secrets is given.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to print: SNAP:KIND/NAME, SNAP:KIND, or SNAP:/PATH
    #[arg(required = true, value_name = "SNAP:OBJECT")]
    addresses: Vec<String>,
    /// Print the values of Secrets, too
    #[arg(long)]
    show_secrets: bool,
    #[command(flatten)]
    look: look::Flags,
}

impl Args {
    /// Prints.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let addresses: Vec<Address> =
            self.addresses.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        if let Some(address) = addresses.iter().find(|address| address.inside.is_none()) {
            let name = &address.snapshot;
            return Err(Failure::usage(format!("{name} is a whole snapshot: what should be printed of it?"))
                .fix(format!("{name}:deploy/orders   prints one object\nkubectl kubestash snapshot ls {name}   lists them")));
        }
        let cluster = context.cluster().await?;
        let found = finding::addressed(&cluster, &addresses, &self.look, (context, streams)).await?;
        let library = library::open(&cluster, found.snapshots, &self.look, (context, streams)).await?;
        let mut items = Vec::new();
        for (number, address) in addresses.iter().enumerate() {
            let own = context.namespace()?;
            let place = (found.objects_of.as_deref(), own.as_str());
            items.extend(meant(&library, number, address, (&cluster, place)).await?);
        }
        let blobs: Vec<_> = items.iter().map(|item| item.blob.clone()).collect();
        let contents = library.read(&blobs, |_, bytes| bytes.to_vec()).await?;
        let (mut texts, mut hidden) = (Vec::new(), false);
        for (item, content) in items.iter().zip(contents) {
            let masked = item.is_secret() && !self.show_secrets;
            hidden |= masked;
            texts.push(if masked { hidden_secret(item, &content)? } else { text(content) });
        }
        if hidden {
            streams.story.plain("Values of Secrets are hidden:  --show-secrets");
        }
        pager::show(&texts.join("---\n"), (context, streams))
    }
}

/// What an address means in its snapshot.
async fn meant(
    library: &Library,
    number: usize,
    address: &Address,
    (cluster, (objects_of, own)): (&Cluster, (Option<&str>, &str)),
) -> Result<Vec<Item>, Failure> {
    let wish = choice::inside(library, address.inside.as_ref(), cluster).await?;
    let all = library.items(&wish).await?;
    let narrowed = match &address.inside {
        Some(Inside::Path(_)) => all,
        _ => choice::narrowed(all, objects_of, &wish),
    };
    let items = narrowed.into_iter().nth(number).unwrap_or_default();
    match &address.inside {
        Some(Inside::Objects(typed @ Objects { name: Some(_), .. })) => {
            if items.is_empty() {
                return Err(choice::missing(library, typed, cluster, objects_of).await?);
            }
            let keys: Vec<_> = items.iter().filter_map(|item| item.key.clone()).collect();
            let key = choice::one(&keys, typed, own)?;
            Ok(items.into_iter().filter(|item| item.key.as_ref() == Some(&key)).collect())
        }
        Some(Inside::Path(path)) if !items.iter().any(|item| item.path == *path) => {
            let what = if items.is_empty() { "holds nothing at" } else { "has a directory at" };
            Err(Failure::new(Code::ObjectMissing, format!("{} {what} /{path}", address.snapshot))
                .fix(format!("kubectl kubestash snapshot ls {}:/   lists from the top", address.snapshot)))
        }
        _ => Ok(items),
    }
}

fn hidden_secret(item: &Item, content: &[u8]) -> Result<String, Failure> {
    let body: Value = body::parse(content).map_err(|why| {
        // What cannot be read cannot be hidden in part.
        Failure::new(Code::SnapshotEmpty, format!("{} cannot be read as YAML", item.reference()))
            .why(why)
            .fix("--show-secrets   prints it as it was stored")
    })?;
    output::yaml(&[Object::shown(&body, true)])
}

fn text(content: Vec<u8>) -> String {
    let mut text = String::from_utf8(content)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
