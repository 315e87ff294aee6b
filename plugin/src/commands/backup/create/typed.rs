//! Flags as words, and back: the equivalent command, the answers of a wizard in a file, and what `--answers` reads.

use super::Args;
use crate::failure::Failure;
use crate::setup::{backup, encryption, filters, reader};
use crate::wizard::words::{self, Words, push, retention_words, storage_words, switch};

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

fn encryption_words(words: &mut Words, flags: &encryption::Flags) {
    push(words, "encryption-secret", flags.encryption_secret.as_ref());
    switch(words, "generate-encryption-secret", flags.generate_encryption_secret);
    push(
        words,
        "encryption-password-file",
        flags.encryption_password_file.as_ref().map(|path| path.display()),
    );
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

/// The flags that a file of answers says, below those that were typed.
pub fn merged(typed: &Args, text: &str, file: &str) -> Result<Args, Failure> {
    let mut args: Args = words::answered(&words(typed), text, file)?;
    // How it is written and shown is not among the answers.
    args.write = typed.write.clone();
    args.check = typed.check;
    args.shown = typed.shown.clone();
    args.questions = typed.questions.clone();
    (args.trigger, args.watch) = (typed.trigger, typed.watch);
    Ok(args)
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;
    use crate::wizard::words::{command, word, yaml};

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
        let other = ["Check", "Writing", "Watching", "Questions"];
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
}
