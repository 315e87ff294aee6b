//! The figures of restores. A restore that is tried now and then is worth an alert when it was long ago.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Which restores a figure is of: the names of RestoreSessions are too many, and mean nothing a day later.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Labels {
    /// Namespace of the RestoreSession.
    pub namespace: String,
    /// Name of the Repository.
    pub repository: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct OutcomeLabels {
    namespace: String,
    repository: String,
    outcome: String,
}

/// How one finished session went.
#[derive(Clone, Copy, Debug)]
pub struct Restore<'a> {
    /// The phase: `Succeeded`, `Failed` or `Invalid`.
    pub outcome: &'a str,
    /// From creation to end.
    pub duration: Duration,
    /// When it ended, in Unix seconds.
    pub ended: i64,
}

/// What is counted of restores. Clones share the figures.
#[derive(Clone, Debug)]
pub struct Restores {
    finished: Family<OutcomeLabels, Counter>,
    duration: Family<Labels, Gauge<f64, AtomicU64>>,
    last_success: Family<Labels, Gauge>,
    /// When the newest restore that the figures are of ended.
    newest: Arc<Mutex<BTreeMap<Labels, i64>>>,
}

impl Restores {
    /// Figures that `registry` tells.
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let restores = Self {
            finished: Family::default(),
            duration: Family::default(),
            last_success: Family::default(),
            newest: Arc::default(),
        };
        registry.register("kubestash_restores", "Finished RestoreSessions", restores.finished.clone());
        registry.register(
            "kubestash_restore_duration_seconds",
            "Duration of the last restore",
            restores.duration.clone(),
        );
        registry.register(
            "kubestash_restore_last_success_timestamp_seconds",
            "When the last successful restore ended",
            restores.last_success.clone(),
        );
        restores
    }

    /// A RestoreSession ended. To be called once per session.
    pub fn restored(&self, labels: &Labels, restore: Restore<'_>) {
        let Labels { namespace, repository } = labels.clone();
        let outcome = restore.outcome.to_owned();
        self.finished.get_or_create(&OutcomeLabels { namespace, repository, outcome }).inc();
        self.recall(labels, restore);
    }

    /// A RestoreSession had ended before this process began, or just now: its figures are told, unless those of a newer
    /// one are.
    pub fn recall(&self, labels: &Labels, restore: Restore<'_>) {
        if restore.outcome == "Succeeded" {
            let last = self.last_success.get_or_create(labels);
            last.set(last.get().max(restore.ended));
        }
        // No step under this mutex can leave it half changed.
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.get(labels).is_some_and(|newest| *newest > restore.ended) {
            return;
        }
        newest.insert(labels.clone(), restore.ended);
        self.duration.get_or_create(labels).set(restore.duration.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn the_newest_restore_counts() {
        let metrics = Metrics::default();
        let labels = Labels { namespace: "shop".into(), repository: "repo".into() };
        let restore =
            |outcome, ended, seconds| Restore { outcome, duration: Duration::from_secs(seconds), ended };
        metrics.restores.restored(&labels, restore("Succeeded", 77, 5));
        metrics.restores.recall(&labels, restore("Succeeded", 55, 3));
        metrics.restores.restored(&labels, restore("Failed", 99, 9));
        let text = metrics.render().expect("a String takes everything");
        for line in [
            r#"kubestash_restores_total{namespace="shop",repository="repo",outcome="Failed"} 1"#,
            r#"kubestash_restore_duration_seconds{namespace="shop",repository="repo"} 9.0"#,
            r#"kubestash_restore_last_success_timestamp_seconds{namespace="shop",repository="repo"} 77"#,
        ] {
            assert!(text.lines().any(|written| written == line), "{line} is not in\n{text}");
        }
    }
}
