//! `restore watch`: how restores go, and how they ended.

use crds::core::RestoreSession;
use kube::ResourceExt;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::commands::backup::follow;
use crate::commands::{create, lookup};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Code, Failure};
use crate::object::{Kind, Object};
use crate::output::{Format, Shape};
use crate::progress::follow::{self as following, Manner};
use crate::progress::outcome;
use crate::progress::restore::{self, Restore};
use crate::streams::Streams;

/// Show how restores go, and exit with how they ended
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The restores; the default is those of the namespace that are going on
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Output format of the result: the RestoreSessions
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    output: Format,
    #[command(flatten)]
    follow: follow::Flags,
}

impl Args {
    /// Watches.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let manner = self.follow.manner(context, false)?;
        let namespace = context.namespace()?;
        let begun = self.begin(context, &namespace).await;
        let (cluster, names) = follow::begun(begun, manner.mode, (context, streams))?;
        to_the_end(&cluster, (&namespace, &names), (manner, &self.output), (context, streams)).await
    }

    async fn begin(&self, context: &Context, namespace: &str) -> Result<(Cluster, Vec<String>), Failure> {
        let cluster = context.cluster().await?;
        if !self.names.is_empty() {
            let found: Vec<RestoreSession> = lookup::named(&cluster, namespace, &self.names).await?;
            return Ok((cluster, found.iter().map(ResourceExt::name_any).collect()));
        }
        let all: Vec<RestoreSession> = cluster.list(Some(namespace), "").await?;
        let names: Vec<String> =
            all.iter().filter(|session| !restore::is_over(session)).map(ResourceExt::name_any).collect();
        if names.is_empty() {
            create::installed(&cluster).await?;
            return Err(Failure::new(
                Code::NoRun,
                format!("no restore is going on in namespace {namespace}"),
            )
            .fix(format!(
                "kubectl kubestash restore list -n {namespace}   shows how those ended that are kept"
            )));
        }
        Ok((cluster, names))
    }
}

/// Follows restores to their end, prints the result that `-o` asks for, and turns the end into an exit code.
pub async fn to_the_end(
    cluster: &Cluster,
    (namespace, names): (&str, &[String]),
    (manner, format): (Manner, &Format),
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(), Failure> {
    let outcomes =
        following::follow::<Restore>(cluster, (namespace, names), manner, (context, &mut *streams)).await?;
    if !matches!(format, Format::Table | Format::Wide) {
        let mut sessions = Vec::new();
        for name in names {
            let kind = Kind::of::<RestoreSession>();
            let found: Option<Value> = cluster.get_kind(&kind, Some(namespace), name).await?;
            sessions.extend(found.map(|session| Object::shown(&session, false)));
        }
        let text = format.document(&sessions, Shape::Documents)?;
        streams.results.write_all(text.unwrap_or_default().as_bytes())?;
    }
    streams.results.flush()?;
    match outcome::exit_of(&outcomes) {
        Exit::Done => Ok(()),
        // The finale has told it.
        exit => Err(Failure::told(exit)),
    }
}
