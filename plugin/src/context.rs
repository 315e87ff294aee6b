//! From what was typed to a cluster: the only reader of kubeconfig files.

mod selected;

use std::cell::OnceCell;
use std::path::PathBuf;
use std::time::Duration;

use kube::Config;
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::args::{Connection, Manner};
use crate::cluster::{Cluster, Written};
use crate::environment::Environment;
use crate::failure::{Code, Failure};
use crate::kuberc;
use selected::{Selected, select, single};

/// How long one request may take unless `--request-timeout` says otherwise.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Everything a command may know about where and how it runs.
pub struct Context {
    /// The surroundings of the process, the clock among them.
    pub environment: Environment,
    /// How to speak.
    pub manner: Manner,
    /// The words of the command line, the program's name left out. May hold a token.
    words: Vec<String>,
    connection: Connection,
    selected: OnceCell<Selected>,
    /// What this command has done to any cluster.
    pub written: Written,
}

/// Without the words, which may hold a token.
impl std::fmt::Debug for Context {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Context")
            .field("environment", &self.environment)
            .field("manner", &self.manner)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

impl Context {
    /// A context that has not read or asked anything yet.
    #[must_use]
    pub fn new(connection: Connection, manner: Manner, environment: Environment) -> Self {
        Self {
            environment,
            manner,
            words: Vec::new(),
            connection,
            selected: OnceCell::new(),
            written: Written::default(),
        }
    }

    /// The same context for a command that was typed in these words.
    #[must_use]
    pub fn typed_as(self, words: Vec<String>) -> Self {
        Self { words, ..self }
    }

    /// The words of the command line, the program's name and a token left out: what can be shown again.
    #[must_use]
    pub fn words(&self) -> Vec<&str> {
        let mut words: Vec<&str> = Vec::new();
        let mut skipped = false;
        for word in &self.words {
            if std::mem::take(&mut skipped) || word.starts_with("--token=") {
                continue;
            }
            if word == "--token" {
                skipped = true;
                continue;
            }
            words.push(word);
        }
        words
    }

    /// The namespace of this command: `-n`, else that of the context, else `default`. The cluster is not asked.
    pub fn namespace(&self) -> Result<String, Failure> {
        if let Some(namespace) = &self.connection.namespace {
            return Ok(namespace.clone());
        }
        Ok(self.selected()?.namespace.clone().unwrap_or_else(|| "default".into()))
    }

    /// Whether questions and progress may redraw their lines: not for a screen reader, nor on a terminal that cannot.
    #[must_use]
    pub fn can_redraw(&self) -> bool {
        let accessible = ["KUBESTASH_ACCESSIBLE", "ACCESSIBLE"]
            .iter()
            .any(|name| self.environment.variable(name).is_some_and(|value| value != "0"));
        self.environment.can_redraw() && !self.manner.accessible && !accessible
    }

    /// Whether the namespace was typed, and is not that of the context.
    #[must_use]
    pub fn is_namespace_typed(&self) -> bool {
        self.connection.namespace.is_some()
    }

    /// ` -n NAMESPACE` for a command line that is shown, or nothing where the context already says it.
    pub fn namespace_flag(&self) -> Result<String, Failure> {
        Ok(match &self.connection.namespace {
            Some(namespace) => format!(" -n {namespace}"),
            None => String::new(),
        })
    }

    /// The name of the context, for people.
    pub fn context_name(&self) -> Result<String, Failure> {
        Ok(self.selected()?.context.clone().unwrap_or_else(|| "(none)".into()))
    }

    /// A client for the selected cluster. Nothing is sent yet.
    pub async fn cluster(&self) -> Result<Cluster, Failure> {
        self.connect(self.selected()?.clone()).await
    }

    /// The same cluster as a ServiceAccount sees it, by impersonation. The groups of a ServiceAccount are added by the API
    /// server.
    pub async fn cluster_as(&self, namespace: &str, account: &str) -> Result<Cluster, Failure> {
        let mut selected = self.selected()?.clone();
        selected.user.impersonate = Some(format!("system:serviceaccount:{namespace}:{account}"));
        self.connect(selected).await
    }

    /// Whether the user speaks as somebody else already: then there is no speaking as a third.
    pub fn is_impersonating(&self) -> Result<bool, Failure> {
        Ok(self.selected()?.user.impersonate.is_some())
    }

    async fn connect(&self, selected: Selected) -> Result<Cluster, Failure> {
        if let Some(program) = selected.user.exec.as_ref().and_then(|exec| exec.command.as_deref()) {
            kuberc::permit(&self.environment, self.connection.kuberc.as_deref(), program)?;
        }
        let mut config = if selected.cluster.server.is_some() {
            let options = KubeConfigOptions::default();
            Config::from_custom_kubeconfig(single(&selected), &options)
                .await
                .map_err(|error| self.unusable(&error))?
        } else if self.environment.variable("KUBERNETES_SERVICE_HOST").is_some() {
            Config::incluster().map_err(|error| self.unusable(&error))?
        } else {
            return Err(no_cluster());
        };
        // Retried by ourselves, a few times; the default of 15 tries would keep a person waiting for minutes.
        config.default_retry = false;
        config.connect_timeout = Some(Duration::from_secs(10));
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let name = self.context_name()?;
        let builder = ClientBuilder::try_from(config).map_err(|error| self.unusable(&error))?;
        let client = builder.with_layer(&self.written.layer()).build();
        Ok(Cluster::new(client, self.request_timeout()?, &name, &server))
    }

