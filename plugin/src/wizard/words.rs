//! Flags as words, and back: the equivalent command, the answers of a wizard in a file, and what `--answers` reads.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use clap::ValueEnum;
use serde_json::Value;

use crate::failure::{Code, Failure};
use crate::setup::{credentials, retention, storage};

/// Flags in order, without their dashes; `None` for one that takes no value.
pub type Words = Vec<(&'static str, Option<String>)>;

/// Adds a flag that has a value.
pub fn push(words: &mut Words, flag: &'static str, value: Option<impl Display>) {
    words.extend(value.map(|value| (flag, Some(value.to_string()))));
}

/// Adds a flag that takes no value.
pub fn switch(words: &mut Words, flag: &'static str, on: bool) {
    words.extend(on.then_some((flag, None)));
}

/// The flags of a new storage; also those of `storage create`.
pub fn storage_words(words: &mut Words, flags: &storage::Flags) {
    let named = |value: Option<clap::builder::PossibleValue>| value.map(|value| value.get_name().to_owned());
    push(words, "provider", named(flags.provider.and_then(|value| value.to_possible_value())));
    push(words, "bucket", flags.bucket.as_ref());
    push(words, "endpoint", flags.endpoint.as_ref());
    push(words, "region", flags.region.as_ref());
    push(words, "prefix", flags.prefix.as_ref());
    push(words, "storage-account", flags.storage_account.as_ref());
    switch(words, "insecure-tls", flags.insecure_tls);
    push(words, "max-connections", flags.max_connections);
    push(words, "pvc", flags.pvc.as_ref());
    push(words, "nfs-server", flags.nfs_server.as_ref());
    push(words, "nfs-path", flags.nfs_path.as_ref());
    push(words, "host-path", flags.host_path.as_ref());
    push(words, "mount-path", (flags.mount_path != "/kubestash/data").then_some(&flags.mount_path));
    push(words, "sub-path", flags.sub_path.as_ref());
    push(words, "allow-namespaces", (flags.allow_namespaces != "same").then_some(&flags.allow_namespaces));
    switch(words, "default", flags.is_default);
    let policy = flags.deletion_policy.filter(|policy| *policy != storage::DeletionFlag::Delete);
    push(words, "deletion-policy", named(policy.and_then(|value| value.to_possible_value())));
    credential_words(words, &flags.credentials);
}

/// The flags that say how long backups are kept.
pub fn retention_words(words: &mut Words, flags: &retention::Flags) {
    push(words, "keep-last", flags.keep_last);
    push(words, "keep-hourly", flags.keep_hourly);
    push(words, "keep-daily", flags.keep_daily);
    push(words, "keep-weekly", flags.keep_weekly);
    push(words, "keep-monthly", flags.keep_monthly);
    push(words, "keep-yearly", flags.keep_yearly);
    push(words, "keep-failed", flags.keep_failed);
    push(words, "max-retention", flags.max_retention.as_ref());
}

fn credential_words(words: &mut Words, flags: &credentials::Flags) {
    push(words, "credentials-secret", flags.credentials_secret.as_ref());
    push(words, "credentials-file", flags.credentials_file.as_ref().map(|path| path.display()));
    push(words, "aws-profile", flags.aws_profile.as_ref());
    push(words, "access-key-id", flags.access_key_id.as_ref());
    push(words, "secret-access-key-file", flags.secret_access_key_file.as_ref().map(|path| path.display()));
    push(
        words,
        "service-account-json-file",
        flags.service_account_json_file.as_ref().map(|path| path.display()),
    );
    push(words, "account-key-file", flags.account_key_file.as_ref().map(|path| path.display()));
    switch(words, "workload-identity", flags.workload_identity);
    push(words, "ca-file", flags.ca_file.as_ref().map(|path| path.display()));
}

/// The words as they are typed, each that needs it in quotes.
#[must_use]
pub fn command(words: &Words) -> String {
    let mut text = String::new();
    for (flag, value) in words {
        let value = value.as_deref().map(quoted);
        match (*flag, value) {
            ("name", Some(value)) => _ = write!(text, " {value}"),
            (flag, Some(value)) => _ = write!(text, " --{flag} {value}"),
            (flag, None) => _ = write!(text, " --{flag}"),
        }
    }
    text.trim_start().to_owned()
}

fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=,@".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The words as YAML: a key per flag, a list for one that was given several times.
pub fn yaml(words: &Words) -> Result<String, Failure> {
    let mut answers: BTreeMap<&str, Value> = BTreeMap::new();
    for (flag, value) in words {
        let value = value.clone().map_or(Value::Bool(true), Value::String);
        match (answers.get_mut(flag), *flag) {
            (Some(Value::Array(several)), _) => several.push(value),
            (_, "param") => _ = answers.insert(flag, Value::Array(vec![value])),
            _ => _ = answers.insert(flag, value),
        }
    }
    let body = serde_json::to_value(answers).unwrap_or_default();
    crate::output::yaml(&[body])
}

/// The flags that a file of answers says, below those that were typed.
pub fn answered<A: clap::Args>(typed: &Words, text: &str, file: &str) -> Result<A, Failure> {
    let wrong =
        |why: String| Failure::new(Code::FileUnusable, format!("cannot use the answers in {file}")).why(why);
    let mut documents = crate::object::documents(text).map_err(|_| wrong("it is no YAML".into()))?;
    let body = documents.pop().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    let Value::Object(answers) = body else {
        return Err(wrong("it is no mapping of flags to values".into()));
    };
    let mut line: Vec<String> = typed.iter().flat_map(|(flag, value)| word(flag, value.as_deref())).collect();
    for (flag, value) in &answers {
        if typed.iter().any(|(known, _)| known == flag || rivals(known, flag)) {
            continue;
        }
        match value {
            Value::Bool(false) | Value::Null => {}
            Value::Bool(true) => line.extend(word(flag, None)),
            Value::Array(several) => {
                line.extend(several.iter().flat_map(|one| word(flag, Some(&plain(one)))));
            }
            one => line.extend(word(flag, Some(&plain(one)))),
        }
    }
    let command = A::augment_args(clap::Command::new("answers").no_binary_name(true));
    let matches = command.try_get_matches_from(line).map_err(|error| {
        let text = error.to_string();
        wrong(text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned())
    })?;
    A::from_arg_matches(&matches).map_err(|error| wrong(error.to_string()))
}

/// A long command over several lines, broken before a flag.
#[must_use]
pub fn folded(line: &str) -> Vec<String> {
    let mut lines = vec![String::from(" ")];
    for part in line.split(" --") {
        let part = if lines == [" "] { format!(" {part}") } else { format!(" --{part}") };
        let last = lines.len() - 1;
        if lines[last].chars().count() + part.chars().count() > 98 {
            lines[last].push_str(" \\");
            lines.push(format!("   {part}"));
        } else {
            lines[last].push_str(&part);
        }
    }
    lines
}

/// The command that makes a storage again; a Secret that was made is named, so that its contents are not needed again.
#[must_use]
pub fn storage_command(flags: &storage::Flags, meant: &storage::Meant) -> String {
    let mut flags = flags.clone();
    flags.region = meant.region().map(str::to_owned);
    if meant.existing_secret().is_none() && flags.credentials.any() {
        flags.credentials = credentials::Flags {
            credentials_secret: Some(storage::secret_name(&meant.name)),
            ..credentials::Flags::default()
        };
    }
    let mut words = Words::new();
    storage_words(&mut words, &flags);
    format!("kubectl kubestash storage create {} -n {} {}", meant.name, meant.namespace, command(&words))
}

/// Whether a typed flag answers the question of another one.
fn rivals(typed: &str, answered: &str) -> bool {
    const GROUPS: [&[&str]; 3] = [
        &["service-account", "create-reader"],
        &["encryption-secret", "generate-encryption-secret", "encryption-password-file"],
        &[
            "credentials-secret",
            "credentials-file",
            "aws-profile",
            "access-key-id",
            "workload-identity",
            "secret-access-key-file",
        ],
    ];
    // A profile is one of a file, where both are said.
    let together = ["credentials-file", "aws-profile"];
    if together.contains(&typed) && together.contains(&answered) {
        return false;
    }
    GROUPS.iter().any(|group| group.contains(&typed) && group.contains(&answered))
}

/// A flag as it is typed.
#[must_use]
pub fn word(flag: &str, value: Option<&str>) -> Vec<String> {
    match (flag, value) {
        ("name", Some(value)) => vec![value.to_owned()],
        (flag, Some(value)) => vec![format!("--{flag}={value}")],
        (flag, None) => vec![format!("--{flag}")],
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_a_shell_would_change_are_quoted() {
        let words = vec![
            ("name", Some("a".to_owned())),
            ("schedule", Some("17 2 * * *".to_owned())),
            ("paused", None),
        ];
        assert_eq!(command(&words), "a --schedule '17 2 * * *' --paused");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }
}
