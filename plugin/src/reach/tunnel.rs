//! A way to a Service of the cluster that leaves nothing behind: a port of this machine, forwarded to one of its pods.

use std::net::{IpAddr, Ipv4Addr};

use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::cluster::Cluster;

/// Open while it lives.
#[derive(Debug)]
pub struct Tunnel {
    /// URL on this machine that leads to the Service.
    pub endpoint: String,
    /// The pod it leads to.
    pub pod: String,
    task: JoinHandle<()>,
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Opens a way to the Service that a plain `http` URL names, or whose address in the cluster it holds. `None` where there is none: another kind of URL, no pod, no
/// right to forward. With TLS the certificate would not fit this machine's address.
pub async fn open(cluster: &Cluster, endpoint: &str) -> Option<Tunnel> {
    let (host, port) = authority(endpoint)?;
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
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.ok()?;
    let endpoint = format!("http://{}", listener.local_addr().ok()?);
    let place = (namespace, pod.clone());
    let task = tokio::spawn(serve(listener, cluster.clone(), place, port));
    Some(Tunnel { endpoint, pod, task })
}

async fn serve(listener: TcpListener, cluster: Cluster, (namespace, pod): (String, String), port: u16) {
    while let Ok((connection, _)) = listener.accept().await {
        let (cluster, namespace, pod) = (cluster.clone(), namespace.clone(), pod.clone());
        tokio::spawn(async move { pass_on(connection, &cluster, (&namespace, &pod), port).await });
    }
}

async fn pass_on(mut connection: TcpStream, cluster: &Cluster, pod: (&str, &str), port: u16) {
    if let Some(mut stream) = cluster.forward(pod, port).await {
        // How a connection ends is the business of its two ends.
        let _ = tokio::io::copy_bidirectional(&mut connection, &mut stream).await;
    }
}

/// Host and port of a plain `http` URL.
fn authority(endpoint: &str) -> Option<(&str, u16)> {
    let authority = endpoint.strip_prefix("http://")?.split('/').next()?;
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    Some((host, port.parse().ok()?))
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
    fn only_plain_http_to_a_service_can_be_forwarded() {
        let minio = Some(("minio", "backups"));
        for (endpoint, service, port) in [
            ("http://minio.backups.svc:9000", minio, Some(9000)),
            ("http://minio.backups.svc.cluster.local/", minio, Some(80)),
            ("https://minio.backups.svc:9000", None, None),
            ("http://minio.example.com", None, Some(80)),
            ("http://minio", None, Some(80)),
            ("http://10.96.0.12:9000/x", None, Some(9000)),
        ] {
            let found = authority(endpoint);
            assert_eq!(found.map(|(_, port)| port), port, "{endpoint}");
            assert_eq!(found.and_then(|(host, _)| service_of(host)), service, "{endpoint}");
        }
    }
}
