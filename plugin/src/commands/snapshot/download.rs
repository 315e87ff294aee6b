//! `snapshot download`, `download`: the files of a snapshot on this machine.
//!
//! `<destination>/<snapshot>/<component>/<path as stored>`, as upstream lays them out. Files are the owner's alone, and
//! nothing is followed or replaced that was not made here: names come from a repository that anybody with its password
//! can write.

mod patterns;
pub(crate) mod write;

use std::path::PathBuf;

use kube::ResourceExt as _;

use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::human;
use crate::look::address::{Address, Inside};
use crate::look::library::{self, Holding, Item, Library};
use crate::look::{self, choice, finding};
use crate::story::Glyph;
use crate::streams::Streams;
pub use patterns::Patterns;
use write::{Place, Writer};

/// How many files are in memory at once.
const AT_ONCE: usize = 256;

/// Copy the files of a snapshot to this machine
///
/// Values of Secrets are in them, as they were stored.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The snapshot, or what to copy of it
    #[arg(value_name = "SNAP[:PATH]")]
    snapshot: String,
    /// The folder to copy to; the files come to lie in DIR/SNAPSHOT/COMPONENT
    #[arg(long, default_value = ".", value_name = "DIR")]
    destination: PathBuf,
    /// Only what lies at or below these paths, as stored; * and ? may be anything but a slash
    #[arg(long, value_delimiter = ',', conflicts_with = "exclude", value_name = "PATHS")]
    include: Vec<String>,
    /// All but what lies at or below these paths
    #[arg(long, value_delimiter = ',', value_name = "PATHS")]
    exclude: Vec<String>,
    /// As folders and files, or as one archive DIR/SNAPSHOT.tar
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    output: Form,
    /// Replace files that are there already
    #[arg(long)]
    overwrite: bool,
    /// Has no effect: no container is needed
    #[arg(long, hide = true)]
    image: Option<String>,
    #[command(flatten)]
    look: look::Flags,
}

/// What is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// Folders and files
    #[default]
    Dir,
    /// One tar archive
    Tar,
}

impl Args {
    /// Copies.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        if self.image.is_some() {
            streams.story.line(Glyph::Warning, "--image has no effect: no container is needed");
        }
        let address: Address = self.snapshot.parse()?;
        let cluster = context.cluster().await?;
        let addresses = std::slice::from_ref(&address);
        let found = finding::addressed(&cluster, addresses, &self.look, (context, streams)).await?;
        let library = library::open(&cluster, found.snapshots, &self.look, (context, streams)).await?;
        let Some(holding) = library.holdings.first() else { return Ok(()) };
        choice::announce(&holding.snapshot, context.environment.now(), streams);
        let wish = choice::inside(&library, address.inside.as_ref(), &cluster).await?;
        let mut items = library.items(&wish).await?.into_iter().next().unwrap_or_default();
        if matches!(address.inside, Some(Inside::Objects(_))) {
            let narrowed = choice::narrowed(vec![items], found.objects_of.as_deref(), &wish);
            items = narrowed.into_iter().next().unwrap_or_default();
        }
        let patterns = Patterns::new(&self.include, &self.exclude);
        items.retain(|item| patterns.admit(&stored(holding, item)));
        if items.is_empty() {
            return Err(Failure::new(Code::ObjectMissing, "nothing in the snapshot is like that")
                .fix(format!("kubectl kubestash snapshot ls {}:/ -R", address.snapshot)));
        }
        let (number, bytes, place) = self.copy(&library, holding, &items).await?;
        let text = format!("{} ({}) in {place}", human::counted(number, "file"), human::bytes(bytes));
        streams.story.line(Glyph::Done, &text);
        Ok(())
    }

    async fn copy(
        &self,
        library: &Library,
        holding: &Holding,
        items: &[Item],
    ) -> Result<(usize, u64, String), Failure> {
        let name = holding.snapshot.name_any();
        let place = match self.output {
            Form::Dir => Place::Folder(self.destination.join(&name)),
            Form::Tar => Place::Archive(self.destination.join(format!("{name}.tar"))),
        };
        let shown = place.path().display().to_string();
        let mut writer = Writer::begin(place, self.overwrite)?;
        let (mut number, mut bytes) = (0, 0);
        for some in items.chunks(AT_ONCE) {
            let blobs: Vec<_> = some.iter().map(|item| item.blob.clone()).collect();
            let contents = library.read(&blobs, |_, bytes| bytes.to_vec()).await?;
            for (item, content) in some.iter().zip(contents) {
                let component = holding.parts.get(item.part).map_or("", |part| part.component.as_str());
                let path = format!("{component}{}", stored(holding, item));
                writer.write(&path, &content, item.modified)?;
                number += 1;
                bytes += content.len() as u64;
            }
        }
        writer.finish()?;
        Ok((number, bytes, shown))
    }
}

/// The path in the snapshot, from its root.
fn stored(holding: &Holding, item: &Item) -> String {
    let root = holding.parts.get(item.part).map_or("", |part| part.root.as_str()).trim_matches('/');
    format!("/{root}/{}", item.path).replace("//", "/")
}
