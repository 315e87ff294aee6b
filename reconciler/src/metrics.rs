//! What is counted, under the names that dashboards of other operators use, and the figures of backups.

pub mod restore;

use std::collections::BTreeMap;
use std::fmt::Error;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use restore::Restores;

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct ReconcileLabels {
    controller: String,
    result: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct ControllerLabels {
    controller: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct CategoryLabels {
    controller: String,
    category: String,
}

/// Which backup a figure is of.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BackupLabels {
    /// Namespace of the BackupConfiguration.
    pub namespace: String,
    /// Name of the BackupConfiguration.
    pub configuration: String,
    /// Name of the session.
    pub session: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct OutcomeLabels {
    namespace: String,
    configuration: String,
    session: String,
    outcome: String,
}

impl BackupLabels {
    fn with(&self, outcome: &str) -> OutcomeLabels {
        let Self { namespace, configuration, session } = self.clone();
        OutcomeLabels { namespace, configuration, session, outcome: outcome.to_owned() }
    }
}

/// The phases in which a session ends.
const OUTCOMES: [&str; 3] = ["Succeeded", "Failed", "Skipped"];

/// How one finished session went.
#[derive(Clone, Copy, Debug)]
pub struct Backup<'a> {
    /// The phase: `Succeeded`, `Failed` or `Skipped`.
    pub outcome: &'a str,
    /// From creation to end.
    pub duration: Duration,
    /// Size of its repositories in bytes, when known.
    pub size: Option<u64>,
    /// When it ended, in Unix seconds.
    pub ended: i64,
}

/// Everything that `/metrics` tells. Clones share the figures.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    reconciles: Family<ReconcileLabels, Counter>,
    errors: Family<CategoryLabels, Counter>,
    durations: Family<ControllerLabels, Histogram, fn() -> Histogram>,
    leader: Gauge,
    backups: Family<OutcomeLabels, Counter>,
    backup_duration: Family<BackupLabels, Gauge<f64, AtomicU64>>,
    backup_size: Family<BackupLabels, Gauge>,
    last_success: Family<BackupLabels, Gauge>,
    /// Of restores.
    pub restores: Restores,
    /// When the newest backup that the figures are of ended.
    newest: Arc<Mutex<BTreeMap<BackupLabels, i64>>>,
}

