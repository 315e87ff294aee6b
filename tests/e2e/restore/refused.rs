//! What refuses single objects: the rest comes back, and each refusal is told with who refused.

use harness::restoration::Restored;
use harness::wait;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams};

use super::{APPLICATION, Kept};
use crate::given;

/// A webhook whose server is not there, and a policy that says no: both for the story's namespace alone.
const GUARDS: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: guard-NAMESPACE}
webhooks:
  - name: down.guards.example.com
    clientConfig: {service: {namespace: NAMESPACE, name: nobody}}
    rules: [{apiGroups: [""], apiVersions: [v1], resources: [services], operations: [CREATE]}]
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}
    failurePolicy: Fail
    sideEffects: None
    timeoutSeconds: 1
    admissionReviewVersions: [v1]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: guard-NAMESPACE}
spec:
  failurePolicy: Fail
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], resources: [configmaps], operations: [CREATE]}]
  validations: [{expression: "object.metadata.name != 'unrelated'", message: "nobody needs this one"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: guard-NAMESPACE}
spec: {policyName: guard-NAMESPACE, validationActions: [Deny]}
"#;

fn assert_failed(restored: &Restored, resource: &str, name: &str, problem: &str, parts: &[&str]) {
    assert_eq!(restored.phase(), "Failed", "{:#}", restored.session);
    let line = restored.line(resource, name);
    assert_eq!((line.verdict(), line.problem()), ("fail", problem), "{line:?}");
    for part in parts {
        assert!(line.0.to_string().contains(part), "{part}: {line:?}");
    }
    // The session itself says it, for who has nothing but kubectl.
    let failures = restored.session["status"]["components"]["manifest"]["failures"].to_string();
    assert!(failures.contains(&format!("/{name}")), "{failures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_down_and_a_policy_that_denies_are_named() {
    let kept = Kept::of("guarded", APPLICATION).await;
    kept.done("delete deployment,configmap,service --all --wait").await;
    kept.application.apply(GUARDS).await;
    until_on_guard(&kept).await;

    let guarded = kept.restore("guarded", &[("MaxIterations", "2")]).await;

    assert_failed(&guarded, "services", "orders", "refused", &["down.guards.example.com"]);
    assert_failed(&guarded, "configmaps", "unrelated", "refused", &["guard-", "nobody needs this one"]);
    assert_eq!(guarded.of("create"), ["configmaps/orders-settings", "deployments.apps/orders"]);
    kept.runs().await;

    remove_guards(&kept).await;
    let healed = kept.restore("healed", &[]).await;
    healed.assert_success();
    assert_eq!(healed.of("create"), ["configmaps/unrelated", "services/orders"]);
    kept.remove().await;
}

/// The API server takes a moment to act on a policy, and nothing that can be watched says when it does.
async fn until_on_guard(kept: &Kept) {
    let asking = async {
        while kept.kubectl("create configmap unrelated --dry-run=server").await.code == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(given::SOON, asking).await.expect("the policy refuses in the end");
}

async fn remove_guards(kept: &Kept) {
    let manifest = kept.application.fill(GUARDS);
    let deleted = kept.application.cluster.kubectl(&["delete", "--wait", "-f", "-"], &manifest).await;
    deleted.assert_success();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_is_used_up_is_named() {
    let kept = Kept::of("quota", APPLICATION).await;
    kept.done("delete deployment,service,secret --all --wait").await;
    let quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: tight, namespace: NAMESPACE}\nspec: {hard: \
                 {services: \"0\", pods: \"0\"}}\n";
    kept.application.apply(quota).await;
    wait::until(
        kept.application.api::<k8s_openapi::api::core::v1::ResourceQuota>(),
        "tight",
        given::SOON,
        |quota| {
            let used = quota.and_then(|quota| quota.status.as_ref()?.used.as_ref());
            used.map(|_| ()).ok_or_else(|| "not counted yet".to_owned())
        },
    )
    .await;

    let line = format!(
        "restore plan {}/latest -n {} --service-account restorer -o json",
        kept.backups.name, kept.application.name
    );
    let plan = kept.application.cluster.plugin.run(&line.split_whitespace().collect::<Vec<_>>()).await;
    let restored = kept.restore("quota", &[("MaxIterations", "2")]).await;

    assert_eq!(plan.code, 3, "{plan:?}");
    // Nobody refuses the Deployment, only the Pods that it will make.
    let told = format!("quota \\\"tight\\\" of namespace \\\"{}\\\" allows 0 pods", kept.application.name);
    assert!(plan.stdout.contains(&told), "{}", plan.stdout);
    assert_failed(&restored, "services", "orders", "quota", &["tight"]);
    assert_eq!(restored.of("create"), ["deployments.apps/orders", "secrets/orders-db"]);
    kept.remove().await;
}

const DEFINITION: &str = r"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: coupons.NAMESPACE.example.com}
spec:
  group: NAMESPACE.example.com
  scope: Namespaced
  names: {kind: Coupon, listKind: CouponList, plural: coupons, singular: coupon}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

const COUPON: &str = r"
apiVersion: NAMESPACE.example.com/v1
kind: Coupon
metadata: {name: spring, namespace: NAMESPACE}
percent: 10
";

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_the_cluster_lacks_or_serves_in_another_version_only_is_told() {
    let kept = Kept::of("coupons", APPLICATION).await;
    let definitions: Api<CustomResourceDefinition> = Api::all(kept.application.cluster.client.clone());
    let name = format!("coupons.{}.example.com", kept.application.name);
    kept.application.apply(DEFINITION).await;
    let established = format!("--for=condition=Established crd/{name} --timeout=60s");
    kept.done(&format!("wait {established}")).await;
    kept.application.apply(COUPON).await;
    kept.back_up().await;
    definitions.delete(&name, &DeleteParams::default()).await.expect("the definition is there");
    wait::until(definitions.clone(), &name, given::SOON, |one| {
        one.map_or(Ok(()), |_| Err("still there".to_owned()))
    })
    .await;
    kept.done("delete configmap unrelated").await;

    let missing = kept.restore("missing", &[("MaxIterations", "2")]).await;
    let resource = format!("coupons.{}.example.com", kept.application.name);
    assert_failed(&missing, &resource, "spring", "missingType", &[]);
    assert_eq!(missing.of("create"), ["configmaps/unrelated"]);

    kept.application.apply(&DEFINITION.replace("name: v1\n", "name: v2\n")).await;
    kept.done(&format!("wait {established}")).await;
    let other = kept.restore("other", &[]).await;
    other.assert_success();
    let line = other.line(&resource, "spring");
    assert!(line.verdict() == "create" && line.0["notes"].to_string().contains("v2"), "{line:?}");
    assert_eq!(kept.field(&format!("{resource}/spring"), ".percent").await, "10");
    let _ = definitions.delete(&name, &DeleteParams::default()).await;
    kept.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_being_deleted_takes_nothing() {
    let kept = Kept::of("terminating", APPLICATION).await;
    kept.done(
        "patch configmap unrelated --type merge -p {\"metadata\":{\"finalizers\":[\"example.com/hold\"]}}",
    )
    .await;
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> =
        Api::all(kept.application.cluster.client.clone());
    namespaces.delete(&kept.application.name, &DeleteParams::background()).await.expect("it is there");
    wait::until(
        kept.application.api::<k8s_openapi::api::core::v1::Secret>(),
        "orders-db",
        given::SOON,
        |secret| secret.map_or(Ok(()), |_| Err("still there".to_owned())),
    )
    .await;

    let restored = kept.restore("terminating", &[("MaxIterations", "2")]).await;

    assert_failed(&restored, "secrets", "orders-db", "terminating", &[]);
    kept.done("patch configmap unrelated --type merge -p {\"metadata\":{\"finalizers\":null}}").await;
    wait::until(namespaces, &kept.application.name, given::SOON, |one| {
        one.map_or(Ok(()), |_| Err("still there".to_owned()))
    })
    .await;
    let healed = kept.restore("healed", &[]).await;
    healed.assert_success();
    kept.runs().await;
    kept.remove().await;
}
