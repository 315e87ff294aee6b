//! What a plan says is what a restore does, whatever has happened to the cluster in between the backup and now.

use std::collections::BTreeMap;

use archive::restore::options::{Existing, Options};
use archive::restore::report::{Line, Report};
use archive::restore::verdict::Verdict;
use archive::scope::decide;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::fresh::application;
use crate::server::cluster::{Cluster, Place, place};
use crate::server::objects::DEFINITIONS;
use crate::server::{Server, fault};
use crate::support::{back_up, options, planned, real_writes, restored};

/// Something that happens to a cluster. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Mutation {
    Delete(usize),
    EditData(usize),
    EditSpec(usize),
    AddLabel(usize),
    Add { namespace: usize, name: usize },
    DropDefinition,
    DropNamespace,
    EndNamespace,
    ServeOtherVersion(usize),
    DenyByWebhook(usize),
    DenyRight(usize),
    FillQuota,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let any = 0..64_usize;
    prop_oneof![
        4 => any.clone().prop_map(Mutation::Delete),
        3 => any.clone().prop_map(Mutation::EditData),
        3 => any.clone().prop_map(Mutation::EditSpec),
        2 => any.clone().prop_map(Mutation::AddLabel),
        2 => (0..3_usize, 0..4_usize).prop_map(|(namespace, name)| Mutation::Add { namespace, name }),
        1 => Just(Mutation::DropDefinition),
        1 => Just(Mutation::DropNamespace),
        1 => Just(Mutation::EndNamespace),
        1 => any.clone().prop_map(Mutation::ServeOtherVersion),
        1 => any.clone().prop_map(Mutation::DenyByWebhook),
        1 => any.prop_map(Mutation::DenyRight),
        1 => Just(Mutation::FillQuota),
    ]
}

fn any_options() -> impl Strategy<Value = Options> {
    let existing = prop_oneof![Just(Existing::Leave), Just(Existing::Apply), Just(Existing::Replace)];
    (existing, any::<bool>(), 1..4_u32).prop_map(|(existing, prune, rounds)| {
        let mut options = options(&[]);
        options.existing = existing;
        options.prune = prune && existing == Existing::Replace;
        options.covered = Some(decide(None, &BTreeMap::new()).unwrap());
        options.rounds = rounds;
        options
    })
}

/// Objects that may be chosen for a mutation.
fn places(cluster: &Cluster) -> Vec<Place> {
    let system = |at: &&Place| at.1 != "kube-system" && at.1 != "default" && at.0 != "namespaces";
    cluster.objects.keys().filter(system).cloned().collect()
}

fn mutate(cluster: &mut Cluster, mutation: &Mutation, refused: &mut Vec<String>) {
    let all = places(cluster);
    let number = match mutation {
        Mutation::Delete(number)
        | Mutation::EditData(number)
        | Mutation::EditSpec(number)
        | Mutation::AddLabel(number)
        | Mutation::ServeOtherVersion(number)
        | Mutation::DenyByWebhook(number)
        | Mutation::DenyRight(number) => *number,
        other => return mutate_namespaces(cluster, other),
    };
    let Some(at) = all.get(number % all.len().max(1)) else { return };
    let of = at.0.as_str();
    match mutation {
        Mutation::Delete(_) => {
            cluster.forget(at);
            cluster.collect_garbage();
        }
        Mutation::EditData(_) if ["configmaps", "secrets"].contains(&of) => {
            cluster.edit(at, "somebody", "/data/a", json!("Y2hhbmdlZA=="));
        }
        Mutation::EditSpec(_) if ["deployments.apps", "widgets.example.com"].contains(&of) => {
            cluster.edit(at, "somebody", "/spec/replicas", json!(7));
        }
        Mutation::AddLabel(_) => cluster.edit(at, "somebody", "/metadata/labels/new", json!("x")),
        Mutation::ServeOtherVersion(_) => {
            for of in cluster.types.iter_mut().filter(|found| found.group_resource() == of) {
                of.versions = vec!["v2".to_owned()];
            }
        }
        Mutation::DenyByWebhook(_) => refused.push(at.2.clone()),
        Mutation::DenyRight(_) => {
            let verb = ["create", "patch", "update", "delete"][number % 4];
            cluster.denied.insert((verb.to_owned(), of.to_owned(), "shop".to_owned()));
        }
        _ => {}
    }
}

