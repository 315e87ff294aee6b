//! `retention list`: how long backups are kept.

use crds::storage::RetentionPolicy;
use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::commands::create;
use crate::commands::list::{self, Order, Rows};
use crate::commands::storage::list::usable_from;
use crate::context::Context;
use crate::failure::Failure;
use crate::glance;
use crate::streams::Streams;

/// List retention policies
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to sort by
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    sort_by: Order,
    #[command(flatten)]
    list: list::Flags,
}

impl Args {
    /// Lists.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let now = context.environment.now();
        let namespace = self.list.namespace(context)?;
        let cluster = context.cluster().await?;
        let mut policies: Vec<RetentionPolicy> =
            cluster.list(namespace.as_deref(), &self.list.selector).await?;
        if policies.is_empty() {
            create::installed(&cluster).await?;
        }
        self.sort_by.sort(&mut policies);
        self.list.print_objects(&policies, |policies, wide| rows(policies, now, wide), (context, streams))
    }
}

fn rows(policies: &[RetentionPolicy], now: Timestamp, wide: bool) -> Rows {
    let mut headers = vec!["NAMESPACE", "NAME", "KEEPS", "DEFAULT", "AGE"];
    if wide {
        headers.extend(["FAILED", "USABLE-FROM"]);
    }
    let row = |policy: &RetentionPolicy| {
        let mut row = vec![
            policy.namespace().unwrap_or_default(),
            policy.name_any(),
            glance::retention_words(&policy.spec),
            policy.spec.default.to_string(),
            list::age(policy, now),
        ];
        if wide {
            row.push(policy.spec.failed_to_keep().to_string());
            row.push(usable_from(policy.spec.usage_policy.as_ref()).to_owned());
        }
        row
    };
    Rows { headers, rows: policies.iter().map(row).collect() }
}
