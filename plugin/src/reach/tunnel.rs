//! A way to a server that only pods reach, which leaves nothing behind: a port of this machine, forwarded to a pod of the
//! Service that the server is, or passed on by the operator's pod to any other server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt as _;
use kube::api::AttachedProcess;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::cluster::Cluster;
use crate::commands::version::OPERATOR_LABEL;

/// The container of the operator's pod (contract §3.1).
const OPERATOR: &str = "operator";
/// Its binary (contract §9).
const BINARY: &str = "/kubestash";

/// How long the operator's pod may take to find out whether it reaches a server; it gives up by itself before.
const PATIENCE: Duration = Duration::from_secs(15);

/// Open while it lives.
#[derive(Debug)]
pub struct Tunnel {
    /// On this machine.
    pub address: SocketAddr,
    /// The pod it leads to, or through.
    pub pod: String,
    task: JoinHandle<()>,
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where a tunnel leads.
#[derive(Clone, Debug)]
enum End {
    /// To a port of a pod.
    Port { namespace: String, pod: String, port: u16 },
    /// Through the operator's pod to a server, `host:port`.
    Relay { namespace: String, pod: String, server: String },
}

/// Opens a way to the Service that a plain `http` URL names, or whose address in the cluster it holds. `None` where there
/// is none: another kind of URL, no pod, no right to forward. With TLS the certificate would not fit this machine's address.
pub async fn open(cluster: &Cluster, endpoint: &str) -> Option<Tunnel> {
    let (host, port) = authority(endpoint.strip_prefix("http://")?, 80)?;
    let service = if host.parse::<IpAddr>().is_ok() {
        by_address(cluster, host).await?
    } else {
        let (name, namespace) = service_of(host)?;
        cluster.get(Some(namespace), name).await.ok()??
    };
    let namespace = service.namespace()?;
    let spec = service.spec?;
    let selector: Vec<String> = spec.selector?.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let pods: Vec<Pod> = cluster.list(Some(&namespace), &selector.join(",")).await.ok()?;
    let pod = pods.into_iter().find(is_ready)?;
    let target = spec.ports?.into_iter().find(|known| known.port == i32::from(port))?.target_port;
    let port = match target {
        None => port,
        Some(IntOrString::Int(number)) => u16::try_from(number).ok()?,
        Some(IntOrString::String(name)) => named(&pod, &name)?,
    };
    let pod = pod.name_any();
    // One connection to begin with: whoever may not forward is told so at once.
    cluster.forward((&namespace, &pod), port).await?;
    listen(cluster, pod.clone(), End::Port { namespace, pod, port }).await
}

/// Opens a way to the server of a URL through the operator's pod. `None` where there is no operator, no right to exec in
/// its pod, or no connection from there.
pub async fn relay(cluster: &Cluster, endpoint: &str) -> Option<Tunnel> {
    let (host, port) = match endpoint.split_once("://")? {
        ("http", rest) => authority(rest, 80)?,
        ("https", rest) => authority(rest, 443)?,
        _ => return None,
    };
    let server = format!("{host}:{port}");
    let pods: Vec<Pod> = cluster.list(None, OPERATOR_LABEL).await.ok()?;
    let pod = pods.into_iter().find(is_ready)?;
    let (namespace, pod) = (pod.namespace()?, pod.name_any());
    let end = End::Relay { namespace, pod: pod.clone(), server };
    let mut tried = end.process(cluster, &["--check"]).await?;
    let ended = tokio::time::timeout(PATIENCE, tried.take_status()?).await.ok()??;
    if ended.status.as_deref() != Some("Success") {
        return None;
    }
    listen(cluster, pod, end).await
}

async fn listen(cluster: &Cluster, pod: String, end: End) -> Option<Tunnel> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.ok()?;
    let address = listener.local_addr().ok()?;
    let task = tokio::spawn(serve(listener, cluster.clone(), end));
    Some(Tunnel { address, pod, task })
}

async fn serve(listener: TcpListener, cluster: Cluster, end: End) {
    while let Ok((connection, _)) = listener.accept().await {
        let (cluster, end) = (cluster.clone(), end.clone());
        tokio::spawn(async move { end.pass_on(connection, &cluster).await });
    }
}

impl End {
    async fn pass_on(&self, mut connection: TcpStream, cluster: &Cluster) {
        // How a connection ends is the business of its two ends.
        if let Self::Port { namespace, pod, port } = self {
            if let Some(mut stream) = cluster.forward((namespace, pod), *port).await {
                let _ = tokio::io::copy_bidirectional(&mut connection, &mut stream).await;
            }
        } else if let Some(mut process) = self.process(cluster, &[]).await
            && let (Some(answers), Some(questions)) = (process.stdout(), process.stdin())
        {
            let mut stream = tokio::io::join(answers, questions);
            let _ = tokio::io::copy_bidirectional(&mut connection, &mut stream).await;
        }
    }

    /// What passes on, in the operator's pod; it ends when it is dropped.
    async fn process(&self, cluster: &Cluster, options: &[&str]) -> Option<AttachedProcess> {
        let Self::Relay { namespace, pod, server } = self else { return None };
        let command = [&[BINARY, "relay", "--to", server], options].concat();
        cluster.exec((namespace, pod, OPERATOR), &command).await
    }
}

/// Host and port of a URL without its scheme, whose usual port is `usual`.
fn authority(rest: &str, usual: u16) -> Option<(&str, u16)> {
    let authority = rest.split('/').next()?;
    // The address of IPv6 is in brackets, and has colons of its own.
    match authority.rsplit_once(':').filter(|(host, _)| !host.starts_with('[') || host.ends_with(']')) {
        Some((host, port)) => Some((host, port.parse().ok()?)),
        None => Some((authority, usual)),
    }
}

/// Name and namespace of the Service in `NAME.NAMESPACE.svc[.cluster.local]`.
fn service_of(host: &str) -> Option<(&str, &str)> {
    let mut parts = host.split('.');
    let (name, namespace, svc) = (parts.next()?, parts.next()?, parts.next()?);
    (svc == "svc").then_some((name, namespace))
}

/// The Service that has this address in the cluster.
async fn by_address(cluster: &Cluster, address: &str) -> Option<Service> {
    let services: Vec<Service> = cluster.list(None, "").await.ok()?;
    services
        .into_iter()
        .find(|service| service.spec.as_ref().is_some_and(|spec| spec.cluster_ip.as_deref() == Some(address)))
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn named(pod: &Pod, name: &str) -> Option<u16> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
    let found = ports.find(|port| port.name.as_deref() == Some(name))?;
    u16::try_from(found.container_port).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_a_host_a_port_and_may_be_a_service() {
        let minio = Some(("minio", "backups"));
        for (endpoint, service, port) in [
            ("minio.backups.svc:9000", minio, Some(9000)),
            ("minio.backups.svc.cluster.local/", minio, Some(80)),
            ("minio.example.com", None, Some(80)),
            ("minio", None, Some(80)),
            ("minio:port", None, None),
            ("10.96.0.12:9000/x", None, Some(9000)),
            ("[fd00::1]:9000", None, Some(9000)),
            ("[fd00::1]/", None, Some(80)),
        ] {
            let found = authority(endpoint, 80);
            assert_eq!(found.map(|(_, port)| port), port, "{endpoint}");
            assert_eq!(found.and_then(|(host, _)| service_of(host)), service, "{endpoint}");
        }
    }
}
