//! The built plugin at a real pseudo-terminal: what a person types goes in, what they see comes out.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// How long a screen may take to show what is expected.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many lines every terminal has.
const ROWS: u16 = 40;

/// What no program sends.
const END: [u8; 4] = [0, 1, 2, 0];

/// The Enter key.
pub const ENTER: &str = "\r";
/// The Escape key.
pub const ESCAPE: &str = "\u{1b}";
/// The arrow down.
pub const DOWN: &str = "\u{1b}[B";
/// Ctrl-C.
pub const INTERRUPT: &str = "\u{3}";

/// Ctrl-Z.
pub const SUSPEND: &str = "\u{1a}";
/// Ctrl-\.
pub const QUIT: &str = "\u{1c}";

/// A terminal with a program at it.
pub struct Terminal {
    keyboard: File,
    /// The program's side, kept open so that its mode can be looked at when the program is gone.
    line: File,
    child: Child,
    screen: Arc<(Mutex<Vec<u8>>, Condvar)>,
    columns: u16,
    /// Where the text begins that was not expected yet.
    seen: usize,
}

/// A screen as it is at one moment.
#[derive(Clone, Debug)]
pub struct Screen {
    pub text: String,
    pub has_cursor: bool,
}

/// A program to start at a terminal.
#[derive(Clone, Debug)]
pub struct Start {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// All variables the program has, besides `PATH`.
    pub variables: Vec<(String, String)>,
    pub columns: u16,
}

