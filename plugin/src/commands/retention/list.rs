//! `retention list`: how long backups are kept.

use crds::storage::RetentionPolicy;
use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::commands::list::{self, Row};
use crate::commands::storage::list::usable_from;
use crate::glance;

impl Row for RetentionPolicy {
    const HEADERS: &'static [&'static str] = &["NAMESPACE", "NAME", "KEEPS", "DEFAULT", "AGE"];
    const WIDE: &'static [&'static str] = &["FAILED", "USABLE-FROM"];
    const HAS_SIZE: bool = false;

    fn cells(&self, now: Timestamp) -> Vec<String> {
        vec![
            self.namespace().unwrap_or_default(),
            self.name_any(),
            glance::retention_words(&self.spec),
            self.spec.default.to_string(),
            list::age(self, now),
            self.spec.failed_to_keep().to_string(),
            usable_from(self.spec.usage_policy.as_ref()).to_owned(),
        ]
    }
}
