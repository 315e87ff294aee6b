//! One size of the bench: a BackupConfiguration of the whole cluster, run and measured.

use std::time::{Duration, Instant};

use crds::core::{BackupConfiguration, BackupSession};
use crds::storage::Snapshot;
use harness::cluster::Cluster;
use harness::namespace::Namespace;
use harness::wait;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, LogParams};
use serde_json::Value;

use crate::floor::Floor;

const LONG: Duration = Duration::from_mins(5);
const CONFIGURATION: &str = include_str!("configuration.yaml");

pub const HEADER: &str =
    "objects  run        floor     job      job/floor  over 2.5x+1.5s  session   peak memory  bucket";

pub struct Bench {
    pub namespace: Namespace,
}

impl Bench {
    /// A namespace with storage and a configuration whose initial backup is not counted: it is removed again.
    pub async fn prepare(cluster: &Cluster, size: usize) -> Self {
        let namespace = Namespace::create(cluster, &format!("measured-{size}")).await;
        // By its address: pods and this machine reach it alike, as they do a bucket of a provider.
        let configuration = CONFIGURATION.replace("ENDPOINT", &cluster.environment.s3_host_endpoint);
        namespace.apply(&configuration).await;
        wait::until(namespace.api::<BackupConfiguration>(), "cluster", LONG, |configuration| {
            let status = configuration.and_then(|configuration| configuration.status.as_ref());
            let phase = status.and_then(|status| status.phase.as_ref()).map(ToString::to_string);
            if phase.as_deref() == Some("Ready") { Ok(()) } else { Err(format!("phase is {phase:?}")) }
        })
        .await;
        Self { namespace }
    }

    /// The line of one run: the initial backup for `first`, a triggered one after it.
    pub async fn measure(&self, round: &str, floor: &Floor) -> String {
        let size_before = self.namespace.bucket().size();
        let began = Instant::now();
        let known = if round == "first" { Vec::new() } else { self.trigger().await };
        let session = self.completed(&known).await;
        let wall = if round == "first" { Duration::ZERO } else { began.elapsed() };
        let work = self.work(&session).await;
        let growth = self.namespace.bucket().size() - size_before;
        let (job, floor_time) = (work.duration.as_secs_f64(), floor.duration.as_secs_f64());
        let (session, share) = if round == "first" {
            ("-".to_owned(), String::new())
        } else {
            (format!("{:.2} s", wall.as_secs_f64()), format!(" ({:.2} %)", percent(growth, size_before)))
        };
        format!(
            "{:<8} {round:<10} {floor_time:>6.2} s {job:>6.2} s  {:>7.2}x  {:>+12.2} s  {session:>9}  {:>7} MiB  {:>+8.2} MiB{share}",
            floor.objects,
            job / floor_time,
            job - (2.5 * floor_time + 1.5),
            work.peak_memory >> 20,
            mebibytes(growth),
        )
    }

    /// One more backup, not measured.
    pub async fn again(&self) {
        let known = self.trigger().await;
        self.completed(&known).await;
    }

    async fn trigger(&self) -> Vec<String> {
        let sessions =
            self.namespace.api::<BackupSession>().list(&ListParams::default()).await.expect("a list");
        let known = sessions.items.into_iter().filter_map(|session| session.metadata.name).collect();
        self.namespace
            .cluster
            .plugin
            .run(&["trigger", "cluster", "-n", &self.namespace.name])
            .await
            .assert_success();
        known
    }

    async fn completed(&self, known: &[String]) -> BackupSession {
        let session =
            wait::until_any(self.namespace.api::<BackupSession>(), "a completed session", LONG, |session| {
                let name = session.metadata.name.clone()?;
                let completed = session.status.as_ref()?.phase.as_ref()?.is_completed();
                (completed && !known.contains(&name)).then(|| session.clone())
            })
            .await;
        let phase = session.status.as_ref().and_then(|status| status.phase.as_ref()).map(ToString::to_string);
        assert_eq!(phase.as_deref(), Some("Succeeded"), "{session:#?}");
        session
    }

    async fn work(&self, session: &BackupSession) -> Work {
        let name = session.metadata.name.as_deref().unwrap_or_default();
        let snapshots = self.namespace.api::<Snapshot>().list(&ListParams::default()).await.expect("a list");
        let duration = snapshots
            .items
            .iter()
            .find(|snapshot| snapshot.spec.backup_session == name)
            .and_then(|snapshot| snapshot.status.as_ref()?.components.get("manifest")?.duration.clone())
            .and_then(|duration| crds::duration::parse(&duration).ok()?.try_into().ok())
            .expect("the component says how long it took");
        Work { duration, peak_memory: self.peak_memory(name).await }
    }

    /// The Job's last log line says how much memory its process had at most.
    pub async fn peak_memory(&self, session: &str) -> u64 {
        let pods = self.namespace.api::<Pod>();
        let of_session = ListParams::default().labels(&format!("batch.kubernetes.io/job-name={session}"));
        let pod = pods.list(&of_session).await.expect("a list").items.pop().expect("the Job's pod");
        let log =
            pods.logs(&pod.metadata.name.unwrap_or_default(), &LogParams::default()).await.expect("its log");
        let said = log.lines().rev().find_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            line["fields"]["peak_memory_bytes"].as_u64().or_else(|| line["peak_memory_bytes"].as_u64())
        });
        said.expect("the log says peak_memory_bytes")
    }

    pub async fn remove(self) {
        self.namespace.remove().await;
    }
}

struct Work {
    duration: Duration,
    peak_memory: u64,
}

#[expect(clippy::cast_precision_loss, reason = "shown with two decimals")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[expect(clippy::cast_precision_loss, reason = "shown with two decimals")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 100.0 } else { part as f64 * 100.0 / whole as f64 }
}
