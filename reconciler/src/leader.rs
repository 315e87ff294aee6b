//! Only one operator acts at a time: the holder of a Lease (coordination.k8s.io).
//!
//! The rules are those of client-go: a Lease is free when its holder gave it up, or when nobody renewed it for its
//! duration *as seen by the clock of the watcher*, whatever the times in it say. Who cannot renew in time stops
//! acting before another may start. Every write names the version it read, so that only one of two wins.

use std::fmt::{self, Display};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use snafu::Snafu;
use tokio::time::Instant;

use crate::cluster::{self, Cluster};
use crate::context;
use crate::shutdown::Shutdown;

/// Name of the Lease.
pub const LEASE: &str = "kubestash-operator";

/// For how long a Lease is good without renewal.
const DURATION: Duration = Duration::from_secs(15);

/// Who could not renew for this long has lost it.
const RENEW_DEADLINE: Duration = Duration::from_secs(10);

/// Pause between two looks.
const PERIOD: Duration = Duration::from_secs(2);

/// The Lease is lost.
#[derive(Debug, Snafu)]
pub enum Lost {
    /// Somebody else holds it.
    #[snafu(display("lost the Lease {LEASE:?} to {holder:?}"))]
    Taken {
        /// The other.
        holder: String,
    },
    /// It could not be renewed in time.
    #[snafu(display("failed to renew the Lease {LEASE:?} for {} s: {reason}", RENEW_DEADLINE.as_secs()))]
    NotRenewed {
        /// Why.
        reason: String,
    },
}

/// What is to be done about the Lease.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Create,
    Take,
    Renew,
    Wait,
}

/// The Lease as it was last seen, with the local time at which that version was first seen.
#[derive(Debug)]
struct Seen {
    version: Option<String>,
    since: Instant,
}

/// A candidate for the Lease.
#[derive(Debug)]
pub struct Candidate {
    cluster: Cluster,
    namespace: String,
    identity: String,
    seen: Option<Seen>,
    /// The Lease as this process wrote it last, while it holds it.
    held: Option<Lease>,
}

impl Display for Candidate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.identity)
    }
}

fn holder(lease: &Lease) -> &str {
    lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
}

fn duration(lease: &Lease) -> Duration {
    let seconds = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
    seconds.and_then(|seconds| u64::try_from(seconds).ok()).map_or(DURATION, Duration::from_secs)
}

/// What `identity` should do about the Lease whose version was first seen `unchanged_for` ago.
fn decide(lease: Option<&Lease>, identity: &str, unchanged_for: Duration) -> Step {
    match lease {
        None => Step::Create,
        Some(lease) if holder(lease) == identity => Step::Renew,
        Some(lease) if holder(lease).is_empty() || unchanged_for >= duration(lease) => Step::Take,
        Some(_) => Step::Wait,
    }
}

