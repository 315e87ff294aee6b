//! How long a command takes to its end, for a person who waits at the prompt: the median of many runs of the built plugin.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use harness::cluster::Cluster;
use harness::namespace::Namespace;

/// Enough for a median that is the same next time.
const RUNS: usize = 21;

/// The commands, each with the longest that was promised.
const COMMANDS: [(&[&str], Duration); 4] = [
    (&["--help"], Duration::from_millis(30)),
    (&["version", "--client"], Duration::from_millis(30)),
    (&["storage", "list"], Duration::from_millis(150)),
    (&["backup", "list"], Duration::from_millis(150)),
];

/// A table: command, median, slowest, and what was promised.
pub async fn measure(cluster: &Cluster) -> String {
    let namespace = Namespace::create(cluster, "started").await;
    let mut table = "command                          median   slowest   promised".to_owned();
    for (command, promised) in COMMANDS {
        let arguments = [command, &["-n", &namespace.name]].concat();
        let mut times = Vec::new();
        for _ in 0..RUNS {
            let began = Instant::now();
            cluster.plugin.run(&arguments).await.assert_success();
            times.push(began.elapsed());
        }
        times.sort();
        let milliseconds = |time: Duration| format!("{:.0} ms", time.as_secs_f64() * 1000.0);
        let (median, slowest) = (times[RUNS / 2], times[RUNS - 1]);
        let _ = write!(
            table,
            "\n{:<30} {:>8}  {:>8}   {:>8}",
            format!("kubectl kubestash {}", command.join(" ")),
            milliseconds(median),
            milliseconds(slowest),
            milliseconds(promised)
        );
    }
    namespace.remove().await;
    table
}
