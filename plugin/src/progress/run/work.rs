//! A backup as it is followed.

use crds::core::BackupSession;
use crds::storage::Snapshot;
use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::runtime::watcher::Event;

use super::{Change, Run};
use crate::cluster::Cluster;
use crate::progress::View;
use crate::progress::follow::{Changes, Work, of_pods, watched};
use crate::progress::outcome::Outcome;

impl Work for Run {
    fn new(namespace: &str, name: &str) -> Self {
        Self::new(namespace, name)
    }

    fn changes(cluster: &Cluster, namespace: &str) -> Changes {
        let mut all = of_pods(cluster, namespace);
        all.push(watched::<BackupSession>(cluster, namespace, "", true, |event| match event {
            Event::Delete(session) => Some(Change::SessionGone(session.name_any())),
            Event::Apply(session) | Event::InitApply(session) => Some(Change::Session(Box::new(session))),
            Event::Init | Event::InitDone => None,
        }));
        all.push(watched::<Snapshot>(cluster, namespace, "", true, |event| match event {
            Event::Apply(snapshot) | Event::InitApply(snapshot) => Some(Change::Snapshot(Box::new(snapshot))),
            Event::Delete(_) | Event::Init | Event::InitDone => None,
        }));
        all
    }

    fn name(&self) -> &str {
        self.name()
    }

    fn is_known(&self) -> bool {
        !self.backup().is_empty()
    }

    fn note(&mut self, change: &Change, now: Timestamp) -> bool {
        self.note(change, now)
    }

    fn waiting(&self) -> Option<String> {
        self.waiting()
    }

    fn view(&self, now: Timestamp) -> View {
        self.view(now)
    }

    fn outcome(&self, now: Timestamp) -> Option<Outcome> {
        self.outcome(now)
    }

    fn again(namespace: &str, open: &[&Self]) -> String {
        let what = match open {
            [] => return String::new(),
            [one] => format!("{} --run {}", one.backup(), one.name()),
            [first, others @ ..] if others.iter().all(|run| run.backup() == first.backup()) => {
                first.backup().into()
            }
            _ => "--all".to_owned(),
        };
        format!("kubectl kubestash watch {} -n {namespace}", what.trim())
    }
}
