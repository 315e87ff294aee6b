//! Measures the storage side alone: generated files into a repository on an S3 server.
//!
//! Usage: `storage ENDPOINT BUCKET PREFIX FILES`, with `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` set. Backs up
//! once and prints times, bytes and the peak of memory; run it again to see what an unchanged backup costs.

use std::sync::Arc;
use std::time::Instant;

use archive::access::{Access, Password, key};
use archive::entry::Entry;
use archive::location::{Location, S3};
use archive::progress::Progress;
use archive::repository::{BackupRequest, Repository, Site};
use archive::worker::Worker;
use bytes::Bytes;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, bucket, prefix, files] = arguments.as_slice() else {
        return Err("usage: storage ENDPOINT BUCKET PREFIX FILES".into());
    };
    let files: usize = files.parse()?;
    let location = Location::S3(S3::new(endpoint, bucket, prefix, ""));
    let environment = |name: &'static str| environment(name).map(|value| (name.to_owned(), value));
    let data = [environment(key::AWS_ACCESS_KEY_ID)?, environment(key::AWS_SECRET_ACCESS_KEY)?];
    let access = Access::s3("environment", &data.into())?;
    let store = archive::store::connect(&location, &access)?;
    let clock: archive::worker::Clock = Arc::new(now);
    let worker =
        Worker { hostname: "bench".into(), username: "bench".into(), process: std::process::id(), clock };
    let directory = "app/repository/v1/daily/manifest".to_owned();
    let site = Site { store, directory, worker, cancel: CancellationToken::new() };
    let password = [(key::RESTIC_PASSWORD.to_owned(), ByteString(b"secret".to_vec()))];
    let password = Password::from_secret("bench/encryption", &password.into())?;

    let start = Instant::now();
    let repository = Repository::open_or_initialise(site, &password).await?;
    let opened = start.elapsed();
    let stored = run_once(&repository, files).await?;
    let backed_up = start.elapsed();
    let problems = repository.check().await?;
    let checked = start.elapsed();
    let size = repository.size().await?;
    println!(
        "{files} files: open {opened:.2?}, backup {:.2?}, verification {:.2?}, until then {backed_up:.2?}, \
         check {:.2?}, size {:.2?}, added {} of {} bytes, repository {size} bytes, {} problems, peak {} MiB, now {} MiB",
        stored.duration,
        stored.verification,
        checked - backed_up,
        start.elapsed() - checked,
        stored.added,
        stored.bytes,
        problems.len(),
        memory("VmHWM:") / 1024,
        memory("VmRSS:") / 1024,
    );
    Ok(())
}

async fn run_once(repository: &Repository, files: usize) -> Result<archive::repository::Stored, Failure> {
    let (sender, entries) = mpsc::channel(256);
    tokio::spawn(async move {
        for number in 0..files {
            if sender.send(Arc::new(entry(number, files))).await.is_err() {
                break;
            }
        }
    });
    let request = BackupRequest {
        entries,
        host: "manifest".into(),
        root: "/kubestash-tmp/manifest".into(),
        tags: vec!["backup-session=bench".into()],
        time: now(),
        progress: Arc::new(Progress::new()),
    };
    Ok(repository.backup(request).await?)
}

/// A file of about 3 kB that resembles a Deployment: half of it common, half of it its own.
fn entry(number: usize, files: usize) -> Entry {
    use std::fmt::Write;
    let mut content = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: object-{number:06}\n  annotations:\n"
    );
    let mut state = number as u64 + 1;
    for line in 0..20 {
        // Numbers of a linear congruential generator (Knuth): each file has content of its own.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let _ = writeln!(content, "    example.com/annotation-{line:02}: \"{state:016x}\"");
    }
    for line in 0..40 {
        let _ =
            writeln!(content, "      - name: VARIABLE_{line:02}\n        value: \"{}\"", number % (line + 2));
    }
    Entry {
        path: format!("deployments.apps/namespaces/ns-{:03}/object-{number:06}.yaml", number * 100 / files),
        modified: Timestamp::from_second(1_760_000_000 + i64::try_from(number).unwrap_or(0))
            .unwrap_or_default(),
        content: Bytes::from(content),
    }
}

#[expect(clippy::disallowed_methods, reason = "an example has no context to take the time from")]
fn now() -> Timestamp {
    Timestamp::now()
}

#[expect(clippy::disallowed_methods, reason = "the credentials of an example")]
fn environment(name: &str) -> Result<ByteString, Failure> {
    Ok(ByteString(std::env::var(name).map_err(|_| format!("{name} is not set"))?.into_bytes()))
}

/// A figure in KiB that Linux keeps of this process.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()).and_then(|value| value.parse().ok()).unwrap_or(0)
}
