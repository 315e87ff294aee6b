//! How long looking into snapshots of 10,000 objects takes, from the person's Enter to the last byte.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::run::Bench;

/// Enough for a median that is the same next time.
const RUNS: usize = 5;
/// As many as `history` is promised for.
const SNAPSHOTS: usize = 30;

/// The commands, each with the longest that was promised.
const COMMANDS: [(&str, Duration); 6] = [
    ("snapshot ls latest -A", Duration::from_secs(1)),
    ("snapshot cat latest:deployment/object-5 -n bench-0", Duration::from_millis(700)),
    // A bucket that only pods reach.
    ("snapshot cat latest:deployment/object-5 -n bench-0 --from cluster", Duration::from_secs(2)),
    ("snapshot diff latest~1 latest -A --stat", Duration::from_secs(3)),
    ("snapshot diff latest --live -A --stat", Duration::from_secs(4)),
    ("history deployment/object-5 -n bench-0", Duration::from_secs(3)),
];

/// A table: command, median, slowest, and what was promised.
pub async fn measure(bench: &Bench) -> String {
    let plugin = &bench.namespace.cluster.plugin;
    // Two are there already: the first, and the one that found nothing changed.
    for _ in 2..SNAPSHOTS {
        bench.again().await;
    }
    let mut table = format!("{:<66} median   slowest   promised", format!("{SNAPSHOTS} snapshots"));
    for (command, promised) in COMMANDS {
        let place = format!("{}/latest", bench.namespace.name);
        let line = command.replace("latest", &place);
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let mut times = Vec::new();
        for _ in 0..RUNS {
            let began = Instant::now();
            let said = plugin.run(&arguments).await;
            times.push(began.elapsed());
            // 1 says that there are differences.
            assert!(matches!(said.code, 0 | 1), "{line}: {said:?}");
        }
        times.sort();
        let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
        let _ = write!(
            table,
            "\n{command:<66} {:>6}  {:>8}  {:>9}",
            seconds(times[RUNS / 2]),
            seconds(times[RUNS - 1]),
            seconds(promised)
        );
    }
    table
}
