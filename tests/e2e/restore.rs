//! Bringing back: an application in a namespace of its own, its backups in another, so that the first may go.

mod around;
mod exact;
mod existing;
mod hostile;
mod killed;
mod mapped;
mod namespace;
mod plan;
mod refused;
mod rights;
mod single;
mod storage;
mod taken;
mod verbs;

use std::collections::BTreeMap;

use harness::cluster::Cluster;
use harness::live::{self, Live};
use harness::namespace::Namespace;
use harness::plugin::Said;
use harness::restoration::{self, Restored, Wish};
use harness::same::World;
use harness::wait;
use k8s_openapi::api::core::v1::Namespace as KubernetesNamespace;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::given;

/// A small application: a Deployment that runs, what it names, and rights.
const APPLICATION: &str = r#"
apiVersion: v1
kind: ServiceAccount
metadata: {name: orders, namespace: NAMESPACE}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: orders-settings, namespace: NAMESPACE, labels: {app: orders}}
data: {mode: "on", at: "12:30"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: unrelated, namespace: NAMESPACE}
data: {a: b}
---
apiVersion: v1
kind: Secret
metadata: {name: orders-db, namespace: NAMESPACE, labels: {app: orders}}
stringData: {password: r3store-m4rker}
---
apiVersion: v1
kind: Service
metadata: {name: orders, namespace: NAMESPACE, labels: {app: orders}}
spec: {selector: {app: orders}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: NAMESPACE, labels: {app: orders}}
spec:
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec:
      serviceAccountName: orders
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: "localhost/pause:1"
          imagePullPolicy: IfNotPresent
          envFrom: [{configMapRef: {name: orders-settings}}]
          env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: orders-db, key: password}}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: orders, namespace: NAMESPACE}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: orders, namespace: NAMESPACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: orders}
subjects: [{kind: ServiceAccount, name: orders, namespace: NAMESPACE}]
"#;

/// An application and its backups.
struct Kept {
    application: Namespace,
    backups: Namespace,
}

impl Kept {
    /// The application of this YAML, backed up once; ServiceAccount `restorer` of the backups' namespace may do everything.
    async fn of(story: &str, yaml: &str) -> Self {
        Self::through(story, yaml, None).await
    }

    /// The same with the storage behind another endpoint.
    async fn through(story: &str, yaml: &str, endpoint: Option<&str>) -> Self {
        let cluster = Cluster::connect().await;
        let application = Namespace::create(&cluster, story).await;
        application.make(yaml).await;
        let backups = Namespace::create(&cluster, &format!("{story}-backups")).await;
        let kept = Self { application, backups };
        let storage = given::STORAGE.replace("ENDPOINT", endpoint.unwrap_or("ENDPOINT"));
        kept.backups.apply(&storage).await;
        let target = format!("kind: Namespace, name: {}", kept.application.name);
        let configuration = given::NAMESPACE_BACKUP.replace("kind: Namespace, name: NAMESPACE", &target);
        kept.backups.apply(&configuration).await;
        given::a_reader_of_the_cluster(&kept.backups).await;
        let session = given::session_completed(&kept.backups, "orders", &[]).await;
        assert_eq!(given::phase(&session), "Succeeded", "{session:#?}");
        kept.account("restorer").await;
        kept.bind("restorer", "cluster-admin").await;
        kept
    }

    /// A ServiceAccount beside the backups.
    async fn account(&self, name: &str) {
        let yaml = format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}, namespace: NAMESPACE}}\n"
        );
        self.backups.apply(&yaml).await;
    }

    /// Gives a ServiceAccount beside the backups the rights of a ClusterRole.
    async fn bind(&self, account: &str, role: &str) {
        let bindings: Api<ClusterRoleBinding> = Api::all(self.backups.cluster.client.clone());
        let name = format!("{}-{account}", self.backups.name);
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": self.backups.name}],
        });
        let applied = bindings.patch(&name, &PatchParams::apply("stories"), &Patch::Apply(&binding)).await;
        applied.expect("the ClusterRoleBinding is accepted");
    }

    /// Backs up once more.
    async fn back_up(&self) {
        let session = given::another_session(&self.backups, "orders").await;
        assert_eq!(given::phase(&session), "Succeeded", "{session:#?}");
    }

    /// The newest backup, by this RestoreSession, as an administrator.
    async fn restore(&self, name: &str, parameters: &[(&str, &str)]) -> Restored {
        self.restore_as(name, "restorer", parameters).await
    }

    async fn restore_as(&self, name: &str, account: &str, parameters: &[(&str, &str)]) -> Restored {
        restoration::restore(&self.backups, &wish(name, account, parameters)).await
    }

    /// `kubectl` in the application's namespace.
    async fn kubectl(&self, line: &str) -> Said {
        self.kubectl_with(line, "").await
    }

    async fn kubectl_with(&self, line: &str, input: &str) -> Said {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.extend(["-n", &self.application.name]);
        self.application.cluster.kubectl(&words, input).await
    }

    /// The same, which must succeed; what it printed.
    async fn done(&self, line: &str) -> String {
        let said = self.kubectl(line).await;
        assert_eq!(said.code, 0, "kubectl {line}: {said:?}");
        said.stdout
    }

    /// A field of an object of the application: `deployment/orders`, `.spec.replicas`.
    async fn field(&self, object: &str, path: &str) -> String {
        self.done(&format!("get {object} -o jsonpath={{{path}}}")).await
    }

    /// Whether the application's namespace has this object.
    async fn has(&self, object: &str) -> bool {
        self.kubectl(&format!("get {object}")).await.code == 0
    }

    /// Waits until the application's Deployment runs.
    async fn runs(&self) {
        self.done("rollout status deployment/orders --timeout=120s").await;
    }

    /// Deletes the application's namespace, and waits until nothing of it is left.
    async fn lose_the_namespace(&self) {
        let namespaces: Api<KubernetesNamespace> = Api::all(self.application.cluster.client.clone());
        let name = &self.application.name;
        namespaces.delete(name, &DeleteParams::background()).await.expect("the namespace is there");
        wait::until(namespaces, name, given::SOON, |namespace| {
            namespace.map_or(Ok(()), |_| Err("it is still there".to_owned()))
        })
        .await;
    }

    /// Everything in the application's namespace, and the Namespace itself.
    async fn world(&self) -> World {
        let everything = live::everything(&self.application.cluster.client).await;
        everything.into_iter().filter(|(path, _)| self.is_in(path)).collect()
    }

    fn is_in(&self, path: &str) -> bool {
        let name = &self.application.name;
        path.contains(&format!("/namespaces/{name}/")) || *path == format!("namespaces/cluster/{name}.yaml")
    }

    async fn remove(self) {
        self.application.remove().await;
        self.backups.remove().await;
    }
}

/// The newest backup.
const fn wish<'a>(name: &'a str, account: &'a str, parameters: &'a [(&'a str, &'a str)]) -> Wish<'a> {
    Wish { name, repository: "orders", snapshot: "latest", account, parameters }
}

/// The paths of a world, with who each object is: what was not touched is the same.
fn identities(world: &World) -> BTreeMap<&str, Option<&str>> {
    world.iter().map(|(path, Live { uid, .. })| (path.as_str(), uid.as_deref())).collect()
}