    fn request_timeout(&self) -> Result<Option<Duration>, Failure> {
        match self.connection.request_timeout.as_deref() {
            None => Ok(Some(REQUEST_TIMEOUT)),
            Some("0") => Ok(None),
            Some(text) => {
                duration("--request-timeout", text).map(|limit| (!limit.is_zero()).then_some(limit))
            }
        }
    }

    fn selected(&self) -> Result<&Selected, Failure> {
        if let Some(selected) = self.selected.get() {
            return Ok(selected);
        }
        let selected = select(&self.kubeconfig()?, &self.connection)?;
        Ok(self.selected.get_or_init(|| selected))
    }

    /// All kubeconfig files merged, the first one to set a value winning. Files that do not exist are skipped, as
    /// kubectl does, but not one named by `--kubeconfig`.
    fn kubeconfig(&self) -> Result<Kubeconfig, Failure> {
        let (paths, must_exist) = self.kubeconfig_paths();
        let mut merged = Kubeconfig::default();
        for path in paths {
            if !must_exist && !path.exists() {
                continue;
            }
            let read = Kubeconfig::read_from(&path).and_then(|next| merged.clone().merge(next));
            merged = read.map_err(|error| {
                Failure::new(Code::KubeconfigUnusable, format!("cannot use kubeconfig {}", path.display()))
                    .why(innermost(&error))
                    .chain(&error)
            })?;
        }
        Ok(merged)
    }

    fn kubeconfig_paths(&self) -> (Vec<PathBuf>, bool) {
        if let Some(path) = &self.connection.kubeconfig {
            return (vec![path.clone()], true);
        }
        if let Some(paths) = self.environment.variable("KUBECONFIG") {
            let paths = std::env::split_paths(paths).filter(|path| !path.as_os_str().is_empty());
            return (paths.collect(), false);
        }
        let home = self.environment.variable("HOME").or_else(|| self.environment.variable("USERPROFILE"));
        (home.map(|home| PathBuf::from(home).join(".kube").join("config")).into_iter().collect(), false)
    }

    fn unusable(&self, error: &dyn std::error::Error) -> Failure {
        let context = self.context_name().unwrap_or_default();
        Failure::new(Code::KubeconfigUnusable, format!("cannot use context \"{context}\""))
            .why(innermost(error))
            .chain(error)
    }
}

fn no_cluster() -> Failure {
    Failure::new(Code::KubeconfigUnusable, "no cluster is configured")
        .why("neither --kubeconfig, KUBECONFIG nor ~/.kube/config names one")
        .fix("--kubeconfig FILE, or: export KUBECONFIG=FILE")
}

/// The cause that an error chain ends with: what a person can act on.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// Parses a duration flag in Go's spelling (`90s`, `5m`, `1h30m`).
pub fn duration(flag: &str, text: &str) -> Result<Duration, Failure> {
    let parsed = crds::duration::parse(text).ok().and_then(|span| Duration::try_from(span).ok());
    parsed.ok_or_else(|| {
        Failure::usage(format!("{flag} {text} is not a duration")).fix("write it as 90s, 5m or 1h30m")
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn the_words_can_be_shown_again_without_the_token() {
        let environment = Environment::scripted(&[], || Timestamp::UNIX_EPOCH);
        let words = ["restore", "plan", "--token", "s3cr3t", "latest", "--token=s3cr3t"].map(str::to_owned);
        let context =
            Context::new(Connection::default(), Manner::default(), environment).typed_as(words.into());
        assert_eq!(context.words(), ["restore", "plan", "latest"]);
        assert!(!format!("{context:?}").contains("s3cr3t"));
    }

    #[test]
    fn without_any_kubeconfig_the_namespace_is_default() {
        let environment = Environment::scripted(&[("HOME", "/nonexistent")], || Timestamp::UNIX_EPOCH);
        let context = Context::new(Connection::default(), Manner::default(), environment);
        assert_eq!(context.namespace().unwrap(), "default");
    }

    #[test]
    fn a_kubeconfig_that_was_typed_must_exist() {
        let environment = Environment::scripted(&[], || Timestamp::UNIX_EPOCH);
        let connection =
            Connection { kubeconfig: Some("/nonexistent/config".into()), ..Connection::default() };
        let failure = Context::new(connection, Manner::default(), environment).namespace().unwrap_err();
        assert!(failure.what().contains("/nonexistent/config"), "{failure:?}");
    }
}
