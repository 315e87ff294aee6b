//! The terminal is left as it was found.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether this process has hidden the cursor.
static HIDDEN: AtomicBool = AtomicBool::new(false);

/// While it lives, the terminal of standard error shows no cursor.
#[derive(Debug)]
pub struct HiddenCursor(());

impl HiddenCursor {
    /// Hides it.
    #[must_use]
    pub fn hide() -> Self {
        HIDDEN.store(true, Ordering::SeqCst);
        say("\u{1b}[?25l");
        Self(())
    }
}

impl Drop for HiddenCursor {
    fn drop(&mut self) {
        show_cursor();
    }
}

fn show_cursor() {
    if HIDDEN.swap(false, Ordering::SeqCst) {
        say("\u{1b}[?25h");
    }
}

fn say(sequence: &str) {
    let mut terminal = std::io::stderr();
    // A terminal that is gone needs nothing.
    let _ = terminal.write_all(sequence.as_bytes()).and_then(|()| terminal.flush());
}

/// Lets a panic say what it has to say on a terminal as it was found: shown cursor, echo, below what was drawn.
pub fn restore_on_panic() {
    let found = Saved::take();
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        found.put_back();
        if HIDDEN.load(Ordering::SeqCst) {
            show_cursor();
            say("\n");
        }
        report(panic);
    }));
}

/// The mode of the terminal at the start; put back when dropped. A password prompt switches the echo off, and a
/// process that is interrupted there would leave it so.
#[derive(Debug)]
pub struct Saved {
    #[cfg(unix)]
    mode: Option<rustix::termios::Termios>,
}

impl Saved {
    /// Remembers the mode of the terminal, if standard input is one.
    #[must_use]
    pub fn take() -> Self {
        Self {
            #[cfg(unix)]
            mode: rustix::termios::tcgetattr(std::io::stdin()).ok(),
        }
    }
}

impl Saved {
    fn put_back(&self) {
        #[cfg(unix)]
        if let Some(mode) = &self.mode {
            let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, mode);
        }
    }
}

impl Drop for Saved {
    fn drop(&mut self) {
        self.put_back();
    }
}

/// While it lives, nothing that is typed is shown. Ctrl-C still interrupts.
#[derive(Debug)]
pub struct Silent {
    _before: Saved,
}

impl Silent {
    /// For a question that reads key by key: what is typed ahead is not shown either.
    #[must_use]
    pub fn begin() -> Self {
        Self::without(true)
    }

    /// For a question that reads a line.
    #[must_use]
    pub fn lines() -> Self {
        Self::without(false)
    }

    #[cfg_attr(not(unix), expect(unused_variables, reason = "only Unix terminals have these modes"))]
    fn without(lines: bool) -> Self {
        let before = Saved::take();
        #[cfg(unix)]
        if let Some(mut mode) = before.mode.clone() {
            use rustix::termios::{LocalModes, OptionalActions, tcsetattr};
            mode.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL);
            if lines {
                mode.local_modes.remove(LocalModes::ICANON);
            }
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &mode);
        }
        Self { _before: before }
    }
}
