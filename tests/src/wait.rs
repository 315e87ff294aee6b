//! Waiting by watch for what the API server says, with the last thing seen in the message when it never comes.

use std::fmt::Debug;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use kube::api::Api;
use kube::runtime::{WatchStreamExt, watcher};
use serde::de::DeserializeOwned;

/// Waits until `check` says [`Ok`] of the object `name`; what it says in `Err` is the reason shown on time-out.
///
/// # Panics
/// When `limit` has passed; the message holds the last reason and the last object.
#[expect(clippy::panic, reason = "a story that waits in vain has failed")]
pub async fn until<K, T, F>(api: Api<K>, name: &str, limit: Duration, check: F) -> T
where
    K: kube::Resource + Clone + Debug + DeserializeOwned + Send + 'static,
    F: Fn(Option<&K>) -> Result<T, String>,
{
    let mut last = String::from("nothing was seen");
    let mut shown = String::new();
    let waiting = async {
        let mut seen = watcher::watch_object(api, name).boxed();
        while let Some(object) = seen.try_next().await.unwrap_or(None) {
            shown = format!("{object:#?}");
            match check(object.as_ref()) {
                Ok(value) => return Some(value),
                Err(reason) => last = reason,
            }
        }
        None
    };
    if let Ok(Some(value)) = tokio::time::timeout(limit, waiting).await {
        return value;
    }
    panic!("waited {limit:?} for \"{name}\" in vain: {last}\nlast seen: {shown}");
}

/// Waits until any object that `api` lists makes `check` say `Some`.
///
/// # Panics
/// When `limit` has passed.
#[expect(clippy::panic, reason = "a story that waits in vain has failed")]
pub async fn until_any<K, T, F>(api: Api<K>, what: &str, limit: Duration, check: F) -> T
where
    K: kube::Resource + Clone + Debug + DeserializeOwned + Send + 'static,
    F: Fn(&K) -> Option<T>,
{
    let waiting = async {
        let mut seen = watcher(api, watcher::Config::default()).default_backoff().applied_objects().boxed();
        while let Some(object) = seen.next().await {
            if let Some(value) = object.ok().as_ref().and_then(&check) {
                return Some(value);
            }
        }
        None
    };
    match tokio::time::timeout(limit, waiting).await {
        Ok(Some(value)) => value,
        _ => panic!("waited {limit:?} for {what} in vain"),
    }
}