fn mutate_namespaces(cluster: &mut Cluster, mutation: &Mutation) {
    let shop = place("namespaces", "", "shop");
    let exists = cluster.objects.contains_key(&shop);
    match mutation {
        Mutation::Add { namespace, name } => {
            let namespace = ["shop", "default", "kube-system"][*namespace];
            if cluster.has("namespaces", "", namespace) {
                cluster.put("configmaps", namespace, &format!("new-{name}"), &json!({}));
            }
        }
        Mutation::DropDefinition => cluster.forget(&place(DEFINITIONS, "", "widgets.example.com")),
        Mutation::DropNamespace => cluster.forget(&shop),
        Mutation::EndNamespace if exists => {
            cluster.edit(&shop, "somebody", "/metadata/deletionTimestamp", json!("2026-11-23T10:00:00Z"));
        }
        Mutation::FillQuota if exists => {
            let hard = json!({"configmaps": "0", "secrets": "0"});
            cluster.put("resourcequotas", "shop", "full", &json!({"spec": {"hard": hard}}));
        }
        _ => {}
    }
}

fn by_object(report: &Report) -> BTreeMap<String, &Line> {
    let name = |line: &Line| format!("{} {:?} {}", line.resource, line.place(), line.name);
    let lines: BTreeMap<String, &Line> = report.lines.iter().map(|line| (name(line), line)).collect();
    assert_eq!(lines.len(), report.lines.len(), "each object once: {:#?}", report.lines);
    lines
}

/// Every line is the same, unless the plan said of it that something could not be checked.
fn assert_foreseen(plan: &Report, report: &Report) {
    let (plan, report) = (by_object(plan), by_object(report));
    assert_eq!(plan.keys().collect::<Vec<_>>(), report.keys().collect::<Vec<_>>());
    for (name, planned) in plan {
        let done = report[&name];
        let unchecked = planned.notes.iter().any(|note| note.starts_with("not checked"));
        if !unchecked {
            let same = match (&planned.verdict, &done.verdict) {
                (Verdict::Fail { problem: one }, Verdict::Fail { problem: other }) => one.kind == other.kind,
                (one, other) => without_uids(one) == without_uids(other),
            };
            assert!(same, "{name}: planned {planned:#?}, done {done:#?}");
            assert_eq!(planned.live, done.live, "{name}");
        }
    }
}

/// An owner that is still to be made has no uid in a plan.
fn without_uids(verdict: &Verdict) -> String {
    let mut told = serde_json::to_value(verdict).unwrap();
    for change in told["changes"].as_array_mut().into_iter().flatten() {
        if change["path"].as_str().unwrap().starts_with("metadata.ownerReferences") {
            *change = json!("owner");
        }
    }
    told.to_string()
}

#[test]
fn a_plan_is_what_happens_whatever_has_happened_to_the_cluster() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let then = application();
    let source = runtime.block_on(back_up(&then));
    let mutations = proptest::collection::vec(mutation(), 0..6);
    let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
    runner
        .run(&(mutations, any_options()), |(mutations, options)| {
            runtime.block_on(async {
                let (mut cluster, mut refused) = (then.clone(), Vec::new());
                for mutation in &mutations {
                    mutate(&mut cluster, mutation, &mut refused);
                }
                let server = Server::failing(cluster, move |call, _| {
                    let name = call.body["metadata"]["name"].as_str().unwrap_or_default();
                    let message = "admission webhook \"policy\" denied the request: no";
                    let denied = call.is_write() && refused.iter().any(|refused| refused == name);
                    denied.then(|| fault(403, "Forbidden", message))
                });
                let before = server.cluster().objects.clone();
                let plan = planned(&server, &source, &options).await;
                assert_eq!(real_writes(&server), []);
                assert_eq!(server.cluster().objects, before);
                let report = restored(&server, &source, &options).await;
                assert_foreseen(&plan, &report);
            });
            Ok(())
        })
        .unwrap();
}
