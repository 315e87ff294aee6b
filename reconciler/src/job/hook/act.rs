//! Does what a hook wants: a command in a pod, a request, a connection.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;
use reqwest::redirect::Policy;
use snafu::{OptionExt, ResultExt, Snafu, ensure};
use tokio::net::TcpStream;

use crate::cluster::{self, Cluster};

/// Why an attempt failed.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The API server said no, or nothing.
    #[snafu(display("{source}"))]
    Cluster {
        /// Why.
        source: cluster::Error,
    },
    /// Nobody to act on.
    #[snafu(display("no pod that is ready has the labels {selector:?}{}", if *owned { " and the owner" } else { "" }))]
    NoPod {
        /// The labels.
        selector: String,
        /// Whether an owner is asked for as well.
        owned: bool,
    },
    /// A pod without what is asked for.
    #[snafu(display("pod \"{pod}\" has no {what}"))]
    Lacks {
        /// The pod.
        pod: String,
        /// What.
        what: String,
    },
    /// A command needs a pod.
    #[snafu(display("a command is executed in a pod: the executor must be of type Pod"))]
    NotHere,
    /// Without a pod nobody knows where.
    #[snafu(display("the action needs a host and the number of a port"))]
    Nowhere,
    /// It took too long.
    #[snafu(display("no end within {seconds} s"))]
    TimedOut {
        /// How long.
        seconds: u64,
    },
    /// The command did not end with 0.
    #[snafu(display("the command in container \"{container}\" of pod \"{pod}\" failed: {reason}"))]
    Command {
        /// The pod.
        pod: String,
        /// The container.
        container: String,
        /// Exit code and output.
        reason: String,
    },
    /// The request cannot be made.
    #[snafu(display("failed to request {url}: {source}"))]
    Request {
        /// Where.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The answer is no success.
    #[snafu(display("{url} answered {status}"))]
    Status {
        /// Where.
        url: String,
        /// The status.
        status: u16,
    },
    /// Nobody listens.
    #[snafu(display("failed to connect to {address}: {source}"))]
    Connect {
        /// Where.
        address: String,
        /// Why.
        source: std::io::Error,
    },
}

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Where.
    pub place: Place,
    /// Container of the pod; its first one unless named.
    pub container: Option<String>,
    /// What.
    pub kind: Kind,
}

/// Where something is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// In pods, or to them.
    Pods(Pods),
    /// From here to somewhere.
    Here,
}

/// Pods of the namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct Pods {
    /// Labels, as `key=value,key=value`.
    pub selector: String,
    /// Their owner.
    pub owner: Option<OwnerReference>,
    /// Every one that runs, or the first that is ready.
    pub all: bool,
}

/// What is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A command is executed.
    Exec(Vec<String>),
    /// A request is sent; it is a POST when it has a body.
    Http(Request),
    /// A connection is made.
    Tcp {
        /// Number or name.
        port: IntOrString,
        /// The pod's address unless given.
        host: Option<String>,
    },
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Number or name.
    pub port: IntOrString,
    /// The pod's address unless given.
    pub host: Option<String>,
    /// `HTTP` or `HTTPS`.
    pub scheme: Option<String>,
    /// With its query.
    pub path: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Absent in a GET.
    pub body: Option<String>,
}

/// One attempt. Of several pods the first failure ends it.
pub async fn act(
    cluster: &Cluster,
    namespace: &str,
    action: &Action,
    timeout: Duration,
) -> Result<(), Error> {
    let attempt = async {
        let Place::Pods(wanted) = &action.place else { return act_on(cluster, None, action).await };
        for pod in chosen(cluster, namespace, wanted).await? {
            act_on(cluster, Some(&pod), action).await?;
        }
        Ok(())
    };
    match tokio::time::timeout(timeout, attempt).await {
        Ok(outcome) => outcome,
        Err(_) => TimedOutSnafu { seconds: timeout.as_secs() }.fail(),
    }
}

async fn chosen(cluster: &Cluster, namespace: &str, wanted: &Pods) -> Result<Vec<Pod>, Error> {
    let found = cluster.list::<Pod>(Some(namespace), &wanted.selector).await.context(ClusterSnafu)?;
    let mut pods = eligible(found, wanted);
    ensure!(!pods.is_empty(), NoPodSnafu { selector: &wanted.selector, owned: wanted.owner.is_some() });
    if !wanted.all {
        pods.truncate(1);
    }
    Ok(pods)
}

/// Pods of the owner that are ready, by name, so that the same one is chosen again.
fn eligible(pods: Vec<Pod>, wanted: &Pods) -> Vec<Pod> {
    let is_owned = |pod: &Pod| {
        wanted.owner.as_ref().is_none_or(|owner| {
            pod.owner_references().iter().any(|own| {
                own.kind == owner.kind
                    && own.name == owner.name
                    && (owner.uid.is_empty() || own.uid == owner.uid)
            })
        })
    };
    let is_ready = |pod: &Pod| {
        let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        pod.metadata.deletion_timestamp.is_none()
            && conditions
                .into_iter()
                .any(|condition| condition.type_ == "Ready" && condition.status == "True")
    };
    let mut pods: Vec<Pod> = pods.into_iter().filter(|pod| is_owned(pod) && is_ready(pod)).collect();
    pods.sort_by_key(ResourceExt::name_any);
    pods
}

