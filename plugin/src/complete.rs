//! TAB completion as `kubectl` asks its plugins for it: words in, candidates out, in cobra's form.
//!
//! `kubectl` runs `kubectl_complete-kubestash WORDS… PARTIAL`, which runs `kubectl-kubestash __complete` with the same
//! words. A line of the answer is `candidate<TAB>description`; the last one is `:` and cobra's directive. Nothing is ever
//! asked, written to standard error, or waited for longer than a moment: a person has just pressed a key.

use std::ffi::OsString;
use std::io::Write;
use std::time::Duration;

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use crds::core::{BackupConfiguration, BackupSession, RestoreSession};
use crds::storage::{BackupStorage, Repository, RetentionPolicy, Snapshot};
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt as _;

use crate::args::{Connection, Manner};
use crate::cli::Cli;
use crate::cluster::Cluster;
use crate::context::Context;
use crate::discovery;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::object::Kind;

/// The word that a completion begins with.
pub const WORD: &str = "__complete";
/// Changes [`DEADLINE`], for a cluster that is far away: `3s`.
const DEADLINE_VARIABLE: &str = "KUBESTASH_COMPLETION_TIMEOUT";
/// How long the cluster may take: whoever presses TAB does not wait for longer.
const DEADLINE: Duration = Duration::from_secs(1);
/// Cobra's directives: complete files as well; complete nothing else.
const FILES: &str = ":0";
const NOTHING_ELSE: &str = ":4";

/// What may stand at the place that is completed.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// These words, each with a description.
    Words(Vec<(String, String)>),
    /// Names of objects of a kind, after a prefix such as `--repository=`.
    Names(Named, String),
    /// A path.
    File,
    /// Nothing that could be known.
    Nothing,
}

/// Whose names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Backup,
    Run,
    Session,
    Snapshot,
    Storage,
    Repository,
    Retention,
    Restore,
    Namespace,
}

/// A command line as far as it was typed.
#[derive(Debug)]
struct Line {
    connection: Connection,
    /// Positional words of the innermost command.
    given: Vec<String>,
    wanted: Wanted,
    partial: String,
}

/// Answers one completion; the words are those after [`WORD`], the last one partial.
pub fn run(words: &[OsString], environment: Environment, results: &mut dyn Write) -> Exit {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut line = read(&words);
    let mut directive = NOTHING_ELSE;
    let candidates = match std::mem::replace(&mut line.wanted, Wanted::Nothing) {
        Wanted::Words(candidates) => candidates,
        Wanted::Names(whose, prefix) => {
            let found = names(whose, &line, environment);
            found.into_iter().map(|name| (format!("{prefix}{name}"), String::new())).collect()
        }
        Wanted::File => {
            directive = FILES;
            Vec::new()
        }
        Wanted::Nothing => Vec::new(),
    };
    let mut text = String::new();
    for (candidate, about) in candidates {
        if candidate.starts_with(&line.partial) && !line.given.contains(&candidate) {
            text.push_str(&candidate);
            if !about.is_empty() {
                text.push('\t');
                text.push_str(&about);
            }
            text.push('\n');
        }
    }
    text.push_str(directive);
    text.push('\n');
    let _ = results.write_all(text.as_bytes()).and_then(|()| results.flush());
    Exit::Done
}

/// Follows the words through the command tree to the place that is completed.
fn read(words: &[String]) -> Line {
    let mut root = Cli::command();
    root.build();
    let (partial, before) =
        words.split_last().map_or((String::new(), &[][..]), |(last, rest)| (last.clone(), rest));
    let mut command = &root;
    let mut path: Vec<&str> = Vec::new();
    let mut connection = Connection::default();
    let mut given = Vec::new();
    let mut pending: Option<&Arg> = None;
    for word in before {
        if let Some(flag) = pending.take() {
            note(&mut connection, flag, word);
        } else if word.starts_with('-') && word.len() > 1 {
            let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(a, b)| (a, Some(b)));
            match (flag(command, name), value) {
                (Some(flag), Some(value)) => note(&mut connection, flag, value),
                (Some(flag), None) if takes_value(flag) => pending = Some(flag),
                _ => {}
            }
        } else if let Some(next) = command.find_subcommand(word) {
            command = next;
            path.push(next.get_name());
            given.clear();
        } else {
            given.push(word.clone());
        }
    }
    let wanted = match (pending, partial.split_once('=')) {
        (Some(flag), _) => value_of(flag, &path, ""),
        (None, Some((name, _))) if name.starts_with("--") => {
            flag(command, name).map_or(Wanted::Nothing, |flag| value_of(flag, &path, &format!("{name}=")))
        }
        _ if partial.starts_with('-') => Wanted::Words(flags(command)),
        _ if command.has_subcommands() => Wanted::Words(subcommands(command)),
        _ => positional(command, &path, given.len()),
    };
    Line { connection, given, wanted, partial }
}

