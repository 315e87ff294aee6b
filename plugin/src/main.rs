//! `kubectl kubestash`.

use std::io::{self, Write as _};
use std::process::ExitCode;

use plugin::Environment;

fn main() -> ExitCode {
    let environment = Environment::of_this_process();
    // The mode of the terminal is put back however this ends: a panic unwinds through here as well.
    let _terminal = plugin::terminal::Saved::take();
    plugin::terminal::restore_on_panic();
    // Not locked: a prompt reads the same stream on a thread of its own.
    let mut input = io::BufReader::new(io::stdin());
    let mut results = io::BufWriter::new(io::stdout().lock());
    let mut story = io::stderr();
    let exit = plugin::run(std::env::args_os(), environment, &mut input, &mut results, &mut story);
    let _ = results.flush();
    ExitCode::from(exit.code())
}