/// The Lease held by `identity` from `now` on. The version that was read stays in it.
fn held(lease: Option<Lease>, namespace: &str, identity: &str, now: Timestamp) -> Lease {
    let mut lease = lease.unwrap_or_else(|| Lease {
        metadata: ObjectMeta {
            name: Some(LEASE.to_owned()),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        spec: None,
    });
    let renewal = holder(&lease) == identity;
    let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
    if !renewal {
        spec.lease_transitions =
            Some(spec.lease_transitions.map_or(0, |transitions| transitions.saturating_add(1)));
        spec.acquire_time = Some(MicroTime(now));
    }
    spec.holder_identity = Some(identity.to_owned());
    spec.lease_duration_seconds = i32::try_from(DURATION.as_secs()).ok();
    spec.renew_time = Some(MicroTime(now));
    lease
}

impl Candidate {
    /// A candidate for the Lease in `namespace`. Two processes of one pod name differ by the time of their start.
    #[must_use]
    pub fn new(cluster: Cluster, namespace: String, pod: &str, started: Timestamp) -> Self {
        let identity = format!("{pod}_{:x}", started.as_nanosecond());
        Self { cluster, namespace, identity, seen: None, held: None }
    }

    /// Waits for the Lease; `false` when the process should stop before.
    pub async fn acquire(&mut self, shutdown: &Shutdown) -> bool {
        let mut waiting = false;
        loop {
            match self.look().await {
                Ok(Some(lease)) if holder(&lease) == self.identity => return true,
                Ok(lease) if !waiting => {
                    waiting = true;
                    let holder = lease.as_ref().map(holder).unwrap_or_default();
                    tracing::info!(holder, "waiting for the lease");
                }
                Ok(_) => {}
                Err(error) if error.is_conflict() => {}
                Err(error) => {
                    tracing::warn!(error = error.to_string(), "the lease cannot be read or written");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                () = shutdown.clone().requested() => return false,
            }
        }
    }

    /// Renews the Lease until it is lost.
    pub async fn hold(&mut self) -> Lost {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(PERIOD).await;
            let left = RENEW_DEADLINE.saturating_sub(renewed.elapsed());
            let reason = match tokio::time::timeout(left, self.look()).await {
                Ok(Ok(Some(lease))) if holder(&lease) == self.identity => {
                    renewed = Instant::now();
                    continue;
                }
                Ok(Ok(lease)) => {
                    return Lost::Taken { holder: lease.as_ref().map(holder).unwrap_or_default().to_owned() };
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer in time".to_owned(),
            };
            if renewed.elapsed() >= RENEW_DEADLINE {
                return Lost::NotRenewed { reason };
            }
        }
    }

    /// Gives the Lease up, so that the next need not wait for its end.
    pub async fn release(&mut self) -> Result<(), cluster::Error> {
        let Some(mut lease) = self.cluster.find::<Lease>(&self.namespace, LEASE).await? else {
            return Ok(());
        };
        if holder(&lease) != self.identity {
            return Ok(());
        }
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = Some(String::new());
            spec.lease_duration_seconds = Some(1);
        }
        self.cluster.replace(&lease).await.map(drop)
    }

    /// One look, and the write that follows from it. Gives the Lease as it is then.
    ///
    /// Who holds it need not read it first: a write upon what was written last fails when anybody else wrote.
    async fn look(&mut self) -> Result<Option<Lease>, cluster::Error> {
        if let Some(lease) = self.held.take() {
            let renewed = held(Some(lease), &self.namespace, &self.identity, context::now());
            match self.cluster.replace(&renewed).await {
                Ok(lease) => {
                    self.held = Some(lease.clone());
                    return Ok(Some(lease));
                }
                Err(error) if error.is_conflict() || error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        let lease = self.read_and_write().await?;
        self.held = lease.clone().filter(|lease| holder(lease) == self.identity);
        Ok(lease)
    }

    async fn read_and_write(&mut self) -> Result<Option<Lease>, cluster::Error> {
        let lease = self.cluster.find::<Lease>(&self.namespace, LEASE).await?;
        let version = lease.as_ref().and_then(|lease| lease.metadata.resource_version.clone());
        let now = Instant::now();
        let since = match &self.seen {
            Some(seen) if seen.version == version => seen.since,
            _ => now,
        };
        self.seen = Some(Seen { version, since });
        let step = decide(lease.as_ref(), &self.identity, now.duration_since(since));
        match step {
            Step::Wait => Ok(lease),
            Step::Create => {
                self.cluster.create(&held(None, &self.namespace, &self.identity, context::now())).await
            }
            Step::Take | Step::Renew => {
                let lease = held(lease, &self.namespace, &self.identity, context::now());
                self.cluster.replace(&lease).await.map(Some)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(holder: &str) -> Lease {
        let spec = LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(15),
            lease_transitions: Some(3),
            ..LeaseSpec::default()
        };
        Lease { metadata: ObjectMeta::default(), spec: Some(spec) }
    }

    #[test]
    fn a_lease_is_taken_only_when_it_is_free() {
        let seconds = Duration::from_secs;
        for (case, lease, unchanged_for, step) in [
            ("none yet", None, seconds(0), Step::Create),
            ("mine", Some(lease("me")), seconds(0), Step::Renew),
            ("mine, long not renewed", Some(lease("me")), seconds(60), Step::Renew),
            ("given up", Some(lease("")), seconds(0), Step::Take),
            ("another's, renewed lately", Some(lease("you")), seconds(14), Step::Wait),
            ("another's, not renewed any more", Some(lease("you")), seconds(15), Step::Take),
        ] {
            assert_eq!(decide(lease.as_ref(), "me", unchanged_for), step, "{case}");
        }
    }

    #[test]
    fn a_change_of_hands_is_counted_and_a_renewal_is_not() {
        let now = Timestamp::from_second(1_000).expect("in range");
        for (before, transitions, acquired) in [("you", 4, true), ("me", 3, false)] {
            let spec = held(Some(lease(before)), "kubestash", "me", now).spec.expect("filled in");
            assert_eq!(spec.lease_transitions, Some(transitions));
            assert_eq!(spec.acquire_time.is_some(), acquired);
            assert_eq!(spec.renew_time, Some(MicroTime(now)));
            assert_eq!(spec.holder_identity.as_deref(), Some("me"));
        }
    }

    #[test]
    fn one_stops_before_another_may_start() {
        assert!(RENEW_DEADLINE + PERIOD < DURATION);
    }
}
