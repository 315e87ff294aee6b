//! `repository check`: whether everything that a repository needs is there, as `restic check` does it, without a download of
//! the data.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::human;
use crate::repository::{self, Source};
use crate::story::Glyph;
use crate::streams::Streams;

/// Check that snapshots, index and packs of a Repository fit each other, from here
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The Repository
    #[arg(value_name = "REPO")]
    repository: String,
    /// Only these components, comma separated, for example repository/v1/nightly/manifest
    #[arg(long, value_delimiter = ',', value_name = "PATHS")]
    paths: Vec<String>,
    #[command(flatten)]
    source: Source,
}

impl Args {
    /// Checks every component, and ends with 1 when one is damaged.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let found =
            repository::find(&cluster, (&namespace, &self.repository), &self.paths, self.source).await?;
        let mut damaged = false;
        for (path, archive) in repository::open_all(&found, (context, streams)).await? {
            let doing = format!("check repository {}", found.name());
            let problems = archive.check().await.map_err(|error| repository::failure(&error, &doing))?;
            let snapshots = archive.snapshots().await.map_err(|error| repository::failure(&error, &doing))?;
            let name = repository::short(&path);
            if problems.is_empty() {
                let held = human::counted(snapshots.len(), "snapshot");
                streams.story.line(Glyph::Done, &format!("{name}   sound, {held}"));
                continue;
            }
            damaged = true;
            streams.story.line(Glyph::Failed, &format!("{name}   damaged"));
            for problem in problems {
                writeln!(streams.results, "{name}: {problem}")?;
            }
        }
        if damaged { Err(Failure::told(Exit::Failed)) } else { Ok(()) }
    }
}