async fn act_on(cluster: &Cluster, pod: Option<&Pod>, action: &Action) -> Result<(), Error> {
    match &action.kind {
        Kind::Exec(command) => {
            let pod = pod.context(NotHereSnafu)?;
            let container = container(pod, action.container.as_deref())?;
            let outcome = cluster.execute(pod, &container, command).await.context(ClusterSnafu)?;
            match outcome {
                Ok(()) => Ok(()),
                Err(reason) => CommandSnafu { pod: pod.name_any(), container, reason }.fail(),
            }
        }
        Kind::Http(request) => send(pod, request).await,
        Kind::Tcp { port, host } => {
            let address = address(pod, host.as_deref(), port)?;
            TcpStream::connect(&address).await.map(drop).context(ConnectSnafu { address })
        }
    }
}

fn container(pod: &Pod, wanted: Option<&str>) -> Result<String, Error> {
    let names =
        pod.spec.iter().flat_map(|spec| spec.containers.iter().map(|container| container.name.as_str()));
    let mut names = names.filter(|name| wanted.is_none_or(|wanted| *name == wanted));
    let what =
        || LacksSnafu { pod: pod.name_any(), what: format!("container {:?}", wanted.unwrap_or_default()) };
    names.next().map(str::to_owned).with_context(what)
}

/// `host:port`, a port's name looked up in the pod.
fn address(pod: Option<&Pod>, host: Option<&str>, port: &IntOrString) -> Result<String, Error> {
    let host = match (host.filter(|host| !host.is_empty()), pod) {
        (Some(host), _) => host.to_owned(),
        (None, Some(pod)) => {
            let address = pod.status.as_ref().and_then(|status| status.pod_ip.clone());
            address.with_context(|| LacksSnafu { pod: pod.name_any(), what: "address" })?
        }
        (None, None) => return NowhereSnafu.fail(),
    };
    let port = match (port, pod) {
        (IntOrString::Int(port), _) => *port,
        (IntOrString::String(name), Some(pod)) => named_port(pod, name)?,
        (IntOrString::String(text), None) => text.parse().ok().context(NowhereSnafu)?,
    };
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
    Ok(format!("{host}:{port}"))
}

fn named_port(pod: &Pod, name: &str) -> Result<i32, Error> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
    let found = ports.find(|port| port.name.as_deref() == Some(name)).map(|port| port.container_port);
    let what = || LacksSnafu { pod: pod.name_any(), what: format!("port {name:?}") };
    found.or_else(|| name.parse().ok()).with_context(what)
}

/// Certificates are not looked at, as in the probes of Kubernetes: pods have names that nobody certifies.
async fn send(pod: Option<&Pod>, request: &Request) -> Result<(), Error> {
    let scheme = request.scheme.as_deref().unwrap_or("http").to_lowercase();
    let path = request.path.trim_start_matches('/');
    let url = format!("{scheme}://{}/{path}", address(pod, request.host.as_deref(), &request.port)?);
    let client =
        reqwest::Client::builder().danger_accept_invalid_certs(true).redirect(Policy::none()).no_proxy();
    let client = client.build().context(RequestSnafu { url: &url })?;
    let mut built = match &request.body {
        None => client.get(&url),
        Some(body) => client.post(&url).body(body.clone()),
    };
    for (name, value) in &request.headers {
        built = built.header(name, value);
    }
    let status = built.send().await.context(RequestSnafu { url: &url })?.status().as_u16();
    ensure!((200..400).contains(&status), StatusSnafu { url, status });
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(name: &str, ready: &str, owner: &str) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": name, "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": "u"}]},
            "spec": {"containers": [{"name": "one", "ports": [{"name": "web", "containerPort": 8080}]}, {"name": "two"}]},
            "status": {"podIP": "10.0.0.7", "conditions": [{"type": "Ready", "status": ready}]},
        }))
        .unwrap()
    }

    #[test]
    fn pods_that_are_ready_are_chosen_by_owner_and_name() {
        let owner = |value: Value| serde_json::from_value(value).unwrap();
        let all = || vec![pod("c", "True", "a"), pod("b", "False", "a"), pod("a", "True", "b")];
        let of = |owner| Pods { selector: String::new(), owner, all: true };
        let names = |pods: Vec<Pod>| pods.iter().map(ResourceExt::name_any).collect::<Vec<_>>();
        assert_eq!(names(eligible(all(), &of(None))), ["a", "c"]);
        let by_owner = owner(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "a", "uid": "u"}));
        assert_eq!(names(eligible(all(), &of(Some(by_owner)))), ["c"]);
        let other_uid =
            owner(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "a", "uid": "x"}));
        assert!(eligible(all(), &of(Some(other_uid))).is_empty());
    }

    #[test]
    fn ports_are_found_by_number_and_by_name() {
        let pod = pod("a", "True", "a");
        for (pod, host, port, expected) in [
            (Some(&pod), None, IntOrString::Int(80), Some("10.0.0.7:80")),
            (Some(&pod), None, IntOrString::String("web".to_owned()), Some("10.0.0.7:8080")),
            (Some(&pod), Some("db"), IntOrString::String("9".to_owned()), Some("db:9")),
            (Some(&pod), Some("fd00::1"), IntOrString::Int(9), Some("[fd00::1]:9")),
            (Some(&pod), None, IntOrString::String("nope".to_owned()), None),
            (None, None, IntOrString::Int(80), None),
            (None, Some("db"), IntOrString::Int(80), Some("db:80")),
        ] {
            assert_eq!(address(pod, host, &port).ok().as_deref(), expected, "{host:?} {port:?}");
        }
    }

    #[test]
    fn the_first_container_is_meant_unless_one_is_named() {
        let pod = pod("a", "True", "a");
        assert_eq!(container(&pod, None).unwrap(), "one");
        assert_eq!(container(&pod, Some("two")).unwrap(), "two");
        assert!(container(&pod, Some("three")).is_err());
    }
}
