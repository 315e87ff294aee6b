//! The ends of a command that no golden file can hold: what it writes to is gone, or it is told to stop.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::ffi::OsString;
use std::io::{self, Write};

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
