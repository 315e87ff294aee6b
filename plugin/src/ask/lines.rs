//! Questions line by line: menus are numbered, nothing is redrawn. For screen readers, dumb terminals, and tests, which
//! give the answers on standard input.

use std::io;

use secrecy::{ExposeSecret as _, SecretString};

use super::{Answer, Choice, Question, Shape, cancelled};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Code, Failure};
use crate::signals;
use crate::story::Glyph;
use crate::streams::Streams;
use crate::terminal::Silent;

/// Asks until the answer is one.
pub async fn ask(
    question: &Question,
    context: &Context,
    streams: &mut Streams<'_>,
) -> Result<Answer, Failure> {
    show(question, streams);
    // Before the question is seen: what is typed at once is not shown either.
    let by_keyboard = context.environment.answers_come_from_the_keyboard();
    let _silent = (question.shape == Shape::Hidden && by_keyboard).then(Silent::lines);
    loop {
        streams.story.prompt(&prompt(question));
        let typed = read(question.shape == Shape::Hidden, context, streams).await?;
        let typed = typed.expose_secret();
        if question.shape != Shape::Hidden && typed.trim() == "?" && !question.help.is_empty() {
            streams.story.always(question.help);
            continue;
        }
        match understood(&question.shape, typed) {
            Ok(answer) => return Ok(answer),
            Err(problem) => streams.story.line(Glyph::Warning, &problem),
        }
    }
}

fn show(question: &Question, streams: &mut Streams<'_>) {
    if let Shape::Menu { choices, .. } = &question.shape {
        streams.story.always(&question.title);
        for (index, Choice { label, remark }) in choices.iter().enumerate() {
            let remark = if remark.is_empty() { String::new() } else { format!(": {remark}") };
            streams.story.always(&format!("  {}. {label}{remark}", index + 1));
        }
    }
}

fn prompt(question: &Question) -> String {
    let title = &question.title;
    match &question.shape {
        Shape::Menu { choices, default } => {
            format!("Number 1 to {}, b for back, ? for help [{}]: ", choices.len(), default + 1)
        }
        Shape::Line { .. } if question.help.is_empty() => format!("{title}: "),
        Shape::Line { default } if default.is_empty() => format!("{title} (b for back, ? for help): "),
        Shape::Line { default } => format!("{title} (b for back, ? for help) [{default}]: "),
        Shape::Hidden => format!("{title} (not shown): "),
        Shape::Keys(keys) => {
            let words: Vec<String> = keys.iter().map(|(key, word)| format!("{key} {word}")).collect();
            let default = keys.first().map_or(' ', |(key, _)| *key);
            format!("{title} ({}) [{default}]: ", words.join(", "))
        }
    }
}

/// The answer that a typed line is, or what is wrong with it.
fn understood(shape: &Shape, typed: &str) -> Result<Answer, String> {
    let trimmed = typed.trim();
    match shape {
        Shape::Hidden => Ok(Answer::Secret(SecretString::from(typed))),
        Shape::Menu { .. } | Shape::Line { .. } if trimmed == "b" => Ok(Answer::Back),
        Shape::Menu { default, .. } if trimmed.is_empty() => Ok(Answer::Choice(*default)),
        Shape::Menu { choices, .. } => match trimmed.parse::<usize>() {
            Ok(number) if (1..=choices.len()).contains(&number) => Ok(Answer::Choice(number - 1)),
            _ => Err(format!("\"{trimmed}\" is none of the numbers 1 to {}", choices.len())),
        },
        Shape::Line { default } if trimmed.is_empty() => Ok(Answer::Text(default.clone())),
        Shape::Line { .. } => Ok(Answer::Text(trimmed.to_owned())),
        Shape::Keys(keys) => {
            let wanted = trimmed.to_ascii_lowercase();
            let found = keys
                .iter()
                .find(|(key, word)| wanted.is_empty() || wanted == key.to_string() || wanted == *word);
            found.map(|(key, _)| Answer::Key(*key)).ok_or_else(|| format!("\"{trimmed}\" is none of these"))
        }
    }
}

/// A line from the keyboard, or from standard input as it was given. The end of the input ends the dialogue.
async fn read(hidden: bool, context: &Context, streams: &mut Streams<'_>) -> Result<SecretString, Failure> {
    if !context.environment.answers_come_from_the_keyboard() {
        let mut line = String::new();
        if streams.input.read_line(&mut line)? == 0 {
            streams.story.always("");
            return Err(cancelled(Exit::Interrupted));
        }
        let line = line.trim_end_matches(['\r', '\n']).to_owned();
        // Nobody echoes it.
        streams.story.always(if hidden { "[hidden]" } else { &line });
        return Ok(SecretString::from(line));
    }
    let interrupted = signals::interrupted();
    let typed = tokio::select! {
        exit = interrupted => {
            streams.story.always("");
            return Err(cancelled(exit));
        }
        typed = tokio::task::spawn_blocking(keyboard) => typed,
    };
    if hidden {
        streams.story.always("");
    }
    match typed {
        Ok(Ok(Some(line))) => Ok(line),
        Ok(Ok(None)) => Err(cancelled(Exit::Interrupted)),
        Ok(Err(error)) => {
            Err(Failure::new(Code::CannotAsk, "the answer could not be read").why(error.to_string()))
        }
        Err(error) => {
            Err(Failure::new(Code::CannotAsk, "the answer could not be read").why(error.to_string()))
        }
    }
}

fn keyboard() -> io::Result<Option<SecretString>> {
    let mut line = String::new();
    if io::stdin().read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(SecretString::from(line.trim_end_matches(['\r', '\n']).to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_a_default_and_back_are_answers_to_a_menu() {
        let choices = vec![Choice::new("a", ""), Choice::new("b", "")];
        let shape = Shape::Menu { choices, default: 1 };
        assert!(matches!(understood(&shape, "1"), Ok(Answer::Choice(0))));
        assert!(matches!(understood(&shape, ""), Ok(Answer::Choice(1))));
        assert!(matches!(understood(&shape, "b"), Ok(Answer::Back)));
        for wrong in ["0", "3", "x"] {
            assert!(understood(&shape, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_may_be_said_as_a_letter_or_a_word() {
        let shape = Shape::Keys(&[('y', "yes"), ('n', "no")]);
        for (typed, key) in [("", 'y'), ("N", 'n'), ("no", 'n'), ("yes", 'y')] {
            assert!(matches!(understood(&shape, typed), Ok(Answer::Key(found)) if found == key), "{typed}");
        }
        assert!(understood(&shape, "maybe").is_err());
    }

    #[test]
    fn a_secret_keeps_its_blanks() {
        let answer = understood(&Shape::Hidden, " b ").unwrap();
        assert!(matches!(answer, Answer::Secret(secret) if secret.expose_secret() == " b "));
    }
}
