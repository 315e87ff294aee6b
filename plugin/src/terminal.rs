//! The terminal is left as it was found.

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

impl Drop for Saved {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(mode) = &self.mode {
            let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, mode);
        }
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
