//! `copy secret`: a Secret in another namespace, for a storage or a password that is used there too.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;

use crate::apply::{self, Writing};
use crate::args::DryRun;
use crate::commands::lookup;
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::object::Object;
use crate::output::Format;
use crate::streams::Streams;

/// Written by `kubectl apply`: the data in it would be copied unseen.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Copy objects to another namespace
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Copy a Secret with its type, labels, annotations and data; run again to bring the copy up to date
    Secret(Args),
}

/// Copy a Secret to another namespace
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The Secret
    #[arg(value_name = "NAME")]
    name: String,
    /// The namespace of the copy
    #[arg(long, value_name = "NAMESPACE")]
    to_namespace: String,
    /// Do not write: print what would be, judged by this plugin or by the API server
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_value = "none", default_missing_value = "client", value_name = "WHO")]
    dry_run: DryRun,
    /// Take over fields that another manager owns
    #[arg(long)]
    force_conflicts: bool,
    /// Output format; values are never shown
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    output: Format,
}

impl Command {
    /// Copies.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let Self::Secret(args) = self;
        args.run(context, streams).await
    }
}

impl Args {
    async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let namespace = context.namespace()?;
        if self.to_namespace == namespace {
            return Err(Failure::usage(format!("--to-namespace {namespace} is where the Secret is")));
        }
        let cluster = context.cluster().await?;
        let Some(secret) = cluster.get::<Secret>(Some(&namespace), &self.name).await? else {
            let known: Vec<Secret> = cluster.list(Some(&namespace), "").await?;
            let names: Vec<String> = known.iter().map(ResourceExt::name_any).collect();
            return Err(lookup::unknown("Secret", &namespace, &self.name, &names));
        };
        if cluster.get::<Namespace>(None, &self.to_namespace).await?.is_none() {
            return Err(Failure::new(
                Code::ObjectMissing,
                format!("Namespace {} does not exist", self.to_namespace),
            )
            .fix(format!("kubectl create namespace {}", self.to_namespace)));
        }
        let objects = [Object::typed(&copy(&secret, &self.to_namespace))?];
        let writing = Writing { dry_run: self.dry_run, force: self.force_conflicts };
        let written = apply::write(&cluster, &objects, writing).await?;
        apply::print(&written, self.dry_run, &self.output, streams)
    }
}

/// The same Secret for another namespace. A token of a ServiceAccount is bound to its namespace and would be of no use.
fn copy(secret: &Secret, namespace: &str) -> Secret {
    let annotations: BTreeMap<String, String> = secret
        .annotations()
        .iter()
        .filter(|(name, _)| *name != LAST_APPLIED)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Secret {
        metadata: ObjectMeta {
            name: secret.metadata.name.clone(),
            namespace: Some(namespace.to_owned()),
            labels: secret.metadata.labels.clone(),
            annotations: Some(annotations).filter(|annotations| !annotations.is_empty()),
            ..ObjectMeta::default()
        },
        data: secret.data.clone(),
        immutable: secret.immutable,
        type_: secret.type_.clone(),
        ..Secret::default()
    }
}