impl Terminal {
    /// Starts a program in a session of its own, whose terminal this is: Ctrl-C reaches it as it would a person's.
    ///
    /// # Panics
    /// When there is no pseudo-terminal to be had, or the program does not start.
    #[must_use]
    pub fn start(start: &Start) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&master).expect("a usable pseudo-terminal");
        unlockpt(&master).expect("an unlocked pseudo-terminal");
        let name = ptsname(&master, Vec::new()).expect("its name").into_string().expect("text");
        let size = Winsize { ws_row: ROWS, ws_col: start.columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).expect("a size");
        let line = OpenOptions::new().read(true).write(true).open(name).expect("the program's side");
        let end = || line.try_clone().expect("a copy");
        // setsid(1): a new session needs a call between fork and exec, which is not ours to make.
        let child = Command::new("setsid")
            .arg("--ctty")
            .arg(&start.program)
            .args(&start.arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(start.variables.iter().map(|(name, value)| (name, value)))
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("the program starts");
        let screen = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let keyboard = File::from(master);
        let reader = keyboard.try_clone().expect("a copy");
        let written = Arc::clone(&screen);
        std::thread::spawn(move || watch(reader, &written));
        Self { keyboard, line, child, screen, columns: start.columns, seen: 0 }
    }

    /// Presses keys.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("a terminal that takes keys");
    }

    /// Waits until the text is on the screen, below what was expected before.
    ///
    /// # Panics
    /// When it does not appear; the message holds the screen.
    pub fn expect(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        let screen = Arc::clone(&self.screen);
        let mut bytes = screen.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let shown = plain(&bytes);
            if let Some(found) = shown.get(self.seen..).and_then(|rest| rest.find(text)) {
                self.seen += found + text.len();
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "\"{text}\" did not appear; the screen:\n{shown}");
            let (next, _) = screen.1.wait_timeout(bytes, left).unwrap_or_else(PoisonError::into_inner);
            bytes = next;
        }
    }

    /// Waits for a question, and answers it.
    pub fn answer(&mut self, question: &str, keys: &str) {
        self.expect(question);
        self.press(keys);
    }

    /// Waits until the program ends.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn ended(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child to wait for") {
                self.read_to_the_end();
                return status;
            }
            assert!(Instant::now() < until, "it does not end; the screen:\n{}", self.text());
            let bytes = self.bytes();
            // Whatever it says may be its last words.
            drop(self.screen.1.wait_timeout(bytes, Duration::from_millis(20)));
        }
    }

    /// Reads what a program that is gone has left: all that comes before a mark of our own.
    fn read_to_the_end(&mut self) {
        self.line.write_all(&END).expect("a terminal that shows things");
        let mut bytes = self.screen.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !bytes.ends_with(&END) {
            bytes = self.screen.1.wait(bytes).unwrap_or_else(PoisonError::into_inner);
        }
        let length = bytes.len() - END.len();
        bytes.truncate(length);
    }

    /// Waits until the text is on the screen as a person sees it now, however its lines are broken.
    ///
    /// # Panics
    /// When it does not appear; the message holds the screen.
    pub fn expect_on_screen(&self, text: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let shown = self.screen().text;
            if shown.split_whitespace().collect::<Vec<_>>().join(" ").contains(text) {
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "\"{text}\" did not appear; the screen:\n{shown}");
            let bytes = self.bytes();
            drop(self.screen.1.wait_timeout(bytes, left.min(Duration::from_millis(200))));
        }
    }

    /// All that was on the screen, without colours and movements of the cursor.
    #[must_use]
    pub fn text(&self) -> String {
        plain(&self.bytes())
    }

    /// What a person sees now, and whether they see the cursor: the bytes as a terminal emulator understands them.
    ///
    #[must_use]
    pub fn screen(&self) -> Screen {
        let mut emulator = self.emulator();
        emulator.process(&self.bytes());
        Screen { text: emulator.screen().contents(), has_cursor: !emulator.screen().hide_cursor() }
    }

    /// Every screen that a person was shown, one for each time that the program began to draw over something.
    #[must_use]
    pub fn screens(&self) -> Vec<String> {
        let mut emulator = self.emulator();
        let bytes = self.bytes();
        let drawn = bytes.split_inclusive(|byte| *byte == b'\r').map(|piece| {
            emulator.process(piece);
            emulator.screen().contents()
        });
        drawn.collect()
    }

    fn emulator(&self) -> vt100::Parser {
        let size = |number| NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN);
        vt100::Parser::new(size(ROWS), size(self.columns), 0)
    }

    /// Asks the program to end, as `kill` does.
    ///
    /// # Panics
    /// When it is gone already.
    pub fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("a program that can be asked to end");
    }

    /// Waits until the program has stopped, as a shell does after Ctrl-Z.
    ///
    /// # Panics
    /// When it does not stop, or ends.
    pub fn stopped(&mut self) {
        let until = Instant::now() + PATIENCE;
        let options = WaitOptions::UNTRACED | WaitOptions::NOHANG;
        loop {
            let changed =
                waitpid(Some(Pid::from_child(&self.child)), options).expect("a program to wait for");
            if let Some((_, status)) = changed {
                self.read_to_the_end();
                assert!(status.stopped(), "it ended: {status:?}; the screen:\n{}", self.text());
                return;
            }
            assert!(Instant::now() < until, "it does not stop; the screen:\n{}", self.text());
            drop(self.screen.1.wait_timeout(self.bytes(), Duration::from_millis(20)));
        }
    }

    /// Lets a stopped program go on, as `fg` does.
    ///
    /// # Panics
    /// When it is gone.
    pub fn go_on(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).expect("a program that can go on");
    }

    /// What the program sent, as it sent it.
    #[must_use]
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Whether the terminal is as programs expect it: what is typed is shown, a line at a time.
    ///
    /// # Panics
    /// When the terminal cannot be asked.
    #[must_use]
    pub fn is_as_found(&self) -> bool {
        let modes = tcgetattr(&self.line).expect("a terminal").local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.screen.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn watch(mut reader: File, screen: &(Mutex<Vec<u8>>, Condvar)) {
    let mut buffer = [0; 4096];
    while let Ok(number) = reader.read(&mut buffer) {
        if number == 0 {
            break;
        }
        screen.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..number]);
        screen.1.notify_all();
    }
}

/// Text without escape sequences; what could not be read to its end yet is left out.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => {
                // ESC [ parameters final
                if characters.next() == Some('[') {
                    let _ = characters.by_ref().find(|next| ('@'..='~').contains(next));
                }
            }
            // The beginning of the line: of the next one, or to draw over this one.
            '\r' if characters.peek() != Some(&'\n') => plain.push('\n'),
            '\r' => {}
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn colours_and_movements_are_no_text() {
        assert_eq!(plain("\u{1b}[32m✔\u{1b}[0m a\u{1b}[2A\r\u{1b}[Jb\n".as_bytes()), "✔ a\nb\n");
    }
}