/// The flags that say which cluster is asked.
fn note(connection: &mut Connection, flag: &Arg, value: &str) {
    let value = Some(value.to_owned());
    match flag.get_id().as_str() {
        "namespace" => connection.namespace = value,
        "context" => connection.context = value,
        "cluster" => connection.cluster = value,
        "user" => connection.user = value,
        "server" => connection.server = value,
        "kubeconfig" => connection.kubeconfig = value.map(Into::into),
        _ => {}
    }
}

fn flag<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|argument| match name.strip_prefix("--") {
        Some(long) => argument.get_long() == Some(long),
        None => argument.get_short().is_some_and(|short| name[1..].starts_with(short)),
    })
}

fn takes_value(flag: &Arg) -> bool {
    matches!(flag.get_action(), ArgAction::Set | ArgAction::Append) && !flag.is_require_equals_set()
}

fn flags(command: &Command) -> Vec<(String, String)> {
    let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
    shown
        .filter_map(|argument| Some((format!("--{}", argument.get_long()?), about(argument.get_help()))))
        .collect()
}

fn subcommands(command: &Command) -> Vec<(String, String)> {
    let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
    shown.map(|command| (command.get_name().to_owned(), about(command.get_about()))).collect()
}

fn about(help: Option<&clap::builder::StyledStr>) -> String {
    help.map(|help| help.to_string().lines().next().unwrap_or_default().to_owned()).unwrap_or_default()
}

/// What may follow a flag.
fn value_of(flag: &Arg, path: &[&str], prefix: &str) -> Wanted {
    let named = match flag.get_long().unwrap_or_default() {
        "namespace" | "to-namespace" | "include-namespaces" | "exclude-namespaces" => Some(Named::Namespace),
        "run" if path.first() != Some(&"restore") => Some(Named::Run),
        "sessions" | "session" => Some(Named::Session),
        "snapshot" => Some(Named::Snapshot),
        "storage" => Some(Named::Storage),
        "repository" => Some(Named::Repository),
        "retention" => Some(Named::Retention),
        "backup" => Some(Named::Backup),
        "restore" => Some(Named::Restore),
        _ => None,
    };
    if let Some(named) = named {
        return Wanted::Names(named, prefix.to_owned());
    }
    let values: Vec<(String, String)> = flag
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| (format!("{prefix}{}", value.get_name()), about(value.get_help())))
        .collect();
    if !values.is_empty() {
        return Wanted::Words(values);
    }
    let takes_path = flag
        .get_value_names()
        .into_iter()
        .flatten()
        .any(|name| matches!(name.as_str(), "FILE" | "DIR" | "PATH"));
    if takes_path { Wanted::File } else { Wanted::Nothing }
}

/// What may stand as the positional word with this index.
fn positional(command: &Command, path: &[&str], index: usize) -> Wanted {
    let arguments: Vec<&Arg> = command.get_positionals().collect();
    // The last one may take several words.
    let repeated = || arguments.last().filter(|last| matches!(last.get_action(), ArgAction::Append));
    let Some(argument) = arguments.get(index).or_else(repeated) else { return Wanted::Nothing };
    let values = argument.get_possible_values();
    if !values.is_empty() {
        return Wanted::Words(
            values.iter().map(|value| (value.get_name().to_owned(), about(value.get_help()))).collect(),
        );
    }
    let kinds = matches!(
        (path, index),
        (["history"], 0)
            | (["snapshot", "ls"] | ["restore", "plan" | "create"], 1..)
            | (["snapshot", "diff"], 2..)
    );
    if kinds {
        let kinds = discovery::built_in().into_iter();
        return Wanted::Words(kinds.map(|served| (served.kind.plural, served.kind.kind)).collect());
    }
    object_of(path).map_or(Wanted::Nothing, |named| Wanted::Names(named, String::new()))
}

/// Whose name a command takes. One that makes an object takes a new name.
fn object_of(path: &[&str]) -> Option<Named> {
    let (first, second) = (path.first().copied()?, path.get(1).copied());
    match (first, second) {
        ("restore", Some("plan" | "create")) => Some(Named::Snapshot),
        (_, Some("create" | "find")) => None,
        ("backup" | "trigger" | "watch" | "pause" | "resume", _) | ("debug", Some("backup")) => {
            Some(Named::Backup)
        }
        ("snapshot" | "download", _) => Some(Named::Snapshot),
        ("storage", _) | ("debug", Some("backupstorage")) => Some(Named::Storage),
        ("repository" | "unlock" | "password", _) => Some(Named::Repository),
        ("retention", _) => Some(Named::Retention),
        ("restore", _) | ("debug", Some("restore")) => Some(Named::Restore),
        _ => None,
    }
}

