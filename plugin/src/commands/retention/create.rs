//! `retention create`: a RetentionPolicy from flags.

use crds::storage::RetentionPolicy;
use kube::ResourceExt as _;

use crate::cluster::Cluster;
use crate::commands::create;
use crate::context::Context;
use crate::failure::{Failure, Missing};
use crate::setup::retention::Flags;
use crate::setup::{self, usage_policy};
use crate::story::Glyph;
use crate::streams::Streams;

/// Create or change a RetentionPolicy: which backups are kept, and for how long
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the RetentionPolicy
    name: Option<String>,
    #[command(flatten)]
    keep: Flags,
    /// Make it the default policy of its namespace
    #[arg(long = "default", help_heading = "Retention")]
    is_default: bool,
    /// Which namespaces may use it: same, all, a list a,b, or selector=KEY=VALUE,…
    #[arg(long, default_value = "same", value_name = "WHICH", help_heading = "Retention")]
    allow_namespaces: String,
    #[command(flatten)]
    write: create::Flags,
}

impl Args {
    /// Creates the policy.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let namespace = context.namespace()?;
        let name = self.complete()?;
        let usage = usage_policy::parse("--allow-namespaces", &self.allow_namespaces)?;
        let objects = [self.keep.policy(&namespace, &name, usage, self.is_default)?];
        if self.write.offline() {
            return self.write.print_offline(&objects, streams);
        }
        let cluster = context.cluster().await?;
        create::preconditions(&cluster, &namespace).await?;
        if self.is_default {
            warn_of_other_defaults(&cluster, (&namespace, &name), streams).await?;
        }
        self.write.write(&cluster, &objects, streams).await?;
        if self.write.writes() {
            let flag = context.namespace_flag()?;
            let next = format!("Next: kubectl kubestash backup create{flag} --retention {name} …");
            streams.story.plain(&next);
        }
        Ok(())
    }

    /// The name, when nothing is missing.
    fn complete(&self) -> Result<String, Failure> {
        let mut missing = Vec::new();
        if self.name.is_none() {
            missing.push(Missing {
                flag: "NAME",
                meaning: "name of the RetentionPolicy",
                hint: String::new(),
            });
        }
        if !self.keep.any() {
            missing.push(Missing {
                flag: "--keep-daily",
                meaning: "how many backups are kept, or another of --keep-*, or --max-retention",
                hint: "example: --keep-daily 7 --keep-weekly 4 --keep-monthly 6".into(),
            });
        }
        if !missing.is_empty() {
            return Err(Failure::missing(&missing, ""));
        }
        let name = self.name.clone().unwrap_or_default();
        if !setup::is_name(&name) {
            return Err(Failure::usage(format!("\"{name}\" is no name"))
                .why("names have lower-case letters, digits, - and ."));
        }
        Ok(name)
    }
}

/// With two defaults, which one counts is not for people to guess.
async fn warn_of_other_defaults(
    cluster: &Cluster,
    (namespace, name): (&str, &str),
    streams: &mut Streams<'_>,
) -> Result<(), Failure> {
    let policies: Vec<RetentionPolicy> = cluster.list(Some(namespace), "").await?;
    let others: Vec<String> = policies
        .iter()
        .filter(|policy| policy.spec.default && policy.name_any() != name)
        .map(kube::ResourceExt::name_any)
        .collect();
    if !others.is_empty() {
        let text = format!("namespace {namespace} has another default policy: {}", others.join(", "));
        streams.story.line(Glyph::Warning, &text);
    }
    Ok(())
}
