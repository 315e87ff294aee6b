//! A Job that dies in the middle leaves nothing half done: the next restore finds what is there and makes the rest.

use std::fmt::Write as _;

use crds::core::RestoreSession;
use harness::restoration;
use harness::same::compare;
use harness::wait;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{Api, DeleteParams, ListParams};

use super::{APPLICATION, Kept, wish};
use crate::given;

/// Enough that a Job can be caught in the middle.
const MAPS: usize = 600;

/// After how many objects the Job dies.
const MOMENTS: [usize; 3] = [1, 60, 300];

fn many() -> String {
    let mut yaml = APPLICATION.to_owned();
    for number in 0..MAPS {
        let _ = write!(
            yaml,
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: map-{number}, namespace: NAMESPACE, labels: \
             {{many: maps}}}}\ndata: {{a: \"{number}\"}}\n"
        );
    }
    yaml
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_job_fails_its_session_and_the_next_restore_completes() {
    let kept = Kept::of("restore-killed", &many()).await;
    kept.runs().await;
    kept.back_up().await;
    let before = kept.world().await;
    for moment in MOMENTS {
        let maps: Api<ConfigMap> = kept.application.api();
        let labelled = ListParams::default().labels("many=maps");
        maps.delete_collection(&DeleteParams::default(), &labelled).await.expect("the maps go");
        kept.done("delete deployment/orders --wait").await;
        let name = format!("killed-{moment}");
        restoration::ask(&kept.backups, &wish(&name, "restorer", &[])).await;
        some_are_back(&kept, moment).await;
        kill(&kept, &name).await;
        let killed = restoration::over(&kept.backups, &wish(&name, "restorer", &[])).await;
        let count = maps.list(&labelled).await.expect("a list").items.len();
        // A Job that was faster than the kill has done all of it.
        let whole = killed.phase() == "Succeeded" && count == MAPS;
        assert!(
            whole || killed.phase() == "Failed",
            "killed at {moment}, {count} back: {:#}",
            killed.session
        );

        let completed = kept.restore(&format!("after-{moment}"), &[]).await;
        completed.assert_success();
        kept.runs().await;
        let comparison = compare(&before, &kept.world().await, |_, _| true);
        assert!(comparison.is_perfect(), "killed at {moment}: {comparison}");
    }
    // The locks of the dead hold nobody up.
    kept.back_up().await;
    kept.remove().await;
}

/// Waits until so many maps are there again.
async fn some_are_back(kept: &Kept, moment: usize) {
    let seen = std::sync::Mutex::new(std::collections::BTreeSet::new());
    wait::until_any(kept.application.api::<ConfigMap>(), "the first maps", given::SOON, |map| {
        let name = map.metadata.name.clone().filter(|name| name.starts_with("map-"))?;
        let mut seen = seen.lock().ok()?;
        seen.insert(name);
        (seen.len() >= moment).then_some(())
    })
    .await;
}

/// Without any grace, as when a node dies.
async fn kill(kept: &Kept, session: &str) {
    let pods: Api<Pod> = kept.backups.api();
    let labels = format!("batch.kubernetes.io/job-name={session}");
    let now = DeleteParams::default().grace_period(0);
    pods.delete_collection(&now, &ListParams::default().labels(&labels)).await.expect("the pods are deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_the_restore_and_says_so() {
    let kept = Kept::of("restore-late", APPLICATION).await;
    // A Job that never starts: no node has this name.
    let mut manifest = wish("late", "restorer", &[]).manifest(&kept.backups.name);
    manifest["spec"]["restoreTimeout"] = "5s".into();
    manifest["spec"]["addon"]["jobTemplate"]["spec"]["nodeSelector"] =
        serde_json::json!({"example.com/no-such-node": "true"});
    kept.backups.cluster.apply(&manifest.to_string()).await;
    let late = restoration::over(&kept.backups, &wish("late", "restorer", &[])).await;
    assert_eq!(late.phase(), "Failed", "{:#}", late.session);
    let session = kept.backups.api::<RestoreSession>().get("late").await.expect("the session");
    let conditions = session.status.map(|status| status.conditions).unwrap_or_default();
    let (status, message) =
        given::condition(&conditions, "RestoreIncomplete").expect("the condition is there");
    assert_eq!(status, "True");
    assert!(message.contains("5s") || message.to_lowercase().contains("deadline"), "{message}");
    kept.remove().await;
}
