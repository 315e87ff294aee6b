//! `retention create`: a RetentionPolicy from flags, or from answers.

mod draft;
mod wizard;

use crds::storage::RetentionPolicy;
use kube::ResourceExt as _;

use crate::cluster::Cluster;
use crate::commands::create;
use crate::context::Context;
use crate::failure::{Failure, Missing};
use crate::object::Object;
use crate::setup::retention::Flags;
use crate::setup::{self, usage_policy};
use crate::story::Glyph;
use crate::streams::Streams;
use crate::wizard::words::{self, Words};

/// Create or change a RetentionPolicy: which backups are kept, and for how long
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Name of the RetentionPolicy
    name: Option<String>,
    #[command(flatten)]
    keep: Flags,
    /// Make it the default policy of its namespace
    #[arg(long = "default", help_heading = "Retention")]
    is_default: bool,
    /// Which namespaces may use it: same, all, a list a,b, or selector=KEY=VALUE,…
    #[arg(long, default_value = SAME, value_name = "WHICH", help_heading = "Retention")]
    allow_namespaces: String,
    #[command(flatten)]
    write: create::Flags,
    #[command(flatten)]
    questions: crate::wizard::Flags,
}

/// The default of `--allow-namespaces`.
const SAME: &str = "same";

impl Args {
    /// Creates the policy; asks for what is missing, where somebody can answer.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let args = self.with_answers()?;
        let asked = args.questions.asked(args.write.offline(), context)?;
        if asked && (args.questions.interactive || !args.is_complete()) {
            let cluster = context.cluster().await?;
            return Box::pin(wizard::run(args, &cluster, (context, streams))).await;
        }
        let (name, objects) = args.objects(&context.namespace()?)?;
        args.save_answers()?;
        if args.write.offline() {
            return args.write.print_offline(&objects, streams);
        }
        let cluster = context.cluster().await?;
        create::preconditions(&cluster, &context.namespace()?).await?;
        args.carry_out(&cluster, (&name, &objects), (context, streams)).await
    }

    /// Writes the objects, or prints them.
    async fn carry_out(
        &self,
        cluster: &Cluster,
        (name, objects): (&str, &[Object]),
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        if self.write.offline() {
            return self.write.print_offline(objects, streams);
        }
        if self.is_default {
            warn_of_other_defaults(cluster, (&context.namespace()?, name), streams).await?;
        }
        self.write.write(cluster, objects, streams).await?;
        if self.write.writes() {
            let flag = context.namespace_flag()?;
            let next = format!("Next: kubectl kubestash backup create{flag} --retention {name} …");
            streams.story.plain(&next);
        }
        Ok(())
    }

    /// Whether nothing that must be said is missing.
    fn is_complete(&self) -> bool {
        self.name.is_some() && self.keep.any()
    }

    /// The name of the policy, and what is written.
    fn objects(&self, namespace: &str) -> Result<(String, Vec<Object>), Failure> {
        let name = self.complete()?;
        let usage = usage_policy::parse("--allow-namespaces", &self.allow_namespaces)?;
        let policy = self.keep.policy(namespace, &name, usage, self.is_default)?;
        Ok((name, vec![policy]))
    }

    /// The name, when nothing is missing.
    fn complete(&self) -> Result<String, Failure> {
        let mut missing = Vec::new();
        if self.name.is_none() {
            missing.push(Missing {
                flag: "NAME",
                meaning: "name of the RetentionPolicy",
                hint: String::new(),
            });
        }
        if !self.keep.any() {
            missing.push(Missing {
                flag: "--keep-daily",
                meaning: "how many backups are kept, or another of --keep-*, or --max-retention",
                hint: "example: --keep-daily 7 --keep-weekly 4 --keep-monthly 6".into(),
            });
        }
        if !missing.is_empty() {
            return Err(Failure::missing(&missing, ""));
        }
        let name = self.name.clone().unwrap_or_default();
        if !setup::is_name(&name) {
            return Err(Failure::usage(format!("\"{name}\" is no name"))
                .why("names have lower-case letters, digits, - and ."));
        }
        Ok(name)
    }

    /// The flags as words.
    fn words(&self) -> Words {
        let mut words = Words::new();
        words::push(&mut words, "name", self.name.as_ref());
        words::retention_words(&mut words, &self.keep);
        let elsewhere = (self.allow_namespaces != SAME).then_some(&self.allow_namespaces);
        words::push(&mut words, "allow-namespaces", elsewhere);
        words::switch(&mut words, "default", self.is_default);
        words
    }

    /// Writes the answers to the file that was named.
    fn save_answers(&self) -> Result<(), Failure> {
        self.questions.save(&self.words())
    }

    /// What was typed, over what the file of answers says.
    fn with_answers(self) -> Result<Self, Failure> {
        match self.questions.read()? {
            Some((file, text)) => self.merged(&text, &file),
            None => Ok(self),
        }
    }

    /// What was typed, over answers that are kept in a file.
    fn merged(&self, text: &str, file: &str) -> Result<Self, Failure> {
        let args: Self = words::answered(&self.words(), text, file)?;
        Ok(Self { write: self.write.clone(), questions: self.questions.clone(), ..args })
    }
}

/// With two defaults, which one counts is not for people to guess.
async fn warn_of_other_defaults(
    cluster: &Cluster,
    (namespace, name): (&str, &str),
    streams: &mut Streams<'_>,
) -> Result<(), Failure> {
    let policies: Vec<RetentionPolicy> = cluster.list(Some(namespace), "").await?;
    let others: Vec<String> = policies
        .iter()
        .filter(|policy| policy.spec.default && policy.name_any() != name)
        .map(kube::ResourceExt::name_any)
        .collect();
    if !others.is_empty() {
        let text = format!("namespace {namespace} has another default policy: {}", others.join(", "));
        streams.story.line(Glyph::Warning, &text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;
    use crate::wizard::words::{word, yaml};

    fn parsed(line: &str) -> Args {
        let command = Args::augment_args(clap::Command::new("x").no_binary_name(true));
        Args::from_arg_matches(&command.try_get_matches_from(line.split_whitespace()).unwrap()).unwrap()
    }

    #[test]
    fn every_flag_survives_the_way_through_words_and_through_a_file() {
        let all = "monthly --keep-last=1 --keep-hourly=2 --keep-daily=3 --keep-weekly=4 --keep-monthly=5 \
                   --keep-yearly=6 --keep-failed=7 --max-retention=1y --allow-namespaces=all --default";
        let args = parsed(all);
        let found: Vec<String> =
            args.words().iter().flat_map(|(flag, value)| word(flag, value.as_deref())).collect();
        assert_eq!(found, all.split_whitespace().collect::<Vec<_>>());
        let again = parsed("").merged(&yaml(&args.words()).unwrap(), "f").unwrap();
        assert_eq!(again.words(), args.words());
        // A flag that is added to the command must be added here as well.
        let command = Args::augment_args(clap::Command::new("x"));
        let own = command.get_arguments().filter(|argument| argument.get_help_heading() == Some("Retention"));
        for flag in own.filter_map(clap::Arg::get_long) {
            assert!(all.contains(&format!("--{flag}")), "{flag}");
        }
    }
}
