//! Where a person reads much: a pager on a terminal, and never anywhere else.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::context::Context;
use crate::failure::Failure;
use crate::streams::Streams;

/// What the output goes through when nobody says otherwise; short texts stay on the screen and need no key.
const DEFAULT: &str = "less -FRX";

/// Writes a text where results go: through the pager on a terminal (`KUBESTASH_PAGER`, `PAGER`, `less -FRX`), as it is
/// to a pipe.
pub fn show(text: &str, (context, streams): (&Context, &mut Streams<'_>)) -> Result<(), Failure> {
    if let Some(command) = wanted(context).filter(|_| !text.is_empty())
        && page(&command, text)
    {
        return Ok(());
    }
    streams.results.write_all(text.as_bytes())?;
    Ok(())
}

/// Whether a person reads standard output in colours.
#[must_use]
pub fn coloured(context: &Context) -> bool {
    crate::colours(context.manner.color, context.environment.terminals.output, &context.environment)
}

fn wanted(context: &Context) -> Option<String> {
    let environment = &context.environment;
    if !environment.terminals.output
        || !environment.answers_come_from_the_keyboard()
        || environment.variable("TERM").is_none_or(|terminal| terminal == "dumb")
    {
        return None;
    }
    let chosen = environment.variable("KUBESTASH_PAGER").or_else(|| environment.variable("PAGER"));
    let command = chosen.unwrap_or(DEFAULT).trim();
    (command != "cat" && !command.is_empty()).then(|| command.to_owned())
}

/// Whether there is such a pager. One that is left before the end of the text has done its work.
fn page(command: &str, text: &str) -> bool {
    let mut words = command.split_whitespace();
    let Some(program) = words.next() else { return false };
    let started = Command::new(program).args(words).stdin(Stdio::piped()).spawn();
    let Ok(mut pager) = started else { return false };
    if let Some(mut input) = pager.stdin.take() {
        let _ = input.write_all(text.as_bytes());
    }
    let _ = pager.wait();
    true
}
