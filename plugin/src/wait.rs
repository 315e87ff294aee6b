//! Waiting for an object to come into a state: by a watch, with a limit, and interruptible.

use std::time::Duration;

use futures::{Stream, StreamExt as _};
use kube::runtime::watcher;
use tokio::time::Instant;

use crate::cluster::{Asked, Cluster, Error};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::signals;

/// What a look at an object tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<T> {
    /// The state was reached.
    Reached(T),
    /// Not yet, and why not.
    NotYet(String),
    /// Not yet, for a definite cause; it may still go away by itself, but a person need not wait for that.
    Stuck(Failure),
    /// It never will be reached without a change by somebody.
    Never(Failure),
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waited<T> {
    Reached(T),
    /// The limit passed; the last known reason.
    TimedOut(String),
    /// Ctrl-C or SIGTERM.
    Interrupted(Exit),
}

/// How long a definite cause may last before it is told: what was written a moment ago may be read a moment later.
const PATIENCE: Duration = Duration::from_secs(5);

/// Follows a stream of objects until `judge` is content. `judge` is given each new state; `None` is an object that does
/// not exist, which is a reason to wait and no error.
pub async fn until<K, T>(
    objects: impl Stream<Item = Result<Option<K>, watcher::Error>>,
    (cluster, asked): (&Cluster, Asked),
    limit: Option<Duration>,
    mut judge: impl FnMut(Option<&K>) -> Verdict<T>,
) -> Result<Waited<T>, Failure> {
    let mut objects = std::pin::pin!(objects);
    let mut reason = "nothing is known yet".to_owned();
    let mut stuck: Option<(Failure, Instant)> = None;
    let mut limit = std::pin::pin!(passed(limit));
    let mut interrupted = std::pin::pin!(signals::interrupted());
    loop {
        let until = stuck.as_ref().map(|(_, until)| *until);
        tokio::select! {
            exit = &mut interrupted => return Ok(Waited::Interrupted(exit)),
            () = &mut limit => return Ok(Waited::TimedOut(reason)),
            () = reached(until) => if let Some((failure, _)) = stuck.take() {
                return Err(failure);
            },
            next = objects.next() => match next {
                Some(Ok(object)) => match judge(object.as_ref()) {
                    Verdict::Reached(value) => return Ok(Waited::Reached(value)),
                    Verdict::NotYet(why) => (reason, stuck) = (why, None),
                    Verdict::Stuck(failure) => {
                        let until = stuck.map_or_else(|| Instant::now() + PATIENCE, |(_, until)| until);
                        stuck = Some((failure, until));
                    }
                    Verdict::Never(failure) => return Err(failure),
                },
                Some(Err(error)) => refused(cluster, &asked, error)?,
                None => return Ok(Waited::TimedOut(reason)),
            },
        }
    }
}

/// Resolves when the limit has passed; never without one.
pub async fn passed(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

async fn reached(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// A watch that may never succeed is a failure; anything else is tried again by the watcher.
pub fn refused(cluster: &Cluster, asked: &Asked, error: watcher::Error) -> Result<(), Failure> {
    let source = match error {
        watcher::Error::InitialListFailed(source) | watcher::Error::WatchStartFailed(source) => source,
        watcher::Error::WatchError(_)
        | watcher::Error::WatchFailed(_)
        | watcher::Error::NoResourceVersion => return Ok(()),
    };
    match &source {
        kube::Error::Api(status) if matches!(status.code, 401 | 403 | 404) => {}
        kube::Error::Auth(_) => {}
        _ => return Ok(()),
    }
    Err(Error::Refused {
        asked: asked.clone(),
        context: cluster.context().to_owned(),
        source: Box::new(source),
    }
    .into())
}
