//! `make bench`: what a backup costs, as ratios against a raw parallel LIST of the same cluster in the same run.
//!
//! For each size the cluster is filled with mixed objects, the floor is measured (every type listed in pages of 500, 8
//! types at once, nothing done with the answer), then two backups of the whole cluster run through the product: the
//! first writes everything, the second finds nothing changed but what the first one left in the cluster. Then the filled
//! namespaces are deleted and restored, beside a raw parallel create of the same objects. Sizes are arguments, default
//! 800 10000 50000. Before all that: how long a person waits for the first line of a command; and at 10,000 objects, how
//! long for looking inside.

mod fill;
mod floor;
mod look;
mod operator;
mod restore;
mod run;
mod start;

use harness::cluster::Cluster;

/// The size for which it is promised how long looking inside takes.
const LOOKED_INTO: usize = 10_000;

#[tokio::main]
async fn main() {
    let sizes = sizes();
    let cluster = Cluster::connect().await;
    println!("{}\n", start::measure(&cluster).await);
    println!("{}", run::HEADER);
    let mut filled = 0;
    for size in sizes {
        filled = fill::up_to(&cluster.client, filled, size).await;
        let floor = floor::measure(&cluster.client).await;
        let bench = run::Bench::prepare(&cluster, size).await;
        for round in ["first", "unchanged"] {
            println!("{}", bench.measure(round, &floor).await);
        }
        if size == LOOKED_INTO {
            println!("\n{}\n", look::measure(&bench).await);
        }
        println!("{}\n{}", restore::HEADER, restore::measure(&bench, size).await);
        bench.remove().await;
    }
    println!("operator after all this: {} MiB", operator::working_set(&cluster).await >> 20);
}

fn sizes() -> Vec<usize> {
    let given: Vec<usize> = std::env::args().skip(1).filter_map(|size| size.parse().ok()).collect();
    if given.is_empty() { vec![800, 10_000, 50_000] } else { given }
}
