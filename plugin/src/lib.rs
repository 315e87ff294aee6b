//! `kubectl kubestash`: sets up, starts and watches backups of Kubernetes manifests, and looks at what they hold.
//!
//! ```text
//! main -> run -> cli (what may be typed) -> commands/<verb>: Args -> run -> plain functions that plan and render
//!                environment (variables, terminals, clock)   context (kubeconfig -> cluster)   cluster (every API call)
//! stdout: streams.results, by output    stderr: story    exit code: exit, by failure
//! ```
//!
//! A verb is added by adding a file in `commands`: it has `Args`, `run`, and plain functions for what is decided and
//! what is shown.

pub mod apply;
pub mod args;
pub mod ask;
pub mod card;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod complete;
pub mod context;
pub mod diff;
pub mod discovery;
pub mod environment;
pub mod exit;
pub mod failure;
pub mod filters;
pub mod glance;
pub mod human;
pub mod kuberc;
pub mod look;
pub mod object;
pub mod output;
pub mod pods;
pub mod progress;
pub mod prompt;
pub mod reach;
pub mod readiness;
pub mod repository;
pub mod restore;
pub mod setup;
pub mod signals;
pub mod story;
pub mod streams;
pub mod suggest;
pub mod terminal;
pub mod wait;
pub mod wizard;

use std::ffi::OsString;
use std::io::{BufRead, Write};

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};

pub use crate::environment::Environment;
pub use crate::exit::Exit;

use crate::args::Color;
use crate::cli::Cli;
use crate::commands::effect::{Effect, Typed};
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::story::Story;
use crate::streams::Streams;

/// Runs one command line, the program's name first, and says how it ended. Everything it may read or write is given.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    environment: Environment,
    input: &mut dyn BufRead,
    results: &mut dyn Write,
    story: &mut dyn Write,
) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let [_, word, rest @ ..] = arguments.as_slice()
        && *word == complete::WORD
    {
        return complete::run(rest, environment, results);
    }
    let words: Vec<String> =
        arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let (mut cli, typed) = match parse(arguments) {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error, results, story),
    };
    cli.command.claim(&mut cli.global.connection);
    let manner = cli.global.manner.clone();
    let coloured = colours(manner.color, environment.terminals.error, &environment);
    let verbose = manner.verbosity > 0;
    let context = Context::new(cli.global.connection, manner.clone(), environment).typed_as(words);
    let mut streams = Streams { input, results, story: Story::new(story, coloured, manner.quiet) };
    let ended = match forbidden(&cli.command, &typed, &context.environment) {
        Some(failure) => Err(failure),
        None => execute(cli.command, &context, &mut streams),
    };
    let flushed = streams.results.flush().map_err(Failure::from);
    match ended.and(flushed) {
        Ok(()) => Exit::Done,
        Err(failure) => {
            let text = if typed.for_programs && !failure.is_told() {
                progress::json::exit_error(&failure, context.environment.now()).to_string()
            } else {
                failure.render(verbose)
            };
            if !text.is_empty() {
                streams.story.always(text.trim_end());
            }
            failure.exit()
        }
    }
}

/// One thread is enough for a conversation with an API server. A prompt that still waits for its answer when the
/// command ends must not keep the process alive.
fn execute(command: commands::Command, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Code::Fault, "could not start").why(error.to_string()))?;
    let (effect, elsewhere) = (command.effect(), command.writes_elsewhere());
    let ended = runtime.block_on(async {
        // What waits inside the command hears the same signal, and is asked first: it knows better what to say.
        let interrupted = signals::interrupted();
        tokio::select! {
            biased;
            ended = command.run(Cli::command, context, streams) => ended,
            exit = interrupted => Err(Failure::stopped(exit, last_words(effect, elsewhere || context.written.anything()))),
        }
    });
    runtime.shutdown_background();
    ended
}

/// What an interrupted command leaves behind that may have written something.
fn last_words(effect: Effect, may_have_written: bool) -> &'static str {
    match effect {
        _ if may_have_written => "interrupted; what was written stays",
        Effect::Reads => "interrupted",
        Effect::Writes => "interrupted; nothing was changed in the cluster",
    }
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<(Cli, Typed), clap::Error> {
    let matches = Cli::command().try_get_matches_from(arguments)?;
    Ok((Cli::from_arg_matches(&matches)?, Typed::of(&matches)))
}

/// Read-only mode stops what would write before anything is read or asked.
fn forbidden(command: &commands::Command, typed: &Typed, environment: &Environment) -> Option<Failure> {
    if !environment.is_read_only() || command.effect() == Effect::Reads || typed.held_back {
        return None;
    }
    let dry = if typed.can_be_held_back { "look at what it would do:  --dry-run\nor " } else { "" };
    Some(
        Failure::new(Code::ReadOnly, format!("{} changes something, and this is read-only mode", typed.verb))
            .why("KUBESTASH_READ_ONLY is set; nothing was changed")
            .fix(format!("{dry}leave read-only mode:  unset KUBESTASH_READ_ONLY")),
    )
}

/// What is wrong with a command line; nothing is with one that stops short of a verb, and is shown the verbs.
fn code_of(kind: ErrorKind) -> Option<Code> {
    Some(match kind {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => return None,
        ErrorKind::MissingRequiredArgument => Code::ValueMissing,
        ErrorKind::InvalidValue
        | ErrorKind::ValueValidation
        | ErrorKind::ArgumentConflict
        | ErrorKind::NoEquals => Code::ValueInvalid,
        _ => Code::NotUnderstood,
    })
}

/// `--help` is a result; a usage error is not.
fn usage(error: &clap::Error, results: &mut dyn Write, story: &mut dyn Write) -> Exit {
    if error.use_stderr() {
        let _ = write!(story, "{}", error.render());
        if let Some(code) = code_of(error.kind()) {
            let _ = write!(story, "\ndocs  {}  {}\n", code.id(), code.docs());
        }
        return Exit::Usage;
    }
    match write!(results, "{}", error.render()).and_then(|()| results.flush()) {
        Ok(()) => Exit::Done,
        Err(error) => Failure::from(error).exit(),
    }
}

/// Whether a stream is coloured: <https://no-color.org> and its companions, unless `--color` decides.
pub(crate) fn colours(wish: Color, at_terminal: bool, environment: &Environment) -> bool {
    match wish {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if environment.variable("NO_COLOR").is_some() => false,
        Color::Auto if environment.variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        Color::Auto => at_terminal && environment.variable("TERM") != Some("dumb"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn colours_follow_the_conventions() {
        let environment =
            |variables: &[(&str, &str)]| Environment::scripted(variables, || Timestamp::UNIX_EPOCH);
        assert!(colours(Color::Auto, true, &environment(&[])));
        assert!(!colours(Color::Auto, false, &environment(&[])));
        assert!(!colours(Color::Auto, true, &environment(&[("NO_COLOR", "1")])));
        assert!(colours(Color::Auto, true, &environment(&[("NO_COLOR", "")])));
        assert!(!colours(Color::Auto, true, &environment(&[("TERM", "dumb")])));
        assert!(colours(Color::Auto, false, &environment(&[("CLICOLOR_FORCE", "1")])));
        assert!(colours(Color::Always, false, &environment(&[("NO_COLOR", "1")])));
    }
}
