//! Single questions to a person, outside a dialogue. Asked only where both the question and the answer have a terminal;
//! Ctrl-C at a question ends the command, and the terminal is as before.

use secrecy::SecretString;

use crate::ask::{self, Answer, Question, Shape};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::streams::Streams;

/// Whether questions may be asked now.
#[must_use]
pub fn possible(context: &Context) -> bool {
    context.environment.can_ask() && !context.manner.no_input
}

/// A yes-or-no question; who just presses Enter, or goes back, says no.
pub async fn confirm(
    question: &str,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<bool, Failure> {
    let shape = Shape::Keys(&[('n', "no"), ('y', "yes")]);
    let answer = ask::ask(&alone(question, shape), context, streams).await?;
    Ok(matches!(answer, Answer::Key('y')))
}

/// A value that is not shown while it is typed.
pub async fn hidden(
    question: &str,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<SecretString, Failure> {
    match ask::ask(&alone(question, Shape::Hidden), context, streams).await? {
        Answer::Secret(secret) => Ok(secret),
        _ => Err(ask::cancelled(Exit::Interrupted)),
    }
}

/// A line of text; empty when the person goes back.
pub async fn line(
    question: &str,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<String, Failure> {
    let shape = Shape::Line { default: String::new() };
    match ask::ask(&alone(question, shape), context, streams).await? {
        Answer::Text(text) => Ok(text),
        _ => Ok(String::new()),
    }
}

/// A question with no other before it, whose words say all there is to say.
fn alone(title: &str, shape: Shape) -> Question {
    Question { title: title.to_owned(), help: "", shape }
}
