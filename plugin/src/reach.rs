//! Is the bucket there, and do the credentials open it? Always told from where: a bucket that pods reach need not be
//! reachable from a laptop. A small object is written, read back and deleted; nothing is left behind.

pub mod tunnel;

use std::cell::Cell;
use std::time::Duration;

use archive::location::Location;
use archive::store::{self, Condition, ObjectStore, Patience};
use crds::storage::BackupStorage;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use serde::de::DeserializeOwned;

use self::tunnel::Tunnel;
use crate::cluster::Cluster;
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::human;
use crate::object::Object;
use crate::repository::store_failure;
use crate::setup::storage::Meant;
use crate::story::Glyph;
use crate::streams::Streams;

/// How long a check may take, until it cleans up after itself.
const LIMIT: Duration = Duration::from_secs(20);

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Written, read back and deleted, from here.
    Works,
    /// Only pods reach it: the operator will tell.
    Unknown,
    /// Why not.
    Fails(String),
}

/// A way from this machine to a storage.
#[derive(Debug)]
pub struct Way {
    /// From where, in words.
    pub from: String,
    location: Location,
    /// Open as long as the way is.
    _tunnel: Option<Tunnel>,
}

impl Way {
    /// Finds the way; otherwise why a try from here says nothing about pods. `own_identity` is that of pods, without a
    /// Secret.
    pub async fn to(
        mut location: Location,
        own_identity: bool,
        cluster: &Cluster,
    ) -> Result<Self, &'static str> {
        if own_identity {
            return Err("the identity is that of pods");
        }
        let mut way = None;
        match &mut location {
            Location::Local => return Err("it is a volume of the cluster"),
            Location::S3(s3) if is_inside(&s3.endpoint) => {
                let tunnel = tunnel::open(cluster, &s3.endpoint).await;
                let tunnel = tunnel.ok_or("its name is known only inside the cluster")?;
                s3.endpoint.clone_from(&tunnel.endpoint);
                way = Some(tunnel);
            }
            Location::S3(_) | Location::Gcs(_) | Location::Azure(_) => {}
        }
        let from = way.as_ref().map_or_else(
            || "this machine".to_owned(),
            |tunnel| format!("the cluster (port-forward to pod {})", tunnel.pod),
        );
        Ok(Self { from, location, _tunnel: way })
    }

    /// Writes, reads back and deletes a small object; otherwise what is wrong, told as that of `what`.
    pub async fn try_out(
        &self,
        secret: Option<Secret>,
        what: &str,
        context: &Context,
    ) -> Result<(), Failure> {
        // On the heap: a request with its retries is large.
        Box::pin(attempt(&self.location, secret, what, context)).await
    }
}

/// Checks a storage that does not exist yet, and tells what it found.
pub async fn check(
    cluster: &Cluster,
    meant: &Meant,
    context: &Context,
    streams: &mut Streams<'_>,
) -> Result<Reach, Failure> {
    let objects = meant.objects()?;
    let Some(storage) = typed::<BackupStorage>(&objects) else { return Ok(Reach::Unknown) };
    let Some(location) = storage.spec.storage.as_ref().and_then(|backend| Location::of(backend).ok()) else {
        return Ok(Reach::Unknown);
    };
    let what = meant.spoken();
    if context.environment.is_read_only() {
        streams
            .story
            .line(Glyph::Here, &format!("{what} is not checked: read-only mode writes no test object"));
        return Ok(Reach::Unknown);
    }
    let plain = matches!(&location, Location::S3(s3) if s3.endpoint.starts_with("http://"));
    let way = match Way::to(location, meant.uses_own_identity(), cluster).await {
        Ok(way) => way,
        Err(reason) => {
            let then = "the operator checks it once it is applied";
            let text = format!("{what} is not checked from this machine: {reason}; {then}");
            streams.story.line(Glyph::Here, &text);
            return Ok(Reach::Unknown);
        }
    };
    let secret = match meant.existing_secret() {
        Some(name) => cluster.get::<Secret>(Some(&meant.namespace), name).await?,
        None => typed::<Secret>(&objects),
    };
    streams.story.line(Glyph::Waiting, &format!("checking {what}   from: {}", way.from));
    let started = context.environment.now();
    if let Err(failure) = way.try_out(secret, &what, context).await {
        let why: Vec<&str> =
            failure.rows().filter(|(label, _)| *label == "why").map(|(_, why)| why).collect();
        return Ok(Reach::Fails(why.join("; ")));
    }
    let took = human::between(started, context.environment.now());
    let done = "connected, authenticated, listed, wrote, read back and deleted a test object";
    streams.story.line(Glyph::Done, &format!("{done} ({})", human::duration(took)));
    if plain {
        streams.story.line(
            Glyph::Warning,
            "plain http: backups are encrypted, the YAML of KubeStash's own objects is not",
        );
    }
    Ok(Reach::Works)
}

/// Whether the host of a URL is a Service of Kubernetes.
fn is_inside(endpoint: &str) -> bool {
    let host = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    matches!(host.split('.').collect::<Vec<_>>().as_slice(), [_, _, "svc"] | [.., "cluster", "local"])
}

async fn attempt(
    location: &Location,
    secret: Option<Secret>,
    what: &str,
    context: &Context,
) -> Result<(), Failure> {
    let headline = format!("could not use {what}");
    let unusable = |why: String| Failure::new(Code::StorageUnusable, headline.clone()).why(why);
    let secret = secret.map(|secret| (secret.name_any(), secret.data.unwrap_or_default()));
    let named = secret.as_ref().map(|(name, data)| (name.as_str(), data));
    let access = location.access(named).map_err(|error| unusable(error.to_string()))?;
    let store = store::connect_with(location, &access, Patience::brief())
        .map_err(|error| unusable(error.to_string()))?;
    let random = context.environment.random();
    let name = u64::from_be_bytes(std::array::from_fn(|index| random[index]));
    let tried = try_out(&*store, &format!(".kubestash-preflight-{name:016x}")).await;
    match tried {
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

fn typed<K: kube::Resource<DynamicType = ()> + DeserializeOwned>(objects: &[Object]) -> Option<K> {
    let object = objects.iter().find(|object| object.kind.kind == K::kind(&()))?;
    serde_json::from_value(object.body.clone()).ok()
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
}
