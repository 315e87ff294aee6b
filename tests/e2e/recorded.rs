//! What a person sees at the end of a dialogue, held to `screens/<name>.txt`. `BLESS=1` writes what was seen.

use std::path::Path;

use harness::namespace::Namespace;
use harness::pty::Terminal;

/// Holds the screen to the recorded one, but for names of this run and for numbers.
pub fn screen(name: &str, terminal: &Terminal, namespace: &Namespace) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/screens").join(format!("{name}.txt"));
    let seen = always(&terminal.screen().text, namespace);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, seen).expect("the screen is written");
        return;
    }
    let recorded = std::fs::read_to_string(&path).expect("a recorded screen");
    assert_eq!(seen, recorded, "{}", path.display());
}

/// The text without what differs from run to run: the name of the namespace, which has the same width each time, the
/// cluster, and numbers.
fn always(text: &str, namespace: &Namespace) -> String {
    let placeholder = format!("{:-<1$}", "namespace", namespace.name.len());
    let text = text.replace(&namespace.name, &placeholder);
    let lines = text.lines().map(|line| {
        let ends = ["on context ", "written to cluster ", "port-forward to pod "];
        let cut = ends.iter().find_map(|end| Some(line.find(end)? + end.len()));
        let line = cut.map_or_else(|| line.to_owned(), |cut| format!("{}…", &line[..cut]));
        format!("{}\n", without_numbers(without_duration(line.trim_end())))
    });
    lines.collect()
}

/// How long something took stands at the end, in brackets.
fn without_duration(line: &str) -> &str {
    match line.rsplit_once(" (") {
        Some((before, took)) if took.starts_with(|first: char| first.is_ascii_digit()) => before,
        _ => line,
    }
}

/// Numbers are `0`; digits within a word, as in `k8s`, stay.
fn without_numbers(line: &str) -> String {
    let (mut seen, mut before) = (String::new(), ' ');
    for character in line.chars() {
        match (before, character) {
            ('0', digit) if digit.is_ascii_digit() => continue,
            (before, digit) if digit.is_ascii_digit() && !before.is_alphanumeric() => seen.push('0'),
            (_, other) => seen.push(other),
        }
        before = seen.chars().last().unwrap_or(' ');
    }
    seen
}
