//! Flags as words, and back: the equivalent command, the answers of a wizard in a file, and what `--answers` reads.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use clap::{Args as _, FromArgMatches as _, ValueEnum};
use serde_json::Value;

use super::Args;
use crate::failure::Failure;
use crate::setup::{backup, credentials, encryption, filters, reader, retention, storage};

/// Flags in order, without their dashes; `None` for one that takes no value.
pub type Words = Vec<(&'static str, Option<String>)>;

/// What says what is backed up. None of it is a secret: flags take none.
#[must_use]
pub fn words(args: &Args) -> Words {
    let mut words = Words::new();
    push(&mut words, "name", args.name.as_ref());
    backup_words(&mut words, &args.backup);
    reader_words(&mut words, &args.reader);
    storage_words(&mut words, &args.storage);
    encryption_words(&mut words, &args.encryption);
    retention_words(&mut words, &args.keep);
    filter_words(&mut words, &args.filters);
    words
}

fn push(words: &mut Words, flag: &'static str, value: Option<impl Display>) {
    words.extend(value.map(|value| (flag, Some(value.to_string()))));
}

fn switch(words: &mut Words, flag: &'static str, on: bool) {
    words.extend(on.then_some((flag, None)));
}

fn backup_words(words: &mut Words, flags: &backup::Flags) {
    push(words, "target", flags.target.as_ref());
    switch(words, "include-dependants", flags.include_dependants);
    push(words, "storage", flags.storage.as_ref());
    push(words, "retention", flags.retention.as_ref());
    push(words, "schedule", flags.schedule.as_ref());
    push(words, "session", flags.session.as_ref());
    push(words, "repository", flags.repository.as_ref());
    push(words, "directory", flags.directory.as_ref());
    push(words, "backup-timeout", flags.backup_timeout.as_ref());
    push(words, "retries", flags.retries);
    push(words, "retry-delay", flags.retry_delay.as_ref());
    push(words, "history-limit", flags.history_limit);
    switch(words, "paused", flags.paused);
}

fn reader_words(words: &mut Words, flags: &reader::Flags) {
    push(words, "service-account", flags.service_account.as_ref());
    switch(words, "create-reader", flags.create_reader);
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

fn credential_words(words: &mut Words, flags: &credentials::Flags) {
    push(words, "credentials-secret", flags.credentials_secret.as_ref());
    push(words, "credentials-file", flags.credentials_file.as_ref().map(|path| path.display()));
    push(words, "aws-profile", (flags.aws_profile != "default").then_some(&flags.aws_profile));
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

fn encryption_words(words: &mut Words, flags: &encryption::Flags) {
    push(words, "encryption-secret", flags.encryption_secret.as_ref());
    switch(words, "generate-encryption-secret", flags.generate_encryption_secret);
    push(
        words,
        "encryption-password-file",
        flags.encryption_password_file.as_ref().map(|path| path.display()),
    );
}

fn retention_words(words: &mut Words, flags: &retention::Flags) {
    push(words, "keep-last", flags.keep_last);
    push(words, "keep-hourly", flags.keep_hourly);
    push(words, "keep-daily", flags.keep_daily);
    push(words, "keep-weekly", flags.keep_weekly);
    push(words, "keep-monthly", flags.keep_monthly);
    push(words, "keep-yearly", flags.keep_yearly);
    push(words, "keep-failed", flags.keep_failed);
    push(words, "max-retention", flags.max_retention.as_ref());
}

fn filter_words(words: &mut Words, flags: &filters::Flags) {
    push(words, "include-namespaces", flags.include_namespaces.as_ref());
    push(words, "exclude-namespaces", flags.exclude_namespaces.as_ref());
    push(words, "include-resources", flags.include_resources.as_ref());
    push(words, "exclude-resources", flags.exclude_resources.as_ref());
    push(words, "include-cluster-resources", flags.include_cluster_resources);
    push(words, "and-label-selectors", flags.and_label_selectors.as_ref());
    push(words, "or-label-selectors", flags.or_label_selectors.as_ref());
    push(words, "label-selector", flags.label_selector.as_ref());
    for pair in &flags.params {
        push(words, "param", Some(pair));
    }
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
pub fn merged(typed: &Args, text: &str, file: &str) -> Result<Args, Failure> {
    let wrong = |why: String| Failure::usage(format!("cannot use the answers in {file}")).why(why);
    let mut documents = crate::object::documents(text).map_err(|_| wrong("it is no YAML".into()))?;
    let body = documents.pop().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    let Value::Object(answers) = body else {
        return Err(wrong("it is no mapping of flags to values".into()));
    };
    let own = words(typed);
    let mut line: Vec<String> = own.iter().flat_map(|(flag, value)| word(flag, value.as_deref())).collect();
    for (flag, value) in &answers {
        let typed_too = own.iter().any(|(known, _)| known == flag || rivals(known, flag));
        if typed_too {
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
    let command = Args::augment_args(clap::Command::new("answers").no_binary_name(true));
    let matches = command.try_get_matches_from(line).map_err(|error| {
        let text = error.to_string();
        wrong(text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned())
    })?;
    let mut args = Args::from_arg_matches(&matches).map_err(|error| wrong(error.to_string()))?;
    // How it is written and shown is not among the answers.
    args.write = typed.write.clone();
    args.shown = typed.shown.clone();
    args.questions = typed.questions.clone();
    (args.trigger, args.watch) = (typed.trigger, typed.watch);
    Ok(args)
}

/// Whether a typed flag answers the question of another one.
fn rivals(typed: &str, answered: &str) -> bool {
    const GROUPS: [&[&str]; 3] = [
        &["service-account", "create-reader"],
        &["encryption-secret", "generate-encryption-secret", "encryption-password-file"],
        &[
            "credentials-secret",
            "credentials-file",
            "access-key-id",
            "workload-identity",
            "secret-access-key-file",
        ],
    ];
    GROUPS.iter().any(|group| group.contains(&typed) && group.contains(&answered))
}

fn word(flag: &str, value: Option<&str>) -> Vec<String> {
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

    fn parsed(line: &str) -> Args {
        let command = Args::augment_args(clap::Command::new("x").no_binary_name(true));
        Args::from_arg_matches(&command.try_get_matches_from(line.split_whitespace()).unwrap()).unwrap()
    }

    /// Every flag that says what is backed up.
    const ALL: &str = "shop --target=deploy/orders --include-dependants --storage=minio --retention=usual \
        --schedule=@daily --session=s --repository=r --directory=d --backup-timeout=1h --retries=2 --retry-delay=5m \
        --history-limit=4 --paused --create-reader --provider=s3 --bucket=b --endpoint=http://m --region=eu \
        --prefix=p --storage-account=a --insecure-tls --max-connections=4 --pvc=c --nfs-server=h --nfs-path=/x \
        --host-path=/h --mount-path=/m --sub-path=s --allow-namespaces=all --default --deletion-policy=wipe-out \
        --access-key-id=id --secret-access-key-file=f --service-account-json-file=j --account-key-file=k \
        --credentials-secret=c --credentials-file=f --aws-profile=p --workload-identity --ca-file=ca \
        --generate-encryption-secret --keep-last=1 --keep-hourly=2 --keep-daily=3 --keep-weekly=4 \
        --keep-monthly=5 --keep-yearly=6 --keep-failed=7 --max-retention=1y --include-namespaces=a \
        --exclude-namespaces=b --include-resources=c --exclude-resources=d --include-cluster-resources=false \
        --and-label-selectors=a=b --or-label-selectors=c=d --label-selector=e=f --param=k=v --param=l=w";

    #[test]
    fn every_flag_survives_the_way_through_words_and_through_a_file() {
        let args = parsed(ALL);
        let mut expected: Vec<String> = ALL.split_whitespace().map(str::to_owned).collect();
        let mut found: Vec<String> =
            words(&args).iter().flat_map(|(flag, value)| word(flag, value.as_deref())).collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected);
        let again = merged(&parsed(""), &yaml(&words(&args)).unwrap(), "f").unwrap();
        assert_eq!(words(&again), words(&args));
    }

    /// A flag that is added to the command must be added here as well.
    #[test]
    fn no_flag_is_forgotten() {
        let other = ["Writing", "Watching", "Questions"];
        let command = Args::augment_args(clap::Command::new("x").no_binary_name(true));
        let forgotten: Vec<String> = command
            .get_arguments()
            .filter(|argument| argument.get_help_heading().is_none_or(|heading| !other.contains(&heading)))
            .filter_map(|argument| argument.get_long().map(str::to_owned))
            .filter(|flag| !ALL.contains(&format!("--{flag}")) && flag != "service-account")
            .filter(|flag| flag != "encryption-secret" && flag != "encryption-password-file")
            .collect();
        assert_eq!(forgotten, Vec::<String>::new());
    }

    #[test]
    fn what_was_typed_wins_over_the_file() {
        let typed = parsed("--target=cluster --service-account=robot");
        let args = merged(&typed, "target: namespace\ncreate-reader: true\nkeep-daily: 3\n", "f").unwrap();
        assert_eq!(command(&words(&args)), "--target cluster --service-account robot --keep-daily 3");
    }

    #[test]
    fn a_file_with_an_unknown_flag_is_refused_with_its_name() {
        for (text, part) in [("targte: x", "targte"), ("- a", "mapping"), ("keep-daily: many", "many")] {
            let failure = merged(&parsed(""), text, "answers.yaml").unwrap_err();
            assert!(failure.render(false).contains(part), "{failure:?}");
        }
    }

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
