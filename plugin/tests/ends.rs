//! The ends of a command that no golden file can hold: what it writes to is gone, or it is told to stop.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "golden/api.rs"]
mod api;

use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use plugin::{Environment, Exit};

/// A stream that can take nothing.
struct Lost(io::ErrorKind);

impl Write for Lost {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(self.0.into())
    }
}

/// How a command ends whose output goes nowhere, and what it says of it.
fn lost(kind: io::ErrorKind) -> (Exit, String) {
    let environment = Environment::scripted(&[("HOME", "/nonexistent")], || Timestamp::UNIX_EPOCH);
    let arguments = ["kubectl-kubestash", "version", "--client"].map(OsString::from);
    let (mut input, mut story): (&[u8], _) = (b"", Vec::new());
    let exit = plugin::run(arguments, environment, &mut input, &mut Lost(kind), &mut story);
    (exit, String::from_utf8(story).unwrap())
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let (exit, said) = lost(io::ErrorKind::StorageFull);
    assert_eq!(exit, Exit::Failed);
    assert!(said.contains("could not write the output") && said.contains("KS091"), "{said}");
}

#[test]
fn a_reader_that_went_away_has_what_it_wanted() {
    assert_eq!(lost(io::ErrorKind::BrokenPipe), (Exit::Done, String::new()));
}

/// The exit code of the real program, which waits for a run that goes on, after a signal; and what it said.
#[cfg(unix)]
fn stopped_by(signal: &str) -> (Option<i32>, String) {
    let answers = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/watch/goes-on.json");
    let server = api::Server::start(&answers);
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-kubestash"))
        .args(["watch", "shop", "-n", "shop", "--progress=plain", "--server", &server.address()])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut story = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    story.read_line(&mut said).unwrap();
    // The shell has it built in; the program of this name need not be installed.
    let kill = format!("kill {signal} {}", child.id());
    let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(sent.success(), "the signal was not sent");
    story.read_to_string(&mut said).unwrap();
    let ended = child.wait().unwrap();
    assert_eq!(server.sent(), "", "nothing is written by watching");
    (ended.code(), said)
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_waiting_is_130_and_sigterm_143_and_the_run_goes_on() {
    for (signal, code) in [("-INT", Exit::Interrupted), ("-TERM", Exit::Terminated)] {
        let (ended, said) = stopped_by(signal);
        assert_eq!(ended, Some(i32::from(code.code())), "{said}");
        assert!(said.contains("stopped watching; shop-nightly-1795356000 goes on in the cluster"), "{said}");
        assert!(said.contains("again  kubectl kubestash watch shop --run shop-nightly-1795356000"), "{said}");
        assert!(!said.contains("error:"), "who ends it made no error: {said}");
    }
}
