//! The ends of a command that no golden file can hold: what it writes to is gone, or it is told to stop.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "golden/api.rs"]
mod api;

use std::ffi::OsString;
use std::io::{self, BufReader, Read as _, Write};
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

/// The exit code of the real program after a signal, and what it said. The signal comes when `busy` has returned.
#[cfg(unix)]
fn stopped_by(
    signal: &str,
    (words, server): (&[&str], &str),
    busy: impl FnOnce(&mut dyn io::BufRead, &mut String),
) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-kubestash"))
        .args(words)
        .args(["--server", server])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut story = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    busy(&mut story, &mut said);
    // The shell has it built in; the program of this name need not be installed.
    let kill = format!("kill {signal} {}", child.id());
    let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(sent.success(), "the signal was not sent");
    story.read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_waiting_is_130_and_sigterm_143_and_the_run_goes_on() {
    let answers = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/watch/goes-on.json");
    for (signal, code) in [("-INT", Exit::Interrupted), ("-TERM", Exit::Terminated)] {
        let server = api::Server::start(&answers);
        let words = ["watch", "shop", "-n", "shop", "--progress=plain"];
        let (ended, said) = stopped_by(signal, (&words, &server.address()), |story, said| {
            story.read_line(said).unwrap();
        });
        assert_eq!(server.sent(), "", "nothing is written by watching");
        assert_eq!(ended, Some(i32::from(code.code())), "{said}");
        assert!(said.contains("stopped watching; shop-nightly-1795356000 goes on in the cluster"), "{said}");
        assert!(said.contains("again  kubectl kubestash watch shop --run shop-nightly-1795356000"), "{said}");
        assert!(!said.contains("error:"), "who ends it made no error: {said}");
    }
}

#[cfg(unix)]
#[test]
fn who_is_stopped_before_the_first_write_says_that_nothing_was_changed() {
    for (words, told) in [
        (&["pause", "backup", "shop"][..], "interrupted; nothing was changed in the cluster\n"),
        (&["snapshot", "list"][..], "interrupted\n"),
        // What it did to the bucket, the API server does not see.
        (&["unlock", "shop"][..], "interrupted; what was written stays\n"),
    ] {
        // A server that is reached, and never answers.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let mut asked = None;
        let (ended, said) = stopped_by("-INT", (words, &server), |_, _| {
            let (mut connection, _) = listener.accept().unwrap();
            connection.read_exact(&mut [0; 3]).unwrap();
            asked = Some(connection);
        });
        assert_eq!((ended, said.as_str()), (Some(130), told));
    }
}
