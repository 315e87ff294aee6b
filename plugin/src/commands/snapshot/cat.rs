//! `snapshot cat`: objects of a snapshot, in YAML as they were stored.
//!
//! Values of Secrets are shown with `--show-secrets` only, wherever the output goes: what is piped ends in logs as easily.
//! What stands in their place is no base64, so that no cluster takes it for a value.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::look::address::{self, Address, Inside, Objects};
use crate::look::library::{self, Item, Library};
use crate::look::{self, body, choice, finding, pager};
use crate::object::Object;
use crate::output::{self, Format, Shape};
use crate::streams::Streams;

/// Print objects of snapshots, in YAML as they were stored
///
/// Values of Secrets are hidden, unless --show-secrets is given.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to print: SNAP:KIND/NAME, SNAP:KIND, or SNAP:/PATH; after a mere SNAP, objects of it
    #[arg(required = true, value_name = "SNAP:OBJECT")]
    words: Vec<String>,
    /// Output format
    #[arg(short, long, default_value_t = Format::Yaml, value_parser = Format::without_tables(), value_name = "FORMAT")]
    output: Format,
    /// Print the values of Secrets, too
    #[arg(long)]
    show_secrets: bool,
    #[command(flatten)]
    look: look::Flags,
}

impl Args {
    /// Prints.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let addresses = addresses(&self.words)?;
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
        if items.iter().any(|item| self.hides(item)) {
            streams.story.plain("Values of Secrets are hidden:  --show-secrets");
        }
        pager::show(&self.text(&items, contents)?, (context, streams))
    }

    fn hides(&self, item: &Item) -> bool {
        item.is_secret() && !self.show_secrets
    }

    fn text(&self, items: &[Item], contents: Vec<Vec<u8>>) -> Result<String, Failure> {
        let stored = items.iter().zip(contents);
        if self.output == Format::Yaml {
            let texts: Vec<String> = stored
                .map(|(item, content)| {
                    if self.hides(item) {
                        output::yaml(&[self.body(item, &content)?])
                    } else {
                        Ok(as_stored(content))
                    }
                })
                .collect::<Result<_, Failure>>()?;
            return Ok(texts.join("---\n"));
        }
        let bodies: Vec<Value> =
            stored.map(|(item, content)| self.body(item, &content)).collect::<Result<_, _>>()?;
        Ok(self.output.document(&bodies, Shape::Named)?.unwrap_or_default())
    }

    fn body(&self, item: &Item, content: &[u8]) -> Result<Value, Failure> {
        let body: Value = body::parse(content).map_err(|why| {
            let what = format!("{} cannot be read as YAML", item.reference());
            let failure = Failure::new(Code::SnapshotEmpty, what).why(why);
            // What cannot be read cannot be hidden in part.
            let flag = if self.hides(item) { "--show-secrets -o yaml" } else { "-o yaml" };
            failure.fix(format!("{flag}   prints it as it was stored"))
        })?;
        Ok(if self.hides(item) { Object::shown(&body, true) } else { body })
    }
}

/// Each word has its snapshot, `SNAP:OBJECT`, or all have that of the first, `SNAP OBJECT...`.
fn addresses(words: &[String]) -> Result<Vec<Address>, Failure> {
    let parsed = |text: &String| text.parse::<Address>();
    match words {
        [first, objects @ ..] if !objects.is_empty() && !first.contains(':') => {
            let snapshot = parsed(first)?;
            let objects = address::objects(objects)?.into_iter();
            Ok(objects
                .map(|objects| Address { inside: Some(Inside::Objects(objects)), ..snapshot.clone() })
                .collect())
        }
        _ => words.iter().map(parsed).collect(),
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

/// Some line end, for the next document or the prompt.
fn as_stored(content: Vec<u8>) -> String {
    let mut text = String::from_utf8(content)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_its_snapshot_or_all_have_that_of_the_first() {
        let told = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            addresses(&words).map_err(|failure| failure.render(false))
        };
        let same = |one: &[&str], other: &[&str]| assert_eq!(told(one).unwrap(), told(other).unwrap());
        same(&["latest", "deploy/web"], &["latest:deploy/web"]);
        same(
            &["a/latest~1", "deploy/web,svc/web", "cm"],
            &["a/latest~1:deploy/web", "a/latest~1:svc/web", "a/latest~1:cm"],
        );
        same(&["latest", "clusterrole/system:node"], &["latest:clusterrole/system:node"]);
        assert_eq!(told(&["a:deploy/web", "b:deploy/web"]).unwrap()[1].snapshot, "b");
        assert_eq!(told(&["latest"]).unwrap()[0].inside, None);
        assert!(told(&["latest", "deploy/"]).is_err());
    }
}
