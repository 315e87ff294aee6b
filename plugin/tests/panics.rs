//! A panic leaves a terminal as it was found. A program of its own, which starts itself at a pseudo-terminal and panics
//! there: in the thread that changed the terminal, and in another one, when nothing is unwound that could put it back.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use plugin::terminal::{HiddenCursor, Saved, Silent, restore_on_panic};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

/// What nobody else writes.
const END: &str = "\u{1}end\u{1}";

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("panic-here") => panic_here(),
        Some("panic-elsewhere") => panic_elsewhere(),
        _ => {
            for place in ["panic-here", "panic-elsewhere"] {
                a_panic_leaves_the_terminal_as_it_was_found(place);
                println!("test {place} ... ok");
            }
        }
    }
}

fn panic_here() {
    let _terminal = Saved::take();
    restore_on_panic();
    let _silent = Silent::lines();
    let _cursor = HiddenCursor::hide();
    eprint!("a frame");
    panic!("as it happens");
}

fn panic_elsewhere() {
    restore_on_panic();
    let _silent = Silent::begin();
    let _cursor = HiddenCursor::hide();
    eprint!("a frame");
    let _ = std::thread::spawn(|| panic!("as it happens")).join();
    // Nothing is dropped here.
    std::process::exit(101);
}

fn a_panic_leaves_the_terminal_as_it_was_found(place: &str) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let mut line = OpenOptions::new().read(true).write(true).open(name).unwrap();
    let before = tcgetattr(&line).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .arg(place)
        .env("RUST_BACKTRACE", "0")
        .stdin(line.try_clone().unwrap())
        .stdout(Stdio::null())
        .stderr(line.try_clone().unwrap())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(101), "{place}");
    let after = tcgetattr(&line).unwrap();
    assert_eq!(after.local_modes, before.local_modes, "{place}");
    assert!(after.local_modes.contains(LocalModes::ECHO | LocalModes::ICANON), "{place}");

    line.write_all(END.as_bytes()).unwrap();
    let shown = read_to(File::from(master), END);
    let found = |text: &str| shown.find(text).unwrap_or_else(|| panic!("{place}: no {text:?} in {shown:?}"));
    let (hidden, drawn, seen, told) =
        (found("\u{1b}[?25l"), found("a frame"), found("\u{1b}[?25h"), found("as it happens"));
    assert!(hidden < drawn && drawn < seen && seen < told, "{place}: {shown:?}");
    assert!(shown[seen..told].contains("\r\n"), "{place}: the message has a line of its own: {shown:?}");
    assert_eq!(shown.matches("\u{1b}[?25h").count(), 1, "{place}: {shown:?}");
}

fn read_to(mut terminal: File, end: &str) -> String {
    let mut shown = String::new();
    let mut buffer = [0; 4096];
    while !shown.ends_with(end) {
        let number = terminal.read(&mut buffer).unwrap();
        shown.push_str(&String::from_utf8_lossy(&buffer[..number]));
    }
    shown
}
