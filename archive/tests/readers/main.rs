//! Every YAML reader gets back what was written: the two of the Go world (kubectl's among them), fed with whatever is
//! awkward and with thousands of random values.
//!
//! `main.go` beside this file does the reading. Go is there wherever `make test` runs, since the test cluster is built
//! with it.

#[cfg(test)]
mod values;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use archive::manifest::codec;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::json;

#[test]
fn every_reader_gets_back_what_was_written() {
    let mut values = values::awkward();
    let mut runner = TestRunner::default();
    values.extend((0..3000).map(|_| values::random().new_tree(&mut runner).unwrap().current()));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers");
    let mut readers = Command::new("go")
        .args(["run", "."])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs Go, with which the test cluster is built as well");
    let mut input = readers.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        for value in values {
            let line = json!({"yaml": codec::encode(&value).unwrap(), "json": value});
            writeln!(input, "{line}").unwrap();
        }
    });
    let output = readers.wait_with_output().unwrap();
    writer.join().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let end: String = told.chars().rev().take(6000).collect::<Vec<_>>().into_iter().rev().collect();
    assert!(output.status.success(), "{end}");
}
