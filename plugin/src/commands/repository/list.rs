//! `repository list`: the directories that hold backups.

use crds::storage::Repository;
use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::commands::create;
use crate::commands::list::{self, OrderOrSize, Rows};
use crate::context::Context;
use crate::failure::Failure;
use crate::glance;
use crate::human;
use crate::streams::Streams;

/// List repositories
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
        let mut repositories: Vec<Repository> =
            cluster.list(namespace.as_deref(), &self.list.selector).await?;
        if repositories.is_empty() {
            create::installed(&cluster).await?;
        }
        self.sort_by.sort(&mut repositories, glance::repository_size);
        let rows = |repositories: &[Repository], wide| rows(repositories, now, wide);
        self.list.print_objects(&repositories, rows, (context, streams))
    }
}

fn rows(repositories: &[Repository], now: Timestamp, wide: bool) -> Rows {
    let mut headers = vec![
        "NAMESPACE",
        "NAME",
        "STORAGE",
        "PATH",
        "SNAPSHOTS",
        "SIZE",
        "INTEGRITY",
        "LAST BACKUP",
        "PHASE",
    ];
    if wide {
        headers.extend(["ENCRYPTION", "DELETION-POLICY", "AGE"]);
    }
    Rows { headers, rows: repositories.iter().map(|repository| row(repository, now, wide)).collect() }
}

fn row(repository: &Repository, now: Timestamp, wide: bool) -> Vec<String> {
    let own = repository.namespace().unwrap_or_default();
    let status = repository.status.clone().unwrap_or_default();
    let storage = repository.spec.storage_ref.as_ref();
    let mut row = vec![
        own.clone(),
        repository.name_any(),
        storage.map(|storage| storage.resolved(&own).to_string()).unwrap_or_default(),
        repository.spec.path.clone(),
        status.snapshot_count.map(|number| number.to_string()).unwrap_or_default(),
        glance::size(status.size.as_ref()),
        status.integrity.map(|sound| sound.to_string()).unwrap_or_default(),
        status.last_backup_time.map(|time| human::age_at(time.0, now)).unwrap_or_default(),
        list::phase(repository, status.phase),
    ];
    if wide {
        let secret = repository.spec.encryption_secret.as_ref();
        row.push(secret.map(|secret| secret.resolved(&own).to_string()).unwrap_or_default());
        row.push(format!("{:?}", repository.deletion_policy()));
        row.push(list::age(repository, now));
    }
    row
}
