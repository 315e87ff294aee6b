//! `retention show`: one policy in full, and the backups that follow it.

use crds::core::BackupConfiguration;
use crds::storage::RetentionPolicy;
use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::card::Card;
use crate::cluster::Cluster;
use crate::commands::show::Shown;
use crate::commands::storage::list::usable_from;
use crate::commands::{list, lookup};
use crate::context::Context;
use crate::failure::Failure;
use crate::glance;

impl Shown for RetentionPolicy {
    type Surroundings = Vec<BackupConfiguration>;

    async fn surroundings(
        _: &[Self],
        cluster: &Cluster,
        namespace: &str,
    ) -> Result<Vec<BackupConfiguration>, Failure> {
        Ok(cluster.list(Some(namespace), "").await?)
    }

    fn card(&self, backups: &Vec<BackupConfiguration>, _: &Context, now: Timestamp) -> Card {
        card(self, backups, now)
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
