//! Waiting for the cluster by a watch: until a collection looks as it should, or the time is over.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt as _, pin_mut};
use http::Request;
use kube::core::WatchEvent;
use serde::Deserialize;
use serde_json::Value;

use crate::api::{self, Api, JSON};

/// How long one watch lasts before it is begun anew. Shorter than what proxies usually cut off.
const LASTS: Duration = Duration::from_mins(1);
/// Before a watch that was refused, or ended with nothing, is begun anew.
const PAUSE: Duration = Duration::from_secs(1);

/// What of an object is needed to know it.
#[derive(Clone, Debug, Deserialize)]
struct Seen {
    metadata: Metadata,
    #[serde(default)]
    status: Value,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    uid: String,
}

/// An object of a collection.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Its uid.
    pub uid: String,
    /// Its `status`.
    pub status: Value,
}

/// All objects of a collection, by name.
pub type Collection = BTreeMap<String, Observed>;

#[derive(Deserialize)]
struct List {
    metadata: ListMeta,
    #[serde(default)]
    items: Vec<Seen>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta {
    #[serde(default)]
    resource_version: String,
}

/// Watches the collection at `path` (with an optional query that selects fields, begun by `?`) until `done` says that it
/// is as it should be, at most `within`. Whether it became so.
pub async fn until(
    api: &Api,
    path: &str,
    within: Duration,
    done: impl Fn(&Collection) -> bool + Send,
) -> Result<bool, api::Error> {
    match tokio::time::timeout(within, follow(api, path, done)).await {
        Ok(Ok(())) => Ok(true),
        Ok(Err(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

async fn follow(api: &Api, path: &str, done: impl Fn(&Collection) -> bool + Send) -> Result<(), api::Error> {
    let separator = if path.contains('?') { '&' } else { '?' };
    loop {
        let list: List = api.get_json(path, JSON).await?;
        let mut collection: Collection = list.items.into_iter().map(observed).collect();
        if done(&collection) {
            return Ok(());
        }
        let version = api::encoded(&list.metadata.resource_version);
        let seconds = LASTS.as_secs();
        let watch = format!("{path}{separator}watch=1&resourceVersion={version}&timeoutSeconds={seconds}");
        match events(api, &watch, &mut collection, &done).await {
            Ended::Done => return Ok(()),
            // A watch ends by itself, or because its beginning is too long ago: then the list is read again.
            Ended::Later => {}
            Ended::AtOnce => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// How a watch ended.
enum Ended {
    Done,
    /// After it had brought something.
    Later,
    /// With nothing.
    AtOnce,
}

async fn events(
    api: &Api,
    path: &str,
    collection: &mut Collection,
    done: &(impl Fn(&Collection) -> bool + Send),
) -> Ended {
    let Ok(request) = Request::get(path).body(Vec::new()) else { return Ended::AtOnce };
    let Ok(events) = api.client().request_events::<Seen>(request).await else { return Ended::AtOnce };
    pin_mut!(events);
    let mut ended = Ended::AtOnce;
    while let Some(Ok(event)) = events.next().await {
        match event {
            WatchEvent::Added(seen) | WatchEvent::Modified(seen) => {
                let (name, seen) = observed(seen);
                collection.insert(name, seen);
            }
            WatchEvent::Deleted(seen) => {
                collection.remove(&seen.metadata.name);
            }
            WatchEvent::Bookmark(_) => {}
            WatchEvent::Error(_) => return ended,
        }
        if done(collection) {
            return Ended::Done;
        }
        ended = Ended::Later;
    }
    ended
}

fn observed(seen: Seen) -> (String, Observed) {
    let Metadata { name, uid } = seen.metadata;
    (name, Observed { uid, status: seen.status })
}
