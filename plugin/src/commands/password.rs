//! `password`: the passwords that open a repository. Each is a key of its own in every component; the one in the
//! Repository's Secret is the one that backups use.

pub mod add;
pub mod list;
pub mod new;
pub mod remove;
pub mod update;

use archive::repository::{KeyInfo, Repository as Archive};

use crate::context::Context;
use crate::failure::Failure;
use crate::repository::{self, Found, Source};
use crate::streams::Streams;

/// The passwords that open a repository
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add a password: the old ones still open the repository
    ///
    /// Here --user is the user that the new key names as its maker, as upstream has it, and not a user of the kubeconfig;
    /// the default is you.
    Add(add::Args),
    /// List the keys, one for each password
    #[command(alias = "get")]
    List(list::Args),
    /// Remove keys: their passwords open the repository no longer
    Remove(remove::Args),
    /// Replace the password that backups use, in the repository and in its Secret
    Update(update::Args),
}

impl Command {
    /// Runs the verb.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        match self {
            Self::Add(args) => args.run(context, streams).await,
            Self::List(args) => args.run(context, streams).await,
            Self::Remove(args) => args.run(context, streams).await,
            Self::Update(args) => args.run(context, streams).await,
        }
    }
}

/// Which Repository, and which of its components.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "place")]
pub struct Place {
    /// The Repository
    #[arg(value_name = "REPO")]
    pub repository: String,
    /// Only these components, comma separated, for example repository/v1/nightly/manifest
    #[arg(long, value_delimiter = ',', value_name = "PATHS")]
    pub paths: Vec<String>,
    #[command(flatten)]
    pub source: Source,
}

impl Place {
    /// Reads the Repository and opens what is meant of it.
    pub async fn open(
        &self,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(Found, Vec<(String, Archive)>), Failure> {
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let found =
            repository::find(&cluster, (&namespace, &self.repository), &self.paths, self.source).await?;
        let opened = repository::open_all(&found, (context, streams)).await?;
        Ok((found, opened))
    }
}

/// The keys of a component.
pub async fn keys(found: &Found, archive: &Archive) -> Result<Vec<KeyInfo>, Failure> {
    let doing = format!("list the keys of repository {}", found.name());
    archive.keys().await.map_err(|error| repository::failure(&error, &doing))
}

/// The first digits of an id, as restic prints them.
#[must_use]
pub fn short(id: &str) -> String {
    id.chars().take(8).collect()
}
