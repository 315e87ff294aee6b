//! Whole command lines, in this process: what is typed, what comes out on both streams, and the exit code.
//!
//! `golden/<verb>/<case>.cmd` holds the command line, then any of
//!
//! - `env NAME=VALUE`, a variable of the process; `FOLDER` in it is the case's own folder,
//! - `stdin TEXT`, a line on standard input,
//! - `terminal`, which makes all three streams terminals that cannot redraw: answers are the lines of standard input,
//! - `file NAME TEXT`, a line of a file in the folder `FOLDER`,
//! - `api FILE`, answers of an API server, see [`api`]; without it, nothing answers.
//!
//! `golden/<verb>/<case>.golden` holds what came out. `BLESS=1 cargo test -p kubestash-plugin --test golden` writes it
//! anew. The clock stands still, there is no chance, and no terminal.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "golden/api.rs"]
mod api;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use plugin::Environment;
use plugin::environment::Terminals;

const NOW: &str = "2026-11-22T14:00:00Z";

/// What a case says.
#[derive(Default)]
struct Case {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    input: String,
    api: Option<PathBuf>,
    terminal: bool,
    files: Vec<(String, String)>,
}

impl Case {
    fn read(path: &Path) -> Self {
        let mut case = Self::default();
        for line in fs::read_to_string(path).unwrap().lines() {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "kubectl" => case.arguments = words(rest),
                "env" => {
                    let (name, value) = rest.split_once('=').unwrap();
                    case.variables.push((name.into(), value.into()));
                }
                "stdin" => case.input.extend([rest, "\n"]),
                "terminal" => case.terminal = true,
                "file" => {
                    let (name, text) = rest.split_once(' ').unwrap();
                    case.files.push((name.into(), format!("{text}\n")));
                }
                "api" => case.api = Some(path.parent().unwrap().join(rest)),
                "" | "#" => {}
                other => panic!("{}: what is \"{other}\"?", path.display()),
            }
        }
        case
    }
}

/// Words, divided by blanks outside single quotes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut current, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for character in line.chars() {
        match character {
            '\'' => (quoted, any) = (!quoted, true),
            ' ' if !quoted => {
                if any || !current.is_empty() {
                    words.push(std::mem::take(&mut current));
                }
                any = false;
            }
            other => current.push(other),
        }
    }
    if any || !current.is_empty() {
        words.push(current);
    }
    words
}

/// Runs a case and tells all that came out.
fn outcome(case: &Case) -> String {
    let folder = tempfile::tempdir().unwrap();
    let server = case.api.as_deref().map(api::Server::start);
    let address = server.as_ref().map_or_else(|| "http://127.0.0.1:1".to_owned(), api::Server::address);
    let kubeconfig = folder.path().join("config");
    fs::write(&kubeconfig, kubeconfig_for(&address)).unwrap();
    let kubeconfig = kubeconfig.display().to_string();
    // On a busy machine the cases take longer than a person at a keyboard would wait.
    let mut variables: Vec<(&str, &str)> =
        vec![("KUBECONFIG", &kubeconfig), ("KUBESTASH_COMPLETION_TIMEOUT", "1m")];
    let place = folder.path().display().to_string();
    let own: Vec<(&str, String)> =
        case.variables.iter().map(|(name, value)| (name.as_str(), value.replace("FOLDER", &place))).collect();
    variables.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
    let state = folder.path().join("state").display().to_string();
    variables.push(("XDG_STATE_HOME", &state));
    let mut environment = Environment::scripted(&variables, || NOW.parse().unwrap());
    if case.terminal {
        environment.terminals = Terminals { input: true, output: true, error: true };
    }
    for (name, text) in &case.files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    }
    // The first word is the plugin's name, as kubectl calls it.
    let arguments = std::iter::once("kubectl-kubestash".to_owned())
        .chain(case.arguments.iter().skip(1).map(|word| word.replace("FOLDER", &place)));
    let (mut input, mut results, mut story) = (case.input.as_bytes(), Vec::new(), Vec::new());
    let exit = plugin::run(arguments.map(OsString::from), environment, &mut input, &mut results, &mut story);
    let shown = |bytes: Vec<u8>| {
        let text =
            String::from_utf8(bytes).unwrap().replace(&address, "http://api").replace(&place, "FOLDER");
        ["version", "client", "operator", "install"].iter().fold(text, |text, word| {
            text.replace(&format!("{word} {}", env!("CARGO_PKG_VERSION")), &format!("{word} VERSION"))
        })
    };
    let sent = server.map_or_else(String::new, |server| server.sent());
    format!("--- stdout\n{}--- stderr\n{}--- exit {}\n{sent}", shown(results), shown(story), exit.code())
}

fn kubeconfig_for(address: &str) -> String {
    format!(
        "current-context: dev\n\
         contexts: [{{name: dev, context: {{cluster: dev, user: ann, namespace: shop}}}}]\n\
         clusters: [{{name: dev, cluster: {{server: '{address}'}}}}]\n\
         users: [{{name: ann, user: {{token: t0ken}}}}]\n"
    )
}

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let mut cases: Vec<PathBuf> = folders
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.extension().is_some_and(|end| end == "cmd"))
        .collect();
    cases.sort();
    cases
}

#[test]
fn every_command_line_does_what_it_did() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut different = Vec::new();
    let cases = cases();
    assert!(cases.len() > 20, "the cases are not where they are looked for");
    // Side by side: some wait for a limit to pass.
    let outcomes: Vec<(PathBuf, String)> = std::thread::scope(|scope| {
        let running: Vec<_> =
            cases.iter().map(|path| scope.spawn(|| (path.clone(), outcome(&Case::read(path))))).collect();
        running.into_iter().map(|case| case.join().unwrap()).collect()
    });
    for (path, outcome) in outcomes {
        let golden = path.with_extension("golden");
        if bless {
            fs::write(&golden, &outcome).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if expected != outcome {
            different.push(format!("=== {}\n+++ now\n{outcome}+++ before\n{expected}", path.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// The order in which several watches are answered is nobody's, so that only the ends of the lines are pinned.
#[test]
fn json_lines_begin_with_started_and_end_with_the_summary() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/watch");
    let arguments = words("kubestash watch shop --progress=json");
    let case = Case { arguments, api: Some(folder.join("succeeds.json")), ..Case::default() };
    let outcome = outcome(&case);
    let lines: Vec<&str> = outcome.lines().filter(|line| line.starts_with('{')).collect();
    assert!(lines[0].contains("\"message_type\":\"started\""), "{outcome}");
    assert!(lines[lines.len() - 1].contains("\"phase\":\"Succeeded\""), "{outcome}");
    assert!(outcome.contains("--- exit 0"), "{outcome}");
}

#[test]
fn no_secret_is_in_any_golden_file() {
    for path in cases() {
        let golden = fs::read_to_string(path.with_extension("golden")).unwrap_or_default();
        // Written by the cases as a secret key, a password and a token.
        for secret in ["s3cr3t", "czNjcjN0", "t0ken"] {
            assert!(!golden.contains(secret), "{} shows {secret}", path.display());
        }
    }
}
