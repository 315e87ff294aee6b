//! A question on a screen, as a state and what is drawn of it. Pure: keys go in, lines and at last an answer come out.

use dialoguer::console::Key;
use secrecy::SecretString;

use super::{Answer, Question, Shape};
use crate::human::wrapped;

/// How many lines of a menu are shown at once.
const WINDOW: usize = 10;

/// A question that is being answered.
pub struct Widget {
    question: Question,
    /// What was typed: a line, a secret, or the filter of a menu.
    typed: String,
    cursor: usize,
    explained: bool,
}

impl Widget {
    /// A question that nobody answered yet.
    #[must_use]
    pub fn new(question: Question) -> Self {
        let cursor = match &question.shape {
            Shape::Menu { default, .. } => *default,
            _ => 0,
        };
        Self { question, typed: String::new(), cursor, explained: false }
    }

    /// The question.
    #[must_use]
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// Takes a key; the answer, when it was the last one.
    pub fn press(&mut self, key: &Key) -> Option<Answer> {
        match key {
            Key::Escape => return Some(Answer::Back),
            Key::Enter => return self.enter(),
            Key::Char('?') if self.typed.is_empty() && self.can_explain() => {
                self.explained = !self.explained;
            }
            Key::ArrowUp | Key::BackTab => self.step(false),
            Key::ArrowDown | Key::Tab => self.step(true),
            Key::Backspace => {
                self.typed.pop();
                self.stay_inside();
            }
            Key::Char(character) if !character.is_control() => {
                if let Shape::Keys(keys) = &self.question.shape {
                    let pressed = character.to_ascii_lowercase();
                    return keys.iter().any(|(key, _)| *key == pressed).then_some(Answer::Key(pressed));
                }
                self.typed.push(*character);
                // What matches first is what is meant.
                self.cursor = 0;
            }
            _ => {}
        }
        None
    }

    fn can_explain(&self) -> bool {
        self.question.shape != Shape::Hidden && !self.question.help.is_empty()
    }

    fn enter(&mut self) -> Option<Answer> {
        match &self.question.shape {
            Shape::Menu { .. } => self.matching().get(self.cursor).copied().map(Answer::Choice),
            Shape::Line { default } if self.typed.trim().is_empty() => Some(Answer::Text(default.clone())),
            Shape::Line { .. } => Some(Answer::Text(self.typed.trim().to_owned())),
            Shape::Hidden => Some(Answer::Secret(SecretString::from(std::mem::take(&mut self.typed)))),
            Shape::Keys(keys) => keys.first().map(|(key, _)| Answer::Key(*key)),
        }
    }

    /// The positions of the choices that hold what was typed.
    fn matching(&self) -> Vec<usize> {
        let Shape::Menu { choices, .. } = &self.question.shape else { return Vec::new() };
        let wanted = self.typed.to_lowercase();
        let holds = |text: &str| text.to_lowercase().contains(&wanted);
        (0..choices.len()).filter(|index| holds(&choices[*index].label)).collect()
    }

    fn step(&mut self, down: bool) {
        let number = self.matching().len();
        if number > 0 {
            self.cursor = if down { (self.cursor + 1) % number } else { (self.cursor + number - 1) % number };
        }
    }

    fn stay_inside(&mut self) {
        if matches!(self.question.shape, Shape::Menu { .. }) {
            self.cursor = self.cursor.min(self.matching().len().saturating_sub(1));
        }
    }

    /// What is on the screen: no line is wider than the screen, so that a redraw knows how many there are.
    #[must_use]
    pub fn lines(&self, width: usize) -> Vec<String> {
        let mut lines = vec![self.head()];
        if let Shape::Menu { choices, .. } = &self.question.shape {
            let matching = self.matching();
            let first = self.cursor.saturating_sub(WINDOW - 1);
            let column = choices
                .iter()
                .map(|choice| choice.label.chars().count())
                .max()
                .unwrap_or(0)
                .min(44)
                .min(width / 2);
            for (row, index) in matching.iter().enumerate().skip(first).take(WINDOW) {
                let mark = if row == self.cursor { '>' } else { ' ' };
                let choice = &choices[*index];
                lines.push(format!("  {mark} {:column$}  {}", choice.label, choice.remark));
            }
            let hidden = matching.len().saturating_sub(WINDOW);
            if matching.is_empty() {
                lines.push("    nothing matches; Backspace".into());
            } else if hidden > 0 {
                lines.push(format!("    … {hidden} more"));
            }
        }
        if self.explained {
            lines.extend(
                wrapped(self.question.help, width.saturating_sub(4))
                    .into_iter()
                    .map(|line| format!("    {line}")),
            );
        }
        let mut lines: Vec<String> =
            lines.iter().map(|line| cut(line.trim_end(), width.saturating_sub(1))).collect();
        if let Some(head) = lines.first_mut().filter(|_| !self.typed.is_empty() && self.shows_what_is_typed())
        {
            *head = tail(&self.head(), width.saturating_sub(1));
        }
        lines
    }

    fn shows_what_is_typed(&self) -> bool {
        matches!(self.question.shape, Shape::Line { .. } | Shape::Menu { .. })
    }