/// The names, or none: an error is no answer, and nobody is told.
fn names(whose: Named, line: &Line, environment: Environment) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return Vec::new() };
    let manner = Manner { no_input: true, ..Manner::default() };
    let wished = environment.variable(DEADLINE_VARIABLE).and_then(|text| crds::duration::parse(text).ok());
    let deadline = wished.and_then(|wished| wished.try_into().ok()).unwrap_or(DEADLINE);
    let context = Context::new(line.connection.clone(), manner, environment);
    let mut found = runtime
        .block_on(async {
            tokio::time::timeout(deadline, async {
                let namespace = context.namespace().ok()?;
                let cluster = context.cluster().await.ok()?;
                fetch(&cluster, whose, &namespace, line).await
            })
            .await
        })
        .ok()
        .flatten()
        .unwrap_or_default();
    runtime.shutdown_background();
    found.sort();
    found.dedup();
    found
}

async fn fetch(cluster: &Cluster, whose: Named, namespace: &str, line: &Line) -> Option<Vec<String>> {
    let kind = match whose {
        Named::Session => {
            let all: Vec<BackupConfiguration> = cluster.list(Some(namespace), "").await.ok()?;
            let meant =
                all.iter().filter(|backup| line.given.is_empty() || line.given.contains(&backup.name_any()));
            let sessions = meant.flat_map(|backup| &backup.spec.sessions);
            return Some(sessions.map(|session| session.name.clone()).collect());
        }
        Named::Namespace => {
            let all: Vec<Namespace> = cluster.list(None, "").await.ok()?;
            return Some(all.iter().map(kube::ResourceExt::name_any).collect());
        }
        Named::Backup => Kind::of::<BackupConfiguration>(),
        Named::Run => Kind::of::<BackupSession>(),
        Named::Snapshot => Kind::of::<Snapshot>(),
        Named::Storage => Kind::of::<BackupStorage>(),
        Named::Repository => Kind::of::<Repository>(),
        Named::Retention => Kind::of::<RetentionPolicy>(),
        Named::Restore => Kind::of::<RestoreSession>(),
    };
    let items = cluster.list_kind(&kind, namespace).await.ok()?;
    let name = |item: &serde_json::Value| Some(item["metadata"]["name"].as_str()?.to_owned());
    let mut names: Vec<String> = items.iter().filter_map(name).collect();
    if whose == Named::Snapshot && !names.is_empty() {
        names.push("latest".to_owned());
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &str) -> Line {
        read(&words.split(' ').map(str::to_owned).collect::<Vec<String>>())
    }

    #[test]
    fn the_place_that_is_completed_is_understood() {
        for (words, named) in [
            ("trigger ", Named::Backup),
            ("trigger -n shop ", Named::Backup),
            ("backup watch -n shop or", Named::Backup),
            ("watch --run ", Named::Run),
            ("watch orders --sessions ", Named::Session),
            ("unlock ", Named::Repository),
            ("repo unlock ", Named::Repository),
            ("password list --paths a ", Named::Repository),
            ("pw add ", Named::Repository),
            ("debug backupstorage ", Named::Storage),
            ("debug bundle --backup ", Named::Backup),
            ("snapshot list --repository ", Named::Repository),
            ("snapshot ls ", Named::Snapshot),
            ("snapshot diff latest ", Named::Snapshot),
            ("snap cat lat", Named::Snapshot),
            ("download ", Named::Snapshot),
            ("manifest-view --snapshot ", Named::Snapshot),
            ("restore plan lat", Named::Snapshot),
            ("restore create --snapshot ", Named::Snapshot),
            ("restore create latest --to-namespace ", Named::Namespace),
            ("restore status ", Named::Restore),
            ("restoresession watch ", Named::Restore),
            ("debug restore ", Named::Restore),
            ("trigger orders -n ", Named::Namespace),
        ] {
            assert_eq!(line(words).wanted, Wanted::Names(named, String::new()), "{words}");
        }
        assert_eq!(line("backup create ").wanted, Wanted::Nothing);
        assert_eq!(line("trigger --kubeconfig ").wanted, Wanted::File);
        let wanted = line("snapshot list --repository=or").wanted;
        assert_eq!(wanted, Wanted::Names(Named::Repository, "--repository=".to_owned()));
    }

    #[test]
    fn connection_flags_count_wherever_they_stand() {
        let line = line("--context dev trigger --namespace=shop orders ");
        assert_eq!(line.connection.context.as_deref(), Some("dev"));
        assert_eq!(line.connection.namespace.as_deref(), Some("shop"));
        assert_eq!(line.given, ["orders"]);
    }

    #[test]
    fn verbs_flags_and_values_are_words() {
        let words = |text: &str| match line(text).wanted {
            Wanted::Words(words) => words.into_iter().map(|(word, _)| word).collect::<Vec<String>>(),
            other => vec![format!("{other:?}")],
        };
        assert!(words("").contains(&"trigger".to_owned()));
        assert!(words("password ").contains(&"update".to_owned()));
        assert!(words("trigger --").contains(&"--sessions".to_owned()));
        assert_eq!(words("trigger --color "), ["auto", "always", "never"]);
        for line in
            ["history ", "snapshot ls latest ", "snapshot diff latest latest~1 ", "restore plan latest "]
        {
            assert!(words(line).contains(&"deployments".to_owned()), "{line}");
        }
        assert!(words("completion ").contains(&"kubectl".to_owned()));
    }
}
