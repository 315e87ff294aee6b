//! What a restore costs, as a ratio against a raw parallel create of the same objects in the same cluster.

use std::time::{Duration, Instant};

use harness::restoration::{self, Wish};

use crate::fill;
use crate::run::Bench;

pub const HEADER: &str = "objects  run        create    job      job/create  promised  peak memory  promised";

/// The most that is promised: the ratio at 10,000 objects, the memory at 50,000.
const RATIO: f64 = 2.0;
const MEMORY: u64 = 256 << 20;

/// Deletes what was filled, creates it raw, deletes it again and restores it from the newest backup.
pub async fn measure(bench: &Bench, size: usize) -> String {
    let client = &bench.namespace.cluster.client;
    fill::clear(client).await;
    let began = Instant::now();
    fill::raw(client, 0, size).await;
    let create = began.elapsed();
    fill::clear(client).await;

    let namespaces = fill::namespaces().join(",");
    let wish = Wish {
        name: "restored",
        repository: "cluster",
        snapshot: "latest",
        account: "restorer",
        parameters: &[
            ("IncludeClusterResources", "true"),
            ("IncludeNamespaces", &namespaces),
            ("IncludeRBACResources", "true"),
            // Leases too: what is created must be as much as what was created raw.
            ("SafeRestore", "false"),
        ],
    };
    let restored = restoration::restore(&bench.namespace, &wish).await;
    restored.assert_success();
    let made = restored.of("create").iter().filter(|object| object.contains("/object-")).count();
    assert_eq!(made, size, "as many as were created raw");
    let duration = restored.session["status"]["components"]["manifest"]["duration"].as_str();
    let job: Duration = duration
        .and_then(|duration| crds::duration::parse(duration).ok()?.try_into().ok())
        .expect("the component says how long it took");
    let peak = bench.peak_memory(wish.name).await;
    format!(
        "{size:<8} restore    {:>6.2} s  {:>6.2} s  {:>9.2}x  {RATIO:>7.2}x  {:>7} MiB  {:>4} MiB",
        create.as_secs_f64(),
        job.as_secs_f64(),
        job.as_secs_f64() / create.as_secs_f64(),
        peak >> 20,
        MEMORY >> 20,
    )
}
