//! Questions on a terminal whose lines can be redrawn. The cursor is never hidden; the echo is off only while a question
//! waits, and comes back however that ends.

use std::io;

use dialoguer::console::{Key, Term};

use super::widget::Widget;
use super::{Answer, Question, cancelled};
use crate::exit::Exit;
use crate::failure::{Code, Failure};
use crate::signals;
use crate::terminal::Silent;

/// Asks, and waits for the answer or for Ctrl-C.
pub async fn ask(question: &Question) -> Result<Answer, Failure> {
    let widget = Widget::new(question.clone());
    let interrupted = signals::interrupted();
    // Here and not where the keys are read: that thread may be waiting still when the terminal is given back.
    let _silent = Silent::begin();
    tokio::select! {
        exit = interrupted => Err(cancelled(exit)),
        answer = tokio::task::spawn_blocking(move || converse(widget, &Term::stderr())) => match answer {
            Ok(Ok(Some(answer))) => Ok(answer),
            Ok(Ok(None)) => Err(cancelled(Exit::Interrupted)),
            Ok(Err(error)) => Err(Failure::new(Code::CannotAsk, "the question could not be asked").why(error.to_string())),
            Err(error) => Err(Failure::new(Code::CannotAsk, "the question could not be asked").why(error.to_string())),
        },
    }
}

/// Draws and reads keys until there is an answer; `None` when the person pressed Ctrl-C.
fn converse(mut widget: Widget, term: &Term) -> io::Result<Option<Answer>> {
    let mut drawn = draw(&widget, term, 0)?;
    loop {
        let key = match term.read_key_raw() {
            Ok(Key::CtrlC) => return leave(term, None),
            Ok(key) => key,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return leave(term, None),
            Err(error) => return Err(error),
        };
        if let Some(answer) = widget.press(&key) {
            wipe(term, drawn)?;
            term.write_line(&widget.settled(&answer, width(term)))?;
            return Ok(Some(answer));
        }
        drawn = draw(&widget, term, drawn)?;
    }
}

/// Draws over what was drawn before, and leaves the cursor at the end of the last line.
fn draw(widget: &Widget, term: &Term, before: usize) -> io::Result<usize> {
    let lines = widget.lines(width(term));
    wipe(term, before)?;
    term.write_str(&lines.join("\n"))?;
    term.flush()?;
    Ok(lines.len())
}

fn wipe(term: &Term, lines: usize) -> io::Result<()> {
    if lines == 0 {
        return Ok(());
    }
    if lines > 1 {
        term.move_cursor_up(lines - 1)?;
    }
    term.write_str("\r")?;
    term.clear_to_end_of_screen()
}

fn leave(term: &Term, answer: Option<Answer>) -> io::Result<Option<Answer>> {
    term.write_line("")?;
    Ok(answer)
}

fn width(term: &Term) -> usize {
    usize::from(term.size().1)
}
