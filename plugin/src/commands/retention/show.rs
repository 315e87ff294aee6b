//! `retention show`: one policy in full, and the backups that follow it.

use crds::core::BackupConfiguration;
use crds::storage::RetentionPolicy;
use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::card::{self, Card};
use crate::commands::storage::list::usable_from;
use crate::commands::{list, lookup};
use crate::context::Context;
use crate::failure::Failure;
use crate::glance;
use crate::output::Format;
use crate::streams::Streams;

/// Show retention policies in full, and which backups of the namespace follow them
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    choice: lookup::Choice,
    /// Output format
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
}

impl Args {
    /// Shows.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let now = context.environment.now();
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let policies: Vec<RetentionPolicy> = self.choice.objects(&cluster, &namespace).await?;
        let text = if let Some(text) = list::in_full(&policies, self.output)? {
            text
        } else {
            let backups: Vec<BackupConfiguration> = cluster.list(Some(&namespace), "").await?;
            let cards: Vec<Card> = policies.iter().map(|policy| card(policy, &backups, now)).collect();
            card::render(&cards)
        };
        streams.results.write_all(text.as_bytes())?;
        Ok(())
    }
}

/// The backups that name a policy.
#[must_use]
pub fn followers<'a>(
    policy: &RetentionPolicy,
    backups: &'a [BackupConfiguration],
) -> Vec<&'a BackupConfiguration> {
    let place = lookup::place(policy);
    backups
        .iter()
        .filter(|backup| {
            let own = backup.namespace().unwrap_or_default();
            backup.spec.backends.iter().any(|backend| {
                backend
                    .retention_policy
                    .as_ref()
                    .is_some_and(|named| named.resolved(&own).to_string() == place)
            })
        })
        .collect()
}

fn card(policy: &RetentionPolicy, backups: &[BackupConfiguration], now: Timestamp) -> Card {
    let default = if policy.spec.default { "   default" } else { "" };
    let used: Vec<String> = followers(policy, backups).into_iter().map(lookup::place).collect();
    Card::default()
        .row("Retention", format!("{}{default}", lookup::place(policy)))
        .row("Keeps", glance::retention_words(&policy.spec))
        .row("Failed", format!("the last {}", policy.spec.failed_to_keep()))
        .row("Usable from", usable_from(policy.spec.usage_policy.as_ref()))
        .row("Used by", if used.is_empty() { "no backup of this namespace".into() } else { used.join(", ") })
        .row("Age", list::age(policy, now))
}
