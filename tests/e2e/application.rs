//! One application, with all that it owns, or without.

use harness::cluster::Cluster;
use harness::namespace::Namespace;
use harness::wait;
use k8s_openapi::api::apps::v1::Deployment;

use crate::given;

/// Two applications that are alike.
const APPLICATIONS: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: NAMESPACE}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      automountServiceAccountToken: false
      containers: [{name: pause, image: "localhost/pause:1", imagePullPolicy: Never}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other, namespace: NAMESPACE}
spec:
  selector: {matchLabels: {app: other}}
  template:
    metadata: {labels: {app: other}}
    spec:
      automountServiceAccountToken: false
      containers: [{name: pause, image: "localhost/pause:1", imagePullPolicy: Never}]
"#;

async fn types_stored(namespace: &Namespace, parameters: &str) -> Vec<String> {
    let configuration = given::NAMESPACE_BACKUP
        .replace(
            "target: {kind: Namespace, name: NAMESPACE}",
            "target: {apiGroup: apps, kind: Deployment, name: shop, namespace: NAMESPACE}",
        )
        .replace("[{name: manifest-backup}]", &format!("[{{name: manifest-backup, params: {parameters}}}]"));
    namespace.apply(&configuration).await;
    let configuration = given::configuration_is(namespace, "orders", "Ready").await;
    assert_eq!(configuration.status.and_then(|status| status.target_found), Some(true));
    // The initial one, which the first configuration gets by itself.
    given::session_completed(namespace, "orders", &[]).await;
    let session = given::another_session(namespace, "orders").await;
    assert_eq!(given::phase(&session), "Succeeded", "{session:#?}");
    let files = given::restic(namespace).files("latest").await;
    for (path, content) in &files {
        let content = String::from_utf8_lossy(content);
        assert!(path.contains("/namespaces/") && content.contains("shop"), "{path}:\n{content}");
    }
    files.into_keys().filter_map(|path| path.split('/').next().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_backed_up_with_its_dependants_and_nothing_else() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "application").await;
    namespace.apply(APPLICATIONS).await;
    namespace.apply(given::STORAGE).await;
    given::a_reader_of_the_cluster(&namespace).await;
    for name in ["shop", "other"] {
        wait::until(namespace.api::<Deployment>(), name, given::SOON, |deployment| {
            let status = deployment.and_then(|deployment| deployment.status.as_ref()).ok_or("no status")?;
            if status.ready_replicas == Some(1) { Ok(()) } else { Err(format!("{status:?}")) }
        })
        .await;
    }
    let with = types_stored(&namespace, "{includeDependants: \"true\"}").await;
    assert_eq!(with, ["deployments.apps", "pods", "replicasets.apps"]);
    let without = types_stored(&namespace, "{includeDependants: \"false\"}").await;
    assert_eq!(without, ["deployments.apps"]);
    given::restic(&namespace).check().await;
    namespace.remove().await;
}
