//! Hooks before and after a backup: in a pod of the application, to a pod, from a Job, by a Function.

use crds::core::BackupSession;
use crds::core::hook::{HookExecutionStatus, HookPhase};
use harness::cluster::Cluster;
use harness::listener::Listener;
use harness::namespace::Namespace;
use harness::wait;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;

use crate::given;

/// A pod with a command and a port, and a HookTemplate for each thing that a hook can do.
const TEMPLATES: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: database, namespace: NAMESPACE, labels: {app: database, tier: data}}
spec:
  automountServiceAccountToken: false
  containers:
    - name: database
      image: localhost/versitygw:VERSION
      imagePullPolicy: Never
      args: [--port, ":7070", --health, /health, posix, /tmp]
      env:
        - {name: ROOT_ACCESS_KEY, value: nobody}
        - {name: ROOT_SECRET_KEY, value: nothing}
      ports: [{name: web, containerPort: 7070}]
      readinessProbe: {tcpSocket: {port: web}, periodSeconds: 1}
      volumeMounts: [{name: tmp, mountPath: /tmp}]
  volumes: [{name: tmp, emptyDir: {}}]
---
apiVersion: core.kubestash.com/v1alpha1
kind: HookTemplate
metadata: {name: command, namespace: NAMESPACE}
spec:
  params: [{name: flag, default: --version}]
  action: {containerName: database, exec: {command: [/versitygw, "${flag}"]}}
  executor: {type: Pod, pod: {selector: "app=database,tier=data"}}
---
apiVersion: core.kubestash.com/v1alpha1
kind: HookTemplate
metadata: {name: health, namespace: NAMESPACE}
spec:
  action: {httpGet: {port: web, path: /health}}
  executor: {type: Pod, pod: {selector: "app=database", strategy: ExecuteOnAll}}
---
apiVersion: core.kubestash.com/v1alpha1
kind: HookTemplate
metadata: {name: port, namespace: NAMESPACE}
spec:
  action: {tcpSocket: {port: web}}
  executor: {type: Pod, pod: {selector: "app=database"}}
---
apiVersion: core.kubestash.com/v1alpha1
kind: HookTemplate
metadata: {name: tell, namespace: NAMESPACE}
spec:
  params: [{name: stage, required: true}]
  action:
    httpPost:
      host: LISTENER_HOST
      port: LISTENER_PORT
      path: /told/${stage}
      body: "{{ .Namespace }}/{{ .Name }} {{ .Status.Phase }}{{ if .Status.Error }}: {{ .Status.Error }}{{ end }}"
  executor: {type: Operator}
---
apiVersion: addons.kubestash.com/v1alpha1
kind: Function
metadata: {name: NAMESPACE-prepare}
spec: {image: "PRODUCT", args: ["${argument:=--version}"]}
---
apiVersion: core.kubestash.com/v1alpha1
kind: HookTemplate
metadata: {name: prepare, namespace: NAMESPACE}
spec:
  params: [{name: argument}]
  executor: {type: Function, function: {name: NAMESPACE-prepare}}
"#;

/// The hooks of the session, as YAML that goes before its addon.
fn with_hooks(hooks: &str) -> String {
    given::NAMESPACE_BACKUP.replace("      addon:\n", &format!("      hooks:\n{hooks}      addon:\n"))
}

async fn prepared(story: &str) -> (Namespace, Listener) {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, story).await;
    let listener = Listener::start(&cluster.environment.host_address).await;
    let yaml = TEMPLATES
        .replace("LISTENER_HOST", &listener.address().ip().to_string())
        .replace("LISTENER_PORT", &listener.address().port().to_string())
        .replace("PRODUCT", &cluster.environment.image)
        .replace("localhost/versitygw:VERSION", &image_of_the_s3_server(&cluster).await);
    namespace.apply(&yaml).await;
    namespace.apply(given::STORAGE).await;
    given::a_reader_of_the_cluster(&namespace).await;
    wait::until(namespace.api::<Pod>(), "database", given::SOON, |pod| {
        let status = pod.and_then(|pod| pod.status.as_ref()).ok_or("not there yet")?;
        let ready =
            status.conditions.iter().flatten().any(|one| one.type_ == "Ready" && one.status == "True");
        if ready { Ok(()) } else { Err(format!("{status:?}")) }
    })
    .await;
    (namespace, listener)
}

