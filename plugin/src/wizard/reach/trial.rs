//! A bucket tried out: listed, and a small object written, read back and deleted.

use std::time::Duration;

use archive::location::Location;
use archive::store::{self, Condition, ObjectStore, Patience};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;

use crate::context::Context;
use crate::human;

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Why a bucket could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Nobody answered: from elsewhere somebody may.
    Unreachable(String),
    /// An answer that is no.
    Refused(String),
}

/// Tries the bucket from this machine, with the credentials of the Secret.
pub async fn run(location: &Location, secret: Option<Secret>, context: &Context) -> Result<(), Problem> {
    match tokio::time::timeout(LIMIT, attempt(location, secret, context)).await {
        Ok(ended) => ended,
        Err(_) => Err(Problem::Unreachable(format!("no answer within {}", human::duration(LIMIT)))),
    }
}

async fn attempt(location: &Location, secret: Option<Secret>, context: &Context) -> Result<(), Problem> {
    let secret = secret.map(|secret| (secret.name_any(), secret.data.unwrap_or_default()));
    let named = secret.as_ref().map(|(name, data)| (name.as_str(), data));
    let access = location.access(named).map_err(|error| Problem::Refused(error.to_string()))?;
    let store = store::connect_with(location, &access, Patience::brief()).map_err(|error| told(&error))?;
    let random = context.environment.random();
    let name = u64::from_be_bytes(std::array::from_fn(|index| random[index]));
    try_out(&*store, &format!(".kubestash-preflight-{name:016x}")).await.map_err(|error| told(&error))
}

fn told(error: &store::Error) -> Problem {
    let text = without_tries(&error.to_string());
    match error {
        store::Error::Unreachable { .. } => Problem::Unreachable(text),
        _ => Problem::Refused(text),
    }
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
