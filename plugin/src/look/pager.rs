//! Where a person reads much: a pager on a terminal, and never anywhere else.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::context::Context;
use crate::failure::Failure;
use crate::streams::Streams;

/// What the output goes through when nobody says otherwise; short texts stay on the screen and need no key.
const DEFAULT: &str = "less -FRX";

/// Writes a text where results go: through the pager on a terminal (`KUBESTASH_PAGER`, `PAGER`, `less -FRX`), as it is
/// to a pipe. On a terminal, what would steer it is made visible: a snapshot may hold anything.
pub fn show(text: &str, (context, streams): (&Context, &mut Streams<'_>)) -> Result<(), Failure> {
    if !context.environment.terminals.output {
        streams.results.write_all(text.as_bytes())?;
        return Ok(());
    }
    write(&visible(text), (context, streams))
}

/// The same for a text that was made [`visible`] before it was coloured.
pub fn show_coloured(text: &str, (context, streams): (&Context, &mut Streams<'_>)) -> Result<(), Failure> {
    write(text, (context, streams))
}

/// The same for a text of changes, in the colours that people know.
pub fn show_changes(text: &str, (context, streams): (&Context, &mut Streams<'_>)) -> Result<(), Failure> {
    let environment = &context.environment;
    if !crate::colours(context.manner.color, environment.terminals.output, environment) {
        return show(text, (context, streams));
    }
    write(&painted(&visible(text)), (context, streams))
}

fn write(text: &str, (context, streams): (&Context, &mut Streams<'_>)) -> Result<(), Failure> {
    if let Some(command) = wanted(context).filter(|_| !text.is_empty())
        && page(&command, text)
    {
        return Ok(());
    }
    streams.results.write_all(text.as_bytes())?;
    Ok(())
}

/// A text without characters that a terminal obeys.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let obeyed = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if obeyed(character) {
            clean.extend(character.escape_default());
        } else {
            clean.push(character);
        }
    }
    Cow::Owned(clean)
}

/// A unified text in the colours that people know.
fn painted(patch: &str) -> String {
    let mut text = String::with_capacity(patch.len() + 256);
    for line in patch.split_inclusive('\n') {
        let bare = line.trim_end_matches('\n');
        let colour = match bare.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] | [b'M', b' ', ..] => "1",
            [b'@', b'@', ..] => "36",
            [b'+', ..] => "32",
            [b'-', ..] => "31",
            _ => {
                text.push_str(line);
                continue;
            }
        };
        let _ = writeln!(text, "\u{1b}[{colour}m{bare}\u{1b}[0m");
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_painted_line_by_line() {
        assert_eq!(
            painted("M  a/b\n--- x\n@@ -1 @@\n-old\n+new\n same\n"),
            "\u{1b}[1mM  a/b\u{1b}[0m\n\u{1b}[1m--- x\u{1b}[0m\n\u{1b}[36m@@ -1 @@\u{1b}[0m\n\
             \u{1b}[31m-old\u{1b}[0m\n\u{1b}[32m+new\u{1b}[0m\n same\n"
        );
    }

    #[test]
    fn nothing_in_a_snapshot_steers_the_terminal() {
        assert_eq!(visible("a\tb\n\u{e9}"), "a\tb\n\u{e9}");
        assert_eq!(visible("\u{1b}[2Ja\u{9b}31m\r\u{7}"), "\\u{1b}[2Ja\\u{9b}31m\\r\\u{7}");
    }
}
