//! `repository list`: the directories that hold backups.

use crds::storage::Repository;
use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::commands::list::{self, Row};
use crate::glance;
use crate::human;

impl Row for Repository {
    const HEADERS: &'static [&'static str] =
        &["NAMESPACE", "NAME", "STORAGE", "PATH", "SNAPSHOTS", "SIZE", "INTEGRITY", "LAST BACKUP", "PHASE"];
    const WIDE: &'static [&'static str] = &["ENCRYPTION", "DELETION-POLICY", "AGE"];

    fn cells(&self, now: Timestamp) -> Vec<String> {
        let own = self.namespace().unwrap_or_default();
        let status = self.status.clone().unwrap_or_default();
        let storage = self.spec.storage_ref.as_ref();
        let secret = self.spec.encryption_secret.as_ref();
        vec![
            own.clone(),
            self.name_any(),
            storage.map(|storage| storage.resolved(&own).to_string()).unwrap_or_default(),
            self.spec.path.clone(),
            status.snapshot_count.map(|number| number.to_string()).unwrap_or_default(),
            glance::size(status.size.as_ref()),
            status.integrity.map(|sound| sound.to_string()).unwrap_or_default(),
            status.last_backup_time.map(|time| human::age_at(time.0, now)).unwrap_or_default(),
            list::phase(self, status.phase),
            secret.map(|secret| secret.resolved(&own).to_string()).unwrap_or_default(),
            format!("{:?}", self.deletion_policy()),
            list::age(self, now),
        ]
    }

    fn size(&self) -> Option<u64> {
        glance::repository_size(self)
    }
}
