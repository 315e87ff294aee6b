//! What exists already: left as it is, or given the snapshot's fields.

use super::{APPLICATION, Kept};

const JOB: &str = r#"
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, namespace: NAMESPACE}
spec:
  suspend: true
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "localhost/pause:1", args: ["first"]}]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_exists_stays_as_it_is_unless_told_and_then_it_is_said_from_whom_fields_are_taken() {
    let kept = Kept::of("existing", &format!("{APPLICATION}{JOB}")).await;
    let change = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: orders-settings, namespace: NAMESPACE, annotations: {example.com/by: somebody}}
data: {mode: "off", extra: mine}
"#;
    // Of a field manager of its own, which owns the field that the restore takes.
    let applied = kept
        .kubectl_with(
            "apply --server-side --force-conflicts --field-manager=somebody -f -",
            &kept.application.fill(change),
        )
        .await;
    applied.assert_success();

    let left = kept.restore("left", &[]).await;
    left.assert_success();
    let line = left.line("configmaps", "orders-settings");
    assert_eq!(line.verdict(), "left", "{line:?}");
    assert!(line.0["changes"].to_string().contains("data.mode"), "{line:?}");
    assert_eq!(kept.field("configmap/orders-settings", ".data.mode").await, "off");

    let taken = kept.restore("taken", &[("OverrideResources", "true")]).await;
    taken.assert_success();
    let line = taken.line("configmaps", "orders-settings");
    assert_eq!(line.verdict(), "update", "{line:?}");
    assert!(line.0["takenFrom"].to_string().contains("somebody"), "{line:?}");
    assert_eq!(kept.field("configmap/orders-settings", ".data.mode").await, "on");
    // What the snapshot says nothing about stays.
    assert_eq!(kept.field("configmap/orders-settings", ".data.extra").await, "mine");
    let managers = kept.done("get configmap orders-settings --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}").await;
    assert!(managers.contains("kubestash-restore"), "{managers}");
    kept.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_changed_is_made_again_and_other_immutable_fields_are_told() {
    let kept = Kept::of("immutable", &format!("{APPLICATION}{JOB}")).await;
    let uid = kept.field("job/migrate", ".metadata.uid").await;
    kept.done("delete job/migrate deployment/orders --wait").await;
    let other = JOB.replace("first", "second");
    kept.application.make(&other).await;
    // Another selector: nobody can change that one.
    let deployment =
        APPLICATION.split("---").find(|one| one.contains("kind: Deployment")).expect("a Deployment");
    kept.application.make(&deployment.replace("app: orders", "app: other")).await;

    let restored = kept.restore("again", &[("OverrideResources", "true")]).await;

    assert_eq!(restored.phase(), "Failed", "{:#}", restored.session);
    let job = restored.line("jobs.batch", "migrate");
    assert_eq!(job.verdict(), "recreate", "{job:?}");
    assert_eq!(kept.field("job/migrate", ".spec.template.spec.containers[0].args[0]").await, "first");
    assert_ne!(kept.field("job/migrate", ".metadata.uid").await, uid);
    let deployment = restored.line("deployments.apps", "orders");
    assert_eq!((deployment.verdict(), deployment.problem()), ("fail", "immutable"), "{deployment:?}");
    assert!(restored.error().contains("deployments.apps"), "{}", restored.error());
    kept.remove().await;
}
