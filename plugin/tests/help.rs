//! The help of every command, as committed. `BLESS=1` writes it anew.

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use plugin::cli::Cli;

/// Every command of the tree with its path of names.
fn walk(command: &Command, path: &str, all: &mut Vec<(String, String)>) {
    let mut shown = command.clone().term_width(100);
    all.push((path.to_owned(), shown.render_long_help().to_string()));
    for child in command.get_subcommands().filter(|child| child.get_name() != "help" && !child.is_hide_set())
    {
        walk(child, &format!("{path}-{}", child.get_name()), all);
    }
}

#[test]
fn the_help_of_every_command_is_as_committed() {
    let mut cli = Cli::command();
    cli.build();
    let mut all = Vec::new();
    walk(&cli, "kubestash", &mut all);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/help");
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for (name, help) in &all {
            fs::write(folder.join(format!("{name}.txt")), help).unwrap();
        }
    }
    for (name, help) in &all {
        let committed = fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap_or_default();
        assert_eq!(committed, *help, "{name}: run with BLESS=1 if this is as it should be");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), all.len(), "help of commands that are gone");
}

#[test]
fn every_command_and_every_flag_says_what_it_is_for() {
    fn check(command: &Command, path: &str) {
        assert!(command.get_about().is_some(), "{path} has no description");
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            assert!(argument.get_help().is_some(), "{path}: {} has no description", argument.get_id());
        }
        for child in command.get_subcommands() {
            check(child, &format!("{path} {}", child.get_name()));
        }
    }
    check(&Cli::command(), "kubestash");
}
