//! Questions to a person. Asked only where both the question and the answer have a terminal; Ctrl-C at a question ends
//! the command, and the terminal is as before.

use std::io;

use secrecy::SecretString;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Code, Failure};
use crate::signals;

/// Whether questions may be asked now.
#[must_use]
pub fn possible(context: &Context) -> bool {
    context.environment.can_ask() && !context.manner.no_input
}

/// A yes-or-no question.
pub async fn confirm(question: &str, default: bool) -> Result<bool, Failure> {
    let question = question.to_owned();
    ask(move || dialoguer::Confirm::new().with_prompt(question).default(default).interact()).await
}

/// A value that is not shown while it is typed.
pub async fn hidden(question: &str) -> Result<SecretString, Failure> {
    let question = question.to_owned();
    ask(move || dialoguer::Password::new().with_prompt(question).interact()).await.map(SecretString::from)
}

/// A line of text.
pub async fn line(question: &str) -> Result<String, Failure> {
    let question = question.to_owned();
    ask(move || dialoguer::Input::<String>::new().with_prompt(question).allow_empty(true).interact_text())
        .await
}

/// A blocking question beside a signal handler: without one, Ctrl-C at a hidden question would leave the echo off.
async fn ask<T, Q>(question: Q) -> Result<T, Failure>
where
    T: Send + 'static,
    Q: FnOnce() -> Result<T, dialoguer::Error> + Send + 'static,
{
    tokio::select! {
        exit = signals::interrupted() => Err(cancelled(exit)),
        answer = tokio::task::spawn_blocking(question) => match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(dialoguer::Error::IO(error))) if error.kind() == io::ErrorKind::Interrupted => {
                Err(cancelled(Exit::Interrupted))
            }
            Ok(Err(error)) => Err(Failure::new(Code::CannotAsk, "the question could not be asked").why(error.to_string())),
            Err(error) => Err(Failure::new(Code::CannotAsk, "the question could not be asked").why(error.to_string())),
        },
    }
}

fn cancelled(exit: Exit) -> Failure {
    // A password prompt may have hidden the cursor as well as the echo.
    let _ = dialoguer::console::Term::stderr().show_cursor();
    Failure::stopped(exit, "cancelled; nothing was changed")
}