    fn head(&self) -> String {
        let title = &self.question.title;
        match &self.question.shape {
            Shape::Menu { .. } if self.typed.is_empty() => {
                format!("? {title}  [type to filter, ? help, Esc back]")
            }
            Shape::Menu { .. } => format!("? {title}  {}", self.typed),
            Shape::Line { default } if self.typed.is_empty() && !default.is_empty() => {
                format!("? {title} › [{default}] ")
            }
            Shape::Line { .. } => format!("? {title} › {}", self.typed),
            Shape::Hidden => format!("? {title} › [hidden]"),
            Shape::Keys(keys) => {
                let words: Vec<String> = keys.iter().map(|(key, word)| format!("{key} {word}")).collect();
                format!("? {title}  {}", words.join(" · "))
            }
        }
    }

    /// The line that stays when the question was answered.
    #[must_use]
    pub fn settled(&self, answer: &Answer, width: usize) -> String {
        let glyph = if matches!(answer, Answer::Back) { '‹' } else { '✔' };
        cut(
            &format!("{glyph} {}  {}", self.question.title, self.question.spoken(answer)),
            width.saturating_sub(1),
        )
    }
}

/// The end of a line, which is where somebody types; `…` says what is left out.
fn tail(line: &str, width: usize) -> String {
    let number = line.chars().count();
    if number <= width {
        return line.to_owned();
    }
    let kept = line.chars().skip(number - width.saturating_sub(1));
    std::iter::once('…').chain(kept).collect()
}

/// A line without what does not fit; `…` says so.
fn cut(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let mut text: String = line.chars().take(width.saturating_sub(1)).collect();
    text.push('…');
    text
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::super::Choice;
    use super::*;

    fn menu() -> Widget {
        let choices = vec![
            Choice::new("namespace shop", "61 objects"),
            Choice::new("Deployment/orders", "9 objects"),
            Choice::new("the whole cluster", "38 namespaces"),
        ];
        Widget::new(Question::menu("What should be backed up?", "Everything below it is read.", choices, 0))
    }

    fn typed(widget: &mut Widget, text: &str) -> Option<Answer> {
        text.chars().map(|character| widget.press(&Key::Char(character))).last().flatten()
    }

    #[test]
    fn a_menu_is_walked_round_and_filtered() {
        let mut widget = menu();
        widget.press(&Key::ArrowUp);
        assert!(widget.lines(80)[3].starts_with("  > the whole cluster"), "{:?}", widget.lines(80));
        typed(&mut widget, "ORD");
        assert_eq!(
            widget.lines(80),
            ["? What should be backed up?  ORD", "  > Deployment/orders  9 objects"]
        );
        assert!(matches!(widget.press(&Key::Enter), Some(Answer::Choice(1))));
        typed(&mut widget, "x");
        assert!(widget.press(&Key::Enter).is_none(), "nothing matches");
        assert!(matches!(widget.press(&Key::Escape), Some(Answer::Back)));
    }

    #[test]
    fn no_line_is_wider_than_the_screen() {
        let mut widget = menu();
        widget.press(&Key::Char('?'));
        for width in [20, 40, 80] {
            let lines = widget.lines(width);
            assert!(lines.iter().all(|line| line.chars().count() < width), "{lines:?}");
            assert!(lines.concat().contains("Everything"), "{lines:?}");
        }
    }

    #[test]
    fn an_empty_line_means_the_default_and_a_typed_one_itself() {
        let question = || Question::line("Bucket", "", "backups");
        assert!(
            matches!(Widget::new(question()).press(&Key::Enter), Some(Answer::Text(text)) if text == "backups")
        );
        let mut widget = Widget::new(question());
        typed(&mut widget, " minee");
        widget.press(&Key::Backspace);
        assert!(matches!(widget.press(&Key::Enter), Some(Answer::Text(text)) if text == "mine"));
    }

    #[test]
    fn what_is_typed_is_seen_below_a_long_title_too() {
        let mut widget = Widget::new(Question::line("Type the name of the Repository (orders)", "", ""));
        typed(&mut widget, "orders");
        assert_eq!(widget.lines(24), ["…tory (orders) › orders"]);
    }

    #[test]
    fn a_secret_is_nowhere_on_the_screen() {
        let mut widget = Widget::new(Question::hidden("Secret access key", ""));
        typed(&mut widget, "s3cr?t");
        assert_eq!(widget.lines(80), ["? Secret access key › [hidden]"]);
        let answer = widget.press(&Key::Enter).unwrap();
        assert_eq!(widget.settled(&answer, 80), "✔ Secret access key  [hidden]");
        assert!(matches!(answer, Answer::Secret(secret) if secret.expose_secret() == "s3cr?t"));
    }

    #[test]
    fn only_the_offered_keys_count() {
        let mut widget = Widget::new(Question::yes("Go on?", ""));
        assert!(widget.press(&Key::Char('x')).is_none());
        assert!(matches!(widget.press(&Key::Char('N')), Some(Answer::Key('n'))));
        assert!(matches!(widget.press(&Key::Enter), Some(Answer::Key('y'))));
    }
}
