//! Reads a real cluster and says how long it took: `cargo run --release --example collect -- [OPTION=VALUE ...]`.
//!
//! The cluster is the one of the kubeconfig. Options: `--out=FILE` writes a line of JSON per file (`path` and `yaml`; a
//! name can be longer than a file system takes), `--kind=`, `--group=`, `--namespace=` and `--name=` give a target,
//! `--floor` only lists everything and keeps nothing; all else is a parameter of the task, such as
//! `IncludeNamespaces=shop`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use archive::api::{Api, JSON, configure};
use archive::collect::{Limits, Output, collect};
use archive::discovery::{ResourceType, discover};
use archive::entry::Entry;
use archive::progress::Progress;
use archive::scope::{Plan, Target, decide};
use futures::{StreamExt as _, stream};
use kube::Client;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Default)]
struct Options {
    out: Option<PathBuf>,
    target: Target,
    floor: bool,
    parameters: BTreeMap<String, String>,
}

fn options() -> Options {
    let mut options = Options::default();
    for argument in std::env::args().skip(1) {
        let (name, value) = argument.split_once('=').unwrap_or((&argument, ""));
        let value = value.to_owned();
        match name {
            "--out" => options.out = Some(PathBuf::from(value)),
            "--kind" => options.target.kind = value,
            "--group" => options.target.api_group = value,
            "--namespace" => options.target.namespace = Some(value),
            "--name" => options.target.name = value,
            "--floor" => options.floor = true,
            _ => drop(options.parameters.insert(name.to_owned(), value)),
        }
    }
    options
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = options();
    let mut config = kube::Config::infer().await?;
    configure(&mut config);
    let client = Client::try_from(config)?;
    let begin = Instant::now();
    if options.floor {
        let (objects, bytes) = floor(client).await?;
        println!("{objects} objects, {bytes} bytes of JSON");
    } else {
        let target = (!options.target.kind.is_empty()).then_some(&options.target);
        let plan = decide(target, &options.parameters)?;
        run(client, &plan, options.out, begin).await?;
    }
    println!("{:.3} s, peak {} MiB", begin.elapsed().as_secs_f64(), peak()? / 1024);
    Ok(())
}

async fn run(client: Client, plan: &Plan, out: Option<PathBuf>, begin: Instant) -> Result<()> {
    let (sender, receiver) = mpsc::channel(256);
    let progress = Arc::new(Progress::new());
    let output = Output { entries: sender, progress: Arc::clone(&progress) };
    let watching = tokio::spawn(async move {
        while progress.total_objects().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        (progress.total_objects(), begin.elapsed())
    });
    let taking = tokio::spawn(take(receiver, out));
    let report = collect(client, plan, &Limits::default(), vec![output], &CancellationToken::new()).await?;
    taking.await??;
    let (total, after) = watching.await?;
    println!("{} types, {} objects, {} bytes of YAML", report.types, report.objects, report.bytes);
    println!("total {} known after {:.3} s", total.unwrap_or_default(), after.as_secs_f64());
    for gap in &report.gaps {
        println!("gap: {gap}");
    }
    for warning in &report.warnings {
        println!("warning: {warning}");
    }
    Ok(())
}

/// Checks the order and, if wanted, writes the files.
async fn take(mut receiver: mpsc::Receiver<Arc<Entry>>, out: Option<PathBuf>) -> Result<()> {
    let mut last: Option<Arc<Entry>> = None;
    let mut file = out.map(File::create).transpose()?.map(BufWriter::new);
    while let Some(entry) = receiver.recv().await {
        if let Some(last) = &last
            && !last.path.split('/').lt(entry.path.split('/'))
        {
            return Err(format!("{} came after {}", entry.path, last.path).into());
        }
        if let Some(file) = &mut file {
            let yaml = std::str::from_utf8(&entry.content)?;
            serde_json::to_writer(&mut *file, &serde_json::json!({"path": entry.path, "yaml": yaml}))?;
            file.write_all(b"\n")?;
        }
        last = Some(entry);
    }
    Ok(())
}

/// What reading costs at the least: every type in pages of 500, 8 types at a time, nothing kept.
async fn floor(client: Client) -> Result<(usize, usize)> {
    let api = Api::new(client, Limits::default().patience);
    let types = discover(&api).await?.types;
    let lists = types.iter().map(|of| list(&api, of));
    let counts: Vec<Result<(usize, usize)>> = stream::iter(lists).buffer_unordered(8).collect().await;
    counts.into_iter().try_fold((0, 0), |(objects, bytes), count| {
        let (more_objects, more_bytes) = count?;
        Ok((objects + more_objects, bytes + more_bytes))
    })
}

async fn list(api: &Api, of: &ResourceType) -> Result<(usize, usize)> {
    let (mut objects, mut bytes, mut token) = (0, 0, String::new());
    loop {
        let path = format!("{}?limit=500&continue={token}", of.collection(&of.versions[0], None));
        let answer = api.get(&path, JSON).await?;
        let page: serde_json::Map<String, serde_json::Value> = {
            #[derive(serde::Deserialize)]
            struct Page<'a> {
                metadata: serde_json::Map<String, serde_json::Value>,
                #[serde(borrow)]
                items: Vec<&'a serde_json::value::RawValue>,
            }
            let page: Page<'_> = serde_json::from_slice(&answer)?;
            objects += page.items.len();
            page.metadata
        };
        bytes += answer.len();
        match page.get("continue").and_then(serde_json::Value::as_str) {
            Some(next) if !next.is_empty() => token = archive::api::encoded(next),
            _ => return Ok((objects, bytes)),
        }
    }
}

/// Peak memory of this process in KiB.
fn peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.split_whitespace().nth(1).ok_or("no figure")?.parse()?)
}
