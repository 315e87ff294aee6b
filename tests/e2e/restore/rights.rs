//! A restore can do what its ServiceAccount can do, and nothing more.

use crds::core::RestoreSession;
use harness::wait;

use super::{APPLICATION, Kept};
use crate::given;

/// Enough for what is in the application but for Secrets and Deployments, and for bindings without the right to give what
/// they give.
const ROLE: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: little-NAMESPACE}
rules:
  - {apiGroups: [""], resources: [configmaps, services, serviceaccounts], verbs: [get, create]}
  - {apiGroups: [rbac.authorization.k8s.io], resources: [roles, rolebindings], verbs: [get, create]}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_account_may_not_make_is_named_and_the_rest_comes_back() {
    let kept = Kept::of("little", APPLICATION).await;
    kept.application.apply(ROLE).await;
    kept.account("little").await;
    kept.bind("little", &format!("little-{}", kept.application.name)).await;
    kept.done("delete deployment,configmap,secret,service --all --wait").await;

    let restored = kept.restore_as("little", "little", &[("MaxIterations", "2")]).await;

    assert_eq!(restored.phase(), "Failed", "{:#}", restored.session);
    assert_eq!(
        restored.of("create"),
        ["configmaps/orders-settings", "configmaps/unrelated", "services/orders"]
    );
    for (resource, name) in [("secrets", "orders-db"), ("deployments.apps", "orders")] {
        let line = restored.line(resource, name);
        assert_eq!((line.verdict(), line.problem()), ("fail", "forbidden"), "{line:?}");
    }
    assert!(
        restored.error().contains("secrets") && restored.error().contains("deployments"),
        "{}",
        restored.error()
    );
    kept.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_more_rights_by_a_restore() {
    let powerful = r"
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: everything, namespace: NAMESPACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: orders, namespace: NAMESPACE}]
";
    let kept = Kept::of("escalation", &format!("{APPLICATION}{powerful}")).await;
    kept.application.apply(ROLE).await;
    kept.account("little").await;
    kept.bind("little", &format!("little-{}", kept.application.name)).await;
    kept.done("delete rolebinding,role --all").await;

    let restored = kept
        .restore_as("escalation", "little", &[("IncludeRBACResources", "true"), ("MaxIterations", "2")])
        .await;

    let line = restored.line("rolebindings.rbac.authorization.k8s.io", "everything");
    assert_eq!((line.verdict(), line.problem()), ("fail", "forbidden"), "{line:?}");
    // What the account may do itself, it may give.
    assert_eq!(restored.line("rolebindings.rbac.authorization.k8s.io", "orders").verdict(), "create");
    assert!(!kept.has("rolebinding/everything").await);
    kept.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_without_an_account_or_with_one_that_does_not_exist_never_begins() {
    let kept = Kept::of("nobody", APPLICATION).await;
    for (name, account) in [("without", ""), ("unknown", "no-such-account")] {
        let mut manifest = super::wish(name, account, &[]).manifest(&kept.backups.name);
        if account.is_empty() {
            manifest["spec"]["addon"].as_object_mut().map(|addon| addon.remove("jobTemplate"));
        }
        kept.backups.cluster.apply(&manifest.to_string()).await;
        let session = wait::until(kept.backups.api::<RestoreSession>(), name, given::SOON, |session| {
            let session = session.ok_or("not there")?;
            let phase = session.status.as_ref().and_then(|status| status.phase);
            if phase.is_some_and(|phase| phase.as_str() == "Invalid") {
                Ok(session.clone())
            } else {
                Err(format!("{phase:?}"))
            }
        })
        .await;
        let conditions = session.status.map(|status| status.conditions).unwrap_or_default();
        let (_, message) = given::condition(&conditions, "ValidationPassed").expect("the condition is there");
        assert!(message.contains("serviceAccountName") || message.contains(account), "{message}");
    }
    let jobs =
        kept.backups.cluster.kubectl(&["get", "jobs", "-n", &kept.backups.name, "-o", "name"], "").await;
    assert!(!jobs.stdout.contains("without") && !jobs.stdout.contains("unknown"), "{jobs:?}");
    kept.remove().await;
}
