//! The cluster under test: a client, kubectl, and the product installed once.

use std::process::Stdio;

use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::environment::Environment;
use crate::plugin::{Plugin, Said};

/// Namespace the operator is installed in.
pub const OPERATOR_NAMESPACE: &str = "kubestash";

/// A running cluster with the product installed by its own `install`.
#[derive(Clone)]
pub struct Cluster {
    pub environment: Environment,
    pub client: Client,
    pub plugin: Plugin,
}

static INSTALLED: OnceCell<()> = OnceCell::const_new();

impl Cluster {
    /// Connects, and installs the product when this process has not done so yet.
    ///
    /// # Panics
    /// When the cluster cannot be reached or the product cannot be installed.
    pub async fn connect() -> Self {
        let cluster = Self::bare().await;
        INSTALLED.get_or_init(|| async { cluster.install().await }).await;
        cluster
    }

    /// Connects without installing anything.
    ///
    /// # Panics
    /// When the kubeconfig cannot be used.
    pub async fn bare() -> Self {
        Self::of(Environment::read()).await
    }

    /// Connects to the cluster of these facts.
    ///
    /// # Panics
    /// When the kubeconfig cannot be used.
    pub async fn of(environment: Environment) -> Self {
        let kubeconfig = Kubeconfig::read_from(&environment.kubeconfig).expect("a readable kubeconfig");
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .expect("a usable kubeconfig");
        let client = Client::try_from(config).expect("a client");
        let plugin = Plugin::new(&environment);
        Self { environment, client, plugin }
    }

    /// Installs the product by its own `install`.
    ///
    /// # Panics
    /// When that fails.
    pub async fn install(&self) {
        let image = self.environment.image.clone();
        self.plugin.run(&["install", "--image", &image, "--yes"]).await.assert_success();
    }

    /// Runs kubectl on this cluster.
    ///
    /// # Panics
    /// When kubectl cannot be started.
    pub async fn kubectl(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = Command::new("kubectl")
            .args(arguments)
            .env("KUBECONFIG", &self.environment.kubeconfig)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl is on the PATH");
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await.expect("kubectl reads its input");
        }
        let output = child.wait_with_output().await.expect("kubectl ends");
        Said {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// Prints what kubectl says, for who looks at a story that failed.
    pub fn show(&self, arguments: &[&str]) {
        let kubectl = std::process::Command::new("kubectl")
            .args(arguments)
            .env("KUBECONFIG", &self.environment.kubeconfig)
            .output();
        let text = kubectl.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        eprintln!("--- kubectl {}\n{}", arguments.join(" "), text.unwrap_or_default());
    }

    /// `kubectl apply` of this YAML, which the API server must accept.
    pub async fn apply(&self, yaml: &str) {
        self.kubectl(&["apply", "--server-side", "-f", "-"], yaml).await.assert_success();
    }
}
