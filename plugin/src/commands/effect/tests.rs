use std::collections::BTreeSet;

use clap::{CommandFactory as _, FromArgMatches as _};

use super::*;
use crate::cli::Cli;

/// Every verb of the tree with what it needs at least, and what it does.
const VERBS: &[(&str, &str, Effect)] = &[
    ("install", "", Writes),
    ("uninstall", "", Writes),
    ("check", "", Reads),
    ("status", "", Reads),
    ("backup create", "", Writes),
    ("backup list", "", Reads),
    ("backup status", "a", Reads),
    ("backup trigger", "a", Writes),
    ("backup pause", "a", Writes),
    ("backup resume", "a", Writes),
    ("backup delete", "a", Writes),
    ("backup watch", "", Reads),
    ("backup logs", "a", Reads),
    ("snapshot list", "", Reads),
    ("snapshot show", "a", Reads),
    ("snapshot watch", "", Reads),
    ("snapshot delete", "a", Writes),
    ("snapshot ls", "a", Reads),
    ("snapshot cat", "a:pods", Reads),
    ("snapshot diff", "a b", Reads),
    ("snapshot find", "a", Reads),
    ("snapshot download", "a", Reads),
    ("history", "deploy/a", Reads),
    ("download", "a", Reads),
    ("manifest-view", "--snapshot a", Reads),
    ("manifest-restore", "--snapshot a", Writes),
    ("manifest-restore", "--snapshot a --dry-run-dir d", Reads),
    ("restore plan", "a", Reads),
    ("restore create", "a", Writes),
    ("restore list", "", Reads),
    ("restore status", "a", Reads),
    ("restore watch", "", Reads),
    ("restore logs", "a", Reads),
    ("restore delete", "a", Writes),
    ("trigger", "a", Writes),
    ("pause", "a", Writes),
    ("resume", "a", Writes),
    ("watch", "", Reads),
    ("storage create", "", Writes),
    ("storage list", "", Reads),
    ("storage show", "a", Reads),
    ("storage check", "a", Writes),
    ("storage delete", "a", Writes),
    ("retention create", "", Writes),
    ("retention list", "", Reads),
    ("retention show", "a", Reads),
    ("retention delete", "a", Writes),
    ("repository list", "", Reads),
    ("repository show", "a", Reads),
    ("repository delete", "a", Writes),
    ("repository check", "a", Reads),
    ("repository unlock", "a", Writes),
    ("unlock", "a", Writes),
    ("password add", "a", Writes),
    ("password list", "a", Reads),
    ("password remove", "a --id-paths b:c", Writes),
    ("password update", "a", Writes),
    ("debug backup", "", Reads),
    ("debug restore", "", Reads),
    ("debug operator", "", Reads),
    ("debug backupstorage", "a", Writes),
    ("debug bundle", "", Reads),
    ("copy secret", "a --to-namespace b", Writes),
    ("version", "", Reads),
    ("completion", "bash", Reads),
];

fn typed(line: &str) -> (Effect, Typed) {
    let words = format!("kubectl-kubestash {line}");
    let matches = Cli::command().try_get_matches_from(words.split_whitespace());
    let matches = matches.unwrap_or_else(|error| panic!("{line}: {error}"));
    (Cli::from_arg_matches(&matches).unwrap().command.effect(), Typed::of(&matches))
}

fn leaves(command: &clap::Command, path: &str, all: &mut BTreeSet<String>) {
    let children: Vec<&clap::Command> =
        command.get_subcommands().filter(|child| child.get_name() != "help").collect();
    if children.is_empty() {
        all.insert(path.trim().to_owned());
    }
    for child in children {
        leaves(child, &format!("{path} {}", child.get_name()), all);
    }
}

#[test]
fn of_every_command_of_the_tree_it_is_known_whether_it_writes() {
    let mut tree = BTreeSet::new();
    leaves(&Cli::command(), "", &mut tree);
    let table: BTreeSet<String> = VERBS.iter().map(|(verb, ..)| (*verb).to_owned()).collect();
    assert_eq!(tree, table, "the table and the tree");
    for (verb, rest, effect) in VERBS {
        let (found, typed) = typed(&format!("{verb} {rest}"));
        assert_eq!((found, typed.verb.as_str()), (*effect, *verb));
        assert!(!typed.held_back, "{verb} writes when nothing was said");
    }
}

#[test]
fn a_check_writes_only_when_it_goes_deep() {
    assert_eq!(typed("check --deep").0, Writes);
    assert_eq!(typed("check --wait 1m -A").0, Reads);
}

#[test]
fn every_writing_command_with_a_dry_run_is_held_back_by_it() {
    for (verb, rest, effect) in VERBS {
        let (_, plain) = typed(&format!("{verb} {rest}"));
        if !plain.can_be_held_back {
            continue;
        }
        assert_eq!(*effect, Writes, "{verb} has a dry run of what?");
        assert!(typed(&format!("{verb} {rest} --dry-run")).1.held_back, "{verb}");
    }
    for line in
        ["install --export", "install --dry-run=server", "backup create --export", "backup create --diff"]
    {
        assert!(typed(line).1.held_back, "{line}");
    }
    assert!(!typed("backup create --dry-run=none").1.held_back);
}
