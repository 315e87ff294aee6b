//! What can be chosen: of the cluster, and of what people usually want.

use jiff::SignedDuration;
use kube::ResourceExt as _;

use super::Draft;
use crate::ask::Choice;
use crate::setup::retention::{self, preview};
use crate::setup::target::{self, Typed};
use crate::setup::{self, schedule};
use crate::wizard::facts;

/// How long backups are kept.
pub enum Kept {
    Policy(String),
    New(retention::Flags),
}

/// `[NAMESPACE/]NAME`, as a flag takes it.
pub fn reference(namespace: Option<String>, name: &str, here: &str) -> String {
    match namespace {
        Some(namespace) if namespace != here => format!("{namespace}/{name}"),
        _ => name.to_owned(),
    }
}

/// A storage that may be chosen.
pub fn known_storage(storage: &crds::storage::BackupStorage) -> Choice {
    let place = format!("{}/{}", storage.namespace().unwrap_or_default(), storage.name_any());
    let phase = if facts::is_ready(storage) { "Ready" } else { "not Ready" };
    let backend = storage.spec.storage.as_ref().map(setup::storage::spoken).unwrap_or_default();
    let default = if storage.spec.default { ", default" } else { "" };
    Choice::new(place, format!("{phase}, {backend}{default}"))
}

impl Draft {
    /// What can be backed up: the value of `--target`, or none for another namespace.
    pub(super) fn targets(&self) -> Vec<(Option<String>, Choice)> {
        let facts = &self.facts;
        let marked = |remark: String, target: Option<(&str, &str)>| match facts.covered(target) {
            Some(backup) => format!("{remark}, already backed up by \"{backup}\""),
            None => remark,
        };
        let here = marked(format!("{} objects", facts.objects), Some(("Namespace", &facts.namespace)));
        let mut targets =
            vec![(Some("namespace".to_owned()), Choice::new(format!("namespace {}", facts.namespace), here))];
        for workload in &facts.workloads {
            let remark = match workload.dependants {
                0 => "1 object".to_owned(),
                number => format!("{} objects", number + 1),
            };
            let remark = marked(remark, Some((&workload.kind, &workload.name)));
            targets.push((Some(workload.target.clone()), Choice::new(&workload.spoken, remark)));
        }
        if facts.namespaces.iter().any(|name| *name != facts.namespace) {
            targets.push((
                None,
                Choice::new("another namespace…", format!("{} there are", facts.namespaces.len())),
            ));
        }
        let everything = match facts.namespaces.len() {
            0 => "every namespace".to_owned(),
            number => format!("{number} namespaces"),
        };
        targets.push((Some("cluster".into()), Choice::new("the whole cluster", marked(everything, None))));
        targets
    }

    /// Who may read: `None` makes a new account.
    pub(super) fn readers(&self) -> Vec<(Option<String>, Choice)> {
        let target = self.args.backup.target.as_deref().unwrap_or_default();
        let (cluster, elsewhere) =
            (target == "cluster", matches!(target::parse(target), Ok(Typed::Namespace(Some(_)))));
        let scope = if cluster { "in the whole cluster" } else { "in its namespace" };
        let mut readers = vec![(
            None,
            Choice::new(
                "create a new ServiceAccount",
                format!("get, list on everything {scope}, nothing else"),
            ),
        )];
        let reads = |account: &crate::wizard::access::Account| match (cluster, elsewhere) {
            (true, _) => account.reads_cluster,
            (false, true) => account.reads_cluster.filter(|reads| *reads),
            (false, false) => account.reads_namespace,
        };
        let mut accounts: Vec<_> =
            self.facts.accounts.iter().map(|account| (reads(account), account)).collect();
        accounts.sort_by_key(|(reads, account)| {
            (reads.map_or(1, |reads| if reads { 0 } else { 2 }), account.name.clone())
        });
        for (reads, account) in accounts {
            let remark = match reads {
                Some(true) => "may read everything it takes",
                Some(false) => "may not list everything: such a backup fails",
                None => "its rights are not known",
            };
            readers.push((
                Some(account.name.clone()),
                Choice::new(format!("ServiceAccount {}", account.name), remark),
            ));
        }
        readers
    }

    /// Cron lines to choose from.
    pub(super) fn rhythms(&self) -> [(String, &'static str); 3] {
        let nightly = schedule::nightly(&self.facts.namespace, &self.name());
        let minute = nightly.split(' ').next().unwrap_or("0").to_owned();
        [(format!("{minute} * * * *"), "hourly"), (nightly, "daily"), (format!("{minute} 2 * * 0"), "weekly")]
    }

    pub(super) fn rhythm(&self, line: &str, word: &str) -> Choice {
        let runs = schedule::check(line)
            .map(|schedule| schedule::next_runs(&schedule, self.when.now, &self.when.zone, 3));
        Choice::new(word, format!("{line:12} next: {}", runs.unwrap_or_default()))
    }

    /// How long: a policy that exists, or one to be made.
    pub(super) fn retentions(&self) -> Vec<(Kept, Choice)> {
        let mut kept: Vec<(Kept, Choice)> = Vec::new();
        for policy in &self.facts.policies {
            let place = reference(policy.namespace(), &policy.name_any(), &self.facts.namespace);
            let remark = if policy.spec.default { "exists, default" } else { "exists" };
            kept.push((Kept::Policy(place.clone()), Choice::new(format!("RetentionPolicy {place}"), remark)));
        }
        let pause = self.pause();
        for preset in &retention::PRESETS {
            let flags = preset.flags();
            let comes_to = preview::kept(&flags, pause, self.when.now).map(preview::Kept::spoken);
            let remark = format!("{}: {}", flags.spoken(), comes_to.unwrap_or_default());
            kept.push((Kept::New(flags), Choice::new(preset.label, remark)));
        }
        kept
    }

    /// How long it is between two runs.
    fn pause(&self) -> SignedDuration {
        let line = self.args.backup.schedule.clone().unwrap_or_else(|| self.rhythms()[1].0.clone());
        let between = || {
            let (schedule, now) = (schedule::check(&line).ok()?, self.when.now);
            let first = schedule.next(now, now)?;
            Some(schedule.next(first, now)?.duration_since(first))
        };
        between().unwrap_or(SignedDuration::from_hours(24))
    }
}
