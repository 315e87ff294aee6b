//! Another cluster of this checkout, fresh, for what must work where nothing of the first one is. Its stories use the S3
//! server of the first one, which its pods reach by a proxy on this host. It goes when the story is over, however it ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::cluster::Cluster;
use crate::environment::{Environment, SecondCluster};
use crate::s3_proxy::S3Proxy;

/// A cluster that goes with its owner.
pub struct Second {
    /// It, with the product installed.
    pub cluster: Cluster,
    _proxy: S3Proxy,
    _guard: Guard,
}

impl Second {
    /// Boots it, as fresh as it can be, and installs the product.
    ///
    /// # Panics
    /// When it does not boot.
    pub async fn boot(first: &Environment) -> Self {
        let facts = SecondCluster::read();
        let name = run(&["name", "second"]).trim().to_owned();
        // A run that was killed may have left one: it is not fresh.
        run(&["down", "--name", &name]);
        let guard = Guard(name);
        run(&["up", "--name", &guard.0]);
        run(&["load", "--name", &guard.0, &facts.image_archive.to_string_lossy()]);
        let told = run(&["env", "--name", &guard.0]);
        let exported = exported(&told);
        let host_address = exported["KUBESTASH_CLUSTER_HOST_IP"].to_owned();
        let proxy = S3Proxy::start(&host_address, &first.s3_host_endpoint, Arc::new(|_| None)).await;
        let environment = Environment {
            kubeconfig: exported["KUBECONFIG"].into(),
            s3_endpoint: proxy.endpoint(),
            host_address,
            audit_log: Some(exported["KUBESTASH_CLUSTER_AUDIT_LOG"].into()),
            ..first.clone()
        };
        let cluster = Cluster::of(environment).await;
        cluster.install().await;
        Self { cluster, _proxy: proxy, _guard: guard }
    }
}

impl Drop for Second {
    /// Nobody can look at it any more when a story has failed.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let kinds = "pods,persistentvolumeclaims,persistentvolumes,events";
            self.cluster.show(&["get", kinds, "--all-namespaces", "-o", "wide"]);
        }
    }
}

/// The name of a cluster, which goes when this does, also when its boot fails.
struct Guard(String);

impl Drop for Guard {
    fn drop(&mut self) {
        // Nobody may be asked any more: what stays is said, and the next boot removes it.
        match Command::new(script()).args(["down", "--name", &self.0]).output() {
            Ok(output) if output.status.success() => {}
            Ok(output) => eprintln!("cluster {} stays: {}", self.0, String::from_utf8_lossy(&output.stderr)),
            Err(error) => eprintln!("cluster {} stays: {error}", self.0),
        }
    }
}

/// The variables that `cluster env` prints as shell exports.
fn exported(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
        .map(|(name, value)| (name, value.trim_matches('\'')))
        .collect()
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster/cluster")
}

fn run(arguments: &[&str]) -> String {
    let output = Command::new(script()).args(arguments).output().expect("the cluster's program");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cluster {}: {said}", arguments.join(" "));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
