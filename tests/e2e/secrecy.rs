//! No secret is written anywhere but into Secrets and, encrypted, into the repository.

use harness::cluster::{Cluster, OPERATOR_NAMESPACE};
use harness::namespace::Namespace;

use crate::given;

const CANARY: &str = "canary-3d1f7b52";

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_appears_in_objects_logs_events_or_the_bucket() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "secrecy").await;
    namespace
        .apply(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: canary, namespace: NAMESPACE}}\nstringData: {{value: {CANARY}}}\n"
        ))
        .await;
    given::a_first_backup(&namespace).await;
    // A failure writes more than a success does.
    namespace
        .apply(&given::STORAGE.replace("RESTIC_PASSWORD: a-password", "RESTIC_PASSWORD: another-password"))
        .await;
    given::another_session(&namespace, "orders").await;

    let environment = &cluster.environment;
    let encoded = base64_of(CANARY);
    for secret in [CANARY, &encoded, given::PASSWORD, &environment.secret_key] {
        assert_eq!(namespace.bucket().holding(secret), Vec::<String>::new());
        for (what, text) in everything_said(&namespace).await {
            assert!(!text.contains(secret), "{what} holds \"{secret}\"");
        }
    }
    namespace.remove().await;
}

/// What the product wrote where others can read it.
async fn everything_said(namespace: &Namespace) -> Vec<(&'static str, String)> {
    let own = namespace.name.as_str();
    let commands: [(&'static str, &[&str]); 4] = [
        ("the objects", &["get", "kubestash,jobs,pods,cronjobs,configmaps,roles", "-o", "yaml", "-n", own]),
        ("the events", &["get", "events", "-o", "yaml", "-n", own]),
        ("the operator's log", &["logs", "deployment/kubestash-operator", "-n", OPERATOR_NAMESPACE]),
        (
            "the logs of the Jobs",
            &["logs", "--selector=app.kubernetes.io/managed-by=kubestash.com", "--tail=-1", "-n", own],
        ),
    ];
    let mut said = Vec::new();
    for (what, arguments) in commands {
        let answer = namespace.cluster.kubectl(arguments, "").await;
        answer.assert_success();
        assert!(!answer.stdout.is_empty(), "{what} are empty: nothing was looked at");
        said.push((what, answer.stdout));
    }
    said
}

fn base64_of(text: &str) -> String {
    let value = k8s_openapi::ByteString(text.as_bytes().to_vec());
    let encoded = serde_json::to_value(value).expect("bytes are JSON");
    encoded.as_str().unwrap_or_default().trim_end_matches('=').to_owned()
}
