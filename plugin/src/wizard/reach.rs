//! Is the bucket there, and do the credentials open it? Asked before anything is written, and always told from where: a
//! bucket that pods reach need not be reachable from a laptop.

use std::time::Duration;

use archive::location::Location;
use archive::store::{self, Condition, ObjectStore, Patience};
use crds::storage::BackupStorage;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use serde::de::DeserializeOwned;

use super::tunnel;
use crate::cluster::Cluster;
use crate::context::Context;
use crate::failure::Failure;
use crate::human;
use crate::object::Object;
use crate::setup::storage::Meant;
use crate::story::Glyph;
use crate::streams::Streams;

/// How long all of the check may take.
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

/// Checks a storage that does not exist yet, and tells what it found.
pub async fn check(
    cluster: &Cluster,
    meant: &Meant,
    context: &Context,
    streams: &mut Streams<'_>,
) -> Result<Reach, Failure> {
    let objects = meant.objects()?;
    let Some(storage) = typed::<BackupStorage>(&objects) else { return Ok(Reach::Unknown) };
    let Some(mut location) = storage.spec.storage.as_ref().and_then(|backend| Location::of(backend).ok())
    else {
        return Ok(Reach::Unknown);
    };
    let what = meant.spoken();
    if context.environment.is_read_only() {
        streams
            .story
            .line(Glyph::Here, &format!("{what} is not checked: read-only mode writes no test object"));
        return Ok(Reach::Unknown);
    }
    let tunnel = match &location {
        Location::S3(s3) if is_inside(&s3.endpoint) => tunnel::open(cluster, &s3.endpoint).await,
        _ => None,
    };
    let plain = matches!(&location, Location::S3(s3) if s3.endpoint.starts_with("http://"));
    let mut from = "this machine".to_owned();
    if let (Location::S3(s3), Some(tunnel)) = (&mut location, &tunnel) {
        s3.endpoint.clone_from(&tunnel.endpoint);
        from = format!("the cluster (port-forward to pod {})", tunnel.pod);
    }
    if let Some(reason) = out_of_reach(&location, meant.uses_own_identity()) {
        streams.story.line(Glyph::Here, &format!("{what} is not checked from this machine: {reason}"));
        return Ok(Reach::Unknown);
    }
    let secret = match meant.existing_secret() {
        Some(name) => cluster.get::<Secret>(Some(&meant.namespace), name).await?,
        None => typed::<Secret>(&objects),
    };
    streams.story.line(Glyph::Waiting, &format!("checking {what}   from: {from}"));
    let started = context.environment.now();
    let tried = tokio::time::timeout(LIMIT, attempt(&location, secret, context)).await;
    let reach = match tried {
        Ok(Ok(())) => Reach::Works,
        Ok(Err(reason)) => Reach::Fails(without_tries(&reason)),
        Err(_) => Reach::Fails(format!("no answer within {}", human::duration(LIMIT))),
    };
    if reach == Reach::Works {
        let took = human::between(started, context.environment.now());
        let done = "connected, authenticated, listed, wrote, read back and deleted a test object";
        streams.story.line(Glyph::Done, &format!("{done} ({})", human::duration(took)));
        if plain {
            streams.story.line(
                Glyph::Warning,
                "plain http: backups are encrypted, the YAML of KubeStash's own objects is not",
            );
        }
    }
    Ok(reach)
}

/// Why a check from here says nothing about pods.
fn out_of_reach(location: &Location, own_identity: bool) -> Option<&'static str> {
    if own_identity {
        return Some("the identity is that of pods; the operator checks it once it is applied");
    }
    match location {
        Location::Local => Some("it is a volume of the cluster; the operator checks it once it is applied"),
        Location::S3(s3) if is_inside(&s3.endpoint) => {
            Some("its name is known only inside the cluster; the operator checks it once it is applied")
        }
        Location::S3(_) | Location::Gcs(_) | Location::Azure(_) => None,
    }
}

/// Whether the host of a URL is a Service of Kubernetes.
fn is_inside(endpoint: &str) -> bool {
    let host = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    matches!(host.split('.').collect::<Vec<_>>().as_slice(), [_, _, "svc"] | [.., "cluster", "local"])
}

async fn attempt(location: &Location, secret: Option<Secret>, context: &Context) -> Result<(), String> {
    let secret = secret.map(|secret| (secret.name_any(), secret.data.unwrap_or_default()));
    let named = secret.as_ref().map(|(name, data)| (name.as_str(), data));
    let access = location.access(named).map_err(|error| error.to_string())?;
    let store =
        store::connect_with(location, &access, Patience::brief()).map_err(|error| error.to_string())?;
    let random = context.environment.random();
    let name = u64::from_be_bytes(std::array::from_fn(|index| random[index]));
    try_out(&*store, &format!(".kubestash-preflight-{name:016x}")).await.map_err(|error| error.to_string())
}

/// Leaves out ` (3 tries in 7 s)`, which differs each time.
fn without_tries(text: &str) -> String {
    match text.rsplit_once(" (") {
        Some((cause, effort)) if effort.contains(" tries in ") => cause.to_owned(),
        _ => text.to_owned(),
    }
}

async fn try_out(store: &dyn ObjectStore, key: &str) -> Result<(), store::Error> {
    store.list(key).await?;
    let content: &'static [u8] = b"kubectl kubestash was here, and removes this";
    store.put(key, content.into(), "text/plain", Condition::Absent).await?;
    let read = store.get(key).await;
    // What was written goes whether or not it could be read.
    store.delete(key).await?;
    read.map(drop)
}

fn typed<K: kube::Resource<DynamicType = ()> + DeserializeOwned>(objects: &[Object]) -> Option<K> {
    let object = objects.iter().find(|object| object.kind.kind == K::kind(&()))?;
    serde_json::from_value(object.body.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
