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
