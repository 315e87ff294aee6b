//! What can go wrong with single objects, one after the other: each is one line that says so, and costs nothing else.

use std::sync::Arc;
use std::time::Duration;

use archive::restore::Error;
use archive::restore::verdict::{ProblemKind, Verdict};
use http::Method;
use serde_json::json;

use crate::fresh::{application, assert_same};
use crate::server::cluster::{Cluster, place};
use crate::server::objects::DEFINITIONS;
use crate::server::{Call, Fault, Server, fault, refuse};
use crate::support::{
    assert_no_failure, back_up, file, line, options, planned, problem, real_writes, restored, snapshot_of,
    told, try_restore,
};

/// Three ConfigMaps in a namespace.
pub fn three() -> Cluster {
    let mut cluster = Cluster::with_namespaces(&["shop"]);
    for name in ["a", "b", "c"] {
        cluster.put("configmaps", "shop", name, &json!({"data": {"of": name}}));
    }
    cluster
}

fn creates(call: &Call, name: &str) -> bool {
    call.method == Method::POST && call.body["metadata"]["name"] == name
}

#[tokio::test(start_paused = true)]
async fn what_exists_and_differs_is_left_applied_or_replaced_as_asked() {
    let source = back_up(&three()).await;
    let a = place("configmaps", "shop", "a");
    let changed = || {
        let mut cluster = three();
        cluster.edit(&a, "kubectl-edit", "/data/of", json!("me"));
        cluster.edit(&a, "kubectl-edit", "/data/more", json!("mine"));
        Server::new(cluster)
    };
    for (given, word, data) in [
        (&[][..], "leave", json!({"of": "me", "more": "mine"})),
        (&[("OverrideResources", "true")][..], "update", json!({"of": "a", "more": "mine"})),
    ] {
        let server = changed();
        let plan = planned(&server, &source, &options(given)).await;
        let report = restored(&server, &source, &options(given)).await;
        assert_eq!(line(&report, "configmaps", "a").verdict, line(&plan, "configmaps", "a").verdict);
        assert_eq!(line(&report, "configmaps", "a").verdict.word(), word);
        assert_eq!(server.cluster().objects[&a]["data"], data, "{word}");
        if let Verdict::Update { changes, taken_from } = &line(&report, "configmaps", "a").verdict {
            assert_eq!(changes.len(), 1, "{changes:?}");
            assert_eq!(taken_from, &["kubectl-edit: data.of"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_exact_restore_leaves_nothing_of_what_was_added() {
    let source = back_up(&three()).await;
    let a = place("configmaps", "shop", "a");
    let mut cluster = three();
    cluster.edit(&a, "kubectl-edit", "/data/more", json!("mine"));
    let server = Server::new(cluster);
    let mut exact = options(&[]);
    exact.existing = archive::restore::options::Existing::Replace;
    let report = restored(&server, &source, &exact).await;
    assert_eq!(line(&report, "configmaps", "a").verdict.word(), "update");
    assert_eq!(server.cluster().objects[&a]["data"], json!({"of": "a"}));
    let again = restored(&server, &source, &exact).await;
    assert_eq!(line(&again, "configmaps", "a").verdict, Verdict::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_replaced_without_losing_its_volume() {
    let at = place("persistentvolumeclaims", "shop", "data");
    let mut then = Cluster::with_namespaces(&["shop"]);
    then.put(
        "persistentvolumeclaims",
        "shop",
        "data",
        &json!({"spec": {"volumeName": "old", "size": "1Gi"}}),
    );
    let source = back_up(&then).await;
    then.edit(&at, "x", "/spec/volumeName", json!("new"));
    then.edit(&at, "x", "/spec/size", json!("2Gi"));
    let server = Server::new(then);
    let mut exact = options(&[]);
    exact.existing = archive::restore::options::Existing::Replace;
    let report = restored(&server, &source, &exact).await;
    assert_no_failure(&report);
    assert_eq!(server.cluster().objects[&at]["spec"], json!({"volumeName": "new", "size": "1Gi"}));
}

#[tokio::test(start_paused = true)]
async fn a_job_is_made_again_and_a_claim_that_cannot_change_is_told() {
    let mut then = Cluster::with_namespaces(&["shop"]);
    let template = |image: &str| json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": image}]}}}});
    then.put("jobs.batch", "shop", "migrate", &template("one"));
    then.put("persistentvolumeclaims", "shop", "data", &json!({"spec": {"storageClassName": "fast"}}));
    let source = back_up(&then).await;
    let mut now = Cluster::with_namespaces(&["shop"]);
    let old = now.put("jobs.batch", "shop", "migrate", &template("two"));
    now.put("persistentvolumeclaims", "shop", "data", &json!({"spec": {"storageClassName": "slow"}}));
    let server = Server::new(now);
    let override_all = options(&[("OverrideResources", "true")]);
    let plan = planned(&server, &source, &override_all).await;
    assert_eq!(real_writes(&server), []);
    let report = restored(&server, &source, &override_all).await;
    assert_eq!(told(&plan), told(&report));
    assert_eq!(line(&report, "jobs.batch", "migrate").verdict.word(), "recreate");
    let job = server.cluster().object("jobs.batch", "shop", "migrate").unwrap().clone();
    assert_ne!(job["metadata"]["uid"], old["metadata"]["uid"]);
    assert_eq!(job["spec"]["template"]["spec"]["containers"][0]["image"], "one");
    assert_eq!(problem(&report, "persistentvolumeclaims", "data"), &ProblemKind::Immutable);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_slow_to_go_is_watched() {
    let mut then = Cluster::with_namespaces(&["shop"]);
    let template = |image: &str| json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": image}]}}}});
    then.put("jobs.batch", "shop", "migrate", &template("one"));
    let source = back_up(&then).await;
    let mut now = Cluster::with_namespaces(&["shop"]);
    now.put("jobs.batch", "shop", "migrate", &template("two"));
    let at = place("jobs.batch", "shop", "migrate");
    now.lingers.insert(at.clone());
    let server = Server::new(now);
    let controller = {
        let (server, at) = (Arc::clone(&server), at.clone());
        tokio::spawn(async move {
            let going =
                |cluster: &Cluster| cluster.objects[&at]["metadata"].get("deletionTimestamp").is_some();
            while !going(&server.cluster()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            tokio::time::sleep(Duration::from_secs(30)).await;
            server.change(|cluster| cluster.forget(&at));
        })
    };
    let report = restored(&server, &source, &options(&[("OverrideResources", "true")])).await;
    controller.await.unwrap();
    assert_eq!(line(&report, "jobs.batch", "migrate").verdict.word(), "recreate");
    assert!(server.cluster().objects.contains_key(&at));
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_says_no_is_named_and_stops_nothing_else() {
    let source = back_up(&three()).await;
    let server = Server::failing(Cluster::empty(), |call, _| {
        let message = "admission webhook \"policy.example.com\" denied the request: not today";
        creates(call, "b").then(|| fault(403, "Forbidden", message))
    });
    let plan = planned(&server, &source, &options(&[])).await;
    let report = restored(&server, &source, &options(&[])).await;
    let by = "policy.example.com".to_owned();
    assert_eq!(problem(&report, "configmaps", "b"), &ProblemKind::Refused { by });
    assert_eq!(told(&report).iter().filter(|line| line.starts_with("create configmaps")).count(), 2);
    // The namespace does not exist for the plan: nothing in it can be tried.
    assert_eq!(line(&plan, "configmaps", "b").verdict, Verdict::Create);
    let plan = planned(&server, &source, &options(&[])).await;
    assert_eq!(told(&plan).iter().filter(|line| line.starts_with("fail ")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_comes_up_during_the_restore_is_asked_again() {
    let source = back_up(&three()).await;
    let began = tokio::time::Instant::now();
    let server = Server::failing(Cluster::empty(), move |call, _| {
        let message =
            "Internal error occurred: failed calling webhook \"policy.example.com\": connection refused";
        let is_down = began.elapsed() < Duration::from_secs(8);
        (creates(call, "b") && is_down).then(|| fault(500, "InternalError", message))
    });
    let report = restored(&server, &source, &options(&[])).await;
    assert_no_failure(&report);
    assert_eq!(line(&report, "configmaps", "b").verdict, Verdict::Create);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_cannot_be_asked_in_a_plan_is_a_note() {
    let source = back_up(&three()).await;
    let server = Server::failing(Cluster::with_namespaces(&["shop"]), |call, _| {
        let message = "admission webhook \"policy.example.com\" does not support dry run";
        (creates(call, "b") && call.is_dry()).then(|| fault(400, "BadRequest", message))
    });
    let plan = planned(&server, &source, &options(&[])).await;
    let b = line(&plan, "configmaps", "b");
    assert_eq!(b.verdict, Verdict::Create);
    assert_eq!(
        b.notes,
        [r#"not checked by admission webhook "policy.example.com", which does not support dry run"#]
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_server_remarks_is_a_note() {
    let source = back_up(&three()).await;
    let server = Server::failing(Cluster::with_namespaces(&["shop"]), |call, _| {
        creates(call, "b").then_some(Fault::Warn("unknown field spec.old"))
    });
    let report = restored(&server, &source, &options(&[])).await;
    assert_eq!(line(&report, "configmaps", "b").notes, ["unknown field spec.old"]);
}

#[tokio::test(start_paused = true)]
async fn a_quota_is_foreseen_and_met() {
    let source = back_up(&three()).await;
    let mut cluster = Cluster::with_namespaces(&["shop"]);
    let hard = json!({"configmaps": "2"});
    let quota = json!({"spec": {"hard": hard}, "status": {"hard": hard, "used": {"configmaps": "0"}}});
    cluster.put("resourcequotas", "shop", "small", &quota);
    let server = Server::new(cluster);
    let plan = planned(&server, &source, &options(&[])).await;
    assert_eq!(
        plan.warnings,
        [r#"quota "small" of namespace "shop" allows 2 configmaps: 0 are used and at least 3 more would be"#]
    );
    let report = restored(&server, &source, &options(&[])).await;
    let failed: Vec<&Verdict> =
        report.lines.iter().map(|line| &line.verdict).filter(|verdict| verdict.word() == "fail").collect();
    let [Verdict::Fail { problem }] = failed.as_slice() else { panic!("{failed:?}") };
    assert_eq!(problem.kind, ProblemKind::Quota);
    // What is there is found, though the quota has no room for it.
    let again = restored(&server, &source, &options(&[])).await;
    assert_eq!(told(&again).iter().filter(|line| line.starts_with("unchanged configmaps")).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_object_of_a_type_that_nobody_has_is_told_with_what_is_served() {
    let then = application();
    let files = then.objects.iter().filter(|((of, ..), _)| of != DEFINITIONS);
    let source = snapshot_of(files.map(|(at, object)| file(at, object)).collect()).await;
    let server = Server::new(Cluster::empty());
    let plan = planned(&server, &source, &options(&[])).await;
    let missing = ProblemKind::MissingType { served: Vec::new(), replacement: None };
    assert_eq!(problem(&plan, "widgets.example.com", "orders"), &missing);
    let report = restored(&server, &source, &options(&[])).await;
    assert_eq!(problem(&report, "widgets.example.com", "orders"), &missing);
    // What it owned is made without it, and says so.
    let config = line(&report, "configmaps", "orders");
    assert_eq!(config.verdict, Verdict::Create);
    assert_eq!(config.notes, ["its owner Widget orders could not be brought back"]);
    assert!(server.cluster().collect_garbage().is_empty());
}

fn serve_cron_jobs(cluster: &mut Cluster, version: &str) {
    let of = cluster.types.iter_mut().find(|of| of.plural == "cronjobs").unwrap();
    of.versions = vec![version.to_owned()];
    of.unknown = vec!["old".to_owned()];
}

#[tokio::test(start_paused = true)]
async fn an_object_of_another_version_is_written_in_the_one_that_is_served() {
    let mut then = three();
    serve_cron_jobs(&mut then, "v1beta1");
    then.put("cronjobs.batch", "shop", "nightly", &json!({"spec": {"schedule": "@daily"}}));
    then.put("cronjobs.batch", "shop", "ancient", &json!({"old": true}));
    let source = back_up(&then).await;
    let mut now = Cluster::with_namespaces(&["shop"]);
    serve_cron_jobs(&mut now, "v1");
    let server = Server::new(now);
    let report = restored(&server, &source, &options(&[])).await;
    let nightly = line(&report, "cronjobs.batch", "nightly");
    assert_eq!(nightly.verdict, Verdict::Create);
    assert_eq!(nightly.notes, ["written as batch/v1: batch/v1beta1 is not served"]);
    let ProblemKind::MissingType { served, .. } = problem(&report, "cronjobs.batch", "ancient") else {
        panic!("{:?}", line(&report, "cronjobs.batch", "ancient"))
    };
    assert_eq!(served, &["v1"]);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_going_is_waited_for() {
    let source = back_up(&three()).await;
    let mut cluster = three();
    let at = place("namespaces", "", "shop");
    for name in ["a", "b", "c"] {
        cluster.forget(&place("configmaps", "shop", name));
    }
    let mut going = cluster.objects[&at].clone();
    going["metadata"]["deletionTimestamp"] = json!("2026-11-23T10:00:00Z");
    cluster.store("MODIFIED", at.clone(), going);
    let server = Server::new(cluster);
    let plan = planned(&server, &source, &options(&[])).await;
    assert_eq!(problem(&plan, "configmaps", "a"), &ProblemKind::Terminating);
    let controller = {
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(40)).await;
            server.change(|cluster| cluster.forget(&at));
        })
    };
    let report = restored(&server, &source, &options(&[])).await;
    controller.await.unwrap();
    assert_no_failure(&report);
    assert_same(&server.cluster(), &three());
}

#[tokio::test(start_paused = true)]
async fn a_create_that_nobody_answered_counts_as_made() {
    let source = back_up(&three()).await;
    let server = Server::failing(Cluster::with_namespaces(&["shop"]), |call, cluster| {
        let first = !cluster.has("configmaps", "shop", "b");
        (creates(call, "b") && first).then_some(Fault::DoneInSilence)
    });
    let report = restored(&server, &source, &options(&[])).await;
    assert_eq!(line(&report, "configmaps", "b").verdict, Verdict::Create);
    assert_same(&server.cluster(), &three());
}

#[tokio::test(start_paused = true)]
async fn an_overloaded_server_is_given_the_time_it_asks_for() {
    let source = back_up(&three()).await;
    let server = Server::failing(Cluster::with_namespaces(&["shop"]), |call, _| {
        let (code, body) = refuse(429, "TooManyRequests", "slow down");
        (call.is_write() && call.writes % 2 == 0).then_some(Fault::Answer(code, body))
    });
    let report = restored(&server, &source, &options(&[])).await;
    assert_no_failure(&report);
    assert_same(&server.cluster(), &three());
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_comes_later_is_waited_for() {
    let then = application();
    let source = back_up(&then).await;
    let server = Server::failing(Cluster::empty(), |call, cluster| {
        // Possible once the others of the walk are through.
        let early = creates(call, "orders") && call.path.ends_with("/widgets");
        let message = "exceeded quota: x";
        (early && !cluster.has("jobs.batch", "shop", "migrate")).then(|| fault(403, "Forbidden", message))
    });
    let report = restored(&server, &source, &options(&[])).await;
    assert_no_failure(&report);
    assert_same(&server.cluster(), &then);
    assert!(server.cluster().collect_garbage().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_plan_holds_until_the_cluster_moves() {
    let source = back_up(&three()).await;
    let mut cluster = three();
    cluster.forget(&place("configmaps", "shop", "c"));
    let server = Server::new(cluster);
    let plan = planned(&server, &source, &options(&[])).await;
    let id = plan.plan_id();
    let shown = options(&[("PlanID", &id)]);
    server.cluster().edit(&place("configmaps", "shop", "a"), "x", "/data/of", json!("me"));
    let before = server.cluster().objects.clone();
    match try_restore(&server, &source, &shown).await {
        Err(Error::Moved { expected, found, .. }) => assert!(expected == id && found != id),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.cluster().objects, before);
    assert_eq!(real_writes(&server), []);
    let id = planned(&server, &source, &options(&[])).await.plan_id();
    let report = restored(&server, &source, &options(&[("PlanID", &id)])).await;
    assert_eq!(line(&report, "configmaps", "c").verdict, Verdict::Create);
}

#[tokio::test(start_paused = true)]
async fn a_crafted_snapshot_writes_nothing_but_what_its_paths_say() {
    let manifest = |kind: &str, version: &str, namespace: &str, name: &str| {
        format!(
            "apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: \"{name}\"\n  namespace: \"{namespace}\"\n"
        )
    };
    let path = |of: &str, name: &str| format!("{of}/namespaces/shop/{name}.yaml");
    let files = vec![
        (path("configmaps", "good"), manifest("ConfigMap", "v1", "shop", "good")),
        (path("configmaps", "other-name"), manifest("ConfigMap", "v1", "shop", "elsewhere")),
        (
            path("configmaps", "other-namespace"),
            manifest("ConfigMap", "v1", "kube-system", "other-namespace"),
        ),
        (path("configmaps", "other-kind"), manifest("Secret", "v1", "shop", "other-kind")),
        (path("configmaps", "other-group"), manifest("ConfigMap", "example.com/v1", "shop", "other-group")),
        (path("configmaps", "a%2Fb"), manifest("ConfigMap", "v1", "shop", "a%2Fb")),
        (path("configmaps", "no-yaml"), "a: [".to_owned()),
        (path("configmaps", "no-object"), "- 1\n".to_owned()),
        (path("configmaps", "huge"), format!("a: {}\n", "x".repeat(4 * 1024 * 1024))),
        (path("namespaces", "scoped"), manifest("Namespace", "v1", "shop", "scoped")),
        (
            "configmaps/cluster/unscoped.yaml".to_owned(),
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: unscoped\n".to_owned(),
        ),
        ("elsewhere.yaml".to_owned(), manifest("ConfigMap", "v1", "shop", "x")),
    ];
    let source = snapshot_of(files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect()).await;
    let server = Server::new(Cluster::empty());
    let before: Vec<_> = server.cluster().objects.keys().cloned().collect();
    let report = restored(&server, &source, &options(&[])).await;
    let mut made: Vec<_> = server.cluster().objects.keys().cloned().collect();
    made.retain(|at| !before.contains(at));
    assert_eq!(
        made,
        [
            place("configmaps", "shop", "good"),
            place("namespaces", "", "shop"),
            place("serviceaccounts", "shop", "default"),
        ]
    );
    let malformed = report.lines.iter().filter(|line| match &line.verdict {
        Verdict::Fail { problem } => problem.kind == ProblemKind::Malformed,
        _ => false,
    });
    assert_eq!(malformed.count(), 10, "{:#?}", told(&report));
    assert_eq!(report.warnings, [r#""elsewhere.yaml" is not the path of a manifest"#]);
}

#[tokio::test(start_paused = true)]
async fn ingresses_that_would_share_a_host_are_told() {
    let rules =
        json!({"spec": {"rules": [{"host": "shop.example.com", "http": {"paths": [{"path": "/"}]}}]}});
    let mut then = Cluster::with_namespaces(&["shop"]);
    then.put("ingresses.networking.k8s.io", "shop", "front", &rules);
    let source = back_up(&then).await;
    for namespaces in [&["shop", "other"][..], &["other"][..]] {
        let mut now = Cluster::with_namespaces(namespaces);
        now.put("ingresses.networking.k8s.io", "other", "theirs", &rules);
        let server = Server::new(now);
        let plan = planned(&server, &source, &options(&[])).await;
        let front = line(&plan, "ingresses.networking.k8s.io", "front");
        let told = "host shop.example.com/ is also that of other/theirs";
        assert_eq!(front.notes.last().map(String::as_str), Some(told), "{namespaces:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_port_that_another_service_has_is_a_collision_and_one_of_its_own_is_not() {
    let ports = json!({"spec": {"ports": [{"port": 80, "nodePort": 30080}]}});
    let mut then = Cluster::with_namespaces(&["shop"]);
    then.put("services", "shop", "front", &ports);
    let source = back_up(&then).await;
    // Nothing can be tried in a namespace that is not there yet: a plan has to know by itself.
    for namespaces in [&["shop", "other"][..], &["other"][..]] {
        let mut now = Cluster::with_namespaces(namespaces);
        now.put("services", "other", "theirs", &ports);
        let server = Server::new(now);
        for report in
            [planned(&server, &source, &options(&[])).await, restored(&server, &source, &options(&[])).await]
        {
            assert_eq!(problem(&report, "services", "front"), &ProblemKind::Collision, "{namespaces:?}");
        }
    }
    let server = Server::new(then);
    let report = restored(&server, &source, &options(&[])).await;
    assert_eq!(line(&report, "services", "front").verdict, Verdict::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn what_the_repository_has_lost_costs_no_other_object() {
    let mut then = three();
    then.put("configmaps", "shop", "lost", &json!({"data": {"noise": noise(100_000)}}));
    let files = |lost: bool| -> Vec<crate::support::File> {
        let wanted = then.objects.iter().filter(|(at, _)| (at.2 == "lost") == lost);
        wanted.map(|(at, object)| file(at, object)).collect()
    };
    let source = crate::support::snapshot_with_lost(files(false), files(true)).await;
    let server = Server::new(Cluster::empty());
    let report = restored(&server, &source, &options(&[])).await;
    assert_eq!(problem(&report, "configmaps", "lost"), &ProblemKind::Unreadable);
    assert_same(&server.cluster(), &three());
    let source = crate::support::snapshot_with_lost(Vec::new(), files(true)).await;
    let refused = try_restore(&server, &source, &options(&[])).await;
    assert!(matches!(refused, Err(Error::Read { .. })), "{refused:?}");
}

/// Text that no compression makes small.
fn noise(length: usize) -> String {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap())
    };
    std::iter::repeat_with(next).take(length).collect()
}
