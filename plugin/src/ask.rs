//! Questions of a dialogue: a menu, a line, a hidden line, a key. Two ways to ask them: on a terminal that can be
//! redrawn ([`screen`]), and line by line with numbered menus ([`lines`]) for screen readers, dumb terminals and tests.
//! Every question can be answered with "back", and explained with "?".

pub mod lines;
pub mod screen;
pub mod widget;

use secrecy::SecretString;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::streams::Streams;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub title: String,
    /// What the answer means; shown when `?` is pressed.
    pub help: &'static str,
    pub shape: Shape,
}

/// What kind of answer is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One of these.
    Menu { choices: Vec<Choice>, default: usize },
    /// A line of text; an empty one means the default.
    Line { default: String },
    /// A line that is not shown.
    Hidden,
    /// One of these keys; Enter means the first.
    Keys(&'static [(char, &'static str)]),
}

/// A line of a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub label: String,
    pub remark: String,
}

impl Choice {
    /// A choice with what is to be known about it.
    #[must_use]
    pub fn new(label: impl Into<String>, remark: impl Into<String>) -> Self {
        Self { label: label.into(), remark: remark.into() }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The position in the menu.
    Choice(usize),
    Text(String),
    Secret(SecretString),
    Key(char),
    /// To the question before.
    Back,
}

impl Question {
    /// A menu.
    #[must_use]
    pub fn menu(title: impl Into<String>, help: &'static str, choices: Vec<Choice>, default: usize) -> Self {
        Self { title: title.into(), help, shape: Shape::Menu { choices, default } }
    }

    /// A line of text.
    #[must_use]
    pub fn line(title: impl Into<String>, help: &'static str, default: impl Into<String>) -> Self {
        Self { title: title.into(), help, shape: Shape::Line { default: default.into() } }
    }

    /// A hidden line.
    #[must_use]
    pub fn hidden(title: impl Into<String>, help: &'static str) -> Self {
        Self { title: title.into(), help, shape: Shape::Hidden }
    }

    /// Yes, unless the person says no.
    #[must_use]
    pub fn yes(title: impl Into<String>, help: &'static str) -> Self {
        Self { title: title.into(), help, shape: Shape::Keys(&[('y', "yes"), ('n', "no")]) }
    }

    /// The answer in words, for the line that stays on the screen.
    #[must_use]
    pub fn spoken(&self, answer: &Answer) -> String {
        match (answer, &self.shape) {
            (Answer::Choice(index), Shape::Menu { choices, .. }) => {
                choices.get(*index).map(|choice| choice.label.clone()).unwrap_or_default()
            }
            (Answer::Text(text), _) => text.clone(),
            (Answer::Secret(_), _) => "[hidden]".into(),
            (Answer::Key(key), Shape::Keys(keys)) => keys
                .iter()
                .find(|(known, _)| known == key)
                .map(|(_, word)| (*word).to_owned())
                .unwrap_or_default(),
            _ => "back".into(),
        }
    }
}

/// Asks, in the way that suits the surroundings.
pub async fn ask(
    question: &Question,
    context: &Context,
    streams: &mut Streams<'_>,
) -> Result<Answer, Failure> {
    if context.environment.answers_come_from_the_keyboard() && context.can_redraw() {
        screen::ask(question).await
    } else {
        lines::ask(question, context, streams).await
    }
}

/// The end of a dialogue that the person broke off.
#[must_use]
pub fn cancelled(exit: Exit) -> Failure {
    Failure::stopped(exit, "cancelled; nothing was changed")
}
