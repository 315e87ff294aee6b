//! From what was typed to a cluster: the only reader of kubeconfig files.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::time::Duration;

use kube::config::{
    AuthInfo, Cluster as KubeconfigCluster, Context as KubeconfigContext, KubeConfigOptions, Kubeconfig,
    NamedAuthInfo, NamedCluster, NamedContext,
};
use kube::{Client, Config};

use crate::args::{Connection, Manner};
use crate::cluster::Cluster;
use crate::environment::Environment;
use crate::failure::{Code, Failure};
use crate::kuberc;
use crate::suggest;

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

/// Where a cluster is and who speaks to it, after all flags were laid over the kubeconfig.
#[derive(Clone, Debug, Default)]
struct Selected {
    /// `None` when nothing names a context: `--server` alone, or inside a pod.
    context: Option<String>,
    namespace: Option<String>,
    cluster: KubeconfigCluster,
    user: AuthInfo,
}

impl Context {
    /// A context that has not read or asked anything yet.
    #[must_use]
    pub fn new(connection: Connection, manner: Manner, environment: Environment) -> Self {
        Self { environment, manner, words: Vec::new(), connection, selected: OnceCell::new() }
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
        let client = Client::try_from(config).map_err(|error| self.unusable(&error))?;
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

/// The kubeconfig with every flag laid over it, in the order of kubectl's own client.
fn select(kubeconfig: &Kubeconfig, connection: &Connection) -> Result<Selected, Failure> {
    let name = connection
        .context
        .clone()
        .or_else(|| kubeconfig.current_context.clone())
        .filter(|name| !name.is_empty());
    let context = match &name {
        Some(name) => named_context(kubeconfig, name, connection)?,
        None => KubeconfigContext::default(),
    };
    let cluster_name = connection.cluster.as_ref().unwrap_or(&context.cluster);
    let mut cluster = named_cluster(kubeconfig, cluster_name, connection)?;
    let user_name = connection.user.as_ref().or(context.user.as_ref());
    let mut user = named_user(kubeconfig, user_name, connection)?;
    overlay_cluster(&mut cluster, connection);
    overlay_user(&mut user, connection);
    Ok(Selected {
        context: name,
        namespace: context.namespace.filter(|name| !name.is_empty()),
        cluster,
        user,
    })
}

fn named_context(
    kubeconfig: &Kubeconfig,
    name: &str,
    connection: &Connection,
) -> Result<KubeconfigContext, Failure> {
    if let Some(found) = kubeconfig.contexts.iter().find(|context| context.name == name) {
        return Ok(found.context.clone().unwrap_or_default());
    }
    if connection.context.is_none() && connection.server.is_some() {
        return Ok(KubeconfigContext::default());
    }
    let known = kubeconfig.contexts.iter().map(|context| context.name.as_str());
    Err(unknown("context", name, known, "kubectl config get-contexts"))
}

fn named_cluster(
    kubeconfig: &Kubeconfig,
    name: &str,
    connection: &Connection,
) -> Result<KubeconfigCluster, Failure> {
    if let Some(found) = kubeconfig.clusters.iter().find(|cluster| cluster.name == name) {
        return Ok(found.cluster.clone().unwrap_or_default());
    }
    if connection.cluster.is_none() && (connection.server.is_some() || name.is_empty()) {
        return Ok(KubeconfigCluster::default());
    }
    let known = kubeconfig.clusters.iter().map(|cluster| cluster.name.as_str());
    Err(unknown("cluster", name, known, "kubectl config get-clusters"))
}

fn named_user(
    kubeconfig: &Kubeconfig,
    name: Option<&String>,
    connection: &Connection,
) -> Result<AuthInfo, Failure> {
    let found = kubeconfig.auth_infos.iter().find(|user| Some(&user.name) == name);
    if let Some(user) = found {
        return Ok(user.auth_info.clone().unwrap_or_default());
    }
    // A context whose user does not exist speaks anonymously, as with client-go; a user typed here must exist.
    match &connection.user {
        None => Ok(AuthInfo::default()),
        Some(name) => {
            let known = kubeconfig.auth_infos.iter().map(|user| user.name.as_str());
            Err(unknown("user", name, known, "kubectl config get-users"))
        }
    }
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>, command: &str) -> Failure {
    let failure = Failure::new(Code::KubeconfigUnusable, format!("the kubeconfig has no {what} \"{name}\""));
    match suggest::nearest(name, known) {
        Some(nearest) => failure.fix(format!("did you mean \"{nearest}\"?  all of them: {command}")),
        None => failure.fix(command),
    }
}

fn overlay_cluster(cluster: &mut KubeconfigCluster, connection: &Connection) {
    if let Some(server) = &connection.server {
        cluster.server = Some(server.clone());
        // A name for the old server's certificate says nothing about the new one's.
        cluster.tls_server_name = None;
    }
    if let Some(name) = &connection.tls_server_name {
        cluster.tls_server_name = Some(name.clone());
    }
    if let Some(path) = &connection.certificate_authority {
        cluster.certificate_authority = Some(path.display().to_string());
        cluster.certificate_authority_data = None;
    }
    if let Some(insecure) = connection.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(insecure);
        if insecure {
            cluster.certificate_authority = None;
            cluster.certificate_authority_data = None;
        }
    }
    if let Some(url) = &connection.proxy_url {
        cluster.proxy_url = Some(url.clone());
    }
}

fn overlay_user(user: &mut AuthInfo, connection: &Connection) {
    if let Some(token) = &connection.token {
        user.token = Some(token.clone());
        user.token_file = None;
        user.exec = None;
        user.auth_provider = None;
    }
    if let Some(path) = &connection.client_certificate {
        user.client_certificate = Some(path.display().to_string());
        user.client_certificate_data = None;
    }
    if let Some(path) = &connection.client_key {
        user.client_key = Some(path.display().to_string());
        user.client_key_data = None;
    }
    if let Some(name) = &connection.impersonate {
        user.impersonate = Some(name.clone());
    }
    if let Some(uid) = &connection.impersonate_uid {
        user.impersonate_uid = Some(uid.clone());
    }
    if !connection.impersonate_groups.is_empty() {
        user.impersonate_groups = Some(connection.impersonate_groups.clone());
    }
}

/// A kubeconfig that holds the selection and nothing else.
fn single(selected: &Selected) -> Kubeconfig {
    let name = selected.context.clone().unwrap_or_else(|| "selected".into());
    let context = KubeconfigContext {
        cluster: name.clone(),
        user: Some(name.clone()),
        namespace: selected.namespace.clone(),
        ..KubeconfigContext::default()
    };
    Kubeconfig {
        current_context: Some(name.clone()),
        contexts: vec![NamedContext {
            name: name.clone(),
            context: Some(context),
            ..NamedContext::default()
        }],
        clusters: vec![NamedCluster {
            name: name.clone(),
            cluster: Some(selected.cluster.clone()),
            ..NamedCluster::default()
        }],
        auth_infos: vec![NamedAuthInfo {
            name,
            auth_info: Some(selected.user.clone()),
            ..NamedAuthInfo::default()
        }],
        ..Kubeconfig::default()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use jiff::Timestamp;

    use super::*;
    use crate::cli::Cli;

    const KUBECONFIG: &str = "
current-context: dev
contexts:
- {name: dev, context: {cluster: dev, user: ann, namespace: shop}}
- {name: prod, context: {cluster: prod, user: gone}}
clusters:
- {name: dev, cluster: {server: 'https://dev:6443', certificate-authority-data: Y2E=, tls-server-name: dev}}
- {name: prod, cluster: {server: 'https://prod:6443'}}
users:
- {name: ann, user: {token: old, exec: {command: aws}}}
";

    fn chosen(flags: &str) -> Result<Selected, Failure> {
        let line = format!("kubectl-kubestash version {flags}");
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        select(&Kubeconfig::from_yaml(KUBECONFIG).unwrap(), &cli.global.connection)
    }

    #[test]
    fn the_current_context_is_used_when_nothing_is_typed() {
        let selected = chosen("").unwrap();
        assert_eq!(selected.context.as_deref(), Some("dev"));
        assert_eq!(selected.namespace.as_deref(), Some("shop"));
        assert_eq!(selected.cluster.server.as_deref(), Some("https://dev:6443"));
        assert!(selected.user.exec.is_some());
    }

    #[test]
    fn a_user_that_a_context_names_and_nobody_has_speaks_anonymously() {
        let selected = chosen("--context prod").unwrap();
        assert!(selected.user.token.is_none() && selected.user.exec.is_none());
    }

    #[test]
    fn a_token_replaces_every_other_way_to_get_one() {
        let selected = chosen("--token new").unwrap();
        assert!(selected.user.token.is_some());
        assert!(selected.user.exec.is_none());
    }

    #[test]
    fn another_server_is_not_held_to_the_old_name() {
        let selected = chosen("--server https://other:1").unwrap();
        assert_eq!(selected.cluster.server.as_deref(), Some("https://other:1"));
        assert_eq!(selected.cluster.tls_server_name, None);
    }

    #[test]
    fn an_insecure_connection_drops_the_authority_it_would_contradict() {
        let selected = chosen("--insecure-skip-tls-verify").unwrap();
        assert_eq!(selected.cluster.insecure_skip_tls_verify, Some(true));
        assert_eq!(selected.cluster.certificate_authority_data, None);
    }

    #[test]
    fn names_that_the_kubeconfig_lacks_are_refused_with_the_nearest_one() {
        for (flags, what) in
            [("--context prd", "context"), ("--cluster prd", "cluster"), ("--user an", "user")]
        {
            let failure = chosen(flags).unwrap_err();
            assert!(failure.what().contains(what), "{failure:?}");
            let fix = failure.rows().find(|(label, _)| *label == "fix").unwrap().1.to_owned();
            assert!(fix.contains("did you mean"), "{fix}");
        }
    }

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

    #[test]
    fn a_selection_becomes_a_config_with_its_namespace() {
        let single = single(&chosen("--as bob --as-group ops").unwrap());
        let config = Config::try_from(single).unwrap();
        assert_eq!(config.default_namespace, "shop");
        assert_eq!(config.auth_info.impersonate.as_deref(), Some("bob"));
    }
}
