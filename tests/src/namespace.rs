//! A namespace of a story's own, removed when the story is over, and shown when it failed.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace as KubernetesNamespace, ServiceAccount};
use kube::api::{Api, DeleteParams, ObjectMeta, PostParams};

use crate::bucket::Bucket;
use crate::cluster::{Cluster, OPERATOR_NAMESPACE};
use crate::wait;

/// One story's namespace and its prefix in the test bucket, both of the same name.
pub struct Namespace {
    pub name: String,
    pub cluster: Cluster,
}

impl Namespace {
    /// Creates the namespace `<story>-<milliseconds>` and waits until pods can be made in it.
    ///
    /// # Panics
    /// When the API server refuses it.
    pub async fn create(cluster: &Cluster, story: &str) -> Self {
        Self::of_name(cluster, format!("{story}-{}", milliseconds())).await
    }

    /// Creates the namespace of this very name, once that of an earlier run is gone.
    ///
    /// # Panics
    /// When the API server refuses it, or the earlier one stays.
    pub async fn named(cluster: &Cluster, name: &str) -> Self {
        let namespaces: Api<KubernetesNamespace> = Api::all(cluster.client.clone());
        let _ = namespaces.delete(name, &DeleteParams::background()).await;
        wait::until(namespaces, name, Duration::from_mins(2), |namespace| match namespace {
            None => Ok(()),
            Some(_) => Err("it is still there".to_owned()),
        })
        .await;
        Self::of_name(cluster, name.to_owned()).await
    }

    async fn of_name(cluster: &Cluster, name: String) -> Self {
        let namespaces: Api<KubernetesNamespace> = Api::all(cluster.client.clone());
        let namespace = KubernetesNamespace {
            metadata: ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() },
            ..KubernetesNamespace::default()
        };
        namespaces.create(&PostParams::default(), &namespace).await.expect("the namespace is created");
        let accounts: Api<ServiceAccount> = Api::namespaced(cluster.client.clone(), &name);
        wait::until(accounts, "default", Duration::from_secs(30), |account| {
            account.map(|_| ()).ok_or_else(|| "no default ServiceAccount yet".to_owned())
        })
        .await;
        Self { name, cluster: cluster.clone() }
    }

    /// The story's objects of one kind.
    #[must_use]
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.cluster.client.clone(), &self.name)
    }

    /// The story's prefix in the test bucket.
    #[must_use]
    pub fn bucket(&self) -> Bucket {
        Bucket::new(&self.cluster.environment, &self.name)
    }

    /// Applies YAML in which `NAMESPACE`, `ENDPOINT`, `BUCKET`, `STORY_KEY_ID` and `STORY_KEY_SECRET` stand for this story's.
    pub async fn apply(&self, yaml: &str) {
        self.cluster.apply(&self.fill(yaml)).await;
    }

    /// `kubectl create` of the YAML, filled in as for [`Namespace::apply`]. Server-side apply reads its body as YAML and
    /// refuses control characters; a creation is JSON and keeps them.
    pub async fn make(&self, yaml: &str) {
        self.cluster.kubectl(&["create", "-f", "-"], &self.fill(yaml)).await.assert_success();
    }

    /// The YAML with this story's names filled in.
    #[must_use]
    pub fn fill(&self, yaml: &str) -> String {
        let environment = &self.cluster.environment;
        yaml.replace("NAMESPACE", &self.name)
            .replace("ENDPOINT", &environment.s3_endpoint)
            .replace("BUCKET", &environment.bucket)
            .replace("STORY_KEY_ID", &environment.access_key)
            .replace("STORY_KEY_SECRET", &environment.secret_key)
    }

    /// Removes the namespace without waiting for its end.
    pub async fn remove(self) {
        let namespaces: Api<KubernetesNamespace> = Api::all(self.cluster.client.clone());
        // The story is over and has been judged: what is left is for `cluster down`.
        let _ = namespaces.delete(&self.name, &DeleteParams::background()).await;
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show();
        }
    }
}

impl Namespace {
    /// Prints what a person would look at first.
    fn show(&self) {
        let own = ["-n", self.name.as_str()];
        let kubectl = |arguments: &[&str]| self.cluster.show(arguments);
        kubectl(&[&["get", "kubestash,jobs,pods,cronjobs"][..], &own].concat());
        kubectl(
            &[
                &[
                    "get",
                    "backupconfigurations,backupsessions,snapshots,repositories,backupstorages",
                    "-o",
                    "yaml",
                ][..],
                &own,
            ]
            .concat(),
        );
        kubectl(&[&["get", "events", "--sort-by=.lastTimestamp"][..], &own].concat());
        kubectl(&[&["logs", "--selector=app.kubernetes.io/managed-by=kubestash.com", "--tail=50", "--prefix"][..], &own].concat());
        kubectl(&["logs", "-n", OPERATOR_NAMESPACE, "deployment/kubestash-operator", "--tail=80"]);
    }
}

#[expect(clippy::disallowed_methods, reason = "names of a test run must differ from those of the last one")]
fn milliseconds() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
