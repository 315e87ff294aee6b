//! What is selected of a kubeconfig, and every flag laid over it, in the order of kubectl's own client.

use kube::config::{
    AuthInfo, Cluster as KubeconfigCluster, Context as KubeconfigContext, Kubeconfig, NamedAuthInfo,
    NamedCluster, NamedContext,
};

use crate::args::Connection;
use crate::failure::{Code, Failure};
use crate::suggest;

/// Where a cluster is and who speaks to it, after all flags were laid over the kubeconfig.
#[derive(Clone, Debug, Default)]
pub struct Selected {
    /// `None` when nothing names a context: `--server` alone, or inside a pod.
    pub context: Option<String>,
    /// Absent: `default`.
    pub namespace: Option<String>,
    /// Its address is absent where no kubeconfig and no flag names one.
    pub cluster: KubeconfigCluster,
    /// Who speaks.
    pub user: AuthInfo,
}

/// The kubeconfig with every flag laid over it, in the order of kubectl's own client.
pub fn select(kubeconfig: &Kubeconfig, connection: &Connection) -> Result<Selected, Failure> {
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
pub fn single(selected: &Selected) -> Kubeconfig {
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
    use kube::Config;

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
    fn a_selection_becomes_a_config_with_its_namespace() {
        let single = single(&chosen("--as bob --as-group ops").unwrap());
        let config = Config::try_from(single).unwrap();
        assert_eq!(config.default_namespace, "shop");
        assert_eq!(config.auth_info.impersonate.as_deref(), Some("bob"));
    }
}