/// The image that is certainly on the node and has a program, a port, and no need of anybody.
async fn image_of_the_s3_server(cluster: &Cluster) -> String {
    let pods = kube::Api::<Pod>::all(cluster.client.clone());
    let s3 = ListParams::default().labels("app.kubernetes.io/name=s3");
    let pods = pods.list(&s3).await.expect("a list of pods");
    let spec = pods.items.first().and_then(|pod| pod.spec.as_ref()).expect("the S3 server runs as a pod");
    spec.containers[0].image.clone().expect("an image")
}

fn record(hooks: &[HookExecutionStatus]) -> Vec<(&str, HookPhase)> {
    hooks.iter().map(|hook| (hook.name.as_str(), hook.phase.expect("a phase"))).collect()
}

fn told<'a>(session: &'a BackupSession, condition: &str) -> (&'a str, &'a str) {
    let status = session.status.as_ref().expect("a status");
    given::condition(&status.conditions, condition).expect("the condition is there")
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_run_in_order_around_the_backup_and_are_told_how_it_went() {
    let (namespace, listener) = prepared("hooks").await;
    let yaml = with_hooks(
        "        preBackup:
          - {name: flush, hookTemplate: {name: command}, timeout: 30s}
          - {name: alive, hookTemplate: {name: health}}
          - {name: open, hookTemplate: {name: port}}
          - {name: prepare, hookTemplate: {name: prepare}}
          - {name: begin, hookTemplate: {name: tell}, params: {stage: begin}}
        postBackup:
          - {name: bad, hookTemplate: {name: tell}, params: {stage: bad}, executionPolicy: OnFailure}
          - {name: end, hookTemplate: {name: tell}, params: {stage: end}, executionPolicy: OnSuccess}
",
    );
    namespace.apply(&yaml).await;
    let session = given::session_completed(&namespace, "orders", &[]).await;
    assert_eq!(given::phase(&session), "Succeeded", "{session:#?}");
    let name = session.metadata.name.as_deref().expect("a name");
    let message = format!("{}/{name} Succeeded", namespace.name);
    let expected = [("/told/begin".to_owned(), message.clone()), ("/told/end".to_owned(), message)];
    assert_eq!(listener.requests(), expected);

    let hooks = session.status.as_ref().and_then(|status| status.hooks.as_ref()).expect("a record");
    let names = ["flush", "alive", "open", "prepare", "begin"];
    assert_eq!(record(&hooks.pre_hooks), names.map(|name| (name, HookPhase::Succeeded)));
    assert_eq!(record(&hooks.post_hooks), [("end", HookPhase::Succeeded)]);
    assert_eq!(told(&session, "PreBackupHooksExecutionSucceeded").0, "True");
    assert_eq!(told(&session, "PostBackupHooksExecutionSucceeded").0, "True");
    namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_fails_before_the_backup_prevents_it_and_says_why() {
    let (namespace, listener) = prepared("hook-fails").await;
    let yaml = with_hooks(
        "        preBackup:
          - {name: flush, hookTemplate: {name: command}, params: {flag: --no-such-flag}, maxRetry: 1}
          - {name: never, hookTemplate: {name: tell}, params: {stage: never}}
        postBackup:
          - {name: bad, hookTemplate: {name: tell}, params: {stage: bad}, executionPolicy: OnFailure}
          - {name: end, hookTemplate: {name: tell}, params: {stage: end}, executionPolicy: OnSuccess}
",
    );
    namespace.apply(&yaml).await;
    let session = given::session_completed(&namespace, "orders", &[]).await;
    assert_eq!(given::phase(&session), "Failed", "{session:#?}");
    let (status, message) = told(&session, "PreBackupHooksExecutionSucceeded");
    assert_eq!(status, "False");
    for part in ["\"flush\"", "container \"database\"", "no-such-flag", "2 attempts"] {
        assert!(message.contains(part), "\"{part}\" is not in: {message}");
    }
    let jobs = namespace.api::<Job>().list(&ListParams::default()).await.expect("a list of Jobs");
    let name = session.metadata.name.clone().expect("a name");
    let backups = jobs.items.iter().filter(|job| job.metadata.name.as_ref() == Some(&name));
    assert_eq!(backups.count(), 0, "no backup was started");
    let requests = listener.requests();
    let paths: Vec<_> = requests.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["/told/bad"]);
    assert!(requests[0].1.contains("Failed: ") && requests[0].1.contains("no-such-flag"), "{requests:?}");
    namespace.remove().await;
}
