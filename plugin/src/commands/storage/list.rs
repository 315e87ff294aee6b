//! `storage list`: where backups may be kept.

use crds::storage::BackupStorage;
use crds::usage_policy::{self, FromNamespaces};
use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::commands::list::{self, Row};
use crate::glance;

impl Row for BackupStorage {
    const HEADERS: &'static [&'static str] =
        &["NAMESPACE", "NAME", "PROVIDER", "PLACE", "DEFAULT", "REPOSITORIES", "SIZE", "PHASE"];
    const WIDE: &'static [&'static str] = &["DELETION-POLICY", "USABLE-FROM", "SECRET", "AGE"];

    fn cells(&self, now: Timestamp) -> Vec<String> {
        let status = self.status.clone().unwrap_or_default();
        let backend = self.spec.storage.as_ref();
        vec![
            self.namespace().unwrap_or_default(),
            self.name_any(),
            backend.map(|backend| backend.provider.clone()).unwrap_or_default(),
            backend.map(glance::place).unwrap_or_default(),
            self.spec.default.to_string(),
            status.repositories.len().to_string(),
            glance::size(status.total_size.as_ref()),
            list::phase(self, status.phase),
            format!("{:?}", self.deletion_policy()),
            usable_from(self.spec.usage_policy.as_ref()).to_owned(),
            backend.and_then(|backend| backend.secret_name()).unwrap_or_default().to_owned(),
            list::age(self, now),
        ]
    }

    fn size(&self) -> Option<u64> {
        crds::size::parse(self.status.as_ref()?.total_size.as_ref()?).ok()
    }
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
