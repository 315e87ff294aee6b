//! The way to a bucket: straight from this machine, or through a pod of the cluster; and a try of it.

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use archive::access::Access;
use archive::location::Location;
use archive::store::{self, Condition, ObjectStore, Patience};
use clap::ValueEnum;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;

use super::tunnel::{self, Tunnel};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::human;
use crate::repository::store_failure;

/// How long a try may take, until it cleans up after itself.
const LIMIT: Duration = Duration::from_secs(20);

/// From where a bucket is tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Origin {
    /// Through the cluster where only pods can reach it, else from this machine.
    #[default]
    Auto,
    /// From this machine.
    Local,
    /// Through the cluster: by a port-forward to the Service of the endpoint, or through the operator's pod.
    Cluster,
    /// Not at all.
    None,
}

/// A way to a bucket.
#[derive(Debug)]
pub struct Way {
    /// From where, in words.
    pub from: String,
    location: Location,
    /// Open as long as the way is.
    tunnel: Option<Tunnel>,
    /// Whether the server at its end is called by its own name, not by that of this machine.
    is_relayed: bool,
}

impl Way {
    /// Finds the way that was asked for, or that fits the endpoint; otherwise why there is none that says anything about
    /// pods. `own_identity` is that of pods, without a Secret.
    pub async fn to(location: &Location, origin: Origin, cluster: &Cluster) -> Result<Self, &'static str> {
        const NO_WAY: &str = "no port could be forwarded to a pod of it, and no operator's pod passes it on";
        const NO_NAME: &str =
            "its name is known only inside the cluster, where no pod could be used to reach it";
        match (location, origin) {
            (Location::Local, _) => Err("it is a volume of the cluster"),
            (_, Origin::None) => Err("nobody asked for it"),
            (Location::S3(s3), Origin::Auto) if is_inside(&s3.endpoint) => {
                Self::inside(location, cluster).await.ok_or(NO_NAME)
            }
            (_, Origin::Cluster) => Self::inside(location, cluster).await.ok_or(NO_WAY),
            (_, Origin::Auto | Origin::Local) => Ok(Self {
                from: "this machine".to_owned(),
                location: location.clone(),
                tunnel: None,
                is_relayed: false,
            }),
        }
    }

    /// Through the cluster: to a pod of the Service that the endpoint names, or through the operator's pod.
    pub async fn inside(location: &Location, cluster: &Cluster) -> Option<Self> {
        let Location::S3(s3) = location else { return None };
        if let Some(tunnel) = tunnel::open(cluster, &s3.endpoint).await {
            let mut s3 = s3.clone();
            s3.endpoint = format!("http://{}", tunnel.address);
            let from = format!("the cluster (port-forward to pod {})", tunnel.pod);
            return Some(Self { from, location: Location::S3(s3), tunnel: Some(tunnel), is_relayed: false });
        }
        let tunnel = tunnel::relay(cluster, &s3.endpoint).await?;
        let from = format!("the cluster (through the operator's pod {})", tunnel.pod);
        Some(Self { from, location: location.clone(), tunnel: Some(tunnel), is_relayed: true })
    }

    /// Whether it leads through no pod, to an address that may mean something else to pods, or to a name that says nothing
    /// here.
    pub async fn may_miss(&self) -> bool {
        match &self.location {
            Location::S3(s3) if self.tunnel.is_none() => {
                is_private(&s3.endpoint) || tokio::net::lookup_host((host(&s3.endpoint), 0)).await.is_err()
            }
            _ => false,
        }
    }

    /// The bucket at its end, for as long as the way is kept.
    pub fn store(&self, access: &Access) -> Result<Arc<dyn ObjectStore>, store::Error> {
        match self.tunnel.as_ref().filter(|_| self.is_relayed) {
            Some(tunnel) => store::connect_through(&self.location, access, Patience::brief(), tunnel.address),
            None => store::connect_with(&self.location, access, Patience::brief()),
        }
    }

    /// Writes, reads back and deletes a small object; otherwise what is wrong, told as that of `what`.
    pub async fn try_out(
        &self,
        secret: Option<Secret>,
        what: &str,
        context: &Context,
    ) -> Result<(), Failure> {
        // On the heap: a request with its retries is large.
        Box::pin(attempt(self, secret, what, context)).await
    }
}

