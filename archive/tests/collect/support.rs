//! What these tests have in common: a small cluster, and a run whose files are kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use archive::api::Patience;
use archive::collect::{Error, Limits, Output, Report, collect};
use archive::entry::Entry;
use archive::progress::Progress;
use archive::scope::{Plan, Target, decide};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::server::{Server, Type};

/// Small pages and no patience.
pub fn limits() -> Limits {
    let patience = Patience {
        request: Duration::from_millis(500),
        attempts: 3,
        longest_wait: Duration::from_millis(20),
    };
    // So small that every page but the first has the fewest objects.
    Limits { patience, types: 3, page_bytes: 1 }
}

/// The parameters of a task.
pub fn parameters(given: &[(&str, &str)]) -> BTreeMap<String, String> {
    given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The whole cluster.
pub fn everything() -> Plan {
    decide(None, &BTreeMap::new()).unwrap()
}

/// The whole cluster, with parameters.
pub fn filtered(given: &[(&str, &str)]) -> Plan {
    decide(None, &parameters(given)).unwrap()
}

/// A target, with parameters.
pub fn target(
    api_group: &str,
    kind: &str,
    namespace: Option<&str>,
    name: &str,
    given: &[(&str, &str)],
) -> Plan {
    let target = Target {
        api_group: api_group.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    };
    decide(Some(&target), &parameters(given)).unwrap()
}

/// What came of a run.
pub struct Run {
    pub report: Result<Report, Error>,
    pub entries: Vec<Arc<Entry>>,
    pub total: Option<u64>,
}

impl Run {
    pub fn report(&self) -> &Report {
        self.report.as_ref().unwrap()
    }

    pub fn paths(&self) -> Vec<&str> {
        self.entries.iter().map(|entry| entry.path.as_str()).collect()
    }

    pub fn gaps(&self) -> Vec<String> {
        self.report().gaps.iter().map(ToString::to_string).collect()
    }

    pub fn file(&self, path: &str) -> &str {
        let entry = self.entries.iter().find(|entry| entry.path == path);
        std::str::from_utf8(&entry.unwrap_or_else(|| panic!("no {path} in {:?}", self.paths())).content)
            .unwrap()
    }

    /// Sorted by components, each file once, and the report counts what came.
    pub fn assert_sound(&self) {
        for pair in self.entries.windows(2) {
            let (left, right) = (&pair[0].path, &pair[1].path);
            assert!(left.split('/').lt(right.split('/')), "{right} came after {left}");
        }
        let report = self.report();
        assert_eq!(report.objects, self.entries.len() as u64);
        assert_eq!(report.bytes, self.entries.iter().map(|entry| entry.content.len() as u64).sum::<u64>());
    }
}

/// Collects with [`limits`].
pub async fn run(server: &Arc<Server>, plan: &Plan) -> Run {
    let (entries, mut receiver) = mpsc::channel(4);
    let progress = Arc::new(Progress::new());
    let outputs = vec![Output { entries, progress: Arc::clone(&progress) }];
    let keep = async {
        let mut entries = Vec::new();
        while let Some(batch) = receiver.recv().await {
            entries.extend(batch);
        }
        entries
    };
    let (limits, cancel) = (limits(), CancellationToken::new());
    let (report, entries) = tokio::join!(collect(server.client(), plan, &limits, outputs, &cancel), keep);
    Run { report, entries, total: progress.total_objects() }
}

/// The files of all objects of some types.
pub fn files<'a>(types: impl IntoIterator<Item = &'a Type>) -> Vec<String> {
    let mut files: Vec<String> = types
        .into_iter()
        .flat_map(|of| {
            of.objects.keys().map(|(namespace, name)| {
                let part =
                    if of.namespaced { format!("namespaces/{namespace}") } else { "cluster".to_owned() };
                format!("{}/{part}/{name}.yaml", of.group_resource())
            })
        })
        .collect();
    files.sort_by(|left, right| left.split('/').cmp(right.split('/')));
    files
}

/// The Namespace type with these namespaces.
pub fn namespaces(names: &[&str]) -> Type {
    let mut of = Type::new("", "namespaces", "Namespace", false);
    for name in names {
        of.object("", name, &serde_json::json!({}));
    }
    of
}

/// `count` ConfigMaps in each of some namespaces.
pub fn config_maps(names: &[&str], count: usize) -> Type {
    let mut of = Type::new("", "configmaps", "ConfigMap", true);
    for namespace in names {
        for number in 0..count {
            of.object(namespace, &format!("c{number:03}"), &serde_json::json!({}));
        }
    }
    of
}

/// A cluster with several types, several versions, and namespaces whose names begin with one another.
pub fn cluster() -> Vec<Type> {
    let names = ["a", "a-b", "a-b-c", "a0", "b", "kube-system"];
    let mut widgets = Type::new("example.com", "widgets", "Widget", true);
    widgets.versions = vec!["v2", "v1"];
    for namespace in ["a-b", "a", "b"] {
        for number in 0..50 {
            widgets.object(namespace, &format!("w{number}"), &serde_json::json!({}));
        }
    }
    vec![
        namespaces(&names),
        config_maps(&names, 40),
        Type::new("", "secrets", "Secret", true).with(&[("a", "s"), ("a", "s-1"), ("a", "s.1"), ("b", "s")]),
        Type::new("rbac.authorization.k8s.io", "clusterroles", "ClusterRole", false).with(&[
            ("", "system:a"),
            ("", "system"),
            ("", "system a"),
            ("", "System"),
            ("", "*"),
        ]),
        widgets,
    ]
}
