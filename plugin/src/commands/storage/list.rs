//! `storage list`: where backups may be kept.

use crds::storage::BackupStorage;
use crds::usage_policy::{self, FromNamespaces};
use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::commands::create;
use crate::commands::list::{self, OrderOrSize, Rows};
use crate::context::Context;
use crate::failure::Failure;
use crate::glance;
use crate::streams::Streams;

/// List storages
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to sort by
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    sort_by: OrderOrSize,
    #[command(flatten)]
    list: list::Flags,
}

impl Args {
    /// Lists.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let now = context.environment.now();
        let namespace = self.list.namespace(context)?;
        let cluster = context.cluster().await?;
        let mut storages: Vec<BackupStorage> =
            cluster.list(namespace.as_deref(), &self.list.selector).await?;
        if storages.is_empty() {
            create::installed(&cluster).await?;
        }
        self.sort_by.sort(&mut storages, |storage| {
            crds::size::parse(storage.status.as_ref()?.total_size.as_ref()?).ok()
        });
        self.list.print_objects(&storages, |storages, wide| rows(storages, now, wide), (context, streams))
    }
}

fn rows(storages: &[BackupStorage], now: Timestamp, wide: bool) -> Rows {
    let mut headers =
        vec!["NAMESPACE", "NAME", "PROVIDER", "PLACE", "DEFAULT", "REPOSITORIES", "SIZE", "PHASE"];
    if wide {
        headers.extend(["DELETION-POLICY", "USABLE-FROM", "SECRET", "AGE"]);
    }
    Rows { headers, rows: storages.iter().map(|storage| row(storage, now, wide)).collect() }
}

fn row(storage: &BackupStorage, now: Timestamp, wide: bool) -> Vec<String> {
    let status = storage.status.clone().unwrap_or_default();
    let backend = storage.spec.storage.as_ref();
    let mut row = vec![
        storage.namespace().unwrap_or_default(),
        storage.name_any(),
        backend.map(|backend| backend.provider.clone()).unwrap_or_default(),
        backend.map(glance::place).unwrap_or_default(),
        storage.spec.default.to_string(),
        status.repositories.len().to_string(),
        glance::size(status.total_size.as_ref()),
        list::phase(storage, status.phase),
    ];
    if wide {
        row.push(format!("{:?}", storage.deletion_policy()));
        row.push(usable_from(storage.spec.usage_policy.as_ref()).to_owned());
        row.push(backend.and_then(|backend| backend.secret_name()).unwrap_or_default().to_owned());
        row.push(list::age(storage, now));
    }
    row
}

/// From which namespaces something may be used.
#[must_use]
pub fn usable_from(policy: Option<&usage_policy::UsagePolicy>) -> &'static str {
    match usage_policy::effective(policy).from() {
        Some(FromNamespaces::All) => "all",
        Some(FromNamespaces::Selector) => "selected",
        Some(FromNamespaces::Same) => "same",
        None => "none",
    }
}