async fn attempt(way: &Way, secret: Option<Secret>, what: &str, context: &Context) -> Result<(), Failure> {
    let headline = format!("could not use {what}");
    let unusable = |why: String| Failure::new(Code::StorageUnusable, headline.clone()).why(why);
    let secret = secret.map(|secret| (secret.name_any(), secret.data.unwrap_or_default()));
    let named = secret.as_ref().map(|(name, data)| (name.as_str(), data));
    let access = way.location.access(named).map_err(|error| unusable(error.to_string()))?;
    let store = way.store(&access).map_err(|error| unusable(error.to_string()))?;
    let random = context.environment.random();
    let name = u64::from_be_bytes(std::array::from_fn(|index| random[index]));
    match try_out(&*store, &format!(".kubestash-preflight-{name:016x}")).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(unusable("what was read is not what was written".into())),
        Err(Some(error)) => Err(store_failure(&error, &headline)),
        Err(None) => Err(Failure::new(Code::StorageUnreachable, headline.clone())
            .why(format!("no answer within {}", human::duration(LIMIT)))),
    }
}

/// Whether what was written is what is read. Fails with nothing where no answer came in time.
async fn try_out(store: &dyn ObjectStore, key: &str) -> Result<bool, Option<store::Error>> {
    let begun = Cell::new(false);
    let looked = tokio::time::timeout(LIMIT, look(store, key, &begun)).await;
    // What may have been written goes, whatever came after it.
    let deleted = if begun.get() { store.delete(key).await } else { Ok(()) };
    let same = looked.map_err(|_| None)?.map_err(Some)?;
    deleted.map_err(Some)?;
    Ok(same)
}

/// Lists, writes and reads; `begun` says whether something may have been written.
async fn look(store: &dyn ObjectStore, key: &str, begun: &Cell<bool>) -> Result<bool, store::Error> {
    store.list(key).await?;
    let content: &'static [u8] = b"kubectl kubestash was here, and removes this";
    begun.set(true);
    let written = store.put(key, content.into(), "text/plain", Condition::Absent).await;
    // A refusal is an answer, and silence is none.
    begun.set(matches!(written, Ok(()) | Err(store::Error::Unreachable { .. })));
    written?;
    Ok(store.get(key).await?.content == content)
}

/// The host of a URL.
fn host(endpoint: &str) -> &str {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// Whether the host of a URL is a Service of Kubernetes.
fn is_inside(endpoint: &str) -> bool {
    matches!(
        host(endpoint).split('.').collect::<Vec<_>>().as_slice(),
        [_, _, "svc"] | [.., "cluster", "local"]
    )
}

/// Whether the host of a URL is an address that means something else in every network.
fn is_private(endpoint: &str) -> bool {
    match host(endpoint).parse() {
        Ok(IpAddr::V4(address)) => {
            let [first, second, ..] = address.octets();
            // RFC 1918, and what providers share among their own (RFC 6598).
            address.is_private() || (first == 100 && (64..128).contains(&second))
        }
        Ok(IpAddr::V6(address)) => address.is_unique_local(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use archive::store::Reliable;
    use archive::store::memory::Memory;
    use jiff::Timestamp;

    use super::*;

    #[tokio::test]
    async fn a_try_leaves_nothing_behind() {
        let store = Reliable::new(Memory::new(Timestamp::UNIX_EPOCH), Patience::brief());
        assert!(try_out(&store, ".kubestash-preflight-1").await.unwrap());
        assert!(store.transport().objects().is_empty());
    }

    #[tokio::test]
    async fn an_object_of_somebody_else_is_neither_overwritten_nor_deleted() {
        let store = Reliable::new(Memory::new(Timestamp::UNIX_EPOCH), Patience::brief());
        let theirs: &'static [u8] = b"theirs";
        store.put("key", theirs.into(), "text/plain", Condition::Always).await.unwrap();
        assert!(matches!(try_out(&store, "key").await, Err(Some(store::Error::AlreadyExists { .. }))));
        assert_eq!(store.get("key").await.unwrap().content, theirs);
    }

    #[test]
    fn only_names_of_services_are_inside_the_cluster() {
        for (endpoint, inside) in [
            ("http://minio.minio.svc:9000", true),
            ("https://s3.storage.svc.cluster.local", true),
            ("https://s3.amazonaws.com", false),
            ("http://198.18.0.1:7070", false),
            ("https://svc.example.com/x.svc", false),
        ] {
            assert_eq!(is_inside(endpoint), inside, "{endpoint}");
        }
    }

    #[test]
    fn addresses_of_private_networks_may_be_those_of_the_cluster() {
        for (endpoint, private) in [
            ("http://10.96.0.12:9000", true),
            ("https://192.168.1.2", true),
            ("http://100.64.0.1", true),
            ("http://[fd00::1]:9000/", true),
            ("http://127.0.0.1:9000", false),
            ("http://100.128.0.1", false),
            ("https://10.example.com", false),
        ] {
            assert_eq!(is_private(endpoint), private, "{endpoint}");
        }
    }
}