fn reconcile_buckets() -> Histogram {
    Histogram::new([0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let reconciles = Family::default();
        let errors = Family::default();
        let durations = Family::new_with_constructor(reconcile_buckets as fn() -> Histogram);
        let leader = Gauge::default();
        registry.register(
            "controller_runtime_reconcile",
            "Passes per controller and result",
            reconciles.clone(),
        );
        registry.register("controller_runtime_reconcile_errors", "Failed passes", errors.clone());
        registry.register(
            "controller_runtime_reconcile_time_seconds",
            "Duration of a pass",
            durations.clone(),
        );
        registry.register("leader_election_master_status", "1 while this process leads", leader.clone());

        let backups = Family::default();
        let backup_duration = Family::default();
        let backup_size = Family::default();
        let last_success = Family::default();
        registry.register("kubestash_backups", "Finished BackupSessions", backups.clone());
        registry.register(
            "kubestash_backup_duration_seconds",
            "Duration of the last backup",
            backup_duration.clone(),
        );
        registry.register(
            "kubestash_backup_size_bytes",
            "Size of the repositories after the last backup",
            backup_size.clone(),
        );
        registry.register(
            "kubestash_backup_last_success_timestamp_seconds",
            "When the last successful backup ended",
            last_success.clone(),
        );
        let restores = Restores::registered(&mut registry);
        let registry = Arc::new(registry);
        Self {
            registry,
            reconciles,
            errors,
            durations,
            leader,
            backups,
            backup_duration,
            backup_size,
            last_success,
            restores,
            newest: Arc::default(),
        }
    }
}

impl Metrics {
    /// One pass of a controller; `result` is `success`, `requeue_after` or `error`.
    pub fn reconciled(&self, controller: &str, result: &str, duration: Duration) {
        let labels = ReconcileLabels { controller: controller.to_owned(), result: result.to_owned() };
        self.reconciles.get_or_create(&labels).inc();
        let labels = ControllerLabels { controller: controller.to_owned() };
        self.durations.get_or_create(&labels).observe(duration.as_secs_f64());
    }

    /// A pass failed in the step `category`.
    pub fn failed(&self, controller: &str, category: &str) {
        let labels = CategoryLabels { controller: controller.to_owned(), category: category.to_owned() };
        self.errors.get_or_create(&labels).inc();
    }

    /// Whether this process leads.
    pub fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// A BackupSession ended. To be called once per session.
    pub fn backed_up(&self, labels: &BackupLabels, backup: Backup<'_>) {
        self.backups.get_or_create(&labels.with(backup.outcome)).inc();
        self.recall(labels, backup);
    }

    /// A BackupSession had ended before this process began, or just now: its figures are told, unless those of a newer
    /// one are. An alert on the last success must not fall silent because the operator was restarted.
    pub fn recall(&self, labels: &BackupLabels, backup: Backup<'_>) {
        let mut newest = self.newest();
        if backup.outcome == "Succeeded" {
            let last = self.last_success.get_or_create(labels);
            last.set(last.get().max(backup.ended));
        }
        if newest.get(labels).is_some_and(|newest| *newest > backup.ended) {
            return;
        }
        newest.insert(labels.clone(), backup.ended);
        self.backup_duration.get_or_create(labels).set(backup.duration.as_secs_f64());
        if let Some(size) = backup.size {
            self.backup_size.get_or_create(labels).set(i64::try_from(size).unwrap_or(i64::MAX));
        }
    }

    /// A BackupConfiguration is gone, and nobody wants to know any more.
    pub fn forget(&self, namespace: &str, configuration: &str) {
        self.newest().retain(|labels, _| {
            let stays = labels.namespace != namespace || labels.configuration != configuration;
            if !stays {
                for outcome in OUTCOMES {
                    self.backups.remove(&labels.with(outcome));
                }
                self.backup_duration.remove(labels);
                self.backup_size.remove(labels);
                self.last_success.remove(labels);
            }
            stays
        });
    }

    /// No step under this mutex can leave it half changed.
    fn newest(&self) -> MutexGuard<'_, BTreeMap<BackupLabels, i64>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything in the text format of OpenMetrics.
    pub fn render(&self) -> Result<String, Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_can_be_read() {
        let metrics = Metrics::default();
        metrics.reconciled("repository", "success", Duration::from_millis(20));
        metrics.failed("repository", "ApplyFailed");
        metrics.leads(true);
        let labels =
            BackupLabels { namespace: "shop".into(), configuration: "all".into(), session: "nightly".into() };
        let duration = Duration::from_millis(2500);
        metrics.backed_up(&labels, Backup { outcome: "Succeeded", duration, size: Some(4096), ended: 77 });
        metrics.backed_up(&labels, Backup { outcome: "Failed", duration, size: None, ended: 99 });

        let text = metrics.render().expect("a String takes everything");
        for line in [
            r#"controller_runtime_reconcile_total{controller="repository",result="success"} 1"#,
            r#"controller_runtime_reconcile_errors_total{controller="repository",category="ApplyFailed"} 1"#,
            r#"controller_runtime_reconcile_time_seconds_bucket{le="0.025",controller="repository"} 1"#,
            "leader_election_master_status 1",
            r#"kubestash_backups_total{namespace="shop",configuration="all",session="nightly",outcome="Failed"} 1"#,
            r#"kubestash_backup_duration_seconds{namespace="shop",configuration="all",session="nightly"} 2.5"#,
            r#"kubestash_backup_last_success_timestamp_seconds{namespace="shop",configuration="all",session="nightly"} 77"#,
        ] {
            assert!(text.lines().any(|written| written == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn the_newest_backup_counts_until_its_configuration_is_gone() {
        let metrics = Metrics::default();
        let labels =
            BackupLabels { namespace: "shop".into(), configuration: "all".into(), session: "nightly".into() };
        let backup = |outcome, ended| Backup { outcome, duration: Duration::from_secs(1), size: None, ended };
        let told = |value: i64| {
            let line = format!(
                "kubestash_backup_last_success_timestamp_seconds{{namespace=\"shop\",configuration=\"all\",session=\"nightly\"}} {value}"
            );
            metrics.render().expect("a String takes everything").contains(&line)
        };
        metrics.recall(&labels, backup("Failed", 88));
        metrics.recall(&labels, backup("Succeeded", 77));
        assert!(told(77));
        metrics.recall(&labels, backup("Succeeded", 55));
        assert!(told(77));
        metrics.backed_up(&labels, backup("Succeeded", 99));
        assert!(told(99));
        metrics.forget("shop", "other");
        assert!(told(99));
        metrics.forget("shop", "all");
        assert!(!metrics.render().expect("a String takes everything").contains("configuration=\"all\""));
    }
}
